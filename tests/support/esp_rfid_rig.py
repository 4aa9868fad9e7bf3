"""The esp-rfid driver and emulated boards on both sides of a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from doorward.decision.shifts import Timetable, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, Directory, Grant, Person, Snapshot
from doorward.drivers.base import DeviceEvent
from doorward.drivers.esp_rfid.config import EspRfidConfig, esp_rfid_config
from doorward.drivers.esp_rfid.driver import EspRfidDriver
from doorward.drivers.esp_rfid.timing import Timing
from doorward.kit.clock import FixedClock
from tests.support.esp_rfid_device import EspRfidDevice
from tests.support.mosquitto import Mosquitto

USERS = {"doorward": "controller-password", "board": "board-password", "eve": "eve-password"}
FAST = Timing(
    ack_s=1.0,
    settle_s=0.3,
    after_boot_s=0.05,
    open_within_s=0.8,
    fresh_s=0.1,
    list_quiet_s=0.03,
    tick_s=0.02,
    first_retry_s=0.05,
    longest_retry_s=0.1,
    answer_s=1.0,
    keep_alive_s=5,
)
PULSE_MS = 400
MONDAY = 1_772_409_600_000  # 2026-03-02T00:00:00Z
HOUR = 3_600_000
OFFICE = Timetable(Weekly((Window(frozenset(range(5)), 9 * 60, 17 * 60),)), "UTC")
_serial = count()


def person(person_id: int, *roles: int, **changes: Any) -> Person:
    """Somebody with roles: 1 at any time, 2 in office hours."""
    made = Person(person_id, f"Person {person_id}", "active", None, None, roles, frozenset({"card"}))
    return made._replace(**changes)


def snapshot(*people: Person, version: int = 1, channel_id: int = 1, **channel: Any) -> Snapshot:
    """What a door knows: each person's card has their id, times 1111, as its number."""
    directory = Directory()
    for each in people:
        directory.put(each, [Credential("card", card(each.id))])
    door = replace(Channel(channel_id, "Front door", "UTC", frozenset({"card"})), **channel)
    return Snapshot(door, directory, {1: Grant(1, "All", None, ""), 2: Grant(2, "Office", OFFICE, "Office")}, version)


def card(person_id: int) -> str:
    """The number of somebody's card."""
    return str(person_id * 1111)


def config_for(broker: Mosquitto, devices: Iterable[EspRfidDevice], **changes: Any) -> EspRfidConfig:
    """Channels are numbered through the boards' relays, from 1 on."""
    channels = count(1)
    tables = {
        device.hostname: {
            "channels": [next(channels) for _ in range(device.relays)],
            "topic": device.topic,
            "pulse_ms": PULSE_MS,
        }
        for device in devices
    }
    table = {"host": "127.0.0.1", "port": broker.port, "username": "doorward", "password": USERS["doorward"]}
    return esp_rfid_config(table | {"devices": tables} | changes)


@dataclass
class EspRfidRig:
    """Boards that are powered, and a driver that has been started."""

    broker: Mosquitto
    clock: FixedClock
    driver: EspRfidDriver
    devices: list[EspRfidDevice]
    events: list[DeviceEvent] = field(default_factory=list)

    @property
    def device(self) -> EspRfidDevice:
        """The first board."""
        return self.devices[0]

    def of(self, kind: type[DeviceEvent]) -> list[Any]:
        """What has been reported, of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def eventually(self, holds: Callable[[], object], within: float = 6.0) -> None:
        """Wait until it holds."""
        await eventually(holds, within)

    async def is_online(self, channel_id: int = 1, within: float = 6.0) -> None:
        """Wait until a board is there."""
        await eventually(lambda: self.driver.health().online[channel_id], within)

    async def at(self, instant: int) -> None:
        """Let it be a later instant, of which boards tell by a heartbeat."""
        self.clock.at = instant
        for device in self.devices:
            await device.heartbeat()


async def eventually(holds: Callable[[], object], within: float = 6.0) -> None:
    """Wait until it holds; fails if it does not in time."""
    deadline = asyncio.get_running_loop().time() + within
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to hold in time"
        await asyncio.sleep(0.005)


def new_topic() -> str:
    """A topic that no other test of this process has."""
    return f"/test{next(_serial)}"


@asynccontextmanager
async def running_rig(
    broker: Mosquitto,
    *,
    at: int = MONDAY + 12 * HOUR,
    relays: Iterable[int] = (1,),
    timing: Timing = FAST,
    is_powered: bool = True,
    **changes: Any,
) -> AsyncIterator[EspRfidRig]:
    """A driver and its boards; waits until all are there."""
    clock, topic = FixedClock(at), new_topic()
    names = ("front-door", "gate", "lab", "archive")
    devices = [
        EspRfidDevice(
            broker.port,
            clock,
            hostname=names[index],
            topic=topic,
            ip=f"192.168.1.{40 + index}",
            relays=number,
            pulse_ms=PULSE_MS,
        )
        for index, number in enumerate(relays)
    ]
    driver = EspRfidDriver(config_for(broker, devices, **changes), clock, timing)
    rig = EspRfidRig(broker, clock, driver, devices)
    driver.start(rig.events.append)
    try:
        if is_powered:
            await eventually(lambda: not any("broker" in problem for problem in driver.health().problems))
            for device in devices:
                await device.power(True)
            await eventually(lambda: all(driver.health().online.values()))
        yield rig
    finally:
        driver.stop()
        await driver.wait_closed()
        for device in devices:
            await device.power(False)
