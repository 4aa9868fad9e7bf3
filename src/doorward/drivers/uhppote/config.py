"""What the driver is told in the controller's configuration file, checked once and typed from there on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Final, Literal, cast

CardNumbers = Literal["facility", "plain"]

DOORS: Final = (1, 2, 3, 4)
LONGEST_PULSE_S: Final = 255
"""The delay of a door is one byte of seconds."""

_CARD_NUMBERS: Final = ("facility", "plain")
_ADDRESS: Final = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")
_MOST_CHANNEL: Final = (1 << 63) - 1


class UhppoteConfigError(ValueError):
    """The configuration cannot be used; `field` says which entry of it, as a path with dots."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address and a UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """One board and the channels of its doors."""

    serial: int
    address: Address
    channels: Mapping[int, int]
    """Door of the board (1 to 4) → channel id. Doors that are not named open to nobody by card."""
    card_numbers: CardNumbers = "facility"
    """How the number that the board knows a card by is made of the credential's value (card_numbers.py)."""
    pulse_s: int = 5
    """How long a card that the board admits releases the lock, unless set_pulse() says otherwise."""

    def door_of(self, channel_id: int) -> int:
        """The door of one of its channels."""
        return next(door for door, channel in self.channels.items() if channel == channel_id)


@dataclass(frozen=True, slots=True)
class UhppoteConfig:
    """The boards, and where they send what happens."""

    boards: tuple[BoardConfig, ...]
    listener: Address | None = None
    """Our address as the boards see it. None: the boards are only asked, every `poll_s`."""
    poll_s: float = 10.0
    """How often a board is asked how it is."""
    timeout_s: float = 1.0
    """How long an answer may take."""
    attempts: int = 3
    """How often something is asked before the board counts as silent. A release of a lock is asked for once only."""


def uhppote_config(table: Mapping[str, object]) -> UhppoteConfig:
    """Check a table of the configuration file. Raises UhppoteConfigError, which names the entry that is wrong."""
    entries = _Entries(table, "uhppote")
    found = entries.get("board")
    if not isinstance(found, list | tuple) or not found:
        raise UhppoteConfigError("uhppote.board", "must be one or more tables, [[uhppote.board]]")
    boards = tuple(_board(value, f"uhppote.board[{index}]") for index, value in enumerate(found))
    _refuse_twice(boards)
    config = UhppoteConfig(
        boards=boards,
        listener=entries.optional_address("listener"),
        poll_s=entries.seconds("poll_s", 10.0, 1.0, 300.0),
        timeout_s=entries.seconds("timeout_s", 1.0, 0.05, 10.0),
        attempts=entries.whole("attempts", 3, 1, 10),
    )
    entries.refuse_the_rest()
    return config


def _board(value: object, path: str) -> BoardConfig:
    if not isinstance(value, Mapping):
        raise UhppoteConfigError(path, "must be a table")
    entries = _Entries(value, path)
    serial = entries.whole("serial", None, 100_000_000, (1 << 32) - 1)
    address = entries.optional_address("address")
    if address is None:
        raise UhppoteConfigError(f"{path}.address", "is missing")
    board = BoardConfig(
        serial=serial,
        address=address,
        channels=_channels(entries.get("doors"), serial, f"{path}.doors"),
        card_numbers=cast(CardNumbers, entries.choice("card_numbers", "facility", _CARD_NUMBERS)),
        pulse_s=entries.whole("pulse_s", 5, 1, LONGEST_PULSE_S),
    )
    entries.refuse_the_rest()
    return board


def _channels(value: object, serial: int, path: str) -> Mapping[int, int]:
    if not isinstance(value, Mapping) or not value:
        raise UhppoteConfigError(path, "must be a table of doors and channel ids: { 1 = 17, 2 = 18 }")
    # The first digit of a serial number is how many doors the board has.
    doors = int(str(serial)[0])
    channels: dict[int, int] = {}
    for name, channel in value.items():
        door = int(str(name)) if re.fullmatch(r"[1-4]", str(name)) else 0
        if door not in DOORS or (doors in (1, 2) and door > doors):
            most = doors if doors in (1, 2) else len(DOORS)
            raise UhppoteConfigError(f"{path}.{name}", f"is no door of this board: it has doors 1 to {most}")
        if type(channel) is not int or not 1 <= channel <= _MOST_CHANNEL:
            raise UhppoteConfigError(f"{path}.{name}", "must be a channel id")
        channels[door] = channel
    return dict(sorted(channels.items()))


def _refuse_twice(boards: tuple[BoardConfig, ...]) -> None:
    serials: set[int] = set()
    channels: set[int] = set()
    for index, board in enumerate(boards):
        path = f"uhppote.board[{index}]"
        if board.serial in serials:
            raise UhppoteConfigError(f"{path}.serial", f"names board {board.serial} a second time")
        serials.add(board.serial)
        for door, channel in board.channels.items():
            if channel in channels:
                raise UhppoteConfigError(f"{path}.doors.{door}", f"names channel {channel} a second time")
            channels.add(channel)


class _Entries:
    """The entries of one table, taken out one by one, so that what is left over can be refused."""

    def __init__(self, table: Mapping[object, object] | Mapping[str, object], path: str) -> None:
        self._all = {str(name): value for name, value in table.items()}
        self._left = dict.fromkeys(self._all)
        self._path = path

    def get(self, name: str) -> object:
        self._left.pop(name, None)
        return self._all.get(name)

    def optional_address(self, name: str) -> Address | None:
        found = self.get(name)
        if found is None:
            return None
        match = _ADDRESS.fullmatch(found) if isinstance(found, str) else None
        try:
            host = None if match is None else str(IPv4Address(match[1]))
        except AddressValueError:
            host = None
        if match is None or host is None or not 1 <= int(match[2]) <= 65_535:
            raise UhppoteConfigError(
                f"{self._path}.{name}", 'must be an IPv4 address and a port, "192.168.1.100:60000"'
            )
        return Address(host, int(match[2]))

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        found = self.get(name)
        if found is None:
            return default
        if found not in choices:
            raise UhppoteConfigError(f"{self._path}.{name}", f"must be one of {', '.join(choices)}")
        return str(found)

    def whole(self, name: str, default: int | None, least: int, most: int) -> int:
        found = self.get(name)
        if found is None and default is not None:
            return default
        if type(found) is not int or not least <= found <= most:
            raise UhppoteConfigError(f"{self._path}.{name}", f"must be a whole number from {least} to {most}")
        return found

    def seconds(self, name: str, default: float, least: float, most: float) -> float:
        found = self.get(name)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
            raise UhppoteConfigError(f"{self._path}.{name}", f"must be a number of seconds from {least:g} to {most:g}")
        return float(found)

    def refuse_the_rest(self) -> None:
        for name in self._left:
            raise UhppoteConfigError(f"{self._path}.{name}", "is not known")
