"""Columns in which somebody may be named, beside events and the audit log. A new one is added here.

Of each the text is looked at as JSON; what people or foreign servers have written is one string of it.
"""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, ColumnElement, bindparam, select, update

from doorward.alarms.tables import alarm_notes
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.imports.tables import people_imports
from doorward.webhooks.tables import deliveries, delivery_attempts

_PAGE: Final = 1_000


class _Text(NamedTuple):
    id: int
    text: str


class Place:
    """A column of a table whose rows have an id and belong to an account.

    `is_prose`: it is no JSON. `of_account`: how rows are known to be the account's that do not say so.
    """

    def __init__(
        self, column: Column[Any], *, is_prose: bool = False, of_account: ColumnElement[bool] | None = None
    ) -> None:
        table = column.table
        mine = table.c.account_id == bindparam("account_id") if of_account is None else of_account
        texts = select(table.c.id, column).where(mine, column.is_not(None))
        self._is_prose = is_prose
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
        return [row.id for row in self._all(transaction, account_id) if wanted(self._read(row.text))]

    def rewrite(
        self, transaction: Transaction, account_id: int, ids: Collection[int], mended: Callable[[str], str]
    ) -> None:
        """Put other texts in the place of those of some rows."""
        if ids:
            found = transaction.all(self._some, account_id=account_id, ids=str(list(ids)))
            texts = [{"the_id": row.id, "the_text": self._written(mended(self._read(row.text)))} for row in found]
            transaction.run_many(self._change, texts)

    def _read(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False) if self._is_prose else text

    def _written(self, text: str) -> str:
        return str(json.loads(text)) if self._is_prose else text

    def _all(self, transaction: Transaction, account_id: int) -> Iterator[_Text]:
        cursor = 0
        while page := transaction.all(self._page, account_id=account_id, cursor=cursor):
            yield from page
            cursor = page[-1].id


_OF_ACCOUNT: Final = delivery_attempts.c.delivery_id.in_(
    select(deliveries.c.id).where(deliveries.c.account_id == bindparam("account_id"))
)
PLACES: Final = (
    Place(people_imports.c.errors),
    Place(alarm_notes.c.text, is_prose=True),
    # A server that was told of an event may have answered with it.
    Place(delivery_attempts.c.answer, is_prose=True, of_account=_OF_ACCOUNT),
    # A mail server names the address that it takes nothing for.
    Place(delivery_attempts.c.error, is_prose=True, of_account=_OF_ACCOUNT),
    Place(deliveries.c.error, is_prose=True),
)
