"""Events on the wire: as the contract has them, and with what is ours."""

from typing import Final

from msgspec import Struct, json

from doorward.decision.wording import event_label
from doorward.events.listing import StoredEvent
from doorward.kit.timestamps import format_instant


class EventBody(Struct, frozen=True, gc=False):
    """An event on the wire (contract, Event). `created_at` is when it happened, `updated_at` when it was recorded."""

    id: int
    event_id: int
    event_code: int
    event_label: str
    door_controller_id: int | None
    door_controller_name: str | None
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    credentials_number: str | None
    created_at: str
    updated_at: str


class EventReason(Struct, frozen=True, gc=False):
    """Why it came to it: for machines, and as a sentence."""

    code: str
    text: str


class LoggedEventBody(EventBody, frozen=True, gc=False):
    """An event with all that is on record of it.

    `replayed`: the door had no contact with the server, which was told later. `received_at` is when it was told.
    `controller_id` and `sequence` are which controller told of it and that controller's own count; null: the server
    itself saw it.
    """

    replayed: bool
    reasons: list[EventReason]
    received_at: str
    controller_id: int | None
    sequence: int | None


_REASONS: Final = json.Decoder(list[EventReason])


def event_body(event: StoredEvent) -> EventBody:
    """An event as the contract has it."""
    return EventBody(*_contract(event))


def logged_body(event: StoredEvent) -> LoggedEventBody:
    """An event with all that is on record of it."""
    return LoggedEventBody(
        *_contract(event),
        bool(event.is_replayed),
        _REASONS.decode(event.reasons),
        format_instant(event.received_at),
        event.controller_id,
        event.sequence,
    )


_Contract = tuple[
    int,
    int,
    int,
    str,
    int | None,
    str | None,
    int | None,
    str | None,
    int | None,
    str | None,
    str | None,
    str,
    str,
]


def _contract(event: StoredEvent) -> _Contract:
    """The fields of EventBody in their order."""
    return (
        event.id,
        event.id,
        event.event_code,
        event_label(event.event_code, event.channel_name or "A door", event.person_name),
        event.channel_id,
        event.channel_name,
        event.channel_id,
        event.channel_name,
        event.person_id,
        event.person_name,
        event.credential,
        format_instant(event.occurred_at),
        format_instant(event.received_at),
    )
