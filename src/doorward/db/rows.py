"""Whole rows of a table as named tuples: read, added, changed.

Columns hold integers and text only (docs/decisions/0003). A field that is annotated `bool` is 0 or 1 in its column, a
tuple is a JSON list, and a named tuple in one is a JSON object; everything else is as it is.
"""

import json
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import Column, Table, bindparam, insert, update

from doorward.db.query import Query, number

R = TypeVar("R", bound=NamedTuple)

_NEVER_CHANGED: Final = frozenset({"id", "account_id", "created_at"})


class Rows(Generic[R]):
    """The statements on whole rows of one table.

    A field of the named tuple that the table has no column of must come after those it has, with a default.
    """

    def __init__(self, table: Table, row: type[R]) -> None:
        kinds = get_type_hints(row)
        names = [name for name in row._fields if name in table.c]
        self._row = row
        self._decoders = [
            (index, decoder) for index, name in enumerate(names) if (decoder := _decoder(kinds[name])) is not None
        ]
        self.columns: tuple[Column[Any], ...] = tuple(table.c[name] for name in names)
        """What to select for `of`."""
        self.add: Query[int] = Query(
            insert(table).values({name: bindparam(name) for name in names if name != "id"}).returning(table.c.id),
            number,
        )
        """Adds the row whose `params` are given; gives its id."""
        self.change: Query[None] = Query(
            update(table)
            .where(table.c.id == bindparam("the_id"))
            .values({name: bindparam(name) for name in names if name not in _NEVER_CHANGED})
        )
        """Changes the row `the_id` to what its `params` say."""

    def of(self, *values: Any) -> R:
        """The row that the columns' values mean."""
        found = list(values)
        for index, decoder in self._decoders:
            found[index] = decoder(found[index])
        return self._row(*found)

    def params(self, row: R) -> dict[str, Any]:
        """The row as parameters of `add` and `change`."""
        return {name: _stored(value) for name, value in row._asdict().items()}


def _decoder(kind: Any) -> Callable[[Any], Any] | None:
    """How a column's value becomes a field of this type; None: it is that already."""
    if kind is bool:
        return bool
    if get_origin(kind) is not tuple:
        return None
    entry = get_args(kind)[0]
    if hasattr(entry, "_fields"):
        return lambda stored: tuple(entry(**_frozen(each)) for each in json.loads(stored))
    return lambda stored: tuple(json.loads(stored))


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, tuple):
        return json.dumps([each._asdict() if hasattr(each, "_asdict") else each for each in value], ensure_ascii=False)
    return value
