"""`GET /api/3/events` over five million events, each documented filter, `Total` included, on SQLite and PostgreSQL.

`python -m benchmarks.event_list` measures this alone. One request at a time over one connection, from the whole server;
each request asks for something else (another person, another channel, another instant, another page) where it can.
"""

import argparse
import asyncio
import http.client
import json
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
import psycopg

from benchmarks.five_million import CHANNELS, PEOPLE, copy_to_postgresql, fill_sqlite, names
from benchmarks.load import percentile
from benchmarks.running import BenchmarkError, Peer, cpu_seconds, running
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Database, Transaction
from doorward.events.filters import codes_of, wanted_of
from doorward.events.listing import list_events
from doorward.events.tallies import MOST_AT_ONCE, tally, waiting
from doorward.oauth.tokens import authenticate, create_token
from doorward.wire.queries import short_page_of
from tests.support.postgres import PostgresServer

EVENTS: Final = 5_000_000
AIM_MS: Final = 50.0
_DAY_MS: Final = 86_400_000
_TALLIED: Final = 50
"""So many transactions that tally are measured."""


class Draw(NamedTuple):
    """The number of a request, and how many events the first request for the same found."""

    number: int
    total: int


Asked = Mapping[str, str | Callable[[Draw], str]]


class Filter(msgspec.Struct, frozen=True):
    """What is asked for."""

    what: str
    asked: Asked
    limited: bool = False
    """By a user who is limited to one of two sites."""

    def query(self, draw: Draw) -> dict[str, str]:
        """The parameters of one request."""
        return {name: value if isinstance(value, str) else value(draw) for name, value in self.asked.items()}


class Row(msgspec.Struct, frozen=True):
    """One filter on one database."""

    what: str
    found: int
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Of the server and of PostgreSQL for one request: what it costs when nobody else uses the machine."""
    plan: tuple[str, ...]


def filters(now: int) -> list[Filter]:
    """All that the operation documents, alone and together."""
    called = names(PEOPLE)
    frequent = sorted({first for first, _ in called}, key=[first for first, _ in called].count)[::-1]

    def channels(number: int, count: int) -> str:
        return ",".join(str((number * 37 + step * 7) % CHANNELS + 1) for step in range(count))

    def since(number: int, days: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now - days * _DAY_MS) / 1000 - number * 977))

    def person(number: int) -> tuple[str, str]:
        return called[number * 131 % PEOPLE]

    def any_page(draw: Draw) -> str:
        return str(draw.number * 7919 % max(draw.total // 50, 1) + 1)

    def a_person(draw: Draw) -> str:
        return str(draw.number * 131 % PEOPLE + 1)

    def often(draw: Draw) -> str:
        return frequent[draw.number % 5]

    ten: Asked = {"channels": lambda draw: channels(draw.number, 10)}
    some_instant: Asked = {"since": lambda draw: since(draw.number, draw.number * 1.7 % 100)}
    return [
        Filter("nothing: access events of 90 days", {}),
        Filter("event_codes=10 (most of all)", {"event_codes": "10"}),
        Filter("event_codes=33,34,35,20", {"event_codes": "33,34,35,20"}),
        Filter("event_codes=90 (ten of all)", {"event_codes": "90"}),
        Filter("level=debug", {"level": "debug"}),
        Filter("channels: one", {"channels": lambda draw: channels(draw.number, 1)}),
        Filter("channels: ten", ten),
        Filter("channels: all 200", {"channels": ",".join(map(str, range(1, CHANNELS + 1)))}),
        Filter(
            "channels: 100, and rare codes",
            {"channels": ",".join(map(str, range(1, CHANNELS, 2))), "event_codes": "33,90"},
        ),
        Filter("person_id", {"person_id": a_person}),
        Filter("first_name: the five most frequent", {"first_name": often}),
        Filter("first_name, page 20", {"first_name": often, "page": "20"}),
        Filter("last_name", {"last_name": lambda draw: person(draw.number)[1]}),
        Filter(
            "first_name and last_name",
            {
                "first_name": lambda draw: person(draw.number)[0],
                "last_name": lambda draw: person(draw.number)[1],
            },
        ),
        Filter("person_id, channels and event_codes", {**ten, "person_id": a_person, "event_codes": "10,20"}),
        Filter("first_name and channels", {**ten, "first_name": often}),
        Filter("since: an hour ago", {"since": lambda draw: since(draw.number, 1 / 24)}),
        Filter("since: some day of the last week", {"since": lambda draw: since(draw.number, 1 + draw.number % 6)}),
        Filter("since: some instant of all time", some_instant),
        Filter("sort=ASC", {"sort": "ASC"}),
        Filter("n=1000", {"n": "1000"}),
        Filter("page 2 and following", {"page": lambda draw: str(draw.number + 2)}),
        Filter("any page up to the last", {"page": any_page}),
        Filter("any page of 20 channels", {"channels": channels(0, 20), "page": any_page}),
        Filter(
            "channels, event_codes, since, sort, page",
            {**ten, "event_codes": "10,20,21,27", "since": since(0, 30), "sort": "ASC", "page": "3"},
        ),
        Filter("limited to a site: nothing", {}, limited=True),
        Filter("limited to a site: event_codes", {"event_codes": "33,34,20"}, limited=True),
        Filter("limited to a site: since", some_instant, limited=True),
        Filter("limited to a site: any page", {"page": any_page}, limited=True),
        Filter("limited to a site: person_id", {"person_id": a_person}, limited=True),
    ]


def tables(
    count: int = EVENTS,
    rounds: int = 40,
    kinds: Sequence[str] = ("sqlite", "postgresql"),
    kept: Path | None = None,
) -> str:
    """Both databases, in Markdown, with the plans. What is filled may be kept in a folder, for another run."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        folder = kept or Path(directory) / "data"
        filled, lines = _filled(folder, count)
        url = f"sqlite:///{folder / 'doorward.db'}"
        lines.append(_tally(url))
        if "sqlite" in kinds:
            lines += _lines("SQLite", _measured(folder, url, filled, rounds))
        if "postgresql" in kinds:
            with PostgresServer(Path(directory) / "postgresql") as server:
                began = time.perf_counter()
                url = server.create_database("bench")
                copy_to_postgresql(folder, url)
                _say(f"copied to PostgreSQL in {time.perf_counter() - began:.0f} s")
                lines += _lines("PostgreSQL", _measured(folder, url, filled, rounds, _postmaster(url)))
    return "\n".join(lines)


