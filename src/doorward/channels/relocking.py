"""Doors that were to lock by themselves while no server ran: the event that nobody was there to record.

Only of doors that the server itself drives. A controller locks its doors without the server, and tells of it later.
"""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, func, null, select, update

from doorward.channels.tables import IS_LOCAL, channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.events.tables import events

WAITED_MS: Final = 60_000
"""A door that is driven has said by then that it has locked."""

_LATE: Final = (("late", "No server ran at that time; the door was found locked afterwards."),)


class _Overdue(NamedTuple):
    id: int
    account_id: int
    relock_at: int
    told: int
    """How many events say so."""


_IS_OVERDUE: Final = and_(
    channels.c.mode == "unlock", channels.c.relock_at <= bindparam("before", type_=channels.c.relock_at.type), IS_LOCAL
)
_ANY: Final = Query(select(channels.c.id).where(_IS_OVERDUE).limit(1), number)
_OVERDUE: Final = Query(
    select(
        channels.c.id,
        channels.c.account_id,
        channels.c.relock_at,
        select(func.count())
        .select_from(events)
        .where(
            events.c.channel_id == channels.c.id,
            events.c.event_code == int(EventCode.RELOCKED_ON_TIME),
            events.c.occurred_at >= channels.c.relock_at,
        )
        .scalar_subquery(),
    )
    .where(_IS_OVERDUE)
    .order_by(channels.c.id)
    .with_for_update(key_share=True, skip_locked=True),
    _Overdue,
)
# What time has done is written down: nothing that the door would have to learn of.
_SETTLE: Final = Query[None](
    update(channels)
    .where(one_of(channels.c.id, "ids"))
    .values(mode="normal", relock_at=null(), mode_changed_at=channels.c.relock_at)
)


def overdue(transaction: Transaction, now: int) -> bool:
    """Whether there is a door to settle."""
    return transaction.one(_ANY, before=now - WAITED_MS) is not None


def settle(transaction: Transaction, now: int) -> int:
    """Record what is missing, at the instant at which it was due; gives the number of doors."""
    found = transaction.all(_OVERDUE, before=now - WAITED_MS)
    for each in found:
        if not each.told:
            code = EventCode.RELOCKED_ON_TIME
            record_at(transaction, each.account_id, code, [each.id], each.relock_at, now, reasons=_LATE)
    if found:
        transaction.run(_SETTLE, ids=str([each.id for each in found]))
    return len(found)
