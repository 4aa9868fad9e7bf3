"""What a board's events mean: the table of types and reasons in uhppote-core, messages/get_event.go."""

from collections.abc import Callable, Iterator
from typing import Final

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential
from doorward.drivers.base import (
    ContactChanged,
    DeviceDecision,
    DeviceEvent,
    OutputChanged,
    PowerChanged,
    RexPressed,
)
from doorward.drivers.uhppote.link import BoardEvent

_SWIPE: Final = 1

_PUSH_BUTTON: Final = 20
_DOOR_OPEN: Final = 23
_DOOR_CLOSED: Final = 24
_PASSCODE: Final = 25
_OF_THE_BOARD: Final = frozenset((28, 29))
"""The board was switched on, or started anew."""
_BUTTON_REFUSED: Final = frozenset((31, 32, 33))
_RELEASED_FROM_AFAR: Final = frozenset((44, 45))

_WORDS: Final = {
    1: "Admitted",
    5: "Denied: a computer decides for the board",
    6: "Denied: no access here",
    7: "Denied: wrong PIN",
    8: "Denied: passed back",
    9: "Denied: more cards are wanted",
    10: "Denied: waits for the first card",
    11: "Denied: the door is set to be shut",
    12: "Denied: another door is open",
    13: "Denied: used too often",
    15: "Denied: outside of the hours, or the card's dates",
    18: "Denied",
    25: "Admitted by a passcode of the board itself",
}


def is_of_the_board(event: BoardEvent) -> bool:
    """Whether the event is of no door in particular."""
    return event.reason in _OF_THE_BOARD


def device_events(
    event: BoardEvent, channel_id: int, at: int, received_at: int, value_of: Callable[[int], str]
) -> Iterator[DeviceEvent]:
    """What an event of a door, or of the board, says about a channel. Nothing for what is worked out above the driver.

    `value_of` gives the credential's value for a card's number.
    """
    reason = event.reason
    if event.type == _SWIPE or reason == _PASSCODE:
        credential = Credential(CARD, value_of(event.card)) if event.type == _SWIPE and event.card else None
        words = _WORDS.get(reason, f"Reason {reason}")
        yield DeviceDecision(
            channel_id=channel_id,
            device_time=at,
            received_at=received_at,
            cursor=event.number,
            admitted=event.is_granted,
            credential=credential,
            reason=words,
        )
    elif reason in (_DOOR_OPEN, _DOOR_CLOSED):
        yield ContactChanged(
            channel_id=channel_id,
            device_time=at,
            received_at=received_at,
            cursor=event.number,
            is_open=reason == _DOOR_OPEN,
        )
    elif reason == _PUSH_BUTTON or reason in _BUTTON_REFUSED:
        yield RexPressed(channel_id=channel_id, device_time=at, received_at=received_at, cursor=event.number)
    elif reason in _RELEASED_FROM_AFAR:
        yield OutputChanged(
            channel_id=channel_id, device_time=at, received_at=received_at, cursor=event.number, is_released=True
        )
    elif reason in _OF_THE_BOARD:
        yield PowerChanged(
            channel_id=channel_id, device_time=at, received_at=received_at, cursor=event.number, is_powered=True
        )
