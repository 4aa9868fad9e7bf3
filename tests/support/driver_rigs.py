"""One door of each driver, as the contract suite sees it: the driver, and what somebody at the door does and sees.

To add a driver: a class with what `Rig` asks for (and `BoardRig`, if its boards decide by themselves), a context
manager that gives one whose device is in service, and a line in `RIGS`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from doorward.decision.card_formats import card_format
from doorward.decision.snapshot import Credential, Presented
from doorward.drivers.base import BoardDriver, ContactChanged, DeviceEvent, Driver
from doorward.drivers.esp_rfid.driver import EspRfidDriver
from doorward.drivers.osdp.config import Input, Output, Reader
from doorward.drivers.osdp.driver import OsdpDriver
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.drivers.uhppote import UhppoteDriver
from doorward.kit.clock import Clock, FixedClock, SystemClock
from tests.support.esp_rfid_device import EspRfidDevice
from tests.support.esp_rfid_rig import PULSE_MS, USERS, EspRfidRig, running_rig
from tests.support.mosquitto import Mosquitto
from tests.support.osdp_peripheral import Peripheral, Peripherals, new_key, running_peripherals
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_house import Installation, free_port, installed
from tests.support.uhppote_wire import (
    ADD_TASK,
    CLEAR_PROFILES,
    CLEAR_TASKS,
    DELETE_CARD,
    DELETE_CARDS,
    PUT_CARD,
    REFRESH_TASKS,
    SET_DOOR,
    SET_PROFILE,
)

NOON: Final = 1_772_452_800_000  # 2026-03-02T12:00:00Z, a Monday


class Rig(ABC):
    """One door. Cards are named by the person's id."""

    channel_id: int
    pulse_ms: int
    """A release that this hardware can do exactly; it can be three times as long, too."""
    clock: Clock
    driver: Driver

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    @abstractmethod
    def is_released(self) -> bool:
        """Whether the lock would let the door open now."""

    @abstractmethod
    async def power(self, is_on: bool) -> None:
        """Plug the device in or out."""

    @abstractmethod
    async def present(self, person_id: int) -> None:
        """Hold somebody's card to the reader."""

    @abstractmethod
    async def elapse(self, milliseconds: int) -> None:
        """Let time pass, for the lock and for the driver."""

    async def move_door(self, is_open: bool) -> None:
        """Open or close the door."""
        raise NotImplementedError

    async def press_rex(self) -> None:
        """Press the button on the inside."""
        raise NotImplementedError

    async def press_keys(self) -> None:
        """Press a key of the keypad."""
        raise NotImplementedError

    async def open_housing(self) -> None:
        """Open the device's housing."""
        raise NotImplementedError

    def shown(self) -> int:
        """How many times the reader has shown something."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop the driver, and wait until it has let go."""
        self.driver.stop()
        await asyncio.sleep(0)

    async def eventually(self, holds: Callable[[], object], within: float = 10.0) -> None:
        """Wait until it holds; fails if it does not in time."""
        deadline = asyncio.get_running_loop().time() + within
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, "it did not come to hold in time"
            await asyncio.sleep(0.01)

    def of(self, *kinds: type[DeviceEvent]) -> list[DeviceEvent]:
        """What has been reported, of some kinds."""
        return [event for event in self.events if isinstance(event, kinds)]


class BoardRig(Rig):
    """One door whose board decides by itself."""

    driver: BoardDriver

    @staticmethod
    def card(person_id: int) -> Credential:
        """Somebody's card."""
        return Credential("card", str(1_000 + person_id))

    @abstractmethod
    def admits(self, person_id: int) -> bool:
        """What the board would decide about somebody's card now, without anybody there."""

    @abstractmethod
    def writes(self) -> int:
        """How many commands that change what the board knows it has carried out."""

    @abstractmethod
    def after_each_command(self, look: Callable[[], None]) -> None:
        """Call `look` whenever the board has carried out a command."""


class SimulatedRig(Rig):
    """A door made of numbers."""

    channel_id = 1
    pulse_ms = 5_000

    def __init__(self) -> None:
        super().__init__()
        self.clock: FixedClock = FixedClock(NOON)
        self.driver: SimulatedDriver = SimulatedDriver(self.clock)

    def is_released(self) -> bool:
        return self.driver.is_released(1)

    async def power(self, is_on: bool) -> None:
        if is_on:
            self.driver.restore(1)
        else:
            self.driver.cut_power(1)

    async def present(self, person_id: int) -> None:
        self.driver.present(1, Presented(Credential("card", str(1_000 + person_id))))

    async def elapse(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)

    async def move_door(self, is_open: bool) -> None:
        self.driver.move(1, is_open)

    async def press_rex(self) -> None:
        self.driver.press_rex(1)

    async def press_keys(self) -> None:
        self.driver.press_keys(1, "5")

    async def open_housing(self) -> None:
        self.driver.tamper(1, True)

    def shown(self) -> int:
        return len(self.driver.shown(1))


