"""Record what happened: the event, and what is still to be told about it, in one transaction."""

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, insert, text

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.snapshot import Presence
from doorward.events.tables import events
from doorward.webhooks.telling import tell_of_events


@dataclass(frozen=True, slots=True)
class Event:
    """An event to record. Names are kept as they are now; `occurred_at` is by the door's clock, milliseconds UTC."""

    account_id: int
    event_code: int
    occurred_at: int
    channel_id: int | None = None
    channel_name: str | None = None
    person_id: int | None = None
    person_name: str | None = None
    credential: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    """Codes and sentences."""
    moved_to: Presence | None = None
    controller_id: int | None = None
    """Which controller told of it; None: the server itself saw it."""
    sequence: int | None = None
    """That controller's own count."""
    is_replayed: bool = False
    """It happened while the controller had no contact, and was told later."""


_ADD: Final = Query(
    insert(events)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "event_code",
                "channel_id",
                "channel_name",
                "person_id",
                "person_name",
                "credential",
                "reasons",
                "occurred_at",
                "received_at",
                "controller_id",
                "sequence",
                "is_replayed",
            )
        }
    )
    .returning(events.c.id),
    number,
)
_MOVE: Final = Query[None](
    text(
        "INSERT INTO presences (person_id, account_id, area_id, since) "
        "VALUES (:person_id, :account_id, :area_id, :since) "
        "ON CONFLICT (person_id) DO UPDATE SET area_id = excluded.area_id, since = excluded.since "
        "WHERE presences.since <= excluded.since"
    )
)


def record(transaction: Transaction, event: Event, now: int) -> int:
    """Append an event, with a delivery for each application that listens; gives its id."""
    event_id = require(
        transaction.one(
            _ADD,
            account_id=event.account_id,
            event_code=int(event.event_code),
            channel_id=event.channel_id,
            channel_name=event.channel_name,
            person_id=event.person_id,
            person_name=event.person_name,
            credential=event.credential,
            reasons=json.dumps([{"code": code, "text": sentence} for code, sentence in event.reasons]),
            occurred_at=event.occurred_at,
            received_at=now,
            controller_id=event.controller_id,
            sequence=event.sequence,
            is_replayed=int(event.is_replayed),
        )
    )
    tell_of_events(transaction, event.account_id, [event_id], now)
    if event.moved_to is not None and event.person_id is not None:
        transaction.run(
            _MOVE,
            person_id=event.person_id,
            account_id=event.account_id,
            area_id=event.moved_to.area,
            since=event.moved_to.since,
        )
    return event_id
