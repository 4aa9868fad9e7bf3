"""The API on a real socket, in a thread of the test's process, with the test's clock."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from doorward.db.unit_of_work import Database
from doorward.events.stream import Streams
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.process.http import configuration
from doorward.wire.context import Context
from tests.support.applications import application

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of http:// alone: reading the certificates that httpx trusts takes longer than most requests."""


@contextmanager
def serving(
    database: Database,
    clock: Clock,
    vault: Vault,
    *,
    trusted_proxies: Sequence[str] = (),
    streams: Streams | None = None,
    port: int = 0,
    **options: Any,
) -> Iterator[tuple[str, Context]]:
    """Serve until the block ends; gives the base URL and the application's context."""
    context = Context(database, vault, clock, **options)
    streams = streams or Streams(database, clock)
    with socket.socket() as listener, application(context, streams=streams) as app:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = configuration(app, trusted_proxies)
        config.loop = "auto"
        server = uvicorn.Server(config)
        started = threading.Event()

        async def startup(sockets: list[socket.socket] | None = None) -> None:
            await uvicorn.Server.startup(server, sockets)
            started.set()

        async def shutdown(sockets: list[socket.socket] | None = None) -> None:
            await streams.shut_down()
            await uvicorn.Server.shutdown(server, sockets)

        server.startup = startup  # type: ignore[method-assign]
        server.shutdown = shutdown  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert started.wait(20)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", context
        finally:
            server.should_exit = True
            thread.join(20)


def client(base_url: str, token: str | None) -> httpx.Client:
    """A client that sends the token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False, verify=NO_TLS)
