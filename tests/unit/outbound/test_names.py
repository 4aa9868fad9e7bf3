"""Looking names up: once for all who ask, and never in the place of others."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from doorward.outbound import names as names_module
from doorward.outbound.names import Names

pytestmark = pytest.mark.anyio


class Resolver:
    """A system's look-up that is silent about some names until it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = threading.Event()

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("silent"):
            self.let.wait(30)
            raise socket.gaierror("no answer")
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("192.0.2.7",) * 2]
        return [*found, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", port, 0, 0))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    found = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    return found


async def test_a_name_has_each_address_once(resolver: Resolver) -> None:
    assert await Names().addresses("app.example", 443) == ["192.0.2.7", "2001:db8::7"]
    assert resolver.asked == ["app.example"]


async def test_a_name_that_is_not_known_raises(resolver: Resolver) -> None:
    resolver.let.set()
    with pytest.raises(OSError, match="no answer"):
        await Names().addresses("silent.example", 443)


async def test_a_name_is_looked_up_once_for_all_who_ask_and_goes_on_without_them(resolver: Resolver) -> None:
    names = Names()
    waiting = [asyncio.create_task(names.addresses("silent.example", 443)) for _ in range(5)]
    await asyncio.sleep(0.05)
    waiting[0].cancel()
    resolver.let.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert resolver.asked == ["silent.example"]
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(each, socket.gaierror) for each in results[1:])


async def test_names_that_nobody_answers_for_do_not_take_the_place_of_those_that_were(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "_MOST_UNKNOWN_AT_ONCE", 3)
    names = Names()
    await names.addresses("app.example", 443)
    waiting = [asyncio.create_task(names.addresses(f"silent{number}.example", 443)) for number in range(10)]
    await asyncio.sleep(0.05)
    assert len(resolver.asked) == 4, "the threads are bounded"
    async with asyncio.timeout(20):
        assert await names.addresses("app.example", 443)
    resolver.let.set()
    await asyncio.gather(*waiting, return_exceptions=True)
