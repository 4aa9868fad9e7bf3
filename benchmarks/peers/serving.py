"""How each peer starts: its command line, uvicorn in one process, and the line that says it is ready."""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from benchmarks.peers.dataset import Seeded, Sizes

HOST = "127.0.0.1"


class Options(msgspec.Struct, frozen=True):
    """What the command line says."""

    database: Path
    port: int
    sizes: Sizes


def options(description: str | None) -> Options:
    """Reads the command line, the same for each peer."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file to create")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--channels", type=int, default=50)
    parser.add_argument("--roles", type=int, default=200)
    given = parser.parse_args()
    return Options(given.database, given.port, Sizes(given.people, given.channels, given.roles))


class _AnnouncingServer(uvicorn.Server):
    """Prints the one line that a client needs, once it listens."""

    def __init__(self, config: uvicorn.Config, seeded: Seeded) -> None:
        super().__init__(config)
        self._seeded = seeded

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        ready = {"base_url": f"http://{HOST}:{port}", **msgspec.to_builtins(self._seeded)}
        print(msgspec.json.encode(ready).decode(), flush=True)


def serve(app: Any, port: int, seeded: Seeded) -> None:
    """Serves an ASGI app on this port (0: a free one) until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        host=HOST,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
    _AnnouncingServer(config, seeded).run()
