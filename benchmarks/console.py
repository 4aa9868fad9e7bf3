"""How long the server takes for each page of the console: in the example account, and with 100,000 people in it.

Each page is asked for over one connection, in turn of the small and of the large server, signed in as the owner.
"""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

import httpx

from benchmarks.installation import add_people, vault_of
from doorward.kit import public_ids
from doorward.kit.clock import SystemClock
from tests.support.console import build_house, serving
from tests.support.console_pages import Furnished, furnish, page_paths
from tests.support.lively import live

PEOPLE: Final = 100_000
AIM_SMALL_MS: Final = 50
AIM_LARGE_MS: Final = 100


class Row(NamedTuple):
    """A page: median and 95th percentile in ms in both accounts, and its size in bytes in the large one."""

    path: str
    small: tuple[float, float]
    large: tuple[float, float]
    size: int


def table(quick: bool = False) -> str:
    """All pages in Markdown, the slowest first."""
    rows = sorted(measure(5 if quick else 30, PEOPLE // 10 if quick else PEOPLE), key=lambda row: -row.large[1])
    lines = [
        f"| page | ms, 60 people (p95) | ms, {PEOPLE:,} people (p95) | kB |",
        "| --- | --: | --: | --: |",
        *(
            f"| `{row.path}` | {row.small[0]:.1f} ({row.small[1]:.1f}) | {row.large[0]:.1f} ({row.large[1]:.1f}) "
            f"| {row.size / 1000:.0f} |"
            for row in rows
        ),
    ]
    late = [row.path for row in rows if row.small[1] > AIM_SMALL_MS or row.large[1] > AIM_LARGE_MS]
    said = f"Pages over the aim of {AIM_SMALL_MS} and {AIM_LARGE_MS} ms at p95: {', '.join(late) or 'none'}."
    return "\n".join([*lines, "", said])


def measure(rounds: int, people: int) -> list[Row]:
    """Each page in both accounts."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        small = stack.enter_context(_served(Path(folder) / "small", 0))
        large = stack.enter_context(_served(Path(folder) / "large", people))
        return [row for path in page_paths() if (row := _row(path, small, large, rounds)) is not None]


class _Account(NamedTuple):
    http: httpx.Client
    furnished: Furnished


@contextmanager
def _served(folder: Path, people: int) -> Iterator[_Account]:
    house = build_house(folder)
    live(folder, public_ids.decode("account", house.made["account_id"]) or 0, house.made)
    if people:
        _add(folder, people, len(house.made["groups"]))
    with serving(house, None) as console:
        furnished = furnish(console)
        cookies = {"doorward": console.cookies["owner"]}
        with httpx.Client(base_url=console.base_url, cookies=cookies, timeout=30, trust_env=False) as http:
            yield _Account(http, furnished)


def _add(folder: Path, people: int, groups: int) -> None:
    file = folder / "doorward.db"
    vault = vault_of(folder, f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        (last,) = connection.execute("SELECT max(id) FROM people").fetchone()
        add_people(connection, vault, people, groups, SystemClock().now(), first=last + 1)
        connection.execute("INSERT INTO search_people (search_people) VALUES ('rebuild')")
        connection.execute("UPDATE people_tallies SET people = people + ?", (people,))
        connection.commit()
        connection.execute("ANALYZE")


def _row(path: str, small: _Account, large: _Account, rounds: int) -> Row | None:
    found: list[list[float]] = [[], []]
    size = 0
    for number in range(rounds + 2):
        for times, account in zip(found, (small, large), strict=True):
            began = time.perf_counter()
            answer = account.http.get(account.furnished.address(path))
            took = (time.perf_counter() - began) * 1000
            if answer.status_code != 200:
                return None
            if number >= 2:
                times.append(took)
            size = len(answer.content)
    return Row(path, _both(found[0]), _both(found[1]), size)


def _both(times: list[float]) -> tuple[float, float]:
    return median(times), quantiles(times, n=20)[-1]


if __name__ == "__main__":
    print(table())
