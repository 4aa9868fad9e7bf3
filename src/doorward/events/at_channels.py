"""The same event at many channels, with few statements whatever their number: what is urgent does not count doors."""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record_all


class _Door(NamedTuple):
    id: int
    name: str


_DOORS: Final = Query(
    select(channels.c.id, channels.c.name)
    .where(channels.c.account_id == bindparam("account_id"), one_of(channels.c.id, "channel_ids"))
    .order_by(channels.c.id),
    _Door,
)


def record_at(
    transaction: Transaction,
    account_id: int,
    code: EventCode,
    channel_ids: Collection[int],
    at: int,
    now: int,
    *,
    reasons: tuple[tuple[str, str], ...] = (),
) -> None:
    """Append the event for each of the account's channels, and let those act on them who follow."""
    if not channel_ids:
        return
    doors = transaction.all(_DOORS, account_id=account_id, channel_ids=str(sorted(channel_ids)))
    record_all(
        transaction,
        [Event(account_id, code, at, channel_id=door.id, channel_name=door.name, reasons=reasons) for door in doors],
        now,
    )
