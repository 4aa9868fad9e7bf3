"""What belongs to an account: whether ids that came from outside name anything there."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, bindparam, select

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.fields import Fields


class Owned:
    """The rows of a table that are an account's, by id; `limits` leave some of them out."""

    def __init__(self, table: Table, *limits: ColumnElement[bool]) -> None:
        self._find = Query(
            select(table.c.id)
            .where(table.c.account_id == bindparam("account_id"), one_of(table.c.id, "ids"), *limits)
            .order_by(table.c.id)
            # So that none is removed before the commit that refers to it. It stands in nobody's way who changes
            # one; SQLite has one writer and needs no lock.
            .with_for_update(read=True, key_share=True),
            number,
        )

    def missing(self, transaction: Transaction, account_id: int, ids: Sequence[int]) -> list[int]:
        """Those of the ids that the account has not, in the order given. For use within a write."""
        found = set(transaction.all(self._find, account_id=account_id, ids=str(list(ids)))) if ids else set()
        return [each for each in ids if each not in found]

    def check(
        self, transaction: Transaction, account_id: int, fields: Fields, name: str, ids: Sequence[int] | None
    ) -> None:
        """Complain about those of a list of ids that the account has not."""
        missing = self.missing(transaction, account_id, ids or ())
        if missing:
            fields.complain(name, f"Not found for this account: {', '.join(map(str, missing))}")

    def check_one(
        self, transaction: Transaction, account_id: int, fields: Fields, name: str, the_id: int | None
    ) -> None:
        """Complain about an id that the account has not; None is no id."""
        if the_id is not None and self.missing(transaction, account_id, (the_id,)):
            fields.complain(name, "Not found for this account")
