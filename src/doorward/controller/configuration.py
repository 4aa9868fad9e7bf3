"""The controller's configuration file (TOML): which hardware it has for which channels (docs/howto/controller.md).

```
[simulated]
channels = [1, 2]

[[bus]]        # OSDP readers on a line: docs/howto/osdp-readers.md
[uhppote]      # UHPPOTE boards
[esp_rfid]     # esp-rfid boards behind an MQTT broker
```

Whatever is wrong is refused, with the field that it is about. A driver's packages are imported only where it is used.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from doorward.controller.plan import Plan, PlannedUnit, simulated_driver
from doorward.drivers.base import Driver
from doorward.kit.clock import Clock

_LARGEST_FILE: Final = 1 << 20
_LARGEST_ID: Final = (1 << 63) - 1
_SECTIONS: Final = ("simulated", "bus", "uhppote", "esp_rfid")


class InvalidConfiguration(ValueError):
    """The file cannot be used; the text names it and the field."""


def read_configuration(path: Path) -> Plan:
    """Which drivers are to run. Raises InvalidConfiguration."""
    table = _read(path)
    for name in table:
        if name not in _SECTIONS:
            raise InvalidConfiguration(f"{path}: {name} is not known; it may have {', '.join(_SECTIONS)}")
    try:
        units = [
            *_simulated(table.get("simulated")),
            *(_osdp(table, path.parent) if "bus" in table else ()),
            *(_uhppote(table["uhppote"]) if "uhppote" in table else ()),
            *(_esp_rfid(table["esp_rfid"]) if "esp_rfid" in table else ()),
        ]
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: {error}") from None
    except ImportError as error:
        raise InvalidConfiguration(f"{path}: {error}: pip install 'doorward[controller]'") from None
    known: dict[int, str] = {}
    for unit in units:
        for channel_id in unit.channel_ids:
            if channel_id in known:
                raise InvalidConfiguration(f"{path}: channel {channel_id} is in {known[channel_id]} and in {unit.name}")
            known[channel_id] = unit.name
    return Plan(tuple(units), simulates=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InvalidConfiguration(f"{path}: it is too large")
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise InvalidConfiguration(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidConfiguration(f"{path}: it is no TOML: {error}") from None


def _simulated(table: object) -> list[PlannedUnit]:
    if table is None:
        return []
    if not isinstance(table, Mapping):
        raise ValueError("simulated must be a table")
    for name in table:
        if name != "channels":
            raise ValueError(f"simulated.{name} is not known")
    channels = table.get("channels")
    if not isinstance(channels, list) or not all(type(each) is int and 1 <= each <= _LARGEST_ID for each in channels):
        raise ValueError("simulated.channels must be a list of channel ids")
    return [PlannedUnit("simulated", frozenset(channels), simulated_driver)]


def _osdp(table: Mapping[str, object], directory: Path) -> list[PlannedUnit]:
    from doorward.drivers.osdp.config import OsdpConfig  # noqa: PLC0415 - only where it is used
    from doorward.drivers.osdp.toml import osdp_config  # noqa: PLC0415

    units = []
    for bus in osdp_config(table, directory).buses:
        # A driver for each line: what is wrong with one stops no other.
        config = OsdpConfig((bus,))

        def build(clock: Clock, config: OsdpConfig = config) -> Driver:
            from doorward.drivers.osdp.driver import OsdpDriver  # noqa: PLC0415

            return OsdpDriver(config, clock)

        channels = frozenset(reader.channel_id for reader in bus.readers)
        units.append(PlannedUnit(f"bus {bus.name}", channels, build))
    return units


def _uhppote(table: object) -> list[PlannedUnit]:
    from doorward.drivers.uhppote.config import uhppote_config  # noqa: PLC0415
    from doorward.drivers.uhppote.driver import UhppoteDriver  # noqa: PLC0415

    config = uhppote_config(_table(table, "uhppote"))
    channels = frozenset(channel for board in config.boards for channel in board.channels.values())
    return [PlannedUnit("uhppote", channels, lambda clock: UhppoteDriver(config, clock))]


def _esp_rfid(table: object) -> list[PlannedUnit]:
    from doorward.drivers.esp_rfid.config import esp_rfid_config  # noqa: PLC0415
    from doorward.drivers.esp_rfid.driver import EspRfidDriver  # noqa: PLC0415

    config = esp_rfid_config(_table(table, "esp_rfid"))
    channels = frozenset(channel for device in config.devices for _, channel in device.doors)
    return [PlannedUnit("esp_rfid", channels, lambda clock: EspRfidDriver(config, clock))]


def _table(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a table")
    return value
