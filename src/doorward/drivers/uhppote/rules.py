"""By what a door is to go on a board, and which of a channel's rules no board can follow at all."""

from dataclasses import MISSING, dataclass, fields
from typing import Final

from doorward.decision.snapshot import Channel, Snapshot
from doorward.drivers.uhppote.board_time import DAY_MS, MINUTE_MS
from doorward.drivers.uhppote.config import CardNumbers

_MOST_QUANTUM_MS: Final = 6 * 60 * MINUTE_MS

_KNOWN_RULES: Final = frozenset(
    (
        "id",
        "name",
        "zone",
        "accepts",
        "two_factor",
        "second_factor_ms",
        "auto_unlock",
        "passback",
        "area_from",
        "area_to",
        "staleness_ms",
        "first_person_in",
        "two_person",
        "two_person_ms",
    )
)


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What a door is to go by, and until when that is known to be right."""

    snapshot: Snapshot
    confirmed_at: int
    is_locked_down: bool = False
    """Nobody is admitted by card; the board keeps the cards, on profiles that are closed."""

    @property
    def stale_at(self) -> int | None:
        """From when on the door admits nobody by name; None: never. Never later than the rule has it.

        Counted in steps, so that the board is not written anew with each confirmation.
        """
        limit = self.snapshot.channel.staleness_ms
        if limit is None:
            return None
        return self.confirmed_at + limit - (self.confirmed_at + limit) % quantum_ms(limit)

    def is_stale(self, now: int) -> bool:
        """Whether nobody is to be admitted by name any more."""
        return self.stale_at is not None and self.stale_at <= now


def quantum_ms(staleness_ms: int) -> int:
    """In which steps the end of a plan moves on as its snapshot is confirmed."""
    return max(MINUTE_MS, min(_MOST_QUANTUM_MS, staleness_ms // 12) // MINUTE_MS * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Frame:
    """By what a plan is made: now, the offset that the board's clock is set by, and how many profiles there may be."""

    now: int
    offset: int
    profiles: int
    card_numbers: CardNumbers

    @property
    def today(self) -> int:
        """The instant of the board's last midnight."""
        return (self.now + self.offset) // DAY_MS * DAY_MS - self.offset


def whole_door_problem(channel: Channel) -> str | None:
    """Why nobody can be admitted by the board at this door, in a sentence; None if somebody can."""
    if channel.two_factor:
        return (
            "Nobody is admitted by card: this board takes the number of a card that is typed for the card itself, and "
            "has a time limit of its own, so that it cannot be trusted to ask for two factors"
        )
    if channel.two_person:
        return "Nobody is admitted by card: this board does not know of two people who may pass only together"
    if channel.passback is not None and channel.passback.mode != "soft":
        return (
            "Nobody is admitted by card: this board does not know where people are, so that it cannot refuse pass-back"
        )
    for rule in fields(channel):
        default = rule.default_factory() if rule.default_factory is not MISSING else rule.default
        if rule.name not in _KNOWN_RULES and getattr(channel, rule.name) != default:
            return f"Nobody is admitted by card: this board's driver does not know the rule {rule.name}"
    return None
