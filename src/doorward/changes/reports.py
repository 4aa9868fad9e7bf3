"""What doors report: that they are there, and up to which change of their account they decide.

The version of an account is the id of its newest note. A door that has reported that version is in step; until then it
is behind, since the first note that it has not confirmed.

When which version was confirmed is kept beside it, for a week: that shows since when a door goes by somebody's rights.
All doors that the server itself serves follow as one, and have one row for each version together.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from doorward.accounts.tables import accounts
from doorward.changes.service import KEPT_MS
from doorward.changes.tables import changes
from doorward.channels.tables import IS_LOCAL, channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.sync.tables import channel_reports, confirmations

HEARD_WITHIN_MS: Final = 45_000
"""A door that has said nothing for longer is offline (behaviour.md, "Channels")."""
NOTHING: Final = -1
"""The version of a door that is there and has confirmed nothing yet."""
FAILING_AFTER_MS: Final = 60_000
"""A door that is there, and has still not confirmed a change of so long ago, does not manage to."""

ChannelSync = Literal["ok", "fail", "syncing", "pending"]
AccountSync = Literal["complete", "failing", "syncing", "pending"]


class Standing(NamedTuple):
    """How a door stands to the database. All None: it has never reported. Instants are milliseconds UTC."""

    last_seen_at: int | None
    version: int | None
    synced_at: int | None
    """When it confirmed that version."""
    behind_since: int | None
    """When the first change was made that it has not confirmed; None: it has confirmed all that there is."""

    def is_online(self, now: int) -> bool:
        """Whether the door has been heard lately."""
        return self.last_seen_at is not None and now - self.last_seen_at <= HEARD_WITHIN_MS

    def sync(self, now: int) -> ChannelSync:
        """`ok` if the door has confirmed what the database has; else by whether that can be expected of it."""
        if self.version is not None and self.behind_since is None:
            return "ok"
        if not self.is_online(now):
            return "pending"
        return "syncing" if now - (self.behind_since or now) <= FAILING_AFTER_MS else "fail"


class AccountStanding(NamedTuple):
    """How the doors of an account stand in all."""

    status: AccountSync
    description: str | None
    """Of how many doors the status speaks, such as "2 of 5 failed"."""


_version: Final = func.coalesce(channel_reports.c.version, -1)

STANDING: Final[tuple[ColumnElement[int | None], ...]] = (
    channel_reports.c.last_seen_at,
    channel_reports.c.version,
    channel_reports.c.synced_at,
    select(changes.c.at)
    .where(changes.c.account_id == channels.c.account_id, changes.c.id > _version)
    .order_by(changes.c.id)
    .limit(1)
    .scalar_subquery(),
)
"""The columns of Standing, to select from channels joined with REPORTS."""

REPORTS: Final = channels.outerjoin(channel_reports, channel_reports.c.channel_id == channels.c.id)

_OF_ACCOUNT: Final = Query(
    select(*STANDING).select_from(REPORTS).where(channels.c.account_id == bindparam("account_id")), Standing
)

_newest: Final = (
    select(func.coalesce(func.max(changes.c.id), 0))
    .where(changes.c.account_id == channels.c.account_id, changes.c.id <= bindparam("cursor"))
    .scalar_subquery()
)


def _report(*limits: ColumnElement[bool]) -> Query[None]:
    told = select(
        channels.c.id,
        bindparam("heard_at", type_=channel_reports.c.last_seen_at.type),
        _newest,
        bindparam("heard_at", type_=channel_reports.c.synced_at.type),
    )
    add = insert(channel_reports).from_select(
        ["channel_id", "last_seen_at", "version", "synced_at"],
        # In the order in which everybody locks these rows.
        told.select_from(REPORTS).where(one_of(channels.c.id, "ids"), *limits).order_by(channels.c.id),
    )
    confirms = channel_reports.c.version < add.excluded.version
    # What is written late does not take back that a door was heard since; an instant that is still to come is of a
    # clock that has been put right, and would let the door pass for online until then.
    known = channel_reports.c.last_seen_at
    is_heard_since = and_(known > add.excluded.last_seen_at, known <= bindparam("now", type_=known.type))
    # SQLite says it in the same words as PostgreSQL.
    return Query(
        add.on_conflict_do_update(
            index_elements=["channel_id"],
            set_={
                "last_seen_at": case((is_heard_since, known), else_=add.excluded.last_seen_at),
                "version": case((confirms, add.excluded.version), else_=channel_reports.c.version),
                "synced_at": case((confirms, add.excluded.synced_at), else_=channel_reports.c.synced_at),
            },
        )
    )


_REPORT: Final = _report()
_REPORT_NEWS: Final = _report(or_(channel_reports.c.channel_id.is_(None), channel_reports.c.version < _newest))

_CONFIRMED: Final = ["account_id", "channel_id", "version", "at"]


def _confirm_together() -> Query[None]:
    """One row for all doors of an account that the server itself serves."""
    newest = (
        select(func.coalesce(func.max(changes.c.id), 0))
        .where(changes.c.account_id == accounts.c.id, changes.c.id <= bindparam("cursor"))
        .scalar_subquery()
    )
    known = (
        select(func.coalesce(func.max(confirmations.c.version), -1))
        .where(confirmations.c.account_id == accounts.c.id, confirmations.c.channel_id.is_(None))
        .scalar_subquery()
    )
    any_local = select(channels.c.id).where(
        channels.c.account_id == accounts.c.id, IS_LOCAL, one_of(channels.c.id, "ids")
    )
    told = select(accounts.c.id, null(), newest, bindparam("heard_at", type_=confirmations.c.at.type))
    return Query(insert(confirmations).from_select(_CONFIRMED, told.where(any_local.exists(), known < newest)))


def _confirm_each() -> Query[None]:
    """A row for each door that a controller serves."""
    known = (
        select(func.coalesce(func.max(confirmations.c.version), -1))
        .where(
            confirmations.c.account_id == channels.c.account_id,
            confirmations.c.channel_id == channels.c.id,
        )
        .scalar_subquery()
    )
    told = select(
        channels.c.account_id, channels.c.id, _newest, bindparam("heard_at", type_=confirmations.c.at.type)
    ).where(one_of(channels.c.id, "ids"), ~IS_LOCAL, known < _newest)
    return Query(insert(confirmations).from_select(_CONFIRMED, told))


_CONFIRM: Final = (_confirm_together(), _confirm_each())

_later: Final = confirmations.alias("later")
_FORGET: Final = Query[None](
    delete(confirmations).where(
        confirmations.c.at < bindparam("before"),
        # Never the newest: by that the door still decides.
        select(_later.c.id)
        .where(
            _later.c.account_id == confirmations.c.account_id,
            _later.c.channel_id.is_not_distinct_from(confirmations.c.channel_id),
            _later.c.version > confirmations.c.version,
        )
        .exists(),
    )
)

_BEGIN_ANEW: Final = (
    Query[None](
        update(channel_reports)
        .where(one_of(channel_reports.c.channel_id, "ids"))
        .values(version=NOTHING, synced_at=null())
    ),
    Query[None](delete(confirmations).where(one_of(confirmations.c.channel_id, "ids"))),
)

_TAKE_OVER_KEYS: Final = Query(
    channels.update()
    .where(
        one_of(channels.c.id, "ids"),
        IS_LOCAL,  # a controller says by itself when it uses another key
        channels.c.pending_encryption_key.is_not(None),
        # One that was made after what the door knows is not taken over yet.
        ~select(changes.c.id)
        .where(
            and_(changes.c.account_id == channels.c.account_id, changes.c.id > bindparam("cursor")),
            changes.c.channel_id == channels.c.id,
        )
        .exists(),
    )
    .values(encryption_key=channels.c.pending_encryption_key, pending_encryption_key=null())
    .returning(channels.c.id),
    number,
)


def report(
    transaction: Transaction,
    channel_ids: Iterable[int],
    cursor: int,
    now: int,
    *,
    heard_at: int | None = None,
    everyone: bool = True,
) -> None:
    """Let doors say that they are there and decide by all changes up to the cursor; they take over pending keys.

    `heard_at`: when they said so, if that is not now: then they were there, and may be gone by now.
    Not `everyone`: only those that have something new to confirm. Raises Rejected if one is removed at this moment.
    """
    ids, heard_at = str(sorted(channel_ids)), now if heard_at is None else heard_at
    transaction.run(_REPORT if everyone else _REPORT_NEWS, ids=ids, cursor=cursor, heard_at=heard_at, now=now)
    for confirm in _CONFIRM:
        transaction.run(confirm, ids=ids, cursor=cursor, heard_at=heard_at)
    transaction.all(_TAKE_OVER_KEYS, ids=ids, cursor=cursor)


def begin_anew(transaction: Transaction, channel_ids: Iterable[int]) -> None:
    """Let doors have confirmed nothing: another controller serves them, which knows nothing of the one before."""
    ids = str(sorted(channel_ids))
    for query in _BEGIN_ANEW:
        transaction.run(query, ids=ids)


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove confirmations older than a week, but for the newest of each; gives their number."""
    return transaction.run(_FORGET, before=now - KEPT_MS)


def of_account(transaction: Transaction, account_id: int, now: int) -> AccountStanding:
    """How the account's doors stand in all; the worst that is to be said of any is said."""
    found = [standing.sync(now) for standing in transaction.all(_OF_ACCOUNT, account_id=account_id)]
    return summary(found)


def summary(found: list[ChannelSync]) -> AccountStanding:
    """The status of all doors together, of which none at all are in step."""
    named: tuple[tuple[ChannelSync, AccountSync, str], ...] = (
        ("fail", "failing", "failed"),
        ("syncing", "syncing", "syncing"),
        ("pending", "pending", "pending"),
    )
    for each, status, word in named:
        if each in found:
            return AccountStanding(status, f"{found.count(each)} of {len(found)} {word}")
    return AccountStanding("complete", None)
