"""`GET /api/3/events/stream` with 500 listeners and 20 events a second: 10,000 messages a second from one process.

`python -m benchmarks.stream` measures this alone. Cards are presented at doors of the server; a delay is from when an
event is recorded, before its commit, to when a listener's socket has it. The listeners are a process of their own, on
the second core, which reads bytes and does no more than find in them when the event was recorded.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from benchmarks.installation import fill
from benchmarks.load import percentile
from benchmarks.running import BenchmarkError, Peer, cores, cpu_seconds, rss_mb, running
from doorward.controller.control import ask
from doorward.db.connect import open_database
from doorward.db.unit_of_work import Transaction
from doorward.events.stream import MOST_OF_TOKEN
from doorward.oauth.tokens import create_token

LISTENERS: Final = 500
EVENTS_A_SECOND: Final = 20
_STREAM: Final = "/api/3/events/stream"
_RECORDED: Final = b'"updated_at":"'
_INSTANT_BYTES: Final = 24


class Crowd(msgspec.Struct, frozen=True):
    """What the listeners' process is told on its standard input."""

    port: int
    tokens: list[str]
    seconds: float
    core: int | None = None


class Heard(msgspec.Struct, frozen=True):
    """What the listeners' process says in the end."""

    messages: int
    p50_ms: float
    p99_ms: float
    highest_ms: float
    cpu: float
    """The share of its core that it used: near 1, it measured itself."""


class Row(msgspec.Struct, frozen=True):
    """One measurement."""

    what: str
    events: int
    heard: Heard
    cpu: float
    """The share of a core that the server used."""
    rss_mb: float


class _Listener(asyncio.Protocol):
    """A connection that notes delays."""

    def __init__(self, head: bytes, delays: list[float], ready: asyncio.Semaphore) -> None:
        self._head = head
        self._delays = delays
        self._ready = ready
        self._before = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._head)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if b": after " in data:
            self._ready.release()
        data = self._before + data
        place = data.find(_RECORDED)
        end = 0
        while place >= 0:
            begin = place + len(_RECORDED)
            end = begin + _INSTANT_BYTES
            if len(data) < end:
                end = place
                break
            self._delays.append(now - _seconds(data[begin:end]))
            place = data.find(_RECORDED, end)
        self._before = data[max(end, len(data) - _INSTANT_BYTES - len(_RECORDED)) :]


_instants: dict[bytes, float] = {}


def _seconds(text: bytes) -> float:
    found = _instants.get(text)
    if found is None:
        found = _instants[text] = datetime.fromisoformat(text.decode()).timestamp()
    return found


async def _listen(crowd: Crowd) -> Heard:
    loop, ready, delays = asyncio.get_running_loop(), asyncio.Semaphore(0), list[float]()
    for token in crowd.tokens:
        head = f"GET {_STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        await loop.create_connection(lambda head=head: _Listener(head, delays, ready), "127.0.0.1", crowd.port)  # type: ignore[misc]  # a default is how a lambda keeps a value
    for _ in crowd.tokens:
        await ready.acquire()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.sleep(crowd.seconds)
    used = (time.process_time() - cpu) / (time.perf_counter() - began)
    ordered = sorted(1000 * delay for delay in delays)
    if not ordered:
        raise BenchmarkError("nobody heard anything")
    return Heard(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1], used)


def measure(seconds: float, sizes: Sequence[int] = (0, 1, 100, LISTENERS)) -> list[Row]:
    """With several numbers of listeners, on one server each."""
    return [asyncio.run(_measured(listeners, seconds)) for listeners in sizes]


