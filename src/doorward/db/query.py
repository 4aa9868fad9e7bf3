"""Statements that are compiled once for each database and give typed rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import Boolean

Backend = Literal["sqlite", "postgresql"]
T = TypeVar("T")
Params = Mapping[str, Any]

_DIALECTS: dict[Backend, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
}


class OneOf(ColumnElement[bool]):
    """`column IN (the ids bound as a list)`: one statement whatever the number of ids."""

    inherit_cache = False
    type = Boolean()
    _is_implicitly_boolean = True  # else SQLite is asked for "(…) = 1", and for that it reads the whole table

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        self.column = column
        self.ids: Any = bindparam(name, type_=None)


@compiles(OneOf, "sqlite")
def _one_of_sqlite(element: OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    return f"{column} IN (SELECT value FROM json_each({compiler.process(element.ids, **kw)}))"  # noqa: S608 - SQLAlchemy's own text


@compiles(OneOf, "postgresql")
def _one_of_postgresql(element: OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    ids = compiler.process(element.ids, **kw)
    values = f"SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST({ids} AS json))"  # noqa: S608 - as above
    return f"{column} = ANY (ARRAY({values}))"


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`column` is one of the ids in the parameter `name`, which is bound as a JSON list: "[1, 2]"."""
    return OneOf(column, name)


class OneOfWords(OneOf):
    """The same for texts."""

    inherit_cache = False


@compiles(OneOfWords, "postgresql")
def _one_of_words_postgresql(element: OneOfWords, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    words = compiler.process(element.ids, **kw)
    return f"{column} = ANY (ARRAY(SELECT json_array_elements_text(CAST({words} AS json))))"


def one_of_words(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`column` is one of the texts in the parameter `name`, which is bound as a JSON list."""
    return OneOfWords(column, name)


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text for one driver and the parameters that the statement itself carries."""

    sql: str
    constants: Params


class Query(Generic[T]):
    """A statement and what a row of its result becomes. Declared at import, compiled at first use.

    `row` is called with the row's columns in order; leave it out for statements that return nothing.
    """

    __slots__ = ("_compiled", "_row", "_statement")

    def __init__(self, statement: ClauseElement, row: Callable[..., T] | None = None) -> None:
        self._statement = statement
        self._row = row
        self._compiled: dict[Backend, Compiled] = {}

    def compiled(self, backend: Backend) -> Compiled:
        """The statement for a backend."""
        found = self._compiled.get(backend)
        if found is None:
            compiled = self._statement.compile(dialect=_DIALECTS[backend])
            constants = {name: value for name, value in compiled.params.items() if value is not None}
            found = self._compiled[backend] = Compiled(str(compiled), constants)
        return found

    def rows(self, found: Sequence[Sequence[Any]]) -> list[T]:
        """The driver's rows as what they mean."""
        row = self._row
        if row is None:
            raise TypeError("this statement was declared without a type for its rows")
        return [row(*columns) for columns in found]


def number(value: int) -> int:
    """The `row` of a statement with one column that is an integer."""
    return value


def word(value: str) -> str:
    """The `row` of a statement with one column that is text."""
    return value
