"""People at 1,000 and at 100,000, side by side through the real server; and a file of 10,000 imported.

`python -m benchmarks.people` measures this alone. Each request is sent over one connection, in turn to the small and to
the large server, so that whatever else the machine does meets both.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import msgspec

from benchmarks.installation import fill
from benchmarks.running import BenchmarkError, Peer, Ready, rss_mb, running

SMALL: Final = 1_000
LARGE: Final = 100_000
ROWS: Final = 10_000
CHANGED_LATELY: Final = 50
_FILLED_AT: Final = 1_772_442_000_000
_FIRST: Final = ("anna", "bert", "carla", "dieter", "emma", "frank", "greta", "hans", "ines", "jonas")
_LAST: Final = ("smith", "jones", "taylor", "brown", "patel", "wright", "evans", "walker", "green", "hall")
_DOMAINS: Final = ("acme.example", "contractors.example", "partner.example")


class Row(msgspec.Struct, frozen=True):
    """One request: the median of its answers in ms at both sizes, and how many people it finds."""

    what: str
    found_small: int
    found_large: int
    small_ms: float
    large_ms: float


class Imported(msgspec.Struct, frozen=True):
    """What an import took; `longest_write_ms` and `longest_read_ms` are of another client's requests meanwhile."""

    seconds: float
    rss_before_mb: float
    rss_highest_mb: float
    writes: int
    longest_write_ms: float
    longest_read_ms: float


def listing(quick: bool = False) -> list[Row]:
    """The list of people, asked for in all ways."""
    return asyncio.run(_listing(20 if quick else 200, SMALL * 10 if quick else LARGE))