async def _measured(listeners: int, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        folder = Path(directory) / "data"
        token = fill(folder, people=2_000, channels=50, roles=200)
        tokens = _tokens(folder, max(listeners, 1))
        server = (sys.executable, "-m", "benchmarks.peers.doorward_server", "--port", "{port}")
        peer = Peer("Doorward", (*server, "--data-dir", str(folder), "--serve-as-is", "--token", token))
        async with AsyncExitStack() as stack:
            ready, session = await stack.enter_async_context(running(peer))
            port = urlsplit(ready.base_url).port or 0
            crowd = Crowd(port, tokens[:listeners], seconds, core=cores()[1])
            process = await _crowd(crowd) if listeners else None
            await asyncio.sleep(2)  # what follows the start is over
            before, began = cpu_seconds(session), time.perf_counter()
            events = await asyncio.to_thread(_present, folder, seconds - 4)
            took = time.perf_counter() - began
            cpu = (cpu_seconds(session) - before) / took
            memory = rss_mb(session)
            heard = Heard(0, 0, 0, 0, 0)
            if process is not None:
                out, _ = await process.communicate()
                if process.returncode:
                    raise BenchmarkError("the listeners failed")
                heard = msgspec.json.decode(out.splitlines()[-1], type=Heard)
            if heard.messages != events * listeners:
                raise BenchmarkError(f"{events * listeners} messages were due, {heard.messages} came")
            return Row(f"{listeners:,}", events, heard, cpu, memory)


async def _crowd(crowd: Crowd) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.stream",
        "--crowd",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise BenchmarkError("no pipes")
    process.stdin.write(msgspec.json.encode(crowd) + b"\n")
    await process.stdin.drain()
    if await process.stdout.readline() != b"ready\n":
        raise BenchmarkError("the listeners did not get ready")
    return process


def _tokens(folder: Path, listeners: int) -> list[str]:
    database = open_database(f"sqlite:///{folder / 'doorward.db'}")

    def make(transaction: Transaction) -> list[str]:
        now = int(time.time() * 1000)
        made = [
            create_token(
                transaction,
                account_id=1,
                application_id=1,
                user_id=1,
                scopes="account.event.access.readonly",
                now=now,
                seconds=86_400,
            )
            for _ in range(-(-listeners // MOST_OF_TOKEN))
        ]
        return [made[number // MOST_OF_TOKEN] for number in range(listeners)]

    try:
        return database.write_now(make)
    finally:
        database.close()


def _present(folder: Path, seconds: float) -> int:
    """Present cards at doors, evenly; gives how often."""
    socket_path, began = folder / "control.sock", time.perf_counter()
    count = round(seconds * EVENTS_A_SECOND)
    for number in range(count):
        time.sleep(max(0.0, began + number / EVENTS_A_SECOND - time.perf_counter()))
        card = str(1_000_000 + number % 2_000)
        ask(socket_path, {"op": "present", "channel_id": number % 50 + 1, "credentials": [["card", card]]})
    return count


def table(seconds: float = 24.0, sizes: Sequence[int] = (0, 1, 100, LISTENERS)) -> str:
    """In Markdown."""
    lines = [
        "| listeners | events | messages/s | p50 ms | p99 ms | highest ms | server CPU | RSS MB | listeners' CPU |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for row in measure(seconds, sizes):
        heard = row.heard
        rate = heard.messages / (row.events / EVENTS_A_SECOND)
        delays = f"{heard.p50_ms:.1f} | {heard.p99_ms:.1f} | {heard.highest_ms:.1f}" if heard.messages else "- | - | -"
        costs = f"{row.cpu:.0%} | {row.rss_mb:.0f} | {heard.cpu:.0%}"
        lines.append(f"| {row.what} | {row.events} | {rate:,.0f} | {delays} | {costs} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; or be the listeners."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--crowd", action="store_true", help="be the listeners that standard input tells of")
    options = parser.parse_args()
    if options.crowd:
        crowd = msgspec.json.decode(sys.stdin.buffer.readline(), type=Crowd)
        if crowd.core is not None:
            os.sched_setaffinity(0, {crowd.core})
        heard: Any = uvloop.run(_listen(crowd))
        sys.stdout.buffer.write(msgspec.json.encode(heard) + b"\n")
        return
    print(table(options.seconds))


if __name__ == "__main__":
    main()
