"""Ids for rows that are still to be added, for whoever has to know them first."""

from typing import Any

from sqlalchemy import ColumnElement, Table, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class FreshIds(ColumnElement[str]):
    """See fresh_ids()."""

    inherit_cache = False
    type = Text()

    def __init__(self, table: str, count: str) -> None:
        self.table = table
        self.count: Any = bindparam(count, type_=None)


# SQLite's one writer gives ids in a row, and notes the highest when the rows are added. The name of a table is ours.


@compiles(FreshIds, "sqlite")
def _fresh_ids_sqlite(element: FreshIds, compiler: SQLCompiler, **kw: Any) -> str:
    count = compiler.process(element.count, **kw)
    last = f"SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{element.table}'"  # noqa: S608 - see above
    numbers = f"SELECT 1 UNION ALL SELECT n + 1 FROM fresh WHERE n < {count}"  # noqa: S608 - SQLAlchemy's own text
    return f"(WITH RECURSIVE fresh(n) AS ({numbers}) SELECT json_group_array(({last}) + n) FROM fresh)"  # noqa: S608 - as above


@compiles(FreshIds, "postgresql")
def _fresh_ids_postgresql(element: FreshIds, compiler: SQLCompiler, **kw: Any) -> str:
    count = compiler.process(element.count, **kw)
    next_one = f"nextval(pg_get_serial_sequence('{element.table}', 'id'))"
    return f"(SELECT CAST(json_agg({next_one}) AS text) FROM generate_series(1, CAST({count} AS integer)))"  # noqa: S608 - as above


def fresh_ids(table: Table, count: str) -> ColumnElement[str]:
    """As many ids of the table as the parameter `count` says, a JSON list, ascending.

    For a statement that writes: on SQLite they are the transaction's own from then on, and it has to use them.
    """
    return FreshIds(table.name, count)