class OsdpRig(Rig):
    """libosdp's own peripheral in another process, over a pseudo-terminal."""

    channel_id = 5
    pulse_ms = 400

    def __init__(self, there: Peripherals) -> None:
        super().__init__()
        self.clock = SystemClock()
        self._there = there
        self._is_on = True
        reader = Reader(5, 1, card_format("H10301"), lock=Output(1, 0), contact=Input(1, 0), rex=Input(1, 1))
        self.driver: OsdpDriver = OsdpDriver(there.config([reader]), self.clock)

    def is_released(self) -> bool:
        return self._is_on and bool(self._there.state(1)["released"][0])

    async def power(self, is_on: bool) -> None:
        self._is_on = is_on
        if is_on:
            self._there.go_on()
        else:
            self._there.pause()

    async def present(self, person_id: int) -> None:
        self._there.card(1, "H10301", 1, person_id)

    async def elapse(self, milliseconds: int) -> None:
        await asyncio.sleep(milliseconds / 1_000)

    async def move_door(self, is_open: bool) -> None:
        self._there.inputs(1, int(is_open), 0)

    async def press_rex(self) -> None:
        self._there.inputs(1, 0, 1)

    async def press_keys(self) -> None:
        self._there.keys(1, b"5")

    async def open_housing(self) -> None:
        self._there.housing(1, tamper=True)

    def shown(self) -> int:
        return len(self._there.commands("led", 1))


class EspRfidBoardRig(BoardRig):
    """An emulated board behind a real broker."""

    channel_id = 1
    pulse_ms = PULSE_MS

    def __init__(self, rig: EspRfidRig) -> None:
        super().__init__()
        self._rig = rig
        self.clock: FixedClock = rig.clock
        self.driver: EspRfidDriver = rig.driver

    @property
    def _device(self) -> EspRfidDevice:
        return self._rig.device

    def is_released(self) -> bool:
        return self._device.is_released()

    async def power(self, is_on: bool) -> None:
        await self._device.power(is_on)

    async def present(self, person_id: int) -> None:
        await self._device.present(self.card(person_id).value)

    async def elapse(self, milliseconds: int) -> None:
        await asyncio.sleep(milliseconds / 1_000)

    async def move_door(self, is_open: bool) -> None:
        await self._device.move_door(is_open)

    async def press_rex(self) -> None:
        await self._device.press_button()

    async def close(self) -> None:
        self.driver.stop()
        await self.driver.wait_closed()

    def admits(self, person_id: int) -> bool:
        return self._device.verdict(self.card(person_id).value)[0] == ["Always"]

    def writes(self) -> int:
        return len(self._device.written())

    def after_each_command(self, look: Callable[[], None]) -> None:
        self._device.after_command = look


class UhppoteRig(BoardRig):
    """An emulated board that answers over UDP."""

    channel_id = 11
    pulse_ms = 1_000
    _WRITING: Final = frozenset(
        (
            PUT_CARD,
            DELETE_CARD,
            DELETE_CARDS,
            SET_PROFILE,
            CLEAR_PROFILES,
            ADD_TASK,
            CLEAR_TASKS,
            REFRESH_TASKS,
            SET_DOOR,
        )
    )

    def __init__(self, installation: Installation) -> None:
        super().__init__()
        self._board: UhppoteBoard = installation.board
        self.clock: FixedClock = installation.clock
        self.driver: UhppoteDriver = installation.driver()

    def is_released(self) -> bool:
        return self._board.is_on and self._board.is_released(1)

    async def power(self, is_on: bool) -> None:
        if is_on:
            self._board.switch_on()
        else:
            self._board.is_on = False

    async def present(self, person_id: int) -> None:
        self._board.swipe(int(self.card(person_id).value), 1)

    async def elapse(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        await asyncio.sleep(0.05)

    async def move_door(self, is_open: bool) -> None:
        self._board.move(1, is_open)

    async def press_rex(self) -> None:
        self._board.press(1)

    def admits(self, person_id: int) -> bool:
        return self._board.admits(int(self.card(person_id).value), 1)

    def writes(self) -> int:
        return sum(1 for packet in self._board.log if packet[1] in self._WRITING)

    def after_each_command(self, look: Callable[[], None]) -> None:
        receive = self._board.receive

        def watched(packet: bytes) -> bytes | None:
            answer = receive(packet)
            look()
            return answer

        self._board.receive = watched  # type: ignore[method-assign] # so that it is looked at between any two commands


@asynccontextmanager
async def simulated(_: Path) -> AsyncIterator[Rig]:
    rig = SimulatedRig()
    rig.driver.door(rig.channel_id)
    rig.driver.start(rig.events.append)
    yield rig


@asynccontextmanager
async def osdp(_: Path) -> AsyncIterator[Rig]:
    with running_peripherals([Peripheral(1, new_key())]) as there:
        rig = OsdpRig(there)
        rig.driver.start(rig.events.append)
        try:
            await rig.eventually(lambda: rig.driver.health().online[rig.channel_id])
            yield rig
        finally:
            await rig.close()


@asynccontextmanager
async def esp_rfid(directory: Path) -> AsyncIterator[Rig]:
    with Mosquitto(directory, USERS) as broker:
        async with running_rig(broker, at=NOON, silent_s=1.2) as running:
            rig = EspRfidBoardRig(running)
            running.driver.start(rig.events.append)
            yield rig


@asynccontextmanager
async def uhppote(_: Path) -> AsyncIterator[Rig]:
    # Boards tell of their events at once; that one is off is found out by asking it every second.
    listener = f"127.0.0.1:{free_port()}"
    async with installed(NOON, channels={1: 11}, listener=listener, poll_s=1.0, timeout_s=0.2) as installation:
        rig = UhppoteRig(installation)
        rig.driver.start(rig.events.append)
        try:
            # It says how the doors stand once the board has been set up to tell what happens.
            await rig.eventually(lambda: rig.of(ContactChanged))
            yield rig
        finally:
            await rig.close()


RIGS: Final[dict[str, Callable[[Path], AbstractAsyncContextManager[Rig]]]] = {
    "simulated": simulated,
    "osdp": osdp,
    "uhppote": uhppote,
    "esp_rfid": esp_rfid,
}
BOARDS: Final = ("uhppote", "esp_rfid")
