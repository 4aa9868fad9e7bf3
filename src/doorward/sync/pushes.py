"""What becomes of a push: when somebody asks for the doors to be brought up to date, each door's answer is an event.

A door that is behind and there has begun (101) until it confirms all that there was when it was asked for (102), does
not manage to within a minute (103), or is asked again before that (104). Changes that follow by themselves leave no
such events: at a busy site they would be all that there is to read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, null, or_, select, update

from doorward.changes.reports import FAILING_AFTER_MS
from doorward.changes.tables import changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.at_channels import record_at
from doorward.sync.tables import channel_reports


class Outstanding(NamedTuple):
    """A door that has been asked to confirm a version, and has not been heard of since as having done or not."""

    channel_id: int
    account_id: int
    pushed_version: int
    pushed_at: int
    version: int
    synced_at: int | None


_IS_OUTSTANDING: Final = channel_reports.c.pushed_version.is_not(None)
_OUTSTANDING: Final = (
    select(
        channel_reports.c.channel_id,
        channels.c.account_id,
        channel_reports.c.pushed_version,
        channel_reports.c.pushed_at,
        channel_reports.c.version,
        channel_reports.c.synced_at,
    )
    .join(channels, channels.c.id == channel_reports.c.channel_id)
    .where(_IS_OUTSTANDING)
)
_OF_ACCOUNT: Final = Query(
    _OUTSTANDING.where(channels.c.account_id == bindparam("account_id"))
    .order_by(channel_reports.c.channel_id)
    .with_for_update(of=channel_reports),
    Outstanding,
)
_ENDED: Final = or_(
    channel_reports.c.version >= channel_reports.c.pushed_version,
    channel_reports.c.pushed_at <= bindparam("before"),
)
_TO_SETTLE: Final = Query(
    _OUTSTANDING.where(_ENDED)
    .order_by(channel_reports.c.channel_id)
    # Several processes may look, and a door may just be reporting.
    .with_for_update(skip_locked=True, of=channel_reports),
    Outstanding,
)
_ANY: Final = Query(select(channel_reports.c.channel_id).where(_IS_OUTSTANDING).limit(1), number)
_ANY_TO_SETTLE: Final = Query(select(channel_reports.c.channel_id).where(_IS_OUTSTANDING, _ENDED).limit(1), number)
_newest = (
    select(func.coalesce(func.max(changes.c.id), 0))
    .where(changes.c.account_id == bindparam("account_id"))
    .scalar_subquery()
)
_PUSH: Final = Query[None](
    update(channel_reports)
    .where(one_of(channel_reports.c.channel_id, "ids"))
    .values(pushed_version=_newest, pushed_at=bindparam("now"))
)
_CLEAR: Final = Query[None](
    update(channel_reports)
    .where(one_of(channel_reports.c.channel_id, "ids"))
    .values(pushed_version=null(), pushed_at=null())
)


def begin(transaction: Transaction, account_id: int, online: Collection[int], now: int) -> None:
    """Ask these doors to confirm what there is now; whatever any of the account's was asked before is over."""
    before = transaction.all(_OF_ACCOUNT, account_id=account_id)
    _settle(transaction, [each for each in before if each.version >= each.pushed_version], now)
    open_still = [each.channel_id for each in before if each.version < each.pushed_version]
    _clear(transaction, open_still)
    record_at(transaction, account_id, EventCode.SYNC_SUPERSEDED, open_still, now, now)
    record_at(transaction, account_id, EventCode.SYNC_STARTED, online, now, now)
    if online:
        transaction.run(_PUSH, ids=str(sorted(online)), account_id=account_id, now=now)


def any_outstanding(transaction: Transaction) -> bool:
    """Whether somebody waits for a door."""
    return transaction.one(_ANY) is not None


def any_to_settle(transaction: Transaction, now: int) -> bool:
    """Whether a door has done what it was asked for, or does not manage to."""
    return transaction.one(_ANY_TO_SETTLE, before=now - FAILING_AFTER_MS) is not None


def settle(transaction: Transaction, now: int) -> int:
    """Record what has become of doors that were asked; gives their number."""
    found = transaction.all(_TO_SETTLE, before=now - FAILING_AFTER_MS)
    _settle(transaction, found, now)
    return len(found)


def _settle(transaction: Transaction, found: Iterable[Outstanding], now: int) -> None:
    told: defaultdict[tuple[int, EventCode, int], list[int]] = defaultdict(list)
    for each in found:
        if each.version >= each.pushed_version:
            key = (each.account_id, EventCode.SYNC_COMPLETED, each.synced_at or now)
        else:
            key = (each.account_id, EventCode.SYNC_FAILED, now)
        told[key].append(each.channel_id)
    for (account_id, code, at), channel_ids in told.items():
        record_at(transaction, account_id, code, channel_ids, at, now)
        _clear(transaction, channel_ids)


def _clear(transaction: Transaction, channel_ids: Collection[int]) -> None:
    if channel_ids:
        transaction.run(_CLEAR, ids=str(sorted(channel_ids)))
