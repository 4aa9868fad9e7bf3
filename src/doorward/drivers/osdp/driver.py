"""The OSDP driver: makes what the devices of the lines report into events of channels, and orders of what is wanted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypedDict

from doorward.drivers.base import (
    Capabilities,
    CommandResult,
    ContactChanged,
    ContactFault,
    CredentialRead,
    DeviceEvent,
    Feedback,
    Health,
    KeysPressed,
    Mode,
    Offline,
    Online,
    OutputChanged,
    PowerChanged,
    RexPressed,
    Sink,
    TamperChanged,
)
from doorward.drivers.osdp.bus import BusThread, Hold, Order, Recover, Release, Show
from doorward.drivers.osdp.commands import signals
from doorward.drivers.osdp.config import Bus, Input, OsdpConfig, Reader
from doorward.drivers.osdp.happenings import (
    CardHeld,
    Down,
    HousingIs,
    InputsAre,
    KeysHit,
    OutputsAre,
    ReleaseEnded,
    Told,
    Up,
)
from doorward.drivers.osdp.library import load
from doorward.drivers.osdp.reading import presented
from doorward.kit.clock import Clock

_ACTIVE: Final = 1
_FAULTY: Final = 2
"""And above: the wire is shorted or cut (IEC 60839-11-5, osdp_ISTATR)."""


@dataclass(slots=True)
class _Device:
    """A device, as it was last reported."""

    is_up: bool | None = None
    """None: nothing is known yet."""
    reason: str = "it has not answered yet"
    problems: tuple[str, ...] = ()
    is_tampered: bool = False
    is_powered: bool = True


@dataclass(slots=True)
class _Channel:
    """A channel, as the sink was last told. None: it was not told yet."""

    bus: "_Bus"
    reader: Reader
    is_online: bool | None = None
    is_open: bool | None = None
    is_faulty: bool = False
    rex: bool | None = None
    is_tampered: bool = False
    is_powered: bool = True


@dataclass(slots=True)
class _Bus:
    config: Bus
    devices: dict[int, _Device]
    thread: BusThread | None = None
    channels: list[_Channel] = field(default_factory=list)

    def order(self, order: Order) -> None:
        if self.thread is not None:
            self.thread.order(order)


class OsdpDriver:
    """Every channel of a configuration. Each line has a thread; the sink is called on the event loop."""

    def __init__(self, config: OsdpConfig, clock: Clock) -> None:
        self._clock = clock
        self._sink: Sink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buses = [_Bus(bus, {device.address: _Device() for device in bus.devices}) for bus in config.buses]
        self._channels: dict[int, _Channel] = {}
        for bus in self._buses:
            for reader in bus.config.readers:
                self._channels[reader.channel_id] = channel = _Channel(bus, reader)
                bus.channels.append(channel)
        readers = [channel.reader for channel in self._channels.values()]
        self._capabilities = Capabilities(
            keypad=any(reader.keypad for reader in readers),
            contact=any(reader.contact is not None for reader in readers),
            rex=any(reader.rex is not None for reader in readers),
            tamper=True,
            feedback=any(reader.led is not None or reader.buzzer for reader in readers),
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the readers are configured for. A release of any length is ended by the device itself."""
        return self._capabilities

    def start(self, sink: Sink) -> None:
        """Take up the lines that are not. Raises LibosdpMissing where libosdp is not installed."""
        library = load()
        self._sink, self._loop = sink, asyncio.get_running_loop()
        for bus in self._buses:
            if bus.thread is not None:
                continue
            bus.thread = BusThread(bus.config, library, self._clock, self._telling(bus))
            bus.thread.start()

    def stop(self) -> None:
        """End the threads, which takes as long as one exchange; locks stay as they are."""
        self._sink = None
        for bus in self._buses:
            if bus.thread is not None:
                bus.thread.stop()
                bus.thread = None

    def health(self) -> Health:
        """By channel, whether all the devices that it needs answer, and what is wrong with devices."""
        problems = []
        for bus in self._buses:
            for address, device in bus.devices.items():
                found = device.problems if device.is_up else (device.reason,)
                problems += [f"{bus.config.name}, address {address}: {problem}" for problem in found]
        online = {channel_id: self._is_online(channel) for channel_id, channel in self._channels.items()}
        return Health(online, tuple(problems))

    def recover(self) -> None:
        """Try every line and device that is not in service now."""
        for bus in self._buses:
            bus.order(Recover())

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock; the device locks again by itself. Given up unless the device gets it within a second."""
        channel = self._channels.get(channel_id)
        lock = None if channel is None else channel.reader.lock
        if channel is None or lock is None or channel.bus.thread is None:
            if command_id is not None:
                self._report(
                    CommandResult(
                        channel_id=channel_id,
                        device_time=self._clock.now(),
                        command_id=command_id,
                        is_done=False,
                        reason="the channel has no lock here",
                    )
                )
            return
        channel.bus.order(Release(lock.address, lock.number, milliseconds, command_id))

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock. While the device does not answer, it is told as soon as it does."""
        channel = self._channels.get(channel_id)
        if channel is not None and channel.reader.lock is not None:
            channel.bus.order(Hold(channel.reader.lock.address, channel.reader.lock.number, mode))

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Light the reader's lamp and sound its buzzer, as far as it has them."""
        channel = self._channels.get(channel_id)
        if channel is not None:
            shown = signals(feedback, channel.reader.led, channel.reader.buzzer)
            channel.bus.order(Show(channel.reader.address, tuple(shown)))

    def forget(self, channel_id: int) -> None:
        """The channel is no longer this driver's: it is locked, and nothing more is said of it."""
        self.set_mode(channel_id, "locked")
        channel = self._channels.pop(channel_id, None)
        if channel is not None:
            channel.bus.channels.remove(channel)

    # What comes from the lines.

    def _telling(self, bus: _Bus) -> Callable[[Told], None]:
        loop = self._loop

        def tell(told: Told) -> None:
            if loop is None:
                return
            try:
                loop.call_soon_threadsafe(self._heard, bus, told)
            except RuntimeError:
                return  # The loop has ended: there is nobody left to tell.

        return tell

    def _heard(self, bus: _Bus, told: Told) -> None:
        if self._sink is None:
            return
        device = bus.devices[told.address]
        concerned = [channel for channel in bus.channels if told.address in channel.reader.addresses]
        match told.what:
            case Up(problems):
                device.is_up, device.problems = True, problems
            case Down(reason):
                device.is_up, device.reason = False, reason
            case HousingIs(is_tampered, is_powered):
                device.is_tampered, device.is_powered = is_tampered, is_powered
            case _:
                pass
        for channel in concerned:
            self._concern(channel, told)

    def _concern(self, channel: _Channel, told: Told) -> None:
        reader = channel.reader
        match told.what:
            case Up() | Down():
                self._forget_rex(channel, told)
                self._tell_online(channel, told)
            case CardHeld(card) if told.address == reader.address:
                self._report(
                    CredentialRead(
                        **_where(channel, told), presented=presented(reader, card), bits=card.bits, raw=card.raw
                    )
                )
            case KeysHit(keys) if told.address == reader.address and reader.keypad:
                self._report(KeysPressed(**_where(channel, told), keys=keys))
            case InputsAre(values):
                self._tell_contact(channel, told, values)
                self._tell_rex(channel, told, values)
            case OutputsAre(values):
                lock = reader.lock
                if lock is not None and lock.address == told.address and lock.number < len(values):
                    self._report(OutputChanged(**_where(channel, told), is_released=values[lock.number] == _ACTIVE))
            case HousingIs():
                self._tell_housing(channel, told)
            case ReleaseEnded(output, result):
                lock = reader.lock
                if lock is not None and (lock.address, lock.number) == (told.address, output):
                    self._report(
                        CommandResult(
                            **_where(channel, told),
                            command_id=result.command_id,
                            is_done=result.is_done,
                            reason=result.reason,
                        )
                    )
            case _:
                pass

    def _is_online(self, channel: _Channel) -> bool:
        return all(channel.bus.devices[address].is_up is True for address in channel.reader.addresses)

    def _tell_online(self, channel: _Channel, told: Told) -> None:
        is_online = self._is_online(channel)
        is_known = all(channel.bus.devices[address].is_up is not None for address in channel.reader.addresses)
        if is_online == channel.is_online or not is_known:
            return
        channel.is_online = is_online
        if is_online:
            self._report(Online(**_where(channel, told)))
            return
        down = [
            f"address {address}: {channel.bus.devices[address].reason}"
            for address in sorted(channel.reader.addresses)
            if not channel.bus.devices[address].is_up
        ]
        self._report(Offline(**_where(channel, told), reason="; ".join(down)))

    def _tell_contact(self, channel: _Channel, told: Told, values: bytes) -> None:
        value = _value(channel.reader.contact, told.address, values)
        if value is None or channel.reader.contact is None:
            return
        is_faulty = value >= _FAULTY
        if is_faulty != channel.is_faulty:
            channel.is_faulty = is_faulty
            self._report(ContactFault(**_where(channel, told), is_faulty=is_faulty))
        is_open = (value == _ACTIVE) is channel.reader.contact.is_active
        if not is_faulty and is_open != channel.is_open:
            channel.is_open = is_open
            self._report(ContactChanged(**_where(channel, told), is_open=is_open))

    def _tell_rex(self, channel: _Channel, told: Told, values: bytes) -> None:
        value = _value(channel.reader.rex, told.address, values)
        if value is None or channel.reader.rex is None or value >= _FAULTY:
            return
        is_pressed = (value == _ACTIVE) is channel.reader.rex.is_active
        before, channel.rex = channel.rex, is_pressed
        # As it is found when the device comes into service it is nobody's wish: no door opens for a device's return.
        if before is not None and is_pressed != before:
            self._report(RexPressed(**_where(channel, told), is_pressed=is_pressed))

    def _forget_rex(self, channel: _Channel, told: Told) -> None:
        rex = channel.reader.rex
        if rex is not None and rex.address == told.address:
            if channel.rex:
                self._report(RexPressed(**_where(channel, told), is_pressed=False))
            channel.rex = None

    def _tell_housing(self, channel: _Channel, told: Told) -> None:
        devices = [channel.bus.devices[address] for address in channel.reader.addresses]
        is_tampered = any(device.is_tampered for device in devices)
        is_powered = all(device.is_powered for device in devices)
        if is_tampered != channel.is_tampered:
            channel.is_tampered = is_tampered
            self._report(TamperChanged(**_where(channel, told), is_tampered=is_tampered))
        if is_powered != channel.is_powered:
            channel.is_powered = is_powered
            self._report(PowerChanged(**_where(channel, told), is_powered=is_powered))

    def _report(self, event: DeviceEvent) -> None:
        if self._sink is not None:
            self._sink(event)


class _Where(TypedDict):
    channel_id: int
    device_time: int
    received_at: int


def _where(channel: _Channel, told: Told) -> _Where:
    return {"channel_id": channel.reader.channel_id, "device_time": told.at, "received_at": told.at}


def _value(point: Input | None, address: int, values: bytes) -> int | None:
    if point is None or point.address != address or point.number >= len(values):
        return None
    return values[point.number]
