"""The HTTP benchmark: the same two endpoints, the same data and the same load, peer against peer in one run.

Each round starts each peer anew on an empty directory, in a rotating order: every list is of 200 roles, and
neither a drift of the machine nor one lucky process decides. Servers run on the first core, the load
generator on the second. Before and after the load a peer's answers are compared with what was asked of it:
a server that skips work or loses some is an error, not a record.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import median

import msgspec

from benchmarks.endpoints import (
    CREATE_RESERVATION,
    LIST_ROLES,
    ROLES,
    check_reservation,
    check_roles,
    check_token,
    creating_requests,
    listing_requests,
    port_of,
)
from benchmarks.load import Measurement, Plan
from benchmarks.running import REPOSITORY, BenchmarkError, Peer, Ready, cores, rss_mb, running

__all__ = [
    "FASTAPI",
    "FLOOR",
    "BenchmarkError",
    "Peer",
    "Ready",
    "Row",
    "Settings",
    "fsync_ms",
    "measure",
    "table",
]


def _peer(name: str, module: str) -> Peer:
    sizes = ("--people", "2000", "--channels", "50", "--roles", str(ROLES))
    return Peer(name, (sys.executable, "-m", module, "--port", "{port}", "--database", "{dir}/peer.db", *sizes))


FLOOR = _peer("floor", "benchmarks.peers.floor")
FASTAPI = _peer("fastapi", "benchmarks.peers.fastapi_twin")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure; times are in seconds, per endpoint and round."""

    rounds: int = 3
    duration: float = 5.0
    warm_up: float = 1.0
    list_connections: int = 16
    create_connections: int = 64


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One peer at one endpoint: medians over the rounds, whose requests/s are `rates`, for the spread.

    `ratio` compares requests/s with the first peer's. `rss_mb` is the memory of all the server's processes
    after both loads. `generator_cpu` is the highest share of its core that the load generator used: near 1,
    it was the limit rather than the server.
    """

    endpoint: str
    peer: str
    requests_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    ratio: float
    rss_mb: float
    generator_cpu: float
    rates: list[float]


class _Round(msgspec.Struct, frozen=True):
    """What one process of a peer showed."""

    listed: Measurement
    created: Measurement
    rss_mb: float


def measure(peers: Sequence[Peer], settings: Settings | None = None) -> list[Row]:
    """Measures the peers side by side; the first is what the ratios refer to. Call it from the main thread.

    Every server is stopped in the end, also when this is interrupted or terminated. Raises BenchmarkError.
    """
    rounds = asyncio.run(_measure(peers, settings or Settings()))
    listed = {name: [one.listed for one in of_peer] for name, of_peer in rounds.items()}
    created = {name: [one.created for one in of_peer] for name, of_peer in rounds.items()}
    memory = {name: median(one.rss_mb for one in of_peer) for name, of_peer in rounds.items()}
    return [
        *_rows(f"GET {LIST_ROLES}", listed, memory),
        *_rows(f"POST {CREATE_RESERVATION}", created, memory),
    ]


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| endpoint | server | requests/s | rounds | p50 ms | p95 ms | p99 ms | ratio | RSS MB | load CPU |",
        "| --- | --- | --: | --- | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        rates = f"{row.requests_per_second:,.0f} | {min(row.rates):,.0f} to {max(row.rates):,.0f}"
        latencies = f"{row.p50_ms:.2f} | {row.p95_ms:.2f} | {row.p99_ms:.2f}"
        costs = f"{row.rss_mb:.0f} | {row.generator_cpu:.0%}"
        lines.append(f"| {row.endpoint} | {row.peer} | {rates} | {latencies} | {row.ratio:.2f} | {costs} |")
    return "\n".join(lines)


def fsync_ms(times: int = 200) -> float:
    """The median cost in ms of an append of 4 KiB and its fsync, where the servers keep their databases.

    Near zero, the directory is not on a disk (set TMPDIR), and the figures of POST say little.
    """
    costs = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(times):
            began = time.perf_counter()
            os.write(file.fileno(), bytes(4096))
            os.fsync(file.fileno())
            costs.append(1000 * (time.perf_counter() - began))
    return median(costs)


def _rows(endpoint: str, seen: dict[str, list[Measurement]], memory: dict[str, float]) -> list[Row]:
    rates = {name: [one.requests_per_second for one in rounds] for name, rounds in seen.items()}
    first = median(next(iter(rates.values())))
    return [
        Row(
            endpoint=endpoint,
            peer=name,
            requests_per_second=median(rates[name]),
            p50_ms=median(one.p50_ms for one in rounds),
            p95_ms=median(one.p95_ms for one in rounds),
            p99_ms=median(one.p99_ms for one in rounds),
            ratio=median(rates[name]) / first,
            rss_mb=memory[name],
            generator_cpu=max(one.generator_cpu for one in rounds),
            rates=rates[name],
        )
        for name, rounds in seen.items()
    ]


async def _measure(peers: Sequence[Peer], settings: Settings) -> dict[str, list[_Round]]:
    rounds = asyncio.create_task(_all_rounds(peers, settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, rounds.cancel)
    return await rounds


async def _all_rounds(peers: Sequence[Peer], settings: Settings) -> dict[str, list[_Round]]:
    results: dict[str, list[_Round]] = {peer.name: [] for peer in peers}
    for number in range(settings.rounds):
        turn = number % len(peers)
        for peer in (*peers[turn:], *peers[:turn]):
            try:
                async with running(peer) as (ready, session):
                    results[peer.name].append(await _round(ready, session, settings))
            except BenchmarkError as error:
                raise BenchmarkError(f"{peer.name}: {error}") from error
    return results


async def _round(ready: Ready, session: int, settings: Settings) -> _Round:
    await check_token(ready)
    await check_roles(ready, ROLES)
    listed = await _load(ready, settings, listing_requests(ready), settings.list_connections, 200)
    await check_reservation(ready)
    created = await _load(ready, settings, creating_requests(ready), settings.create_connections, 201)
    memory = rss_mb(session)
    await check_roles(ready, ROLES + 1 + created.answers)  # each reservation owns a role: none was lost
    return _Round(listed, created, memory)


async def _load(
    ready: Ready, settings: Settings, requests: list[bytes], connections: int, expected_status: int
) -> Measurement:
    """Runs the load generator in its own process. Raises BenchmarkError."""
    plan = Plan(
        port=port_of(ready),
        requests=requests,
        expected_status=expected_status,
        connections=connections,
        warm_up=settings.warm_up,
        duration=settings.duration,
        core=cores()[1],
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        output, complaint = await process.communicate(msgspec.msgpack.encode(plan))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise BenchmarkError(complaint.decode().strip())
    return msgspec.json.decode(output, type=Measurement)


def main() -> None:
    defaults = Settings()
    parser = argparse.ArgumentParser(description="Measures Doorward's peers alone, and prints the table.")
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--duration", type=float, default=defaults.duration, help="seconds, each time")
    given = parser.parse_args()
    settings = Settings(rounds=given.rounds, duration=given.duration)
    try:
        rows = measure([FLOOR, FASTAPI], settings)
    except BenchmarkError as error:
        sys.exit(str(error))
    print(f"fsync: {fsync_ms():.2f} ms\n\n{table(rows)}")


if __name__ == "__main__":
    main()
