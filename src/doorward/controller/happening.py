"""What happens at this controller, as it is kept and told: an event, and what the door knows after it."""

import msgspec

from doorward.controller.door import Fact
from doorward.decision.codes import EventCode
from doorward.decision.wording import reasons_of
from doorward.link.messages import Told


class Happening(msgspec.Struct, frozen=True, array_like=True):
    """An event of a channel. Its number is given when it is told, so `told.sequence` says nothing."""

    channel_id: int
    told: Told
    memory: bytes = b""
    """What the door is to know when it starts again (Door.memory), if this changed it."""
    cursor: int | None = None
    """The device's own number of what this came of; what the device tells next comes after it."""
    kept_at: int = 0
    """When it was written down, by the controller's own clock: `told.at` may be the time of a board."""

    @property
    def must_be_carried(self) -> bool:
        """Whether a start has to read it, beside telling it: it says more than that something happened."""
        return bool(self.memory) or self.cursor is not None or self.told.moved_to is not None


def kept(happening: Happening, now: int) -> Happening:
    """As it is written down at an instant of the controller's clock.

    Where somebody went is known from now on at the latest: from an instant to come on, by a board whose clock is
    ahead, nothing that any other door says would count until then.
    """
    told = happening.told
    if told.moved_to is not None and told.moved_to[1] > now:
        told = msgspec.structs.replace(told, moved_to=(told.moved_to[0], now))
    return msgspec.structs.replace(happening, told=told, kept_at=now)


def told_of(fact: Fact) -> Told:
    """A fact from a door as the server is told of it."""
    verdict, moved = fact.verdict, fact.moved_to
    return Told(
        0,
        int(fact.code),
        fact.at,
        person_id=None if verdict is None else verdict.person_id,
        person_name=None if verdict is None else verdict.person_name,
        credential=fact.credential,
        reasons=() if verdict is None else tuple(reasons_of(verdict)),
        moved_to=None if moved is None else (moved.area, moved.since),
        answers=fact.answers,
    )


def noted(channel_id: int, code: EventCode, at: int, *reasons: tuple[str, str]) -> Happening:
    """Something that concerns a channel without having happened at its door; `reasons`: codes and sentences."""
    return Happening(channel_id, Told(0, int(code), at, reasons=reasons))
