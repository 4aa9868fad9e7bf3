"""Local days in SQL: neither database knows the zone of a site, so that a query is given the stretches of its offset.

Within a span local time is UTC and an offset, whole: a day that the clock makes shorter or longer needs nothing more.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, TableValuedAlias, bindparam, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from doorward.decision.zones import BLOCK_MS, segments
from doorward.kit.timestamps import day_bounds

_EPOCH: Final = date(1970, 1, 1)
_NAMES: Final = ("site_id", "since", "until", "offset_ms")


class Span(NamedTuple):
    """At a site, within [since, until) of UTC milliseconds, local time is UTC + offset_ms."""

    site_id: int
    since: int
    until: int
    offset_ms: int


class _Rows(FunctionElement[Any]):
    """The rows of a JSON list of lists of four whole numbers."""

    inherit_cache = False
    type = BigInteger()


@compiles(_Rows, "sqlite")
def _rows_sqlite(element: _Rows, compiler: SQLCompiler, **kw: Any) -> str:
    given = compiler.process(element.clauses, **kw)
    columns = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(_NAMES))
    return f"(SELECT {columns} FROM json_each({given}))"  # noqa: S608 - constants and SQLAlchemy's own text


@compiles(_Rows, "postgresql")
def _rows_postgresql(element: _Rows, compiler: SQLCompiler, **kw: Any) -> str:
    given = compiler.process(element.clauses, **kw)
    columns = ", ".join(f"CAST(value ->> {place} AS bigint) AS {name}" for place, name in enumerate(_NAMES))
    return f"(SELECT {columns} FROM json_array_elements(CAST({given} AS json)))"  # noqa: S608 - as above


def span_table() -> TableValuedAlias:
    """A table of the spans that are bound as `spans` (bound())."""
    rows: Any = _Rows(bindparam("spans", type_=None))
    found: TableValuedAlias = rows.table_valued(*(column(name, BigInteger()) for name in _NAMES), name="span")
    return found


def bound(spans: Iterable[Span]) -> str:
    """Spans as the parameter `spans`."""
    return json.dumps(list(spans))


def spans_of(sites: Iterable[tuple[int, str]], first: date, last: date) -> list[Span]:
    """The spans of the local days from the first to the last, of sites, (id, zone), in order."""
    return [
        Span(site_id, since, until, offset)
        for site_id, zone in sites
        for since, until, offset in _stretches(zone, first, last)
    ]


@lru_cache(maxsize=1024)
def _stretches(zone: str, first: date, last: date) -> tuple[tuple[int, int, int], ...]:
    """The stretches of one offset within local days of a zone."""
    start, end = day_bounds(first, ZoneInfo(zone))[0], day_bounds(last, ZoneInfo(zone))[1]
    found: list[tuple[int, int, int]] = []
    for block in range(start // BLOCK_MS, (end - 1) // BLOCK_MS + 1):
        for segment in segments(zone, block):
            since, until = max(segment.start, start), min(segment.end, end)
            if since >= until:
                continue
            if found and found[-1][2] == segment.offset:
                since = found.pop()[0]
            found.append((since, until, segment.offset))
    return tuple(found)


def day_number(day: date) -> int:
    """How many days after 1970-01-01: local milliseconds divided by DAY_MS."""
    return (day - _EPOCH).days


def day_of_number(number: int) -> date:
    """The day of such a number."""
    return _EPOCH + timedelta(days=number)
