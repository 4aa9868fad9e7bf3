"""Reports over millions of events: what each costs, over the days that people ask for.

`python -m benchmarks.reports` measures on SQLite; `--database postgresql://…` on an empty database there. Each report
is read as the server reads it, in its own transaction; the median of several, in ms.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, create_engine, text

from doorward.db.connect import open_database, sqlite_path
from doorward.db.migrate import upgrade
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.pages import Page
from doorward.reports.attendance import attendance, attendance_of, attendance_on
from doorward.reports.denied import denied_at_doors, denied_people
from doorward.reports.door_activity import door_activity
from doorward.reports.scope import Scope, scope_of
from doorward.reports.unused_credentials import unused_credentials
from doorward.schema import metadata

NOW: Final = 1_772_442_000_000  # 2026-03-02T09:00:00Z
YEAR_MS: Final = 365 * 86_400_000
CHANNELS: Final = 200
PEOPLE: Final = 5_000
TODAY: Final = date(2026, 3, 2)
_INDEXES: Final = tuple(index for index in metadata.tables["events"].indexes if index.name != "uq_events_told")

# Of ten events four are admissions by card, two the door opening and closing, one a rejection.
_EVENTS: Final = """
INSERT INTO events (id, account_id, position, chain, event_code, channel_id, channel_name, person_id, person_name,
                    credential, reasons, salt, occurred_at, received_at)
WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
SELECT n, 1, n, '', CASE WHEN n % 10 < 4 THEN 10 WHEN n % 10 < 7 THEN 31 WHEN n % 10 < 9 THEN 32
                         WHEN n % 20 = 9 THEN 21 ELSE 20 END,
       (n / 10 * 7919 + n % 10 * 31) % :channels + 1, 'Door',
       CASE WHEN n % 10 < 4 OR n % 20 = 9 THEN (n / 10 * 104729 + n % 10 * 997) % :people + 1 END, NULL,
       NULL, '[]', '', :since + n * :step, :since + n * :step
FROM numbers
"""


def fill(url: str, events: int) -> None:
    """An account with doors, people with cards, and a year of events."""
    upgrade(url)
    path = sqlite_path(url)
    engine = create_engine(f"sqlite:///{path}" if path else url.replace("postgresql://", "postgresql+psycopg://"))
    stamps = {"now": NOW - 2 * YEAR_MS}

    def add(connection: Connection, statement: str, rows: Any = None) -> None:
        connection.execute(text(statement), rows if rows is not None else stamps)

    with engine.begin() as connection:
        add(
            connection,
            "INSERT INTO accounts (id, name, time_zone, created_at, updated_at) "
            "VALUES (1, 'Bench', 'Europe/London', :now, :now)",
        )
        add(
            connection,
            "INSERT INTO sites (account_id, name, created_at, updated_at) "
            "VALUES (1, 'N', :now, :now), (1, 'S', :now, :now)",
        )
        add(
            connection,
            "INSERT INTO credential_types (account_id, label, slug, kind, created_at, updated_at) "
            "VALUES (1, 'Card', 'card', 'card', :now, :now)",
        )
        add(
            connection,
            "INSERT INTO channels (account_id, site_id, name, name_key, mac_address, created_at, updated_at) "
            "VALUES (1, :site, :name, :name, :name, :now, :now)",
            [{"site": 1 + n % 2, "name": f"door {n:04}", **stamps} for n in range(CHANNELS)],
        )
        add(
            connection,
            "INSERT INTO people (account_id, first_name, last_name, name_key, created_at, updated_at) "
            "VALUES (1, :name, 'X', :name, :now, :now)",
            [{"name": f"person {n:05}", **stamps} for n in range(PEOPLE)],
        )
        add(
            connection,
            "INSERT INTO credentials "
            "(account_id, person_id, credential_type_id, value, lookup, created_at, updated_at) "
            "VALUES (1, :person, 1, :value, :value, :now, :now)",
            [{"person": n + 1, "value": str(n), **stamps} for n in range(PEOPLE)],
        )
        for index in _INDEXES:
            index.drop(connection)
        add(
            connection,
            _EVENTS,
            {
                "count": events,
                "channels": CHANNELS,
                "people": PEOPLE,
                "since": NOW - YEAR_MS,
                "step": YEAR_MS // events,
            },
        )
        for index in _INDEXES:
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if path else "VACUUM ANALYZE"))
    engine.dispose()


def measured(database: Database, rounds: int) -> Iterator[tuple[str, int, float, float]]:
    """Each report: what it is, how many rows, the median and the longest in ms."""

    def scoped(days: int) -> Callable[[Transaction], Scope]:
        return lambda tx: scope_of(tx, 1, NOW, first=TODAY - timedelta(days=days - 1), last=TODAY)

    page = Page(1, 1000)
    month, year = scoped(30), scoped(365)
    works: dict[str, Callable[[Transaction], int]] = {
        "attendance, one day": lambda tx: len(attendance_on(tx, 1, month(tx), TODAY - timedelta(days=1))),
        "attendance, 1,000 rows of a month": lambda tx: len(attendance(tx, 1, month(tx), 1000)[0]),
        "attendance of one person, a year": lambda tx: len(attendance_of(tx, 1, year(tx), 7)),
        "door activity, a month, 200 doors": lambda tx: len(door_activity(tx, 1, month(tx), page)[0]),
        "door activity, a year, 200 doors": lambda tx: len(door_activity(tx, 1, year(tx), page)[0]),
        "denied by door, a month": lambda tx: len(denied_at_doors(tx, 1, month(tx), page)[0]),
        "denied by door, a year": lambda tx: len(denied_at_doors(tx, 1, year(tx), page)[0]),
        "denied by person, a month": lambda tx: len(denied_people(tx, 1, month(tx), page)[0]),
        "denied by person, a year": lambda tx: len(denied_people(tx, 1, year(tx), page)[0]),
        "unused credentials, 90 days": lambda tx: len(unused_credentials(tx, 1, page, before=NOW - 90 * 86_400_000)[0]),
        "attendance, a sheet of a year": lambda tx: len(attendance(tx, 1, year(tx), 10**9)[0]),
    }
    for name, work in works.items():
        took, rows = [], 0
        for _ in range(1 if "sheet" in name else rounds):
            begun = time.perf_counter()
            rows = database.read_now(work)
            took.append((time.perf_counter() - begun) * 1000)
        yield name, rows, median(took), max(took)


@contextmanager
def _place(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'doorward.db'}"


def table(url: str | None = None, events: int = 5_000_000, rounds: int = 5) -> str:
    """Fill a database, an empty one or one of its own, and measure; in Markdown."""
    with _place(url) as place:
        fill(place, events)
        database = open_database(place)
        try:
            lines = [
                f"{database.backend}, {events:,} events of a year at {CHANNELS} doors, {PEOPLE:,} people.\n",
                "| report | rows | median ms | longest ms |",
                "| --- | --: | --: | --: |",
            ]
            for name, rows, middle, longest in measured(database, rounds):
                lines.append(f"| {name} | {rows:,} | {middle:,.0f} | {longest:,.0f} |")
            return "\n".join(lines)
        finally:
            database.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="an empty database; a file in a temporary directory without it")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(table(given.database, given.events, given.rounds))


if __name__ == "__main__":
    main()