class Filled(msgspec.Struct, frozen=True):
    """An installation with events up to an instant, and tokens of its owner and of a user limited to a site."""

    now: int
    token: str
    limited: str


def _filled(folder: Path, count: int) -> tuple[Filled, list[str]]:
    note = folder / "filled.json"
    if note.exists():
        return msgspec.json.decode(note.read_bytes(), type=Filled), []
    now, began = int(time.time() * 1000), time.perf_counter()
    token = fill_sqlite(folder, count, now)
    filled = Filled(now, token, _limited_token(folder, now))
    note.write_bytes(msgspec.json.encode(filled))
    _say(f"{count:,} events filled in {time.perf_counter() - began:.0f} s")
    return filled, [f"{count:,} events of 100 days at {CHANNELS} channels by {PEOPLE:,} people."]


def _say(what: str) -> None:
    print(f"event list: {what}", file=sys.stderr, flush=True)


def _lines(kind: str, rows: list[Row]) -> list[str]:
    lines = [f"\n### {kind}\n", "| asked for | found | p50 ms | p95 ms | CPU ms |", "| --- " + 4 * "| --: " + "|"]
    lines += [
        f"| {row.what} | {row.found:,} | {row.p50_ms:.1f} | {row.p95_ms:.1f} | {row.cpu_ms:.1f} |" for row in rows
    ]
    over = [row.what for row in rows if row.p95_ms > AIM_MS]
    lines += [
        "",
        f"Over {AIM_MS:.0f} ms at p95: {', '.join(over) or 'none'}.",
        "",
        "Plans of the statements on events:",
        "```text",
    ]
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        alike.setdefault(row.plan, []).append(row.what)
    for plan, asked in alike.items():
        lines += [*asked, *(f"    {step}" for step in plan)]
    return [*lines, "```"]


def _limited_token(folder: Path, now: int) -> str:
    database = open_database(f"sqlite:///{folder / 'doorward.db'}")
    try:
        with closing(sqlite3.connect(folder / "doorward.db")) as connection:
            connection.execute(
                "INSERT INTO users (id, account_id, email, email_key, first_name, last_name, role, site_limited, "
                "created_at, updated_at) "
                "VALUES (99, 1, 'l@bench.example', 'l@bench.example', 'L', 'B', 'viewer', 1, 1, 1)"
            )
            connection.execute("INSERT INTO user_sites (user_id, site_id) VALUES (99, 2)")
            connection.commit()

        def make(transaction: Transaction) -> str:
            return create_token(
                transaction,
                account_id=1,
                application_id=1,
                user_id=99,
                scopes="account.event.access.readonly",
                now=now,
                seconds=86_400,
            )

        return database.write_now(make)
    finally:
        database.close()


def _tally(url: str) -> str:
    """Take all events into the tallies; how long it takes as the server does it is measured with the first of them."""
    database = open_database(url)
    took: list[float] = []
    count = 0
    try:
        while database.read_now(waiting):
            most = MOST_AT_ONCE if len(took) < _TALLIED else 50 * MOST_AT_ONCE
            began = time.perf_counter()
            done = database.write_now(partial(tally, account_id=1, most=most))
            if len(took) < _TALLIED:
                took.append(1000 * (time.perf_counter() - began))
                count += done
    finally:
        database.close()
    if not took:
        return "Tallied before."
    each = 1000 * sum(took) / count
    return f"To tally {count:,} events, {MOST_AT_ONCE:,} in a transaction, took {each:.0f} µs an event."


