"""What the driver is told in the controller's configuration file, checked once and typed from there on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

CardFormat = Literal["number", "reversed", "facility"]
UidFormat = Literal["decimal", "hex", "bytes"]

MOST_DOORS: Final = 4
"""MAX_NUM_RELAYS of the firmware."""

_UIDS: Final = ("decimal", "hex", "bytes")
_CARDS: Final = ("number", "reversed", "facility")
_FIRMWARES: Final = (2,)
_HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_TOPIC: Final = re.compile(r"[^\x00-\x1f\x7f+#]{1,100}")
_HOST: Final = re.compile(r"[^\s\x00-\x1f/@]{1,255}")
_LOOPBACK: Final = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")


class EspRfidConfigError(ValueError):
    """The configuration cannot be used; `field` says which entry of it, as a path with dots."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Device:
    """One board. `channels` are the channels of its relays in their order; None: a relay that is not ours."""

    hostname: str
    channels: tuple[int | None, ...]
    topic: str
    pulse_ms: int = 5_000
    """How long one command releases the lock: the board's own setting, which cannot be told to it."""
    uid: UidFormat = "decimal"
    card: CardFormat = "number"

    @property
    def doors(self) -> tuple[tuple[int, int], ...]:
        """(index of the relay, channel) of each relay that is ours."""
        return tuple((index, channel) for index, channel in enumerate(self.channels) if channel is not None)


@dataclass(frozen=True, slots=True)
class EspRfidConfig:
    """Where the broker is, how to sign in there, and which boards are behind it."""

    host: str
    devices: tuple[Device, ...]
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None
    client_id: str | None = None
    silent_s: float = 400.0
    """A board that says nothing for so long is offline: more than twice the interval of its heartbeat."""
    clock_tolerance_s: float = 5.0
    """A board whose clock is further from ours than this is not trusted with rights that end."""


def esp_rfid_config(table: Mapping[str, object]) -> EspRfidConfig:
    """Check a table of the configuration file. Raises EspRfidConfigError, which names the entry that is wrong."""
    entries = _Entries(table, "esp_rfid")
    topic = entries.text("topic", "/esprfid", _TOPIC)
    devices = tuple(_device(hostname, value, topic) for hostname, value in entries.table("devices").items())
    if not devices:
        raise EspRfidConfigError("esp_rfid.devices", "must name at least one board")
    _refuse_twice(devices)
    tls = entries.flag("tls")
    ca_file = entries.optional_text("ca_file")
    if ca_file is not None and not tls:
        raise EspRfidConfigError("esp_rfid.ca_file", "is of no use without tls = true")
    username, password = entries.optional_text("username"), entries.optional_text("password")
    if password is not None and username is None:
        raise EspRfidConfigError("esp_rfid.username", "must be given with a password")
    host = entries.text("host", None, _HOST)
    in_clear = entries.flag("password_in_clear")
    if password is not None and not (tls or in_clear or _LOOPBACK.fullmatch(host)):
        raise EspRfidConfigError(
            "esp_rfid.tls", "must be true, or the password crosses the network in clear (password_in_clear = true)"
        )
    config = EspRfidConfig(
        host=host,
        devices=devices,
        port=entries.whole("port", 8883 if tls else 1883, 1, 65_535),
        username=username,
        password=password,
        tls=tls,
        ca_file=ca_file,
        client_id=entries.optional_text("client_id"),
        silent_s=entries.seconds("silent_s", 400.0, 1.0, 86_400.0),
        clock_tolerance_s=entries.seconds("clock_tolerance_s", 5.0, 1.0, 60.0),
    )
    entries.refuse_the_rest()
    return config


