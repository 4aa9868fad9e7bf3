"""Shifts that are open once: a reservation's."""

from typing import Final

from sqlalchemy import bindparam, delete, insert

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.text import sort_key
from doorward.shifts.tables import shifts

_ADD: Final = Query(
    insert(shifts)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "name",
                "name_key",
                "starts_at",
                "ends_at",
                "created_at",
                "updated_at",
            )
        }
    )
    .returning(shifts.c.id),
    number,
)
_REMOVE: Final = Query[None](delete(shifts).where(one_of(shifts.c.id, "ids")))


def create_stretch(
    transaction: Transaction,
    account_id: int,
    name: str,
    starts_at: int,
    ends_at: int,
    now: int,
) -> int:
    """A shift for exactly [starts_at, ends_at), milliseconds UTC; gives its id."""
    return require(
        transaction.one(
            _ADD,
            account_id=account_id,
            name=name,
            name_key=sort_key(name),
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=now,
            updated_at=now,
        )
    )


def remove_stretches(transaction: Transaction, shift_ids: list[int]) -> None:
    """Remove shifts that no role holds any more."""
    transaction.run(_REMOVE, ids=str(shift_ids))
