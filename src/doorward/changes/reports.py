"""What doors report: that they are there, and up to which change of their account they decide.

The version of an account is the id of its newest note. A door that has reported that version is in step; until then it
is behind, since the first note that it has not confirmed.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, func, null, or_, select
from sqlalchemy.dialects.postgresql import insert

from doorward.changes.tables import changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.sync.tables import channel_reports

HEARD_WITHIN_MS: Final = 45_000
"""A door that has said nothing for longer is offline (behaviour.md, "Channels")."""
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
        bindparam("now", type_=channel_reports.c.last_seen_at.type),
        _newest,
        bindparam("now", type_=channel_reports.c.synced_at.type),
    )
    add = insert(channel_reports).from_select(
        ["channel_id", "last_seen_at", "version", "synced_at"],
        told.select_from(REPORTS).where(one_of(channels.c.id, "ids"), *limits),
    )
    confirms = channel_reports.c.version < add.excluded.version
    # SQLite says it in the same words as PostgreSQL.
    return Query(
        add.on_conflict_do_update(
            index_elements=["channel_id"],
            set_={
                "last_seen_at": add.excluded.last_seen_at,
                "version": case((confirms, add.excluded.version), else_=channel_reports.c.version),
                "synced_at": case((confirms, add.excluded.synced_at), else_=channel_reports.c.synced_at),
            },
        )
    )


_REPORT: Final = _report()
_REPORT_NEWS: Final = _report(or_(channel_reports.c.channel_id.is_(None), channel_reports.c.version < _newest))

_TAKE_OVER_KEYS: Final = Query(
    channels.update()
    .where(
        one_of(channels.c.id, "ids"),
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
    transaction: Transaction, channel_ids: Iterable[int], cursor: int, now: int, *, everyone: bool = True
) -> None:
    """Let doors say that they are there and decide by all changes up to the cursor; they take over pending keys.

    Not `everyone`: only those that have something new to confirm. Raises Rejected if one is removed at this moment.
    """
    ids = str(sorted(channel_ids))
    transaction.run(_REPORT if everyone else _REPORT_NEWS, ids=ids, cursor=cursor, now=now)
    transaction.all(_TAKE_OVER_KEYS, ids=ids, cursor=cursor)


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
