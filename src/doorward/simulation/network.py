"""The network between a controller and the server: a TCP relay that can be cut and restored."""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final

_CHUNK: Final = 65_536
_LOSE_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""As setsockopt() takes it: linger, for no time at all."""


class Network:
    """Listens on this machine alone and passes everything on to a port, until it is cut.

    While it is cut, what was connected is gone and nobody gets through.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.is_cut = False
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End all connections, at once and without a word, and let nobody through."""
        self.is_cut = True
        for writer in list(self._writers):
            _reset(writer)

    def restore(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    async def close(self) -> None:
        """Stop listening."""
        self.cut()
        if self._server is not None:
            self._server.close()
        relays = list(self._relays)
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._turns_away(writer):
            return
        self._writers.add(writer)
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self._writers.discard(writer)
            _reset(writer)
            return
        if self._turns_away(writer, onward_writer):  # it was cut meanwhile: what has been said gets through no more
            return
        self._writers.add(onward_writer)
        both = [
            asyncio.create_task(_pass_on(reader, onward_writer)),
            asyncio.create_task(_pass_on(onward_reader, writer)),
        ]
        self._relays.update(both)
        try:
            await asyncio.wait(both)
        finally:
            for relay in both:
                relay.cancel()
            self._relays.difference_update(both)
            for end in (writer, onward_writer):
                self._writers.discard(end)
                end.close()

    def _turns_away(self, *ends: asyncio.StreamWriter) -> bool:
        """Whether it is cut: then these connections are lost."""
        for end in ends if self.is_cut else ():
            self._writers.discard(end)
            _reset(end)
        return self.is_cut


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection be lost: closed in order, it would tell the other end that nothing more is to come."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LOSE_AT_ONCE)
    writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until either end is done with it; the other direction may have more to say."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
