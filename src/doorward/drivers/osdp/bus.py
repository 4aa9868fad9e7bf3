"""One line with its devices: a thread that polls them through libosdp, and keeps them in service.

What libosdp 3.2.9 does with a device that does not answer is not fit for a door: nine seconds until it says so, then
five minutes of nothing. So each device has a port of its own that refuses to send after one repetition, which makes
libosdp give it up at once; and it is taken out of the polling and put in again as soon as it may be tried. A device
that does not answer holds the whole line up for 200 ms each time that it is tried, so that those in service get their
turns in between.
"""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from doorward.drivers.base import Mode
from doorward.drivers.osdp.commands import Ask, Command
from doorward.drivers.osdp.config import Bus
from doorward.drivers.osdp.device import LineDevice
from doorward.drivers.osdp.happenings import (
    CardHeld,
    Down,
    Happening,
    HousingIs,
    InputsAre,
    KeysHit,
    OutputsAre,
    ReleaseEnded,
    Told,
    Up,
)
from doorward.drivers.osdp.library import Library, Panel, describe
from doorward.drivers.osdp.lock import LockOutput, Result
from doorward.drivers.osdp.reading import bits_of, keys_of
from doorward.drivers.osdp.wire import Wire
from doorward.kit.clock import Clock

_ANSWER_S: Final = 0.2
"""How long libosdp waits for an answer, during which nobody else on the line has a turn."""
_TURNS_S: Final = 0.3
"""For those in service, between two tries of devices that do not answer."""
_AFTER_WRONG_KEY_S: Final = 1.0
_UNSETTLED_S: Final = 2.0
_AFTER_FAILURE_S: Final = 1.0
_STOPPED_WITHIN_S: Final = 10.0

_log = structlog.get_logger("doorward.drivers.osdp")


