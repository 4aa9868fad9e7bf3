"""One channel as its controller serves it: its content, its door, its hardware, and what has still to be kept of it."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
import structlog

from doorward.controller.confirmed import Confirmed
from doorward.controller.door import Door
from doorward.controller.facts import Fact
from doorward.controller.happening import Happening, told_of
from doorward.controller.hardware import Hand, Unit
from doorward.controller.memory import DoorMemory
from doorward.controller.replica import Replica, State
from doorward.controller.store import Noted
from doorward.link.messages import Told

T = TypeVar("T")

_log = structlog.get_logger("doorward.controller")

_SAVE_CONFIRMED_EVERY_MS: Final = 60_000
"""How old the kept instant of the server's last word may be; after a restart the door counts from there."""

_NO_HARDWARE: Final = "The controller has no hardware for this channel."

Keep = Callable[[list[Happening]], None]


class Served:
    """Used from one event loop. `keep`: writes down what has happened, before anything moves."""

    def __init__(
        self,
        replica: Replica,
        keep: Keep,
        memory: bytes,
        cursor: int | None,
        confirmed_at: int,
        steady: Callable[[], int],
    ) -> None:
        self.replica = replica
        self.hand = Hand(replica.id)
        self.cursor = cursor
        """The device's own number of the last event that it has told."""
        self.is_outstanding = True
        """Whether the server has said, or may say yet, something that the door does not decide by."""
        self.on_board: State | None = None
        """What is on its board, where that decides."""
        self.refused: tuple[str, ...] = ()
        """What of it its board cannot represent, a sentence each."""
        self.is_started = False
        """Whether it has been said that the channel is in service."""
        self._keep = keep
        self._facts: list[Fact] = []
        self._memory = _decoded(memory)
        self.door = Door(self.hand, self._take_note, replica.snapshot, replica.setting, self._memory, steady)
        self._confirmed = Confirmed(confirmed_at)
        self.door.confirmed_at = confirmed_at
        self.told_as_of: int | None = None
        """The instant up to which the server has sent everything with what it told last."""
        self._saved_confirmed_at = confirmed_at
        self._unsaved_memory: bytes | None = memory or None
        self._unsaved_cursor: int | None = cursor
        self._instruct()

    @property
    def id(self) -> int:
        """The channel's id."""
        return self.replica.id

    @property
    def unit(self) -> Unit | None:
        """The driver of its hardware; none: it is not driven."""
        return self.hand.unit

    @property
    def is_online(self) -> bool:
        """Whether its hardware answers."""
        unit = self.unit
        return unit is not None and unit.driver is not None and unit.health().online.get(self.id, True)

    @property
    def has_board(self) -> bool:
        """Whether its hardware decides by itself."""
        return self.unit is not None and self.unit.capabilities.decides_locally

    @property
    def is_applied(self) -> bool:
        """Whether whatever decides at the door does so by what the channel has been told last."""
        return not self.has_board or (self.on_board is not None and self.on_board.digest == self.replica.digest)

    @property
    def applied(self) -> tuple[int, bytes, tuple[str, ...]] | None:
        """What of it is on the disk and, where a board decides, on that, as Applied has it; None: nothing."""
        kept, on_board = self.replica.kept, self.replica.state if self.is_applied else self.on_board
        if kept is None or on_board is None:
            return None
        state = min(kept, on_board)
        return (state.version, state.digest, self.left_out) if state.digest else None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of it does not hold at the door, a sentence each."""
        return (_NO_HARDWARE,) if self.unit is None else self.refused

    @property
    def confirmed_at(self) -> int:
        """When the server had last nothing else to tell, by the door's clock."""
        return self._confirmed.at

    def act(self, work: Callable[[Door], T], cursor: int | None = None) -> T | None:
        """Let the door do something: what happens is kept, then what it orders is carried out.

        None if it failed: then nothing is ordered. `cursor`: the device's own number of what is handled.
        """
        result: T | None = None
        try:
            result = work(self.door)
        except Exception:  # noqa: BLE001 - a bug at one door must not stop the others; it stays locked
            _log.exception("a door failed", channel=self.id)
            self.hand.drop()
        facts, self._facts = self._facts, []
        # Of a door that is not there nothing can have happened.
        happenings = [] if self.unit is None else [Happening(self.id, _told(fact)) for fact in facts]
        memory = self.door.memory()
        encoded = b""
        if memory != self._memory:
            self._memory = memory
            self._unsaved_memory = encoded = msgspec.msgpack.encode(memory)
        if cursor is not None:
            self.cursor = self._unsaved_cursor = cursor
        if happenings:
            if encoded or cursor is not None:
                happenings[-1] = msgspec.structs.replace(happenings[-1], memory=encoded, cursor=cursor)
            self._keep(happenings)
        self.hand.flush()
        return result

    def update(self, at: int) -> None:
        """Let the door decide by the content as it is by now."""
        snapshot, setting = self.replica.snapshot, self.replica.setting
        self._instruct()
        self.act(lambda door: door.update(snapshot, setting, at))

    def _instruct(self) -> None:
        """What boards must know that the door's orders do not say."""
        setting = self.replica.setting
        self.hand.relock_at(setting.unlocked_until if setting.unlocked else None)
        self.hand.lock_down(setting.card_lockdown)

    def confirm(self, at: int, now: int) -> None:
        """The server has sent all that was changed up to an instant; what is not outstanding the door decides by."""
        if not self.is_outstanding:
            self._confirmed.confirm(at, now)
            self.door.confirmed_at = self._confirmed.at

    def go_by_it(self, now: int) -> None:
        """Nothing is outstanding: whatever decides at the door goes by what the server has said last."""
        self.is_outstanding = False
        if self.told_as_of is not None:
            self.confirm(self.told_as_of, now)

    def count(self, now: int, monotonic: int) -> None:
        """See how long ago that is by time that nobody puts back."""
        self._confirmed.count(now, monotonic)
        self.door.confirmed_at = self._confirmed.at

    def unsaved(self) -> Noted | None:
        """What is to be kept beside the events, if anything; it counts as kept from then on."""
        confirmed_at: int | None = None
        # What is not on the disk is not to be confirmed there: what it has may be what was taken from somebody.
        if (
            self.replica.unsaved is None
            and abs(self.confirmed_at - self._saved_confirmed_at) >= _SAVE_CONFIRMED_EVERY_MS
        ):
            confirmed_at = self._saved_confirmed_at = self.confirmed_at
        noted = Noted(confirmed_at, self._unsaved_memory, self._unsaved_cursor)
        self._unsaved_memory = self._unsaved_cursor = None
        return None if noted == Noted() else noted

    def save_again(self, noted: Noted) -> None:
        """It could not be kept."""
        if self._unsaved_memory is None:
            self._unsaved_memory = noted.memory
        if self._unsaved_cursor is None:
            self._unsaved_cursor = noted.cursor
        self._saved_confirmed_at = 0 if noted.confirmed_at is not None else self._saved_confirmed_at

    def last_to_save(self) -> None:
        """The controller ends: the instant of the server's last word is to be kept exactly."""
        self._saved_confirmed_at = 0

    def _take_note(self, fact: Fact) -> None:
        self._facts.append(fact)


def _told(fact: Fact) -> Told:
    try:
        return told_of(fact)
    except Exception:  # noqa: BLE001 - what has happened is kept, if not why
        _log.exception("an event cannot be worded", code=int(fact.code))
        return Told(0, int(fact.code), fact.at, answers=fact.answers)


def _decoded(memory: bytes) -> DoorMemory | None:
    if not memory:
        return None
    try:
        return msgspec.msgpack.decode(memory, type=DoorMemory)
    except msgspec.MsgspecError:
        _log.warning("what a door remembered cannot be read")
        return None
