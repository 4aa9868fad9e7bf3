"""Gives a reader in install mode its secure channel key. Nothing else may use the line meanwhile.

A device in install mode takes a secure channel with the default key, which everybody knows, and over that its own key.
So this is done once, at a moment when nobody else is on the line, and the key is kept before it is sent: a power cut in
between must not leave a reader with a key that nobody has.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from doorward.drivers.osdp.config import Device, DeviceKey, SerialLine, TcpLine
from doorward.drivers.osdp.device import LineDevice
from doorward.drivers.osdp.library import Library, Panel, describe, load
from doorward.drivers.osdp.toml import read_key
from doorward.drivers.osdp.wire import Wire

Outcome = Literal["keyed", "had it already"]

_FIRST_TRY_S: Final = 1.5
"""A reader that is there answers the first question; libosdp asks again after a second."""


class KeyingFailed(Exception):
    """The device has not got the key; the message says why. It may be tried again with the same key."""


def kept_key(path: Path) -> DeviceKey:
    """The key in a file; a new one is made, and is on the disk, if there is none. Raises OSError, OsdpConfigError."""
    found = read_key(path)
    if found is not None:
        return found
    key = DeviceKey.random()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.reveal().hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key


def give_key(line: SerialLine | TcpLine, address: int, key: DeviceKey, within_s: float = 15.0) -> Outcome:
    """Set the device's key and see that it works, and that no other does. Blocks.

    Raises KeyingFailed, and LibosdpMissing where libosdp is not installed.
    """
    return _Keying(load(), line, Device(address, key)).run(time.monotonic() + within_s)


class _Keying:
    """One device, alone on the line."""

    def __init__(self, library: Library, line: SerialLine | TcpLine, device: Device) -> None:
        self._library = library
        self._wake, self._waker = os.pipe()
        self._wire = Wire(line, self._wake, self._heard)
        self._device = LineDevice(device, 0, self)
        self._has_default_key = False
        self._states: list[bool] = []
        """In service or not, as libosdp has said since the device was last tried."""

    def send(self, data: bytes) -> int:
        """For the port: see device.Sender."""
        return self._wire.send(data)

    def run(self, until: float) -> Outcome:
        """See give_key."""
        try:
            return self._run(until)
        finally:
            self._wire.close("is not used any more")
            self._device.port.cut()
            os.close(self._wake)
            os.close(self._waker)

    def _run(self, until: float) -> Outcome:
        self._wire.keep(time.monotonic())
        if not self._wire.is_open:
            raise KeyingFailed(f"the line {self._wire.broken}")
        # Without ENFORCE_SECURE libosdp tries our key, then the default key, and then sets ours by itself.
        panel = self._panel(self._library.FLAG_ENABLE_NOTIFICATION)
        self._device.begin(time.monotonic())
        self._await(panel, lambda: bool(self._states), until)
        if not panel.sc_status() & 1:
            raise KeyingFailed(self._why())
        outcome: Outcome = "keyed" if self._has_default_key else "had it already"
        # From here on only our key will do; a new session proves that it is the device's.
        panel.set_flag(0, self._library.FLAG_ENFORCE_SECURE)
        panel.disable_pd(0)
        self._await(panel, lambda: not panel.is_pd_enabled(0), until)
        self._states.clear()
        self._device.begin(time.monotonic())
        panel.enable_pd(0)
        self._await(panel, lambda: bool(self._states), until)
        if not self._states[-1] or not panel.sc_status() & 1:
            raise KeyingFailed("it took the key, but does not answer with it")
        return outcome

    def _panel(self, flags: int) -> Panel:
        panel = self._library.ControlPanel([describe(self._device.config, self._device.port, flags)])
        panel.set_event_callback(self._on_event)
        return panel

    def _await(self, panel: Panel, holds: Callable[[], bool], until: float) -> None:
        while not holds():
            now = time.monotonic()
            if now > until or (not self._device.has_answered and now - self._device.tried_at > _FIRST_TRY_S):
                raise KeyingFailed(self._why())
            if not self._wire.is_open:
                raise KeyingFailed(f"the line {self._wire.broken}")
            panel.refresh()
            panel.refresh()
            self._wire.wait()

    def _why(self) -> str:
        if not self._device.has_answered:
            return "it does not answer: is the address right, and the speed of the line?"
        return "it answers, but is not in install mode: it has another key"

    def _heard(self, address: int, frame: bytes) -> None:
        if address == self._device.config.address:
            self._device.hear(frame)

    def _on_event(self, _: int, event: dict[str, Any]) -> int:
        if event["event"] == self._library.EVENT_NOTIFICATION:
            if event["type"] == self._library.EVENT_NOTIFICATION_PD_STATUS:
                self._states.append(bool(event["arg0"]))
            elif event["type"] == self._library.EVENT_NOTIFICATION_SC_STATUS:
                self._has_default_key = self._has_default_key or bool(event["arg0"] and event["arg1"])
        event.clear()
        return 0