def _device(hostname: str, value: object, topic: str) -> Device:
    path = f"esp_rfid.devices.{hostname}"
    if not _HOSTNAME.fullmatch(hostname):
        raise EspRfidConfigError(path, "is no hostname: letters, digits, dots, hyphens and underscores")
    if not isinstance(value, Mapping):
        raise EspRfidConfigError(path, "must be a table")
    entries = _Entries(value, path)
    firmware = entries.whole("firmware", 2, 1, 99)
    if firmware not in _FIRMWARES:
        raise EspRfidConfigError(
            f"{path}.firmware",
            "must be 2: firmware 1 acknowledges nothing and admits whom it knows for ever when it has lost the time",
        )
    device = Device(
        hostname=hostname,
        channels=_channels(entries.get("channels"), f"{path}.channels"),
        topic=entries.text("topic", topic, _TOPIC),
        pulse_ms=entries.whole("pulse_ms", 5_000, 100, 600_000),
        uid=cast(UidFormat, entries.choice("uid", "decimal", _UIDS)),
        card=cast(CardFormat, entries.choice("card", "number", _CARDS)),
    )
    entries.refuse_the_rest()
    if device.card == "reversed" and device.uid != "bytes":
        raise EspRfidConfigError(f"{path}.card", 'can be "reversed" only with uid = "bytes"')
    if device.card == "facility" and device.uid == "bytes":
        raise EspRfidConfigError(f"{path}.card", 'can be "facility" only with a Wiegand reader\'s uid')
    return device


def _channels(value: object, path: str) -> tuple[int | None, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_DOORS:
        raise EspRfidConfigError(path, f"must be a list of 1 to {MOST_DOORS} channel ids, one for each relay")
    for index, channel in enumerate(value):
        if type(channel) is not int or not 0 <= channel < 1 << 63:
            raise EspRfidConfigError(f"{path}[{index}]", "must be a channel id, or 0 for a relay that is not ours")
    if not any(value):
        raise EspRfidConfigError(path, "must name at least one channel")
    return tuple(channel or None for channel in value)


def _refuse_twice(devices: tuple[Device, ...]) -> None:
    seen: dict[int, str] = {}
    for device in devices:
        for _, channel in device.doors:
            path = f"esp_rfid.devices.{device.hostname}.channels"
            if channel in seen:
                raise EspRfidConfigError(path, f"names channel {channel}, as {seen[channel]} does")
            seen[channel] = device.hostname


class _Entries:
    """The entries of one table, taken out one by one, so that what is left over can be refused."""

    def __init__(self, table: Mapping[str, object], path: str) -> None:
        self._left = {str(name): value for name, value in table.items()}
        self._all = dict(self._left)
        self._path = path

    def get(self, name: str) -> object:
        self._left.pop(name, None)
        return self._all.get(name)

    def table(self, name: str) -> Mapping[str, object]:
        found = self.get(name)
        if not isinstance(found, Mapping):
            raise EspRfidConfigError(f"{self._path}.{name}", "must be a table")
        return {str(key): value for key, value in found.items()}

    def optional_text(self, name: str, pattern: re.Pattern[str] | None = None) -> str | None:
        found = self.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or not 0 < len(found) <= 1_000 or "\x00" in found:
            raise EspRfidConfigError(f"{self._path}.{name}", "must be text of 1 to 1000 characters")
        if pattern is not None and not pattern.fullmatch(found):
            raise EspRfidConfigError(f"{self._path}.{name}", "is not of the right form")
        return found

    def text(self, name: str, default: str | None, pattern: re.Pattern[str]) -> str:
        found = self.optional_text(name, pattern) or default
        if found is None:
            raise EspRfidConfigError(f"{self._path}.{name}", "is missing")
        return found

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        found = self.optional_text(name) or default
        if found not in choices:
            raise EspRfidConfigError(f"{self._path}.{name}", f"must be one of {', '.join(choices)}")
        return found

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        found = self.get(name)
        if found is None:
            return default
        if type(found) is not int or not least <= found <= most:
            raise EspRfidConfigError(f"{self._path}.{name}", f"must be a whole number from {least} to {most}")
        return found

    def seconds(self, name: str, default: float, least: float, most: float) -> float:
        found = self.get(name)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
            raise EspRfidConfigError(f"{self._path}.{name}", f"must be a number of seconds from {least:g} to {most:g}")
        return float(found)

    def flag(self, name: str) -> bool:
        found = self.get(name)
        if found is None:
            return False
        if not isinstance(found, bool):
            raise EspRfidConfigError(f"{self._path}.{name}", "must be true or false")
        return found

    def refuse_the_rest(self) -> None:
        for name in self._left:
            raise EspRfidConfigError(f"{self._path}.{name}", "is not known")