def _measured(folder: Path, url: str, filled: Filled, rounds: int, parent: int | None = None) -> list[Row]:
    return asyncio.run(_through_the_server(folder, url, filled, rounds, parent))


async def _through_the_server(folder: Path, url: str, filled: Filled, rounds: int, parent: int | None) -> list[Row]:
    server = (sys.executable, "-m", "benchmarks.peers.doorward_server", "--port", "{port}", "--data-dir", str(folder))
    peer = Peer("Doorward", (*server, "--serve-as-is", "--token", filled.token, "--database", url))
    rows = []
    async with running(peer) as (ready, session):
        for each in filters(filled.now):
            token = filled.limited if each.limited else filled.token
            before = cpu_seconds(session, parent)
            row = await asyncio.to_thread(_asked, ready.base_url, each, token, rounds)
            cpu_ms = 1000 * (cpu_seconds(session, parent) - before) / (rounds + 2)
            plan = _plan(url, each, token, filled.now, row.found)
            rows.append(msgspec.structs.replace(row, cpu_ms=cpu_ms, plan=plan))
            _say(f"{row.what}: {row.found:,}, p50 {row.p50_ms:.1f}, p95 {row.p95_ms:.1f} ms, CPU {cpu_ms:.1f}")
    return rows


def _postmaster(url: str) -> int:
    """The process whose children serve a database of PostgreSQL on this machine."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    if found is None:
        raise BenchmarkError("the server does not say where it is")
    return int(Path(found[0], "postmaster.pid").read_text().split()[0])


def _asked(base_url: str, each: Filter, token: str, rounds: int) -> Row:
    headers = {"Authorization": f"Bearer {token}"}
    took, total = [], 0
    with closing(http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=120)) as connection:
        for number in range(rounds + 2):
            began = time.perf_counter()
            connection.request(
                "GET", f"/api/3/events?{urlencode(each.query(Draw(max(number - 2, 0), total)))}", headers=headers
            )
            answer = connection.getresponse()
            body = answer.read()
            took.append(1000 * (time.perf_counter() - began))
            if answer.status != 200:
                raise BenchmarkError(f"{each.what} was answered with {answer.status}: {body[:200]!r}")
            total = int(answer.headers["Total"])
            json.loads(body)
    ordered = sorted(took[2:])  # the first two are before what is asked for is in memory, and to learn the total
    return Row(each.what, total, percentile(ordered, 0.5), percentile(ordered, 0.95), 0.0, ())


class _Explaining:
    """A transaction that notes the plan of each statement on events, once."""

    def __init__(self, within: Transaction, connection: Any) -> None:
        self._within = within
        self._connection = connection
        self.backend = within.backend
        self.plans: dict[str, str] = {}

    def all(self, query: Query[Any], **params: Any) -> list[Any]:
        self._note(query, params)
        return self._within.all(query, **params)

    def one(self, query: Query[Any], **params: Any) -> Any:
        self._note(query, params)
        return self._within.one(query, **params)

    def _note(self, query: Query[Any], params: dict[str, Any]) -> None:
        compiled = query.compiled(self.backend)
        tables = re.findall(r"FROM (event\w*)", compiled.sql)
        if not tables or compiled.sql in self.plans:
            return
        explain = "EXPLAIN QUERY PLAN" if self.backend == "sqlite" else "EXPLAIN"
        steps = self._connection.execute(f"{explain} {compiled.sql}", {**compiled.constants, **params}).fetchall()
        texts = [str(step[-1]) for step in steps]
        shown = [text for text in texts if re.search(r"\b(ix|uq|pk)_event|USING|Scan", text)]
        self.plans[compiled.sql] = "; ".join(
            " ".join(text.split("(cost")[0].split()) for text in shown if "json" not in text
        )


def _plan(url: str, each: Filter, token: str, now: int, total: int) -> tuple[str, ...]:
    """The plans of what the filter's request runs."""
    database: Database = open_database(url)
    query = each.query(Draw(3, total))
    try:
        with closing(_connect(url)) as connection:

            def read(transaction: Transaction) -> tuple[str, ...]:
                spy = _Explaining(transaction, connection)
                principal = authenticate(transaction, token, now)
                wanted = wanted_of(query, principal.zone, codes_of(query), since=now - 90 * _DAY_MS)
                page = short_page_of(query, default=50, largest=1000)
                list_events(spy, principal.account_id, wanted, page, by=principal)  # type: ignore[arg-type]  # all that reads needs
                return tuple(dict.fromkeys(spy.plans.values()))

            return database.read_now(read)
    finally:
        database.close()


def _connect(url: str) -> Any:
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite:///"))
    return psycopg.connect(url)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--kept", type=Path, help="a folder to keep what is filled in, or to find it in")
    options = parser.parse_args()
    print(tables(options.events, options.rounds, options.databases.split(","), options.kept))


if __name__ == "__main__":
    main()
