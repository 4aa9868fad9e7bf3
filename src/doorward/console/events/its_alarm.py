"""The alarm that an event has raised, or raised again."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, select

from doorward.alarms.kinds import raised_by
from doorward.alarms.tables import alarms
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent

_ALARM: Final = Query(
    select(alarms.c.id)
    .where(
        alarms.c.account_id == bindparam("account_id"),
        alarms.c.channel_id == bindparam("the_channel"),
        alarms.c.kind == bindparam("the_kind"),
        alarms.c.first_event_id <= bindparam("the_event"),
        alarms.c.last_event_id >= bindparam("the_event"),
    )
    .order_by(alarms.c.id.desc())
    .limit(1),
    number,
)


def alarm_of(transaction: Transaction, account_id: int, event: StoredEvent, reasons: Collection[str]) -> int | None:
    """Its id; `reasons` are the codes of the event's. None: it raised none, or that has been removed."""
    kind = raised_by(event.event_code, frozenset(reasons))
    if kind is None or event.channel_id is None:
        return None
    return transaction.one(
        _ALARM, account_id=account_id, the_channel=event.channel_id, the_kind=kind.value, the_event=event.id
    )
