"""An installation with millions of events: as many as 200 busy doors see in 100 days, filled in bulk, on each database.

Who comes when is made up, but as it is: few people are often at few doors, on weekdays, in the morning and at noon;
some codes are daily bread and some are rare; and some events are told days late.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.installation import fill
from doorward.db.migrate import upgrade
from doorward.schema import metadata

PEOPLE: Final = 5_000
CHANNELS: Final = 200
DAYS: Final = 100
DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

CODES: Final = {
    10: 520, 11: 30, 12: 2, 13: 80, 14: 2, 15: 5, 16: 20, 17: 20, 18: 15,
    20: 12, 21: 8, 22: 1, 24: 3, 26: 1, 27: 14, 28: 1,
    30: 60, 31: 95, 32: 95, 33: 1, 34: 4, 35: 5, 40: 2, 41: 2, 1: 1, 2: 1, 3: 1,
}  # fmt: skip
"""So many of a thousand, or nearly; beside them ten of 90, in all."""
_NOBODY: Final = frozenset((1, 2, 3, 13, 30, 31, 32, 33, 34, 35, 40, 41, 90))
_HOURS: Final = (1, 1, 1, 1, 2, 6, 25, 70, 90, 60, 45, 50, 85, 70, 50, 45, 55, 75, 50, 25, 12, 8, 4, 2)
_FIRST_NAMES: Final = 400
_LAST_NAMES: Final = 2_000
_COLUMNS: Final = (
    "account_id, position, chain, salt, event_code, channel_id, channel_name, person_id, person_name, credential, "
    "occurred_at, received_at"
)


def names(people: int) -> list[tuple[str, str]]:
    """What people are called: the most frequent first name is that of about one in sixty."""
    chance = random.Random(5)  # noqa: S311 - the same names each time
    weights = [1 / (8 + rank) for rank in range(_FIRST_NAMES)]
    firsts = chance.choices(range(_FIRST_NAMES), weights, k=people)
    return [(f"First{first:03}", f"Last{chance.randrange(_LAST_NAMES):04}") for first in firsts]


def fill_sqlite(folder: Path, count: int, now: int) -> str:
    """An installation on SQLite with so many events up to `now`; gives a token of its owner."""
    token = fill(folder, people=PEOPLE, channels=CHANNELS, roles=20)
    with closing(sqlite3.connect(folder / "doorward.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        called = names(PEOPLE)
        connection.executemany(
            "UPDATE people SET first_name = ?, last_name = ?, name_key = ? WHERE id = ?",
            [(first, last, f"{first} {last}".lower(), number) for number, (first, last) in enumerate(called, 1)],
        )
        connection.execute("UPDATE channels SET site_id = 1")
        connection.execute(
            "INSERT INTO sites (account_id, name, created_at, updated_at) VALUES (1, 'Half of the doors', 1, 1)"
        )
        connection.execute("UPDATE channels SET site_id = 2 WHERE id % 2 = 0")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany(
            f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            _events(count, called, now),
        )
        for _, made in indexes:
            connection.execute(made)
        connection.execute(
            "INSERT INTO event_chains (account_id, position, digest) VALUES (1, ?, ?)", (count, f"{count:064x}")
        )
        connection.commit()
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return token


def copy_to_postgresql(folder: Path, url: str) -> None:
    """The same installation on PostgreSQL, in an empty database."""
    upgrade(url)
    with closing(sqlite3.connect(folder / "doorward.db")) as source, psycopg.connect(url) as target:
        target.execute("SET synchronous_commit = off")
        # Rows come in the order of tables' ids, and tables refer to each other: who is to be is not there yet.
        target.execute("SET session_replication_role = replica")
        indexes = target.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'events' AND indexname <> 'pk_events'"
        ).fetchall()
        for name, _ in indexes:
            target.execute(f"DROP INDEX {name}".encode())
        for table in metadata.sorted_tables:
            columns = ", ".join(f'"{column.name}"' for column in table.c)
            rows = source.execute(f"SELECT {columns} FROM {table.name}")  # noqa: S608 - the project's own tables
            target.execute(f"DELETE FROM {table.name}".encode())  # noqa: S608 - as above
            with target.cursor().copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy:
                while chunk := rows.fetchmany(5_000):
                    copy.write("".join(map(_line, chunk)))
            if "id" in table.c and table.c["id"].autoincrement:
                target.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "  # noqa: S608 - as above
                    f"(SELECT coalesce(max(id), 0) + 1 FROM {table.name}))".encode()
                )
        for _, made in indexes:
            target.execute(made.encode())
        target.commit()
        target.autocommit = True
        target.execute("VACUUM ANALYZE")


def _line(row: tuple[Any, ...]) -> str:
    return "\t".join("\\N" if each is None else _escaped(each) for each in row) + "\n"


def _escaped(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _events(count: int, called: list[tuple[str, str]], now: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(4)  # noqa: S311 - the same events each time
    codes, code_weights = list(CODES), list(accumulate(CODES.values()))
    channels, channel_weights = range(1, CHANNELS + 1), list(accumulate(1 / (10 + rank) for rank in range(CHANNELS)))
    people, people_weights = range(1, PEOPLE + 1), list(accumulate(0.3 + chance.random() for _ in range(PEOPLE)))
    rare = set(chance.sample(range(count), 10))
    position = 0
    began = now - now % HOUR_MS - DAYS * DAY_MS
    hours = [began + hour * HOUR_MS for hour in range(DAYS * 24)]
    weights = [
        _HOURS[hour % 24] * (0.15 if (began // DAY_MS + hour // 24) % 7 in (2, 3) else 1) for hour in range(len(hours))
    ]
    shares = list(accumulate(weights))
    done = 0
    for hour, share in zip(hours, shares, strict=True):
        number = round(count * share / shares[-1]) - done
        done += number
        at = sorted(chance.random() for _ in range(number))
        for code, channel, person, when in zip(
            chance.choices(codes, cum_weights=code_weights, k=number),
            chance.choices(channels, cum_weights=channel_weights, k=number),
            chance.choices(people, cum_weights=people_weights, k=number),
            at,
            strict=True,
        ):
            the_code = 90 if position in rare else code
            position += 1
            received = hour + int(when * HOUR_MS)
            late = chance.randrange(2 * DAY_MS) if position % 200 == 0 else 0
            first, last = called[person - 1]
            who = (None, None, None) if the_code in _NOBODY else (person, f"{first} {last}", str(1_000_000 + person))
            chain = f"{position:064x}"
            where = f"Door {channel - 1:04}"
            yield (1, position, chain, chain[32:], the_code, channel, where, *who, received - late, received)
