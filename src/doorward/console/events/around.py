"""What else happened at the door about the time of an event."""

from typing import Final

from sqlalchemy import bindparam, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent
from doorward.events.tables import events

_MINUTES_MS: Final = 10 * 60_000
_MOST: Final = 20
_AROUND: Final = Query(
    select(*(events.c[name] for name in StoredEvent._fields))
    .where(
        events.c.channel_id == bindparam("the_channel"),
        events.c.occurred_at >= bindparam("since"),
        events.c.occurred_at <= bindparam("until"),
    )
    .order_by(events.c.occurred_at.desc(), events.c.id.desc())
    .limit(_MOST),
    StoredEvent,
)


def around(transaction: Transaction, event: StoredEvent) -> list[StoredEvent]:
    """The events at its door within ten minutes before and after, newest first, itself among them."""
    if event.channel_id is None:
        return []
    at = event.occurred_at
    return transaction.all(_AROUND, the_channel=event.channel_id, since=at - _MINUTES_MS, until=at + _MINUTES_MS)
