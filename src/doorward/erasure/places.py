"""Columns that hold JSON in which somebody may be named, beside events and the audit log. A new one is added here."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, bindparam, select, update

from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.imports.tables import people_imports

_PAGE: Final = 1_000


class _Text(NamedTuple):
    id: int
    text: str


class Place:
    """A column of a table whose rows have an id and belong to an account."""

    def __init__(self, column: Column[Any]) -> None:
        table = column.table
        texts = select(table.c.id, column).where(table.c.account_id == bindparam("account_id"), column.is_not(None))
        self._page = Query(
            texts.where(table.c.id > bindparam("cursor")).order_by(table.c.id).limit(_PAGE),
            _Text,
        )
        self._some = Query(texts.where(one_of(table.c.id, "ids")), _Text)
        self._change = Query[None](
            update(table).where(table.c.id == bindparam("the_id")).values({column.name: bindparam("the_text")})
        )

    def find(self, transaction: Transaction, account_id: int, wanted: Callable[[str], bool]) -> list[int]:
        """The ids of the rows with such a text."""
        return [row.id for row in self._all(transaction, account_id) if wanted(row.text)]

    def rewrite(
        self, transaction: Transaction, account_id: int, ids: Collection[int], mended: Callable[[str], str]
    ) -> None:
        """Put other texts in the place of those of some rows."""
        if ids:
            found = transaction.all(self._some, account_id=account_id, ids=str(list(ids)))
            transaction.run_many(self._change, [{"the_id": row.id, "the_text": mended(row.text)} for row in found])

    def _all(self, transaction: Transaction, account_id: int) -> Iterator[_Text]:
        cursor = 0
        while page := transaction.all(self._page, account_id=account_id, cursor=cursor):
            yield from page
            cursor = page[-1].id


PLACES: Final = (Place(people_imports.c.errors),)
