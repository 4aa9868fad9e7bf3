"""Which readers hang on which lines, and what is wired to them at a door. toml.py reads it from a file."""

import secrets
from dataclasses import dataclass
from typing import Final

from doorward.decision.card_formats import CardFormat, Facility

MOST_DEVICES: Final = 32
"""On one line: libosdp's Python part gives the state of its devices as a number of 32 bits."""
HIGHEST_ADDRESS: Final = 126
BAUD_RATES: Final = (9600, 19200, 38400, 57600, 115200, 230400)

_DEFAULT_KEY: Final = bytes(range(0x30, 0x40))
"""SCBK-D of IEC 60839-11-5, which everybody knows."""


class OsdpConfigError(ValueError):
    """Something in the configuration is not possible. `field` names it, for instance `bus[0].reader[2].address`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}" if field else problem)
        self.field = field


class DeviceKey:
    """The secure channel key (SCBK) of one device. Printing it does not show it."""

    __slots__ = ("_bytes",)

    def __init__(self, key: bytes) -> None:
        """Raises ValueError unless it is 16 bytes that not everybody knows."""
        if len(key) != 16:
            raise ValueError("must be 32 hexadecimal digits")
        if key == _DEFAULT_KEY or len(set(key)) == 1:
            raise ValueError("is a key that everybody knows")
        self._bytes = key

    @classmethod
    def from_hex(cls, text: str) -> "DeviceKey":
        """Raises ValueError without quoting the text."""
        try:
            key = bytes.fromhex(text.strip())
        except ValueError:
            raise ValueError("must be 32 hexadecimal digits") from None
        return cls(key)

    @classmethod
    def random(cls) -> "DeviceKey":
        """A new key."""
        return cls(secrets.token_bytes(16))

    def reveal(self) -> bytes:
        """The key itself: for the device, and for the file that keeps it."""
        return self._bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceKey) and secrets.compare_digest(self._bytes, other._bytes)

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __repr__(self) -> str:
        return "DeviceKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not to be copied to where it is not meant to be")


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port with an RS-485 adapter that turns the direction by itself."""

    device: str
    baud: int = 9600


@dataclass(frozen=True, slots=True)
class TcpLine:
    """A converter that passes the line's bytes through a TCP connection."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Device:
    """Something with an address on a line: a reader, or a module with inputs and outputs.

    Without a key it is not spoken to: it must be given one first (keying.py).
    """

    address: int
    key: DeviceKey | None


@dataclass(frozen=True, slots=True)
class Output:
    """The relay that drives a lock: energised, the door may be opened."""

    address: int
    number: int


@dataclass(frozen=True, slots=True)
class Input:
    """A wire to a door contact or a button; `is_active`: what it reports while the door is open or the button held."""

    address: int
    number: int
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """One channel's reader, and what is wired for its door."""

    channel_id: int
    address: int
    card_format: CardFormat
    facility: Facility = "kept"
    keypad: bool = True
    """Whether its keys count. How long a PIN is, and how long one may take over it, the door knows."""
    led: int | None = 0
    """Which of its lamps shows what became of somebody; None: it is left alone."""
    buzzer: bool = True
    lock: Output | None = None
    contact: Input | None = None
    rex: Input | None = None

    @property
    def addresses(self) -> frozenset[int]:
        """All devices that the channel needs."""
        points = (self.lock, self.contact, self.rex)
        return frozenset({self.address, *(point.address for point in points if point is not None)})


@dataclass(frozen=True, slots=True)
class Bus:
    """One line."""

    name: str
    line: SerialLine | TcpLine
    devices: tuple[Device, ...]
    readers: tuple[Reader, ...]

    def __post_init__(self) -> None:
        addresses = [device.address for device in self.devices]
        if len(addresses) > MOST_DEVICES:
            raise OsdpConfigError("", f"has more than {MOST_DEVICES} devices on one line")
        for address in addresses:
            if not 0 <= address <= HIGHEST_ADDRESS:
                raise OsdpConfigError("address", f"{address} must be 0 to {HIGHEST_ADDRESS}")
            if addresses.count(address) > 1:
                raise OsdpConfigError("address", f"{address} is that of two devices on one line")
        for reader in self.readers:
            missing = reader.addresses.difference(addresses)
            if missing:
                raise OsdpConfigError("module", f"{min(missing)} is not a device on this line")
        keys = [device.key for device in self.devices if device.key is not None]
        if len(set(keys)) < len(keys):
            raise OsdpConfigError("key", "is that of two devices: each must have its own")


@dataclass(frozen=True, slots=True)
class OsdpConfig:
    """All lines of one controller."""

    buses: tuple[Bus, ...]

    def __post_init__(self) -> None:
        channels = [reader.channel_id for bus in self.buses for reader in bus.readers]
        for channel_id in channels:
            if channels.count(channel_id) > 1:
                raise OsdpConfigError("channel", f"{channel_id} has two readers")
        outputs = [
            (bus.name, bus.line, reader.lock) for bus in self.buses for reader in bus.readers if reader.lock is not None
        ]
        for output in outputs:
            if outputs.count(output) > 1:
                raise OsdpConfigError("lock", f"output {output[2].number} drives the locks of two channels")
        lines = [bus.line for bus in self.buses]
        for line in lines:
            if lines.count(line) > 1:
                raise OsdpConfigError("bus", f"{line} is there twice")

    def reader(self, channel_id: int) -> tuple[Bus, Reader] | None:
        """The reader of a channel and its line."""
        for bus in self.buses:
            for reader in bus.readers:
                if reader.channel_id == channel_id:
                    return bus, reader
        return None
