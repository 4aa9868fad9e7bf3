"""Servers under measurement: each on the first core, in an empty directory, and stopped whatever happens."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from benchmarks.load import HOST

REPOSITORY = Path(__file__).resolve().parent.parent
START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0


class BenchmarkError(Exception):
    """A peer did not start, or did not do its work."""


class Peer(msgspec.Struct, frozen=True):
    """A server to measure.

    `command` is started in the repository's root; `{port}` and `{dir}` in it become a free port and an empty
    directory, in which the server keeps its database. It serves an account near UTC with 200 roles, limits no
    rate, prints `Ready` as one line of JSON to stdout once it serves, and ends on SIGTERM.
    """

    name: str
    command: tuple[str, ...]


class Ready(msgspec.Struct, frozen=True):
    """What a peer prints. The token may list roles and create reservations of the channel for the person."""

    base_url: str
    token: str
    person_id: int
    channel_id: int


def cores() -> tuple[int | None, int | None]:
    """The server's core and the load generator's, when there are two to give."""
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else (None, None)


@asynccontextmanager
async def running(peer: Peer) -> AsyncIterator[tuple[Ready, int]]:
    """Yields what the started peer printed, and its session id. Raises BenchmarkError."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        port = str(_free_port())
        command = [part.replace("{port}", port).replace("{dir}", directory) for part in peer.command]
        with _pinned(cores()[0]):
            process = await asyncio.create_subprocess_exec(
                *command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, start_new_session=True
            )
        try:
            ready = await _ready(process)
            further_output = asyncio.create_task(process.communicate())  # a full pipe would halt the server
            yield ready, process.pid
            further_output.cancel()
        finally:
            await _stop(process)


def cpu_seconds(session: int, parent: int | None = None) -> float:
    """The processor time that the processes of a session have used, and the children of another process."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may have ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()  # proc(5), from the third field on
            if int(fields[3]) == session or int(fields[1]) == parent:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mb(session: int) -> float:
    """The resident memory of all processes of a session, in MB (10^6 bytes)."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may have ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()  # proc(5), from the third field on
            if int(fields[3]) == session:
                pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _ready(process: asyncio.subprocess.Process) -> Ready:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT):
            while process.stdout and (line := await process.stdout.readline()):
                with suppress(msgspec.DecodeError):
                    return msgspec.json.decode(line, type=Ready)
            raise BenchmarkError("the server ended before it was ready")
    raise BenchmarkError(f"the server was not ready within {START_TIMEOUT:.0f} s")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ends the process and whatever it started in its session."""
    try:
        with suppress(ProcessLookupError, TimeoutError):
            os.killpg(process.pid, signal.SIGTERM)
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _pinned(core: int | None) -> Iterator[None]:
    """Processes that are started meanwhile stay on this core, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
