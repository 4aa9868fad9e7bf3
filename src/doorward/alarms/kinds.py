"""The kinds of alarm: which event raises each, which says that it is over, and how grave it is."""

from enum import StrEnum
from typing import Final, Literal, NamedTuple

from doorward.decision.codes import EventCode

Severity = Literal["critical", "high", "medium", "low"]
State = Literal["open", "acknowledged", "closed"]

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CLOSED: Final = "closed"
STATES: Final = (OPEN, ACKNOWLEDGED, CLOSED)


class Kind(StrEnum):
    """What is wrong."""

    DURESS = "duress"
    FORCED = "forced"
    TAMPER = "tamper"
    CONTROLLER_LOST = "controller_lost"
    DOOR_LOST = "door_lost"
    HELD_OPEN = "held_open"


class Nature(NamedTuple):
    """What makes a kind of alarm, and what ends it at the door; duress ends by no event."""

    severity: Severity
    raised_by: EventCode
    ended_by: frozenset[EventCode]


_CLOSED: Final = frozenset({EventCode.DOOR_CLOSED, EventCode.DOOR_NORMAL})
_STARTED: Final = frozenset({EventCode.CHANNEL_STARTED})

NATURES: Final = {
    Kind.DURESS: Nature("critical", EventCode.DURESS, frozenset()),
    Kind.FORCED: Nature("high", EventCode.DOOR_FORCED, _CLOSED),
    Kind.TAMPER: Nature("high", EventCode.TAMPER_DETECTED, frozenset({EventCode.TAMPER_CLEARED})),
    # The server finds that a controller is silent; a controller, that the device at a door is.
    Kind.CONTROLLER_LOST: Nature("medium", EventCode.CONTACT_LOST, _STARTED),
    Kind.DOOR_LOST: Nature("medium", EventCode.CONTACT_LOST, _STARTED),
    Kind.HELD_OPEN: Nature("low", EventCode.DOOR_HELD_OPEN, _CLOSED),
}
"""Gravest first."""

SILENT: Final = "silent"
"""The reason by which an event of lost contact says that it is the controller that is lost."""

CODES: Final = frozenset(code for each in NATURES.values() for code in (each.raised_by, *each.ended_by))
"""The events that alarms are about."""


def raised_by(code: int, reasons: frozenset[str]) -> Kind | None:
    """The kind of alarm that an event raises, given the codes of its reasons."""
    if code == EventCode.CONTACT_LOST:
        return Kind.CONTROLLER_LOST if SILENT in reasons else Kind.DOOR_LOST
    return _RAISED.get(code)


def ended_by(code: int) -> tuple[Kind, ...]:
    """The kinds of alarm that an event ends."""
    return _ENDED.get(code, ())


_RAISED: Final = {int(nature.raised_by): kind for kind, nature in NATURES.items()}
_ENDED: Final = {
    int(code): tuple(kind for kind, nature in NATURES.items() if code in nature.ended_by)
    for code in {code for nature in NATURES.values() for code in nature.ended_by}
}
