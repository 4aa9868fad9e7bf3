"""How long a revocation takes to the doors: a person is disabled over HTTP, and 200 connected controllers hear of it.

`python -m benchmarks.revocation` measures it: the server as it is run, the controllers in a process of their own, each
with one channel at which the person may pass. A delay is from before the request was sent to when the controller has
confirmed that it has the change.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import msgspec
from sqlalchemy import text

from benchmarks.installation import NOW, fill
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.installation.vault import open_vault
from doorward.kit.clock import SystemClock
from tests.support.installation import Installation
from tests.support.link_crowd import Card, enrol_each

ACCOUNT: Final = 1
PERSON: Final = 1
CONTROLLERS: Final = 200
PEOPLE: Final = 10_000
ROUNDS: Final = 50
_BETWEEN_S: Final = 0.4
_WITHIN_S: Final = 60.0
_SQL: Final = (
    Query[None](
        text("INSERT INTO roles (account_id, name, name_key, created_at, updated_at) VALUES (1, 'E', 'e', 1, 1)")
    ),
    Query[None](text("INSERT INTO role_channels SELECT (SELECT max(id) FROM roles), id FROM channels")),
    Query[None](text("INSERT INTO person_roles (person_id, role_id) SELECT 1, max(id) FROM roles")),
)


class Delays(msgspec.Struct, frozen=True):
    """In milliseconds, over all controllers and rounds."""

    controllers: int
    people: int
    median_ms: float
    p99_ms: float
    worst_ms: float
    all_told_ms: float
    """Until the last controller has it, the median of the rounds."""


def measure(controllers: int = CONTROLLERS, people: int = PEOPLE, rounds: int = ROUNDS) -> Delays:
    """Disable and enable one person, again and again."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        token = fill(data_dir, people=people, channels=controllers, roles=64)
        cards = _enrol(data_dir, controllers)
        file = data_dir / "crowd"
        file.write_bytes(msgspec.msgpack.encode(cards))
        channel_ids = [card.channel_id for card in cards]
        with Installation(data_dir).serving() as server, _crowd(server.base_url, file) as told:
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=server.base_url, headers=headers, timeout=60, trust_env=False) as api:
                return _measure(api, told, channel_ids, people, rounds)


def _measure(
    api: httpx.Client, told: dict[int, list[float]], channel_ids: list[int], people: int, rounds: int
) -> Delays:
    delays: list[float] = []
    last: list[float] = []
    for number in range(rounds):
        time.sleep(_BETWEEN_S)
        before = {each: len(told[each]) for each in channel_ids}
        began = time.monotonic()
        answer = api.put(f"/api/3/people/{PERSON}", json={"enabled": number % 2 == 1})
        if answer.status_code != 201:
            raise AssertionError(answer.text)
        while not all(len(told[each]) > before[each] for each in channel_ids):
            if time.monotonic() - began > _WITHIN_S:
                raise AssertionError("some controllers did not hear of it")
            time.sleep(0.01)
        of_round = [told[each][before[each]] - began for each in channel_ids]
        delays += of_round
        last.append(max(of_round))
    delays.sort()
    return Delays(
        len(channel_ids),
        people,
        1000 * median(delays),
        1000 * delays[int(len(delays) * 0.99)],
        1000 * delays[-1],
        1000 * median(last),
    )


def _enrol(data_dir: Path, controllers: int) -> list[Card]:
    database = open_database(f"sqlite:///{data_dir / 'doorward.db'}")
    try:
        vault = open_vault(None, data_dir / "secret.key", database)

        def widen(transaction: Transaction) -> None:
            for statement in _SQL:
                transaction.run(statement)

        database.write_now(widen)
        return list(
            enrol_each(database, vault, ACCOUNT, list(range(1, controllers + 1)), max(NOW, SystemClock().now()))
        )
    finally:
        database.close()


@contextmanager
def _crowd(base_url: str, file: Path) -> Iterator[dict[int, list[float]]]:
    """The controllers; gives when each has been told of people, by its channel."""
    command = [sys.executable, "-m", "tests.support.link_crowd", base_url, str(file)]
    crowd = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told: dict[int, list[float]] = defaultdict(list)
    ready = threading.Event()

    def read() -> None:
        for line in crowd.stdout or ():
            if line.startswith("ready"):
                ready.set()
            else:
                channel_id, at = line.split()
                told[int(channel_id)].append(float(at))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if not ready.wait(_WITHIN_S):
            raise AssertionError("the controllers could not all connect")
        yield told
    finally:
        crowd.terminate()
        crowd.wait(20)
        reader.join(20)


def table(rows: list[Delays]) -> str:
    """In Markdown."""
    lines = [
        "| controllers | people | median | p99 | worst | the last has it | ",
        "| --: | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {row.controllers} | {row.people:,} | {row.median_ms:.0f} ms | {row.p99_ms:.0f} ms | {row.worst_ms:.0f} ms "
        f"| {row.all_told_ms:.0f} ms |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short")
    if parser.parse_args().quick:
        print(table([measure(20, 1_000, 5)]))
        return
    print(table([measure(CONTROLLERS, 1_000), measure(CONTROLLERS, 100_000)]))


if __name__ == "__main__":
    main()
