"""The product's server in this process, on the site's clock: started, stopped, killed and started again on its data."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from doorward import followers
from doorward.admissions import service as admissions
from doorward.api.app import create_app
from doorward.changes.reports import HEARD_WITHIN_MS
from doorward.controller.chores import begun
from doorward.controllers.hub import Hub
from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.unit_of_work import Database
from doorward.installation.vault import open_vault
from doorward.kit.crypto import Vault
from doorward.process.doors import LocalDoors
from doorward.process.http import configuration
from doorward.simulation.clocks import SiteClock
from doorward.sync.live import LiveSnapshots
from doorward.wire.context import Context
from doorward.worker.sweeper import Sweeper

_STARTED_WITHIN_S: Final = 30.0
_POLL_S: Final = 0.005
_BY_THE_CLOCK: Final = "controllers' contact"
"""The hub's chore that says who is there and who is lost, every few seconds of real time; tick() does it instead."""


class SiteServer:
    """One installation in a directory, and its server while it runs."""

    def __init__(self, directory: Path, clock: SiteClock) -> None:
        self._directory = directory
        self._clock = clock
        self._url = f"sqlite:///{directory / 'doorward.db'}"
        self._running: _Running | None = None
        with _listening(0) as listener:
            self.port: int = listener.getsockname()[1]

    @property
    def base_url(self) -> str:
        """Where it answers while it runs."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether there is a server."""
        return self._running is not None

    def prepare(self) -> None:
        """Make the database."""
        upgrade(self._url)

    def open_database(self) -> Database:
        """The database, to be looked at beside the server."""
        return open_database(self._url)

    async def start(self) -> None:
        """Start, and be there once requests are answered."""
        if self._running is None:
            followers.install()
            database = self.open_database()
            vault = open_vault(None, self._directory / "secret.key", database)
            self._running = _Running(database, vault, self._clock)
            await self._running.start(self.port)

    async def stop(self) -> None:
        """End as a server does that is told to."""
        if self._running is not None:
            running, self._running = self._running, None
            await running.stop()

    async def kill(self) -> None:
        """End from one moment to the next: nothing is said to anybody, nothing is put away."""
        if self._running is not None:
            running, self._running = self._running, None
            await running.kill()

    async def tick(self) -> None:
        """Do what time demands, after it has jumped."""
        if self._running is not None:
            await self._running.tick()

    def hears(self, controller_id: int) -> bool:
        """Whether a controller is connected to it."""
        return self._running is not None and self._running.hears(controller_id)

    @property
    def is_at_rest(self) -> bool:
        """Whether it has nothing to do but what time will demand; so has one that does not run."""
        return self._running is None or self._running.is_at_rest

    def loses_at(self, last_seen_at: int | None) -> int | None:
        """When it will say that a controller is lost which it has heard last at this instant."""
        if self._running is None or last_seen_at is None:
            return None
        return max(last_seen_at, self._running.started_at) + HEARD_WITHIN_MS + 1


class _Server(uvicorn.Server):
    """Says goodbye to controllers, and leaves the process's signals alone: they are not the scenario's."""

    def __init__(self, config: uvicorn.Config, part: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._part = part

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._part()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Running:
    """One life of the server, put together as process.run does."""

    def __init__(self, database: Database, vault: Vault, clock: SiteClock) -> None:
        self.started_at = clock.now()
        self._database = database
        self._clock = clock
        live = LiveSnapshots(database, vault, clock)
        self._doors, self._hub = LocalDoors(database, vault, clock, live), Hub(database, vault, clock, live)
        self._sweeper = Sweeper(database, clock)
        app = create_app(Context(database, vault, clock), hub=self._hub)
        self._server = _Server(configuration(app), self._hub.close)
        self._chores: list[asyncio.Task[None]] = []
        self._serving: asyncio.Task[None] | None = None

    async def start(self, port: int) -> None:
        doors, hub = self._doors, self._hub
        await doors.start()
        await hub.start()
        chores = (chore for chore in (*doors.chores(), *hub.chores()) if chore[0] != _BY_THE_CLOCK)
        self._chores = [begun(chore) for chore in chores]
        self._serving = asyncio.create_task(self._serve(port))
        async with asyncio.timeout(_STARTED_WITHIN_S):
            while not self._server.started:  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(_POLL_S)

    def hears(self, controller_id: int) -> bool:
        return any(session.peer.controller_id == controller_id for session in self._hub.sessions)

    @property
    def is_at_rest(self) -> bool:
        return self._hub.is_at_rest

    async def tick(self) -> None:
        await self._hub.reporting.write_heard()
        await self._hub.reporting.look_for_lost()
        await self._sweeper.sweep()
        now = self._clock.now()
        await self._database.write(lambda transaction: admissions.sweep(transaction, now))

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        await _ended(self._chores)
        await self._doors.stop()
        await asyncio.to_thread(self._database.close)

    async def kill(self) -> None:
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._database.close()  # before anybody hears of the end, who might want to write down something else
        serving = [] if self._serving is None else [self._serving]
        await _ended([*self._chores, *serving, *self._server.server_state.tasks])

    async def _serve(self, port: int) -> None:
        with _listening(port) as listener:
            await self._server.serve(sockets=[listener])


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
