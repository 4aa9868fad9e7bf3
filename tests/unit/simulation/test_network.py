"""The network between a controller and its server can be cut and restored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from doorward.simulation.network import Network

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def echoing() -> AsyncIterator[Network]:
    """A network to a server that says again what it is told."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1024):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    network = Network(server.sockets[0].getsockname()[1])
    await network.start()
    try:
        yield network
    finally:
        await network.close()
        server.close()


async def say(network: Network, text: bytes) -> bytes:
    """What comes back, until the other end has nothing more to say."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        try:
            writer.write(text)
            writer.write_eof()
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()
    except OSError:
        return b""


async def test_it_passes_on_what_is_said_in_both_directions() -> None:
    async with echoing() as network:
        text = b"x" * 300_000
        assert await say(network, text) == text


async def test_while_it_is_cut_nobody_gets_through_and_whoever_was_is_cut_off() -> None:
    async with echoing() as network:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.read(5), 5) == b"hello"
        network.cut()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
        assert await say(network, b"hello") == b""
        network.restore()
        assert await say(network, b"hello") == b"hello"


async def test_nobody_listening_behind_it_is_as_if_it_were_cut() -> None:
    async with echoing() as network:
        network.target = 1
        assert await say(network, b"hello") == b""