def importing(quick: bool = False) -> Imported:
    """A file of people with cards, random PINs and groups, into an account that has some already."""
    return asyncio.run(_importing(ROWS // 10 if quick else ROWS))


def tables(quick: bool = False) -> str:
    """Both in Markdown."""
    large = SMALL * 10 if quick else LARGE
    lines = [
        f"| request | found at {SMALL:,} | found at {large:,} | ms at {SMALL:,} | ms at {large:,} | ratio |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for row in listing(quick):
        costs = f"{row.small_ms:.2f} | {row.large_ms:.2f} | {row.large_ms / row.small_ms:.2f}"
        lines.append(f"| {row.what} | {row.found_small:,} | {row.found_large:,} | {costs} |")
    made = importing(quick)
    rows = ROWS // 10 if quick else ROWS
    said = (
        f"A file of {rows:,} rows (names, address, card number, random PIN, groups), imported in {made.seconds:.1f} s: "
        f"the server's memory went from {made.rss_before_mb:.0f} to at most {made.rss_highest_mb:.0f} MB; of "
        f"{made.writes} changes by another client meanwhile the slowest took {made.longest_write_ms:.0f} ms, of its "
        f"reads {made.longest_read_ms:.0f} ms."
    )
    return "\n".join([*lines, "", said])


def _address(number: int) -> str:
    chance = random.Random(number)  # noqa: S311 - the same addresses each time
    return f"{chance.choice(_FIRST)}.{chance.choice(_LAST)}{number}@{chance.choice(_DOMAINS)}"


def _installation(folder: Path, people: int) -> str:
    """An installation with so many people, who have addresses; gives a token."""
    token = fill(folder, people=people, channels=10, roles=200)
    with closing(sqlite3.connect(folder / "doorward.db")) as connection:
        connection.executemany(
            "UPDATE people SET email = ?, email_key = ?, system_id = ?, updated_at = ? WHERE id = ?",
            (
                (_address(number), _address(number), f"EMP-{number}", _FILLED_AT - people + number, number)
                for number in range(1, people + 1)
            ),
        )
        connection.execute("INSERT INTO search_people (search_people) VALUES ('rebuild')")
        connection.execute("INSERT INTO people_tallies SELECT account_id, count(*) FROM people GROUP BY account_id")
        connection.execute(
            "INSERT INTO credential_types (account_id, label, slug, kind, created_at, updated_at) "
            "VALUES (1, 'PIN', 'pin', 'pin', 1, 1)"
        )
        connection.commit()
    return token


def _peer(folder: Path, token: str) -> Peer:
    server = (sys.executable, "-m", "benchmarks.peers.doorward_server", "--port", "{port}")
    return Peer("Doorward", (*server, "--data-dir", str(folder), "--serve-as-is", "--token", token))


def _client(ready: Ready) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {ready.token}"}
    return httpx.AsyncClient(base_url=ready.base_url, headers=headers, timeout=60, trust_env=False)


def _requests(people: int) -> list[tuple[str, dict[str, Any]]]:
    somebody = people // 2
    return [
        ("page 1 of 100", {"page": 1}),
        ("the middle page", {"page": max(people // 200, 1)}),
        (f"the last page ({people // 100:,})", {"page": people // 100}),
        ("a part of an address, one has it", {"email": f"{somebody}@"}),
        ("a whole address", {"email": _address(somebody)}),
        ("a system id", {"system_id": f"EMP-{somebody}"}),
        (f"since: the latest {CHANGED_LATELY}", {"since_utc": _instant(_FILLED_AT - CHANGED_LATELY + 1)}),
        ("a domain that a third has", {"email": "@acme.example"}),
    ]


def _instant(at: int) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000))
    return f"{moment}.{at % 1000:03}Z"


async def _listing(rounds: int, large: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        async with AsyncExitStack() as stack:
            clients = []
            for people in (SMALL, large):
                folder = Path(directory) / str(people)
                ready, _ = await stack.enter_async_context(running(_peer(folder, _installation(folder, people))))
                clients.append(await stack.enter_async_context(_client(ready)))
            asked = zip(_requests(SMALL), _requests(large), strict=True)
            return [await _compared(clients, small, large, rounds) for small, large in asked]


async def _compared(
    clients: Sequence[httpx.AsyncClient],
    small: tuple[str, dict[str, Any]],
    large: tuple[str, dict[str, Any]],
    rounds: int,
) -> Row:
    took: tuple[list[float], list[float]] = ([], [])
    found = [0, 0]
    for _ in range(rounds):
        for place, (client, (_, query)) in enumerate(zip(clients, (small, large), strict=True)):
            began = time.perf_counter()
            answer = await client.get("/api/3/people", params={**query, "per_page": 100})
            took[place].append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200 or not answer.json():
                raise BenchmarkError(f"people were answered with {answer.status_code}: {answer.text[:200]}")
            found[place] = int(answer.headers["total"])
    return Row(large[0], found[0], found[1], median(took[0]), median(took[1]))


async def _importing(rows: int) -> Imported:
    lines = ["first_name,last_name,email,card_number,pin,groups"]
    lines += [
        f"Person,No. {number},{_address(SMALL + number)},{9_000_000 + number},******,Group {number % 200:04}"
        for number in range(1, rows - 99)
    ]
    # Some who are there already, to be changed.
    lines += [f",Changed,{_address(number)},,,Group 0001;Group 0002" for number in range(1, 101)]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        folder = Path(directory) / "data"
        async with running(_peer(folder, _installation(folder, SMALL))) as (ready, session), _client(ready) as client:
            before = rss_mb(session)
            began = time.perf_counter()
            answer = await client.post(
                "/api/3/people/import", content="\n".join(lines), headers={"Content-Type": "text/csv"}
            )
            if answer.status_code != 202:
                raise BenchmarkError(f"the import was answered with {answer.status_code}: {answer.text[:200]}")
            where = f"/api/3/people/imports/{answer.json()['id']}"
            highest, writes, reads = before, [0.0], [0.0]
            while (now := await _timed(client, "GET", where, reads))["finished_at"] is None:
                body = {"notes": str(len(writes))}
                await _timed(client, "PUT", f"/api/3/people/{SMALL - 1 - len(writes) % 500}", writes, body)
                highest = max(highest, rss_mb(session))
            seconds = time.perf_counter() - began
            if (now["state"], now["created"], now["updated"]) != ("done", rows - 100, 100):
                raise BenchmarkError(f"the import ended as {now}")
            return Imported(seconds, before, highest, len(writes) - 1, max(writes), max(reads))


async def _timed(
    client: httpx.AsyncClient, method: str, path: str, took: list[float], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    began = time.perf_counter()
    answer = await client.request(method, path, json=body)
    took.append(1000 * (time.perf_counter() - began))
    if answer.status_code >= 300:
        raise BenchmarkError(f"{path} was answered with {answer.status_code}: {answer.text[:200]}")
    found: dict[str, Any] = answer.json()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it works")
    print(tables(parser.parse_args().quick))


if __name__ == "__main__":
    main()
