"""Run the single process: open the database, take over the doors, serve until told to stop."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn

from doorward import followers
from doorward.api.app import create_app
from doorward.api.metrics import Metrics
from doorward.controller.chores import begun
from doorward.controller.lock import only_one
from doorward.controllers.hub import Hub
from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.unit_of_work import Database
from doorward.events.stream import Streams
from doorward.imports.service import recover
from doorward.installation.vault import open_vault
from doorward.kit.clock import Clock, SystemClock
from doorward.kit.crypto import Vault
from doorward.kit.log import configure_logging
from doorward.oauth.rates import RateLimiter
from doorward.process.control import ControlServer
from doorward.process.doors import LocalDoors
from doorward.process.http import configuration
from doorward.process.relaying import listening_at, relay
from doorward.settings import Settings
from doorward.sync.live import LiveSnapshots
from doorward.wire.context import Context, Edge
from doorward.worker import retaining, tallying, usage
from doorward.worker.sweeper import Sweeper

_log = structlog.get_logger("doorward")

_LONGEST_TURN_S = 0.001
"""How long a thread that compiles or reads much keeps the event loop waiting."""


class CannotListen(OSError):
    """The address to listen on is not to be had."""


def serve(settings: Settings, on_ready: Callable[[str], None], *, with_worker: bool = True) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called with the base URL once requests are answered.

    Without a worker somebody else has to send deliveries (process.relaying). Upgrades the schema first.
    Raises AlreadyRunning, CannotListen, DatabaseUnavailable or SecretKeyError.
    """
    configure_logging()
    sys.setswitchinterval(_LONGEST_TURN_S)
    with only_one(settings.data_dir, "server"), _listen(settings.host, settings.port) as listener:
        upgrade(settings.database)
        followers.install()
        database = open_database(settings.database)
        try:
            vault = open_vault(settings.secret_key, settings.secret_key_file, database)
            clock = SystemClock()
            given_up = database.write_now(lambda transaction: recover(transaction, clock.now()))
            if given_up:
                _log.warning("imports that were under way are given up", number=given_up)
            runner = asyncio.Runner(loop_factory=_loop_factory())
            with runner, contextlib.suppress(KeyboardInterrupt):
                runner.run(_serve(settings, database, vault, clock, listener, on_ready, with_worker))
        finally:
            database.close()


async def _serve(
    settings: Settings,
    database: Database,
    vault: Vault,
    clock: Clock,
    listener: socket.socket,
    on_ready: Callable[[str], None],
    with_worker: bool,
) -> None:
    edge = Edge(
        public_url=settings.public_url,
        outbound_allow=settings.outbound_allow,
        access_log=settings.access_log,
        metrics_token=settings.metrics_token,
        mail_server=settings.mail_server,
    )
    context = Context(database, vault, clock, edge=edge, rates=RateLimiter(settings.rate_limit))
    live = LiveSnapshots(database, vault, clock)
    doors, hub = LocalDoors(database, vault, clock, live), Hub(database, vault, clock, live)
    control, streams, measured = ControlServer(doors, clock), Streams(database, clock), Metrics()

    async def part() -> None:
        await streams.shut_down()
        await hub.close()

    app = create_app(context, hub=hub, streams=streams, measured=measured, presenting=doors)
    server = _Server(configuration(app, settings.trusted_proxies), part)
    await doors.start()
    await hub.start()
    await control.start(settings.control_socket)
    chores = [
        *map(begun, doors.chores()),
        *map(begun, hub.chores()),
        begun(("sweeper", Sweeper(database, clock).run)),
        begun(("tallies of events", lambda: tallying.run(database))),
        begun(("old events", lambda: retaining.run(database, clock))),
        begun(("usage", lambda: usage.run(database, context.usage))),
        asyncio.create_task(_announce(server, listener, on_ready)),
    ]
    if with_worker:
        base_url = listening_at(settings, *listener.getsockname()[:2])
        sending = relay(settings, database, vault, clock, base_url, measured.observe_deliveries)
        chores.append(begun(("deliveries", sending.run)))
    try:
        await server.serve(sockets=[listener])
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        control.close()
        settings.control_socket.unlink(missing_ok=True)
        await doors.stop()
        await usage.flush(database, context.usage)


class _Server(uvicorn.Server):
    """Ends on SIGTERM and SIGINT by returning; the library would raise the signal again before anything is put away."""

    def __init__(self, config: uvicorn.Config, part: Callable[[], Awaitable[None]]) -> None:
        """`part`: what is to be done before connections are closed."""
        super().__init__(config)
        self._part = part

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, then close."""
        try:
            await self._part()
        finally:
            await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _announce(server: uvicorn.Server, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
    while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.01)
    gc.collect()
    gc.freeze()  # what is there now stays: no collection needs to look at it again
    host, port = listener.getsockname()[:2]
    on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1024)
        except OSError as error:
            raise CannotListen(f"cannot listen on {host}:{port} ({error.strerror}): choose another --port") from None
        yield listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
