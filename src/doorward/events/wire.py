"""Events on the wire."""

from msgspec import Struct

from doorward.decision.codes import EventCode
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


def event_body(event: StoredEvent) -> EventBody:
    """The event as clients see it."""
    code = EventCode(event.event_code)
    return EventBody(
        event.id,
        event.id,
        event.event_code,
        event_label(code, event.channel_name or "A door", event.person_name),
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
