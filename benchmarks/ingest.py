"""Events of many controllers put on record, beside plain inserts of the same rows: the same run, machine and table.

`python -m benchmarks ingest` measures it. Each of the controllers tells a batch and waits until it is on record before
it tells the next, as a session does. What is told goes the server's own way: looked up, chained, recorded. The peer
knows what is to be written beforehand: it adds the same rows to the same table, with the same indexes, through the
same database object, a transaction for each batch.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, insert, text

from doorward.accounts.service import create_account
from doorward.channels.service import create_channel
from doorward.controllers.gathering import Gathering
from doorward.controllers.told import Source
from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction, require
from doorward.events.tables import events
from doorward.events.verification import verify
from doorward.kit.clock import SystemClock
from doorward.kit.crypto import Vault
from doorward.link.messages import MOST_EVENTS, Told
from doorward.people.service import create_person
from doorward.sites.service import create_site
from tests.support.postgres import PostgresServer

CONTROLLERS: Final = 200
_KEY: Final = bytes(range(32))
_WHY: Final = (
    ("role_grants", 'The role "Staff" admits here in the shift "Office" (Mon-Fri 08:00-18:00), which is open.'),
)
_NAME: Final = "Ada Lovelace"
_CARD: Final = "10012345"


class Row(NamedTuple):
    """One measurement; events a second, medians of the rounds."""

    database: str
    batch: int
    doorward: float
    plain: float
    ratio: float
    """The median of the rounds' own ratios: the two are measured in turn."""


_CONTROLLER: Final = Query(
    text(
        "INSERT INTO controllers (account_id, name, public_key, link_key, enrolled_at) "
        "VALUES (:account_id, :name, '', '', 1) RETURNING id"
    ),
    number,
)
_COLUMNS: Final = tuple(column.name for column in events.c if column.name not in ("id", "commitment"))
_INSERT: Final = Query[None](insert(events).values({name: bindparam(name) for name in _COLUMNS}))
_CLEAR: Final = [Query[None](text(each)) for each in ("DELETE FROM events", "DELETE FROM event_chains")]
_RESET: Final = Query[None](text("UPDATE controllers SET last_sequence = 0"))


class _Site(NamedTuple):
    """What is told of."""

    account_id: int
    person_id: int
    sources: list[Source]


Send = Callable[[Source, int, int], Awaitable[object]]
"""Put a batch of a controller on record: who tells, its first number, how many."""


def measure(quick: bool) -> list[Row]:
    """Both databases, with what a controller tells of at once in quiet times and after an outage."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        return [
            _measure(url, batch, 1 if quick else 3, 0.5 if quick else 3.0)
            for url in _urls(Path(folder))
            for batch in (1, 10, MOST_EVENTS)
        ]


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = [
        "| database | events told at once | Doorward, events/s | plain inserts, events/s | ratio |",
        "| --- | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.database} | {row.batch} | {row.doorward:,.0f} | {row.plain:,.0f} | {row.ratio:.2f} |" for row in rows
    ]
    return "\n".join(lines)


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    with PostgresServer(folder) as server:
        yield server.create_database("ingest")


def _urls(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'ingest.db'}"
    with _postgresql(folder / "postgresql") as url:
        yield url
    shutil.rmtree(folder / "postgresql", ignore_errors=True)


def _measure(url: str, batch: int, rounds: int, seconds: float) -> Row:
    upgrade(url)
    database = open_database(url)
    try:
        site = _prepare(database)
        pairs = []
        for _ in range(rounds):
            ours = _round(database, site, batch, seconds, _doorward(database, site))
            verdict = database.read_now(lambda transaction: verify(transaction, site.account_id))
            if not verdict.is_sound:
                raise RuntimeError(f"what was recorded is not sound: {verdict.findings}")
            pairs.append((ours, _round(database, site, batch, seconds, _plain(database, site))))
        return Row(
            database.backend,
            batch,
            median(ours for ours, _ in pairs),
            median(plain for _, plain in pairs),
            median(ours / plain for ours, plain in pairs),
        )
    finally:
        database.close()


def _round(database: Database, site: _Site, batch: int, seconds: float, send: Send) -> float:
    """Events a second that all controllers together get on record."""
    database.write_now(lambda transaction: [transaction.run(each) for each in (*_CLEAR, _RESET)])
    return asyncio.run(_tell(site, batch, seconds, send))


async def _tell(site: _Site, batch: int, seconds: float, send: Send) -> float:
    began = time.perf_counter()

    async def controller(source: Source) -> int:
        told = 0
        while time.perf_counter() - began < seconds:
            await send(source, told + 1, batch)
            told += batch
        return told

    told = sum(await asyncio.gather(*map(controller, site.sources)))
    return told / (time.perf_counter() - began)


def _prepare(database: Database) -> _Site:
    vault, now = Vault(_KEY), SystemClock().now()

    def make(transaction: Transaction) -> _Site:
        account_id = create_account(transaction, "Bench", "UTC", now)
        site_id = create_site(transaction, account_id, {"name": "Site"}, now).id
        first, _, last = _NAME.partition(" ")
        person = {"first_name": first, "last_name": last}
        person_id = create_person(transaction, vault, account_id, person, now).id
        sources = []
        for index in range(CONTROLLERS):
            channel = create_channel(transaction, account_id, {"name": f"Door {index}", "site_id": site_id}, now)
            controller = require(transaction.one(_CONTROLLER, account_id=account_id, name=f"Box {index}"))
            sources.append(Source(account_id, controller, channel.id, channel.name))
        return _Site(account_id, person_id, sources)

    return database.write_now(make)


def _doorward(database: Database, site: _Site) -> Send:
    gathering, clock = Gathering(database, Vault(_KEY), SystemClock()), SystemClock()

    async def send(source: Source, first: int, count: int) -> object:
        at = clock.now()
        told = tuple(
            Told(sequence, 10, at, site.person_id, _NAME, _CARD, _WHY) for sequence in range(first, first + count)
        )
        return await gathering.record(source, told)

    return send


def _plain(database: Database, site: _Site) -> Send:
    reasons = "".join(("[", ",".join(f'{{"code":"{code}","text":"{sentence}"}}' for code, sentence in _WHY), "]"))
    clock, counts = SystemClock(), iter(range(1, 2**62))

    async def send(source: Source, first: int, count: int) -> object:
        at = clock.now()
        rows: list[dict[str, Any]] = [
            {
                "account_id": source.account_id,
                "position": next(counts),
                "chain": "0" * 64,
                "event_code": 10,
                "channel_id": source.channel_id,
                "channel_name": source.channel_name,
                "person_id": site.person_id,
                "person_name": _NAME,
                "credential": _CARD,
                "reasons": reasons,
                "salt": "0" * 32,
                "occurred_at": at,
                "received_at": at,
                "controller_id": source.controller_id,
                "sequence": sequence,
                "is_replayed": 0,
            }
            for sequence in range(first, first + count)
        ]
        return await database.write(lambda transaction: transaction.run_many(_INSERT, rows))

    return send
