"""Note what doors have to learn of; follow the notes.

The ids of the log are in the order of commits: on SQLite there is one writer, on PostgreSQL a lock is held from the
note to the commit. So "everything after id N" misses nothing, and a note should be a transaction's last statement.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import Table, bindparam, delete, func, insert, select

from doorward.changes.tables import changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.people.tables import people

TOPIC: Final = "changes"
"""What a transaction signals when it has noted something."""

KEPT_MS: Final = 7 * 86_400_000
"""For how long notes are kept."""


class Change(NamedTuple):
    """One note. All three empty: anything of the account may have changed."""

    id: int
    account_id: int
    person_id: int | None
    role_id: int | None
    channel_id: int | None


_ADD: Final = Query[None](
    insert(changes).values(
        {name: bindparam(name) for name in ("account_id", "at", "person_id", "role_id", "channel_id")}
    )
)


def _add_each(column: str, table: Table) -> Query[None]:
    """A note for each of some rows of a table, in the order of their ids."""
    rows = (
        select(table.c.account_id, bindparam("at", type_=changes.c.at.type), table.c.id)
        .where(table.c.account_id == bindparam("account_id"), one_of(table.c.id, "ids"))
        .order_by(table.c.id)
    )
    return Query(insert(changes).from_select(["account_id", "at", column], rows))


_ADD_CHANNELS: Final = _add_each("channel_id", channels)
_ADD_PEOPLE: Final = _add_each("person_id", people)
_AFTER: Final = Query(
    select(
        changes.c.id,
        changes.c.account_id,
        changes.c.person_id,
        changes.c.role_id,
        changes.c.channel_id,
    )
    .where(changes.c.id > bindparam("cursor"))
    .order_by(changes.c.id)
    .limit(bindparam("most")),
    Change,
)
_LAST: Final = Query(select(func.coalesce(func.max(changes.c.id), 0)), number)
_later = changes.alias("later")
_FORGET: Final = Query[None](
    delete(changes).where(
        changes.c.at < bindparam("before"),
        changes.c.id
        < select(func.max(_later.c.id)).where(_later.c.account_id == changes.c.account_id).scalar_subquery(),
    )
)


def note(
    transaction: Transaction,
    account_id: int,
    now: int,
    *,
    person_id: int | None = None,
    role_id: int | None = None,
    channel_id: int | None = None,
) -> None:
    """Note that a person, a role (with its shift and channels) or a channel has changed; without any: everything."""
    transaction.serialize(TOPIC)
    transaction.run(
        _ADD,
        account_id=account_id,
        at=now,
        person_id=person_id,
        role_id=role_id,
        channel_id=channel_id,
    )
    transaction.signal(TOPIC)


def note_each(
    transaction: Transaction,
    account_id: int,
    now: int,
    *,
    person_ids: Collection[int] = (),
    channel_ids: Collection[int] = (),
) -> None:
    """The same for many people or channels that are there, each by a note of its own; two statements at the most."""
    transaction.serialize(TOPIC)
    for query, ids in ((_ADD_PEOPLE, person_ids), (_ADD_CHANNELS, channel_ids)):
        if ids:
            transaction.run(query, account_id=account_id, at=now, ids=str(sorted(ids)))
    transaction.signal(TOPIC)


def after(transaction: Transaction, cursor: int, most: int) -> list[Change]:
    """The notes after a cursor, oldest first."""
    return transaction.all(_AFTER, cursor=cursor, most=most)


def last(transaction: Transaction) -> int:
    """The cursor that has seen everything."""
    return transaction.one(_LAST) or 0


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove notes older than a week; gives their number.

    Never the newest of an account: it is the version that the account's doors have to confirm, and of the newest of all
    the cursor.
    """
    return transaction.run(_FORGET, before=now - KEPT_MS)
