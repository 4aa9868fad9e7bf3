"""A closed-loop HTTP/1.1 load generator: each connection sends its next request once it has its answer.

It is a process of its own, `python -m benchmarks.load`: it reads a `Plan` (MessagePack) from stdin and writes
a `Measurement` (JSON) to stdout. It talks to 127.0.0.1 only. An answer with another status than the expected
one, a closed connection or an answer that is late by `PATIENCE` ends the run with an error.
"""

import asyncio
import gc
import itertools
import math
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import cast

import msgspec
import uvloop

HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds after the end of a run in which the last answers must have come."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send: whole `requests`, in turn and again from the first. Times are in seconds."""

    port: int
    requests: list[bytes]
    expected_status: int
    connections: int
    warm_up: float
    duration: float
    core: int | None = None


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen in the `duration` after the warm-up; `answers` counts the warm-up too.

    `generator_cpu` is the share of its core that the load generator used: near 1, it measured itself.
    """

    requests_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    answers: int
    generator_cpu: float


class LoadError(Exception):
    """The server did not answer as the plan expects."""


class _Run:
    """What the connections of one run share."""

    def __init__(self, plan: Plan) -> None:
        self.requests = itertools.cycle(plan.requests)
        self.expected_status = plan.expected_status
        self.counted_from = time.perf_counter() + plan.warm_up
        self.until = self.counted_from + plan.duration
        self.open_connections = plan.connections
        self.answers = 0
        self.latencies: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(LoadError(reason))

    def connection_finished(self) -> None:
        self.open_connections -= 1
        if not self.open_connections and not self.finished.done():
            self.finished.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._sent_at = 0.0
        self._head = b""  # what has come of an answer whose head is not complete
        self._missing: int | None = None  # bytes of the body still to come, once the head is read

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class is not a subclass of it
        self._send(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._run.fail(f"the server closed a connection: {exc}")

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            data = self._head + data
            end_of_head = data.find(b"\r\n\r\n")
            if end_of_head < 0:
                self._head = data
                return
            length = _CONTENT_LENGTH.search(data, 0, end_of_head + 2)
            if data[9:12] != b"%d" % self._run.expected_status or length is None:
                self._run.fail(f"expected {self._run.expected_status} with a Content-Length, got {data[:1000]!r}")
                return
            self._head = b""
            self._missing = int(length[1]) - (len(data) - end_of_head - 4)
        else:
            self._missing -= len(data)
        if self._missing < 0:
            self._run.fail("an answer is longer than its Content-Length")
        elif not self._missing:
            self._missing = None
            self._answered()

    def _send(self, transport: asyncio.WriteTransport) -> None:
        self._sent_at = time.perf_counter()
        transport.write(next(self._run.requests))

    def _answered(self) -> None:
        run, transport, now = self._run, self._transport, time.perf_counter()
        run.answers += 1
        if run.counted_from <= now < run.until:
            run.latencies.append(now - self._sent_at)
        if transport is None or run.finished.done():
            return
        if now < run.until:
            self._send(transport)
        else:
            self._transport = None
            transport.close()
            run.connection_finished()


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ordered values that this share of them does not exceed (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


async def run_load(plan: Plan) -> Measurement:
    """Runs the plan in this process. Raises LoadError."""
    loop = asyncio.get_running_loop()
    run = _Run(plan)
    cpu_before, began = time.process_time(), time.perf_counter()
    try:
        async with asyncio.timeout(plan.warm_up + plan.duration + PATIENCE):
            for _ in range(plan.connections):
                await loop.create_connection(lambda: _Connection(run), HOST, plan.port)
            await run.finished
    except TimeoutError:
        raise LoadError(f"{run.open_connections} connections have waited {PATIENCE:.0f} s for an answer") from None
    cpu = (time.process_time() - cpu_before) / (time.perf_counter() - began)
    if not run.latencies:
        raise LoadError(f"no answer came within {plan.duration} s")
    ordered = sorted(1000 * latency for latency in run.latencies)
    return Measurement(
        requests_per_second=len(ordered) / plan.duration,
        p50_ms=percentile(ordered, 0.50),
        p95_ms=percentile(ordered, 0.95),
        p99_ms=percentile(ordered, 0.99),
        answers=run.answers,
        generator_cpu=cpu,
    )


def main() -> None:
    """Runs the plan on stdin; exits with a message when it fails."""
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    if plan.core is not None:
        os.sched_setaffinity(0, {plan.core})
    gc.disable()  # a run makes no cycles, and a collection here would show as a slow answer there
    try:
        measurement = uvloop.run(run_load(plan))
    except (LoadError, OSError) as error:
        sys.exit(f"load: {error}")
    sys.stdout.buffer.write(msgspec.json.encode(measurement))


if __name__ == "__main__":
    main()
