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
            return await asyncio.wait_for(reader.read(), 15)
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
        assert await asyncio.wait_for(reader.read(5), 15) == b"hello"
        network.cut()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), 15)
        assert await say(network, b"hello") == b""
        network.restore()
        assert await say(network, b"hello") == b"hello"


async def test_what_is_on_its_way_when_it_is_cut_does_not_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = asyncio.get_running_loop().create_future()
    opened = asyncio.open_connection

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            heard.set_result(await reader.read(1024))
        if not heard.done():
            heard.set_result(b"")
        writer.close()

    async def cut_meanwhile(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        found = await opened(host, port)
        if port == network.target:
            await asyncio.sleep(0.05)  # what was said has come as far as the network
            network.cut()
        return found

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    network = Network(server.sockets[0].getsockname()[1])
    await network.start()
    monkeypatch.setattr("doorward.simulation.network.asyncio.open_connection", cut_meanwhile)
    try:
        assert await say(network, b"hello") == b""
        assert await asyncio.wait_for(heard, 15) == b""
    finally:
        await network.close()
        server.close()


async def test_nobody_listening_behind_it_is_as_if_it_were_cut() -> None:
    async with echoing() as network:
        network.target = 1
        assert await say(network, b"hello") == b""
