"""An OSDP driver that runs on an event loop of its own, beside the peripherals that it talks to."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from doorward.decision.card_formats import card_format
from doorward.drivers.base import DeviceEvent, Online
from doorward.drivers.osdp.config import Input, OsdpConfig, Output, Reader
from doorward.drivers.osdp.driver import OsdpDriver
from doorward.kit.clock import SystemClock
from tests.support.osdp_peripheral import Peripherals

GREEN, AMBER, RED = 2, 3, 1
PULSE = 5
E_ = TypeVar("E_", bound=DeviceEvent)


class Site:
    """A driver on an event loop in a thread of its own, with all that it has reported."""

    def __init__(self, config: OsdpConfig) -> None:
        self.clock = SystemClock()
        self.driver = OsdpDriver(config, self.clock)
        self.events: list[DeviceEvent] = []
        self.also: Callable[[DeviceEvent], object] = lambda _: None
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.on_loop(lambda: self.driver.start(self._sink))

    def stop(self) -> None:
        self.on_loop(self.driver.stop)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def on_loop(self, act: Callable[[], object]) -> None:
        async def run() -> None:
            act()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)

    def of(self, kind: type[E_], channel_id: int = 5) -> list[E_]:
        return [event for event in list(self.events) if isinstance(event, kind) and event.channel_id == channel_id]

    def last(self, kind: type[E_], channel_id: int = 5) -> E_ | None:
        found = self.of(kind, channel_id)
        return found[-1] if found else None

    def is_online(self, channel_id: int = 5) -> bool:
        return self.driver.health().online[channel_id]

    def _sink(self, event: DeviceEvent) -> None:
        self.events.append(event)
        self.also(event)


@contextmanager
def running(config: OsdpConfig, *, await_online: Sequence[int] = (5,)) -> Iterator[Site]:
    site = Site(config)
    site.start()
    try:
        for channel_id in await_online:
            until(lambda channel_id=channel_id: site.of(Online, channel_id))  # type: ignore[misc] # a default
        yield site
    finally:
        site.stop()


def until(holds: Callable[[], object], within: float = 15.0) -> float:
    """Wait until it holds; gives the seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it did not come to hold in time"
        time.sleep(0.002)
    return time.monotonic() - began


def reader(channel_id: int = 5, address: int = 1, **more: object) -> Reader:
    wired: dict[str, object] = {
        "lock": Output(address, 0),
        "contact": Input(address, 0),
        "rex": Input(address, 1),
    }
    return Reader(channel_id, address, card_format("H10301"), **(wired | more))  # type: ignore[arg-type] # what Reader takes


def pulses(there: Peripherals, address: int = 1) -> list[int]:
    return [
        told.command["timer_count"]
        for told in there.commands("output", address)
        if told.command["control_code"] == PULSE
    ]


def colours(there: Peripherals, address: int = 1) -> list[int]:
    return [told.command["on_color"] for told in there.commands("led", address)]
