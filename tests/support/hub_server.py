"""The API with the hub that controllers connect to, on a real socket, in a thread of the test's process."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from litestar.types import ASGIApp

from doorward.controllers.hub import Hub
from doorward.process.http import configuration
from doorward.sync.live import LiveSnapshots
from doorward.wire.context import Context
from tests.support.applications import application
from tests.support.server import client
from tests.support.world import World

T = TypeVar("T")

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test that asks nothing of the database that it does not ask elsewhere on both."""


class _Server(uvicorn.Server):
    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override] # a generator there
        return contextlib.nullcontext()


@dataclass
class HubServer:
    """A running server."""

    base_url: str
    world: World
    hub: Hub
    live: LiveSnapshots
    _loop: asyncio.AbstractEventLoop
    _stop: Callable[[], None]

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def ask(self, work: Callable[[], T]) -> T:
        """Run a function on the server's loop."""

        async def asked() -> T:
            return work()

        return self.call(asked())

    def client(self, token: str | None = None) -> httpx.Client:
        """A client with a token; without one, with the owner's."""
        return client(self.base_url, token or self.world.token)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.base_url.rpartition(":")[2])

    def stop(self) -> None:
        """End it before its time; the end of the block does no more then."""
        self._stop()


@contextmanager
def hub_serving(world: World, *, port: int = 0, send_buffer: int | None = None, **options: Any) -> Iterator[HubServer]:
    """Serve until the block ends. `send_buffer`: how much the system takes for whoever does not read it."""
    context = Context(world.database, world.vault, world.clock, **options)
    started, ended = threading.Event(), asyncio.Event()
    made: list[HubServer] = []
    failed: list[BaseException] = []
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)

    def stop() -> None:
        if thread.is_alive():
            made[0]._loop.call_soon_threadsafe(ended.set)
        thread.join(20)
        assert not thread.is_alive(), "the server's thread did not end"
        assert not failed, failed

    async def run() -> None:
        live = LiveSnapshots(world.database, world.vault, world.clock)
        hub = Hub(world.database, world.vault, world.clock, live)
        with application(context, hub=hub) as app:
            await serve(live, hub, app)

    async def serve(live: LiveSnapshots, hub: Hub, app: ASGIApp) -> None:
        server = _Server(configuration(app))
        await hub.start()
        chores = [asyncio.ensure_future(_noting(chore, failed)) for _, chore in hub.chores()]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.002)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        made.append(HubServer(base_url, world, hub, live, asyncio.get_running_loop(), stop))
        started.set()
        await ended.wait()
        await hub.close()
        server.should_exit = True
        await serving
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await live.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield made[0]
    finally:
        stop()
        listener.close()


async def _noting(chore: Callable[[], Awaitable[None]], failed: list[BaseException]) -> None:
    try:
        await chore()
    except Exception as error:
        failed.append(error)
        raise
