"""Look names up, in threads of its own: a name whose servers are silent must not keep others from being looked up.

The system's look-up blocks, for half a minute if nobody answers, and cannot be called off. So a name is looked up once
however many ask for it, and names that nobody has answered for lately do not take the place of those that were.
"""

import asyncio
import socket
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

_MOST_KNOWN_AT_ONCE: Final = 16
_MOST_UNKNOWN_AT_ONCE: Final = 48
_MOST_KNOWN: Final = 4_096
_QUICK_S: Final = 0.5


class Names:
    """The names that one event loop looks up."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, int], asyncio.Task[list[str]]] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._for_known = asyncio.Semaphore(_MOST_KNOWN_AT_ONCE)
        self._for_unknown = asyncio.Semaphore(_MOST_UNKNOWN_AT_ONCE)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each once, in the system's order. Raises OSError or UnicodeError."""
        key = (host, port)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._looked_up(host, port))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    async def _looked_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        async with self._for_known if host in self._known else self._for_unknown:
            begun = loop.time()
            future: asyncio.Future[list[str]] = loop.create_future()
            # A thread that ends with the process: nobody waits for a name when everything else is done.
            threading.Thread(target=_look_up, args=(host, port, loop, future), name="look-up", daemon=True).start()
            try:
                return await future
            finally:
                self._remember(host, is_quick=loop.time() - begun < _QUICK_S)

    def _remember(self, host: str, *, is_quick: bool) -> None:
        self._known.pop(host, None)
        if is_quick:
            self._known[host] = None
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def _look_up(host: str, port: int, loop: asyncio.AbstractEventLoop, future: "asyncio.Future[list[str]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    except Exception as error:  # noqa: BLE001 - whoever waits is told
        _tell(loop, future, error)
    else:
        _tell(loop, future, addresses)


def _tell(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[list[str]]", result: list[str] | Exception) -> None:
    def settle() -> None:
        if future.done():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    with suppress(RuntimeError):  # the loop has been closed
        loop.call_soon_threadsafe(settle)


_OF_LOOPS: Final["WeakKeyDictionary[asyncio.AbstractEventLoop, Names]"] = WeakKeyDictionary()


def names() -> Names:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _OF_LOOPS.get(loop)
    if found is None:
        found = _OF_LOOPS[loop] = Names()
    return found
