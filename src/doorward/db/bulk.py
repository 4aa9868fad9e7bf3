"""Many rows added with one statement, however many they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Integer, SmallInteger, Table, bindparam, insert, text

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction

_TYPES: Final[dict[type[Any], str]] = {SmallInteger: "smallint", Integer: "integer", BigInteger: "bigint"}


class Bulk:
    """Adds rows of a table with these columns, all of which each row names.

    On PostgreSQL they travel as one JSON text and the server takes it apart: a message for each row costs several times
    as much. SQLite is in the same process, and is told of one after the other.
    """

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._each: Query[None] = Query(insert(table).values({name: bindparam(name) for name in names}))
        columns = ", ".join(names)
        typed = ", ".join(f"{name} {_TYPES.get(type(table.c[name].type), 'text')}" for name in names)
        # Every name in it is ours.
        self._all: Query[None] = Query(
            text(
                f"INSERT INTO {table.name} ({columns}) "  # noqa: S608 - see above
                f"SELECT {columns} FROM json_to_recordset(CAST(:rows AS json)) AS told ({typed})"
            )
        )

    def add(self, transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add the rows in this order. Raises Rejected where a constraint refuses one."""
        if transaction.backend == "sqlite":
            transaction.run_many(self._each, rows)
        else:
            transaction.run(self._all, rows=msgspec.json.encode(rows).decode())
