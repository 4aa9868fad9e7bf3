"""Alarms on the wire."""

from typing import Any

from msgspec import Struct

from doorward.alarms.kinds import NATURES, Kind, Severity, State
from doorward.alarms.listing import Details, Shown
from doorward.alarms.service import Note
from doorward.decision.wording import event_label
from doorward.events.listing import StoredEvent
from doorward.kit.timestamps import format_instant, format_optional


class Operator(Struct, frozen=True, gc=False):
    """Who did something, by the name of then; without an id: on the command line."""

    id: int | None
    name: str


class AlarmBody(Struct, frozen=True):
    """What is or was wrong at a door, and who saw to it.

    `count` is how many events raised it, from `first_event_id` to `last_event_id`. `over_at`: since when it is no
    longer so at the door; null while it lasts, and for duress. `replayed`: it was told later than it happened.
    """

    id: int
    kind: Kind
    severity: Severity
    state: State
    label: str
    channel_id: int
    channel_name: str | None
    site_id: int | None
    person_id: int | None
    person_name: str | None
    count: int
    first_event_id: int
    last_event_id: int
    over_event_id: int | None
    raised_at: str
    last_at: str
    over_at: str | None
    replayed: bool
    assignee: Operator | None
    acknowledged_at: str | None
    acknowledged_by: Operator | None
    closed_at: str | None
    closed_by: Operator | None
    created_at: str
    updated_at: str


class NoteBody(Struct, frozen=True):
    """What somebody wrote about an alarm; it stays as it is."""

    id: int
    by: Operator
    text: str
    created_at: str


class AlarmEvent(Struct, frozen=True, gc=False):
    """An event that raised an alarm or ended it at the door."""

    id: int
    event_code: int
    event_label: str
    person_id: int | None
    person_name: str | None
    created_at: str
    updated_at: str


class AlarmDetails(AlarmBody, frozen=True):
    """An alarm with all its notes, oldest first, and the latest of its events (at most 100), newest first."""

    notes: list[NoteBody]
    events: list[AlarmEvent]


def alarm_body(shown: Shown) -> AlarmBody:
    """An alarm as a list shows it."""
    return AlarmBody(**_fields(shown))


def details_body(details: Details) -> AlarmDetails:
    """An alarm by itself."""
    alarm = details.shown.alarm
    return AlarmDetails(
        **_fields(details.shown),
        notes=[note_body(note) for note in details.notes],
        events=[_event(event, alarm.channel_name) for event in details.events],
    )


def note_body(note: Note) -> NoteBody:
    """A note."""
    return NoteBody(note.id, Operator(note.user_id, note.user_name), note.text, format_instant(note.created_at))


def _event(event: StoredEvent, channel_name: str | None) -> AlarmEvent:
    label = event_label(event.event_code, channel_name or "A door", event.person_name)
    return AlarmEvent(
        event.id,
        event.event_code,
        label,
        event.person_id,
        event.person_name,
        format_instant(event.occurred_at),
        format_instant(event.received_at),
    )


def _fields(shown: Shown) -> dict[str, Any]:
    alarm, kind = shown.alarm, Kind(shown.alarm.kind)
    nature = NATURES[kind]
    return {
        "id": alarm.id,
        "kind": kind,
        "severity": nature.severity,
        "state": alarm.state,
        "label": event_label(nature.raised_by, alarm.channel_name or "A door", shown.person_name),
        "channel_id": alarm.channel_id,
        "channel_name": alarm.channel_name,
        "site_id": shown.site_id,
        "person_id": shown.person_id,
        "person_name": shown.person_name,
        "count": alarm.times,
        "first_event_id": alarm.first_event_id,
        "last_event_id": alarm.last_event_id,
        "over_event_id": alarm.over_event_id,
        "raised_at": format_instant(alarm.raised_at),
        "last_at": format_instant(alarm.last_at),
        "over_at": format_optional(alarm.over_at),
        "replayed": alarm.is_replayed,
        "assignee": _operator(alarm.assignee_id, shown.assignee_name),
        "acknowledged_at": format_optional(alarm.acknowledged_at),
        "acknowledged_by": _operator(alarm.acknowledged_by_id, alarm.acknowledged_by_name),
        "closed_at": format_optional(alarm.closed_at),
        "closed_by": _operator(alarm.closed_by_id, alarm.closed_by_name),
        "created_at": format_instant(alarm.created_at),
        "updated_at": format_instant(alarm.updated_at),
    }


def _operator(user_id: int | None, name: str | None) -> Operator | None:
    return None if name is None else Operator(user_id, name)
