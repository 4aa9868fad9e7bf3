"""Reads lines and readers from the tables `[[bus]]` of a controller's configuration (docs/howto/osdp-readers.md)."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from doorward.decision.card_formats import Facility, UnknownCardFormat, card_format
from doorward.drivers.osdp.config import (
    BAUD_RATES,
    HIGHEST_ADDRESS,
    Bus,
    Device,
    DeviceKey,
    Input,
    OsdpConfig,
    OsdpConfigError,
    Output,
    Reader,
    SerialLine,
    TcpLine,
)

_HIGHEST_ID: Final = 2**63 - 1
_HIGHEST_POINT: Final = 63
_LONGEST_TEXT: Final = 255

_T = TypeVar("_T")


def osdp_config(table: Mapping[str, object], directory: Path | None = None) -> OsdpConfig:
    """The configuration in `table["bus"]`; paths of keys are relative to `directory`.

    A key file that is not there is a device without a key: it is made by keying it. Raises OsdpConfigError, which names
    the field that is wrong.
    """
    buses = _Table(table, "").tables("bus")
    for bus in buses:
        bus.choice("driver", ("osdp",), "osdp")
    return _named("", lambda: OsdpConfig(tuple(_bus(bus, directory or Path()) for bus in buses)))


def key_path(table: Mapping[str, object], bus: Bus, address: int, directory: Path) -> Path | None:
    """Where the key of a device on a line is kept; None if the device is not there or its key is not in a file."""
    for one in _Table(table, "").tables("bus"):
        if _line(one) != bus.line:
            continue
        for device in (*one.tables("reader"), *one.tables("module")):
            if device.values.get("address") == address and "key_file" in device.values:
                return directory / device.text("key_file")
    return None


class _Table:
    """A table of the file with its name, for the errors. What was not asked for at the end is not known."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise OsdpConfigError(name, "must be a table")
        self.values: Mapping[str, object] = values
        self._name = name
        self._known: set[str] = set()

    def name(self, field: str) -> str:
        return f"{self._name}.{field}" if self._name else field

    def finish(self) -> None:
        unknown = sorted(str(field) for field in self.values if field not in self._known)
        if unknown:
            raise OsdpConfigError(self.name(unknown[0]), f"is not known; known are {', '.join(sorted(self._known))}")

    def get(self, field: str) -> object:
        self._known.add(field)
        return self.values.get(field)

    def tables(self, field: str) -> list["_Table"]:
        found = self.get(field)
        if found is None:
            return []
        if not isinstance(found, list):
            raise OsdpConfigError(self.name(field), "must be an array of tables")
        return [_Table(one, f"{self.name(field)}[{place}]") for place, one in enumerate(found)]

    def text(self, field: str, default: str | None = None) -> str:
        found = self.get(field)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or not found or len(found) > _LONGEST_TEXT or not found.isprintable():
            raise OsdpConfigError(self.name(field), f"must be a text of up to {_LONGEST_TEXT} characters")
        return found

    def choice(self, field: str, among: tuple[str, ...], default: str | None = None) -> str:
        found = self.text(field, default)
        if found not in among:
            raise OsdpConfigError(self.name(field), f"must be one of {', '.join(among)}")
        return found

    def number(self, field: str, lowest: int, highest: int, default: int | None = None) -> int:
        found = self.get(field)
        if found is None and default is not None:
            return default
        if not isinstance(found, int) or isinstance(found, bool) or not lowest <= found <= highest:
            raise OsdpConfigError(self.name(field), f"must be a number from {lowest} to {highest}")
        return found

    def switch(self, field: str, default: bool) -> bool:
        found = self.get(field)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise OsdpConfigError(self.name(field), "must be true or false")
        return found

    def part(self, field: str) -> "_Table | None":
        found = self.get(field)
        return None if found is None else _Table(found, self.name(field))


def _named(name: str, make: Callable[[], _T]) -> _T:
    """Put the table's name before what it finds wrong with the whole of itself."""
    try:
        return make()
    except OsdpConfigError as error:
        if not name or error.field.startswith(name):
            raise
        field = f"{name}.{error.field}" if error.field else name
        raise OsdpConfigError(field, str(error).removeprefix(error.field).strip()) from None


