"""Tables of pairs, such as who is in which group, seen from one of their sides."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction


def _pair(owner_id: int, other_id: int) -> tuple[int, int]:
    return owner_id, other_id


class Links:
    """What the rows of one side (`owner`) are linked to on the other, always in the order of the ids.

    `limit` leaves pairs out of sight, and so out of reach: they are neither listed nor removed.
    """

    def __init__(self, owner: Column[Any], other: Column[Any], limit: ColumnElement[bool] | None = None) -> None:
        table = owner.table
        limits = () if limit is None else (limit,)
        self._of = Query(select(other).where(owner == bindparam("owner_id"), *limits).order_by(other), number)
        self._of_many = Query(
            select(owner, other).where(one_of(owner, "owner_ids"), *limits).order_by(owner, other), _pair
        )
        # SQLite says it in the same words as PostgreSQL.
        self._add = Query[None](
            insert(table)
            .values({owner.name: bindparam("owner_id"), other.name: bindparam("other_id")})
            .on_conflict_do_nothing()
        )
        self._remove = Query[None](
            delete(table).where(owner == bindparam("owner_id"), one_of(other, "other_ids"), *limits)
        )

    def of(self, transaction: Transaction, owner_id: int) -> tuple[int, ...]:
        """The ids that one row is linked to."""
        return tuple(transaction.all(self._of, owner_id=owner_id))

    def of_many(self, transaction: Transaction, owner_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """The same for several rows; those that are linked to nothing are not in it."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for owner_id, other_id in transaction.all(self._of_many, owner_ids=str(list(owner_ids))):
            found[owner_id].append(other_id)
        return {owner_id: tuple(others) for owner_id, others in found.items()}

    def replace(self, transaction: Transaction, owner_id: int, wanted: Collection[int]) -> frozenset[int]:
        """Link the row to exactly these; gives the ids that were added or removed."""
        before, after = set(self.of(transaction, owner_id)), set(wanted)
        added, removed = sorted(after - before), sorted(before - after)
        if added:
            transaction.run_many(self._add, [{"owner_id": owner_id, "other_id": other} for other in added])
        if removed:
            transaction.run(self._remove, owner_id=owner_id, other_ids=str(removed))
        return frozenset((*added, *removed))
