"""How long an event takes to healthy endpoints, alone and beside one that is dead and one that takes ten seconds.

`python -m benchmarks.webhooks` measures it: the server as it is run, with its worker, on SQLite. A delay is from before
a remote admission was asked for over HTTP to when the endpoint has the event of it.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx
import msgspec

from tests.support.installation import Installation

HEALTHY: Final = 3
SLOW_S: Final = 10.0
_SCOPES: Final = "account.event.access.readonly"
_ARRIVES_WITHIN_S: Final = 30.0
_LET_IT_WORK_S: Final = 12.0
"""So long the two are asked before anything is measured: their first requests have run out of time by then."""


class Delays(msgspec.Struct, frozen=True):
    """In milliseconds, of all events at all healthy endpoints."""

    beside: str
    events: int
    median_ms: float
    p99_ms: float
    worst_ms: float


class Receiver:
    """An endpoint that answers after a while, or never; it asks for what it is told of, as integrations do."""

    def __init__(self, delay_s: float | None) -> None:
        """`delay_s` None: it takes the request and never answers."""
        self._delay_s = delay_s
        self.arrived: dict[str, float] = {}
        self.token = ""
        self.port = 0
        self._asking: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Receiver"]:
        """Until the block ends."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as self._client:
            server = await asyncio.start_server(self._take, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                server.close()
                for task in self._asking:
                    task.cancel()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            told: list[dict[str, Any]] = json.loads(await reader.readexactly(length))
            now = time.perf_counter()
            for each in told:
                self.arrived.setdefault(each["resource_id"], now)
            await asyncio.sleep(3600 if self._delay_s is None else self._delay_s)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            task = asyncio.create_task(self._ask([each["resource"] for each in told]))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _ask(self, resources: list[str]) -> None:
        for each in resources:
            await self._client.get(each, headers={"Authorization": f"Bearer {self.token}"})


def measure(events: int, every_s: float) -> list[Delays]:
    """Without the two, then with them, on the same server."""
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        made = installation.demo()
        with installation.serving(DOORWARD_OUTBOUND_ALLOW="127.0.0.0/8", DOORWARD_ACCESS_LOG="false") as server:
            return asyncio.run(_measure(installation, made, server.base_url, events, every_s))


async def _measure(
    installation: Installation, made: dict[str, Any], base_url: str, events: int, every_s: float
) -> list[Delays]:
    headers = {"Authorization": f"Bearer {made['token']}"}
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=30)
        )
        healthy = [await stack.enter_async_context(Receiver(0.0).listening()) for _ in range(HEALTHY)]
        for number, each in enumerate(healthy):
            await asyncio.to_thread(_connect, installation, made, f"Healthy {number}", each)
        channel = made["channels"][0]["id"]
        await _asked(api, channel, 10, every_s)
        alone = await _delays("nobody", api, channel, healthy, events, every_s)
        for name, delay_s in (("Dead", None), ("Slow", SLOW_S)):
            receiver = await stack.enter_async_context(Receiver(delay_s).listening())
            await asyncio.to_thread(_connect, installation, made, name, receiver)
        await _asked(api, channel, int(_LET_IT_WORK_S / every_s), every_s)
        beside = await _delays("one dead, one that takes 10 s", api, channel, healthy, events, every_s)
        return [alone, beside]


async def _delays(
    beside: str, api: httpx.AsyncClient, channel: int, healthy: list[Receiver], events: int, every_s: float
) -> Delays:
    begun = await _asked(api, channel, events, every_s)
    async with asyncio.timeout(_ARRIVES_WITHIN_S):
        while not all(event in each.arrived for event in begun for each in healthy):  # noqa: ASYNC110 - others' doing
            await asyncio.sleep(0.05)
    found = sorted((each.arrived[event] - at) * 1000 for event, at in begun.items() for each in healthy)
    cuts = quantiles(found, n=100)
    return Delays(beside, events, round(cuts[49], 1), round(cuts[98], 1), round(found[-1], 1))


async def _asked(api: httpx.AsyncClient, channel: int, events: int, every_s: float) -> dict[str, float]:
    """Ask for admissions at a steady pace; gives when each was asked for, by its event's id."""
    begun: dict[str, float] = {}
    for _ in range(events):
        at = time.perf_counter()
        answer = await api.post(f"/api/3/channels/{channel}/admit")
        begun[str(answer.json()["admission_request_id"])] = at
        await asyncio.sleep(max(0.0, every_s - (time.perf_counter() - at)))
    return begun


def _connect(installation: Installation, made: dict[str, Any], name: str, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/"
    back = ("--redirect-uri", "https://app.example/back")
    application = installation.json("app", "create", name, *back, "--webhook-url", url)
    given = ("--user", made["owner"]["email"], "--scope", _SCOPES, "--expires-in", 86_400)
    receiver.token = installation.run("token", "create", *given, "--app", application["client_id"]).stdout.strip()


def table(quick: bool = False) -> str:
    """Both, in Markdown."""
    rows = measure(events=40 if quick else 400, every_s=0.05)
    lines = ["| beside | events | p50 ms | p99 ms | worst ms |", "| --- | --: | --: | --: | --: |"]
    lines += [f"| {row.beside} | {row.events} | {row.median_ms} | {row.p99_ms} | {row.worst_ms} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, to see that it works")
    print(table(parser.parse_args().quick))


if __name__ == "__main__":
    main()