def _bus(table: _Table, directory: Path) -> Bus:
    name = table.name("")[:-1]
    line = _line(table)
    devices: list[Device] = []
    readers: list[Reader] = []
    for one in table.tables("reader"):
        devices.append(_device(one, directory))
        readers.append(_reader(one, devices[-1].address))
        one.finish()
    for one in table.tables("module"):
        devices.append(_device(one, directory))
        one.finish()
    if not devices:
        raise OsdpConfigError(name, "has neither a reader nor a module")
    title = table.text("name", line.device if isinstance(line, SerialLine) else f"{line.host}:{line.port}")
    table.finish()
    return _named(name, lambda: Bus(title, line, tuple(devices), tuple(readers)))


def _line(table: _Table) -> SerialLine | TcpLine:
    if table.choice("transport", ("serial", "tcp")) == "tcp":
        return TcpLine(table.text("host"), table.number("port", 1, 65535))
    baud = table.number("baud", min(BAUD_RATES), max(BAUD_RATES), 9600)
    if baud not in BAUD_RATES:
        raise OsdpConfigError(table.name("baud"), f"must be one of {', '.join(map(str, BAUD_RATES))}")
    return SerialLine(table.text("device"), baud)


def _device(table: _Table, directory: Path) -> Device:
    address = table.number("address", 0, HIGHEST_ADDRESS)
    if table.get("key") is not None and table.get("key_file") is not None:
        raise OsdpConfigError(table.name("key"), "must not be there beside key_file")
    if table.values.get("key_file") is not None:
        return Device(address, read_key(directory / table.text("key_file"), table.name("key_file")))
    if table.values.get("key") is None:
        return Device(address, None)
    try:
        return Device(address, DeviceKey.from_hex(table.text("key")))
    except OsdpConfigError:
        raise
    except ValueError as error:
        raise OsdpConfigError(table.name("key"), str(error)) from None


def _reader(table: _Table, address: int) -> Reader:
    name = table.text("format")
    try:
        layout = card_format(name)
    except UnknownCardFormat as error:
        raise OsdpConfigError(table.name("format"), f"is not known: {error}") from None
    facility: Facility = "ignored" if table.choice("facility", ("kept", "ignored"), "kept") == "ignored" else "kept"
    lock, contact, rex = (table.part(field) for field in ("lock", "contact", "rex"))
    return Reader(
        channel_id=table.number("channel", 1, _HIGHEST_ID),
        address=address,
        card_format=layout,
        facility=facility,
        keypad=table.switch("keypad", True),
        led=None if table.get("led") is False else table.number("led", 0, _HIGHEST_POINT, 0),
        buzzer=table.switch("buzzer", True),
        lock=None if lock is None else _output(lock, address),
        contact=None if contact is None else _input(contact, address, "open"),
        rex=None if rex is None else _input(rex, address, "pressed"),
    )


def _output(table: _Table, address: int) -> Output:
    output = Output(table.number("module", 0, HIGHEST_ADDRESS, address), table.number("output", 0, _HIGHEST_POINT))
    table.finish()
    return output


def _input(table: _Table, address: int, when: str) -> Input:
    found = Input(
        table.number("module", 0, HIGHEST_ADDRESS, address),
        table.number("input", 0, _HIGHEST_POINT),
        table.choice(when, ("active", "inactive"), "active") == "active",
    )
    table.finish()
    return found


def read_key(path: Path, field: str = "key_file") -> DeviceKey | None:
    """The key in a file, which only its owner may read; None if there is no such file. Raises OsdpConfigError."""
    try:
        text = path.read_text("ascii")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise OsdpConfigError(field, f"cannot be read: {type(error).__name__}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OsdpConfigError(field, f"may be read by others than its owner: {path}")
    try:
        return DeviceKey.from_hex(text)
    except ValueError as error:
        raise OsdpConfigError(field, str(error)) from None
