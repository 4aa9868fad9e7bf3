"""What a busy door is told: everything at 100,000 people, and one person's change, which costs the same at any number.

`python -m benchmarks.link` measures it: each size in a process of its own, with the product's own parts from the
database to the sealed frame. "held" is how much of a processor's time the event loop had to give at once, at most.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from sqlalchemy import text

from benchmarks.installation import NOW, fill
from doorward.controllers.channel_keys import Opening, StoredKeys
from doorward.controllers.channel_link import ChannelLink
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.installation.vault import open_vault
from doorward.kit.clock import FixedClock
from doorward.link import messages
from doorward.link.frames import Session
from doorward.link.messages import Taken, Update
from doorward.people.service import update_person
from doorward.sync.live import LiveSnapshots
from doorward.sync.projection import AccountProjection

SIZES: Final = (1_000, 10_000, 100_000)
ACCOUNT: Final = 1
DOOR: Final = 1
CHANGES: Final = 200
_SLICE_S: Final = 0.002
_SERVED: Final = Query[None](text("UPDATE channels SET controller_id = 1 WHERE id = 1"))


class Row(msgspec.Struct):
    """What it took at one size."""

    people: int
    read_s: float
    """From the database to snapshots, as every start of the server does."""
    count_s: float
    held_ms: float
    mb_before: float
    """Resident, with the snapshots."""
    mb_after: float
    """And with what the door is to be told."""
    full_bytes: int
    full_parts: int
    full_s: float
    """To encode and seal all of it."""
    full_held_ms: float
    change_bytes: int
    change_us: float
    """From the person's snapshot to the sealed frame, the median."""
    change_worst_us: float


def rss_mb() -> float:
    """What this process has resident."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(people: int) -> Row:
    """One size, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), people=people, channels=8, roles=64)
        return asyncio.run(_measure(Path(folder), people))


async def _measure(folder: Path, people: int) -> Row:
    database = open_database(f"sqlite:///{folder / 'doorward.db'}")
    vault, clock = open_vault(None, folder / "secret.key", database), FixedClock(NOW)
    await database.write(lambda transaction: transaction.run(_SERVED))
    live = LiveSnapshots(database, vault, clock)
    began = time.perf_counter()
    await live.refresh()
    read_s = time.perf_counter() - began
    account = live.account(ACCOUNT)
    if account is None:
        raise AssertionError("there is no account")
    gc.collect()
    gc.freeze()  # as the server does when it has started
    before = rss_mb()
    link = ChannelLink(StoredKeys(DOOR, ACCOUNT, "Door", 1, None, None), Opening(b"", b"", False), None, is_anew=False)
    projection = AccountProjection(lambda: account.directory, live.channel, lambda _, ids: link.note(ids))
    projection.add_channel(DOOR)
    count_s, held = _work(projection)
    gc.collect()
    after = rss_mb()
    crypto = Session(bytes(32), bytes(32), "to controller")
    crypto.use_key(DOOR, b"")
    full_s, full_held, sizes = _send(link, projection, crypto)
    live.when_changed(lambda changed: projection.note(changed.people or ()))
    changes, frames = [], []
    for number in range(CHANGES):
        person_id = 1 + number * 7919 % people

        def change(transaction: Transaction, person_id: int = person_id) -> None:
            update_person(transaction, vault, ACCOUNT, person_id, {"first_name": f"N{time.monotonic_ns()}"}, NOW)

        await database.write(change)
        await live.advance()
        began = time.perf_counter()
        projection.work(began + 1)
        _, _, frame = _send(link, projection, crypto)
        changes.append(1e6 * (time.perf_counter() - began))
        frames += frame
    await live.close()
    database.close()
    return Row(
        people,
        read_s,
        count_s,
        1000 * held,
        before,
        after,
        sum(sizes),
        len(sizes),
        full_s,
        1000 * full_held,
        max(frames),
        median(changes),
        max(changes),
    )


def _work(projection: AccountProjection) -> tuple[float, float]:
    """As the server does it: in slices. Gives how long it took, and how long the longest was."""
    began, held = time.perf_counter(), 0.0
    while projection.has_work:
        turn = time.thread_time()
        projection.work(time.perf_counter() + _SLICE_S)
        held = max(held, time.thread_time() - turn)
    return time.perf_counter() - began, held


def _send(link: ChannelLink, projection: AccountProjection, crypto: Session) -> tuple[float, float, list[int]]:
    """Send what there is, and have it confirmed; gives the seconds, the longest turn, and the sizes of the frames."""
    began, turn = time.perf_counter(), time.thread_time()
    held, sizes, version = 0.0, [], link.version + 1
    for message in _noting(link.messages(projection, version, began, NOW)):
        if message is not None:
            sizes.append(len(crypto.seal(DOOR, messages.encode(message))))
        now = time.thread_time()
        held, turn = max(held, now - turn), now
    done = time.perf_counter() - began
    sent = link.outstanding
    if sent is None or not link.taken(Taken(sent.version, sent.digest), done):
        raise AssertionError("nothing was sent")
    return done, held, sizes


def _noting(told: Iterator[object]) -> Iterator[Update | None]:
    for each in told:
        if each is not None and not isinstance(each, Update):
            raise AssertionError("something else was sent")
        yield each


def table(sizes: tuple[int, ...] = SIZES) -> str:
    """All sizes, in Markdown."""
    rows = []
    for size in sizes:
        print(f"measuring: what a door with {size:,} people is told", file=sys.stderr, flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.link", "--one", str(size)], capture_output=True, check=True
        )
        rows.append(msgspec.json.decode(made.stdout, type=Row))
    head = "| people there | read | count | held | MB before, after | everything | parts | seal it | held | a change "
    lines = [f"{head}| median | worst |", "| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"]
    lines += [
        f"| {row.people:,} | {row.read_s:.2f} s | {row.count_s:.2f} s | {row.held_ms:.1f} ms "
        f"| {row.mb_before:.0f}, {row.mb_after:.0f} MB | {row.full_bytes / 1e6:.2f} MB | {row.full_parts} "
        f"| {row.full_s:.2f} s | {row.full_held_ms:.1f} ms "
        f"| {row.change_bytes} bytes | {row.change_us:.0f} µs | {row.change_worst_us:.0f} µs |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, help="one size, as JSON")
    parser.add_argument("--quick", action="store_true", help="small")
    options = parser.parse_args()
    if options.one:
        sys.stdout.buffer.write(msgspec.json.encode(measure(options.one)))
        return
    print(table((1_000, 5_000) if options.quick else SIZES))


if __name__ == "__main__":
    main()