@dataclass(frozen=True, slots=True)
class Release:
    """Order: release the lock at an output for a stretch."""

    address: int
    output: int
    milliseconds: int
    command_id: int | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Order: how the lock at an output is to stand."""

    address: int
    output: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Show:
    """Order: lamps and tones of a reader; they take the place of earlier ones that were not sent yet."""

    address: int
    signals: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Recover:
    """Order: try everything that is not in service now, and forget what was refused."""


Order = Release | Hold | Show | Recover


class BusThread:
    """The thread of one line. Orders are given from any thread; `tell` is called on the thread itself."""

    def __init__(self, bus: Bus, library: Library, clock: Clock, tell: Callable[[Told], None]) -> None:
        self._bus = bus
        self._library = library
        self._clock = clock
        self._tell_driver = tell
        self._orders: deque[Order] = deque()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"osdp {bus.name}", daemon=True)
        self._wire = Wire(bus.line, self._wake_read, self._heard)
        self._devices = _devices(bus, self)
        self._by_address = {device.config.address: device for device in self._devices}
        self._events: deque[tuple[int, dict[str, Any]]] = deque()
        self._has_sent = False
        self._next_try_at = 0.0

    # From any thread.

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def order(self, order: Order) -> None:
        """Have something done, soon."""
        self._orders.append(order)
        self._wake()

    def stop(self) -> None:
        """End the thread and let go of the line; locks stay as they are."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._wake()
            self._thread.join(_STOPPED_WITHIN_S)
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # It has been woken often enough.
            os.write(self._wake_write, b"!")

    # On the thread.

    def send(self, data: bytes) -> int:
        """For the ports: see device.Sender."""
        self._has_sent = True
        return self._wire.send(data)

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self._live()
            except Exception:  # noqa: BLE001 - whatever goes wrong here, the line must be taken up again
                _log.exception("osdp_line_failed", line=self._bus.name)
                self._drop_line("failed, as the log says", time.monotonic())
                self._is_stopping.wait(_AFTER_FAILURE_S)
        self._drop_line("is not used any more", time.monotonic())
        for device in self._devices:
            device.port.cut()

    def _live(self) -> None:
        for device in self._bus.devices:
            if device.key is None:
                self._tell(device.address, Down("it has no key yet: it must be keyed before it is used"))
        panel = self._new_panel() if self._devices else None
        while not self._is_stopping.is_set():
            now = time.monotonic()
            self._take_orders(now)
            if panel is not None:
                self._work(panel, now)
            self._wire.wait()
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)

    def _work(self, panel: Panel, now: float) -> None:
        self._wire.keep(now)
        if not self._wire.is_open:
            self._drop_devices(now)
        self._keep_devices(panel, now)
        self._submit(panel, now)
        self._has_sent = False
        self._refresh(panel, now)
        if not self._has_sent:
            # The first only decided what is to be sent.
            self._refresh(panel, now)

    def _new_panel(self) -> Panel:
        flags = self._library.FLAG_ENFORCE_SECURE | self._library.FLAG_ENABLE_NOTIFICATION
        for device in self._devices:
            device.phase = "stopping"
        self._events.clear()
        panel = self._library.ControlPanel([describe(one.config, one.port, flags) for one in self._devices])
        panel.set_event_callback(self._on_event)
        return panel

    def _on_event(self, index: int, event: dict[str, Any]) -> int:
        """Called by libosdp in the middle of refresh(), where nothing may be asked of it.

        It never lets go of the dictionary: that is emptied, so that little is left behind.
        """
        self._events.append((index, dict(event)))
        event.clear()
        return 0

    def _refresh(self, panel: Panel, now: float) -> None:
        panel.refresh()
        while self._events:
            index, event = self._events.popleft()
            device = self._devices[index]
            kind = event["event"]
            if kind == self._library.EVENT_NOTIFICATION:
                self._notified(panel, device, event, now)
            elif device.phase != "online":
                continue
            elif kind == self._library.EVENT_CARDREAD:
                self._tell_device(device, CardHeld(bits_of(event.get("length"), event["data"])))
            elif kind == self._library.EVENT_KEYPRESS:
                keys = keys_of(event["data"])
                if keys:
                    self._tell_device(device, KeysHit(keys))
            elif kind == self._library.EVENT_STATUS:
                self._reported(device, event["type"], event["report"])

    def _reported(self, device: LineDevice, kind: int, report: bytes) -> None:
        if kind == self._library.STATUS_REPORT_INPUT:
            self._tell_device(device, InputsAre(report))
        elif kind == self._library.STATUS_REPORT_OUTPUT:
            self._tell_device(device, OutputsAre(report))
        elif kind == self._library.STATUS_REPORT_LOCAL and len(report) >= 2:
            self._tell_device(device, HousingIs(report[0] != 0, report[1] == 0))

    def _notified(self, panel: Panel, device: LineDevice, event: dict[str, Any], now: float) -> None:
        if event["type"] == self._library.EVENT_NOTIFICATION_COMMAND:
            device.ended(is_done=bool(event["arg1"]))
            self._tell_results(device)
        elif event["type"] != self._library.EVENT_NOTIFICATION_PD_STATUS:
            return
        elif event["arg0"] and device.phase == "starting" and panel.sc_status() >> device.index & 1:
            self._serve(panel, device, now)
        elif not event["arg0"] or device.phase == "starting":
            self._lose(device, now)

    def _serve(self, panel: Panel, device: LineDevice, now: float) -> None:
        library = self._library
        device.phase = "online"
        device.online_at = now
        device.is_news = True
        device.outputs = panel.check_capability(device.index, library.CAP_OUTPUT_CONTROL)[1]
        device.inputs = panel.check_capability(device.index, library.CAP_CONTACT_STATUS_MONITORING)[1]
        device.lamps = panel.check_capability(device.index, library.CAP_READER_LED_CONTROL)[1]
        device.has_buzzer = panel.check_capability(device.index, library.CAP_READER_AUDIBLE_OUTPUT)[0] > 0
        for lock in device.locks.values():
            lock.found(now)
        device.questions.extend([Ask("local"), Ask("inputs")] if device.watched else [Ask("local")])

    def _lose(self, device: LineDevice, now: float) -> None:
        if device.phase not in {"starting", "online"}:
            return
        if self._wire.broken:
            reason = f"the line {self._wire.broken}"
        elif not device.has_answered:
            reason = "it does not answer"
        elif device.online_at is None:
            reason = "it answers, but not with this key: it has another, or none"
        elif device.has_refused:
            reason = "it refused a command"
        else:
            reason = "it has ceased to answer"
        is_settled = device.online_at is not None and now - device.online_at > _UNSETTLED_S
        # What a device refuses in service it is not told again, so that it may be tried at once.
        is_refusing = device.online_at is not None and device.has_refused
        must_wait = device.has_answered and not is_settled and not is_refusing
        device.not_before = now + (_AFTER_WRONG_KEY_S if must_wait else 0.0)
        device.lose()
        self._tell_device(device, Down(reason))

    def _drop_line(self, why: str, now: float) -> None:
        self._wire.close(why)
        self._drop_devices(now)

    def _drop_devices(self, now: float) -> None:
        for device in self._devices:
            self._lose(device, now)
            self._tell_device(device, Down(f"the line {self._wire.broken}"))

    def _keep_devices(self, panel: Panel, now: float) -> None:
        waiting = None
        for device in self._devices:
            if device.phase == "stopping":
                if panel.is_pd_enabled(device.index):
                    panel.disable_pd(device.index)
                else:
                    device.phase = "stopped"
            may_be_tried = device.phase == "stopped" and device.not_before <= now
            if may_be_tried and (waiting is None or device.tried_at < waiting.tried_at):
                waiting = device
        if waiting is None or not self._wire.is_open or now < self._next_try_at:
            return
        waiting.begin(now)
        panel.enable_pd(waiting.index)
        is_somebody_served = any(device.phase == "online" for device in self._devices)
        self._next_try_at = now + _ANSWER_S + (_TURNS_S if is_somebody_served else 0.0)

    def _heard(self, address: int, frame: bytes) -> None:
        device = self._by_address.get(address)
        if device is not None:
            if device.phase == "starting" and not device.has_answered:
                # It costs no waiting, so that the next one need not wait.
                self._next_try_at = 0.0
            device.hear(frame)

    def _submit(self, panel: Panel, now: float) -> None:
        for device in self._devices:
            for lock in device.locks.values():
                lock.expire(now)
            self._tell_results(device)
            if device.phase != "online" or device.in_flight is not None:
                continue
            command = device.next_command(now)
            self._tell_results(device)
            if command is not None:
                device.in_flight, device.sent_at = command, now
                if not panel.submit_command(device.index, command.told(self._library)):
                    device.ended(is_done=False)
            elif device.is_news:
                # Only now: its lock stands as it should, and what is open and pressed is known.
                device.is_news = False
                self._tell_device(device, Up(tuple(device.problems())))

    def _take_orders(self, now: float) -> None:
        while self._orders:
            order = self._orders.popleft()
            if isinstance(order, Recover):
                self._recover()
                continue
            device = self._by_address.get(order.address)
            if device is None:
                self._refuse(order)
            elif isinstance(order, Release):
                device.locks[order.output].unlock(order.milliseconds, now, order.command_id)
                self._tell_results(device)
            elif isinstance(order, Hold):
                device.locks[order.output].set_mode(order.mode)
                self._tell_results(device)
            elif device.phase == "online":
                device.signals.clear()
                device.signals.extend(order.signals)

    def _recover(self) -> None:
        self._wire.open_soon()
        self._next_try_at = 0.0
        for device in self._devices:
            device.not_before = 0.0
            device.refused.clear()
            device.is_news = True

    def _refuse(self, order: Release | Hold | Show) -> None:
        """The device is not used: it has no key."""
        if isinstance(order, Release) and order.command_id is not None:
            result = Result(order.command_id, False, "the device has no key yet")
            self._tell(order.address, ReleaseEnded(order.output, result))

    def _tell_results(self, device: LineDevice) -> None:
        for lock in device.locks.values():
            while lock.results:
                self._tell_device(device, ReleaseEnded(lock.number, lock.results.pop(0)))

    def _tell_device(self, device: LineDevice, what: Happening) -> None:
        if isinstance(what, Up | Down):
            if device.told == what:
                return
            device.told = what
        self._tell(device.config.address, what)

    def _tell(self, address: int, what: Happening) -> None:
        self._tell_driver(Told(address, self._clock.now(), what))


def _devices(bus: Bus, thread: BusThread) -> list[LineDevice]:
    """The devices that have a key, with the outputs and inputs that somebody uses."""
    keyed = [device for device in bus.devices if device.key is not None]
    devices = {device.address: LineDevice(device, index, thread) for index, device in enumerate(keyed)}
    for reader in bus.readers:
        for point in (reader.contact, reader.rex):
            if point is not None and point.address in devices:
                devices[point.address].watched |= {point.number}
        if reader.lock is not None and reader.lock.address in devices:
            devices[reader.lock.address].locks[reader.lock.number] = LockOutput(reader.lock.number)
    return list(devices.values())
