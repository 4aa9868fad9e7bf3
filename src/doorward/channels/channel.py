"""A channel as a row, and what a body says about one."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.channels.tables import SIMULATED, channels
from doorward.db.rows import Rows
from doorward.decision.card_formats import UnknownCardFormat, card_format
from doorward.decision.codes import PIN, READ_KINDS
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key

MODES: Final = ("normal", "unlock")
OSDP: Final = "osdp"
DRIVERS: Final = (SIMULATED, OSDP, "uhppote", "esp_rfid")
"""What drives the door's hardware; a simulated door that no controller has enrolled for is the server's own."""
PASSBACK_MODES: Final = ("hard", "soft", "timed")

_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_WEEK_MINUTES: Final = 7 * 24 * 60
_YEAR_HOURS: Final = 366 * 24
_RANGES: Final = {
    "unit": (1, 255),
    "second_factor_ms": (_SECOND_MS, _MINUTE_MS),
    "pulse_ms": (100, 10 * _MINUTE_MS),
    "held_open_ms": (_SECOND_MS, _DAY_MS),
    "held_open_warning_ms": (0, _DAY_MS),
    "rex_held_ms": (0, _HOUR_MS),
    "two_person_ms": (_SECOND_MS, _MINUTE_MS),
    "passback_minutes": (0, _WEEK_MINUTES),
}
"""The least and the most that a door may be set to. A strike that is released for longer is better unlocked."""

_FLAGS: Final = (
    *("two_factor", "card_lockdown", "rex_lockdown", "aux_lockdown"),
    *("relock_on_open", "first_person_in", "two_person"),
)
_HARDWARE: Final = ("model", "serial_number", "card_format", "pin_format", "reader_device_class_name")
_MAC_ADDRESS: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


class Channel(NamedTuple):
    """One door. `accepts` are kinds of codes.READ_KINDS.

    `staleness_hours` is how long it decides without the server, None for ever. `held_open_warning_ms` is how long
    before the alarm the reader warns; it and `rex_held_ms` are 0 for never. `controller_id` is which controller serves
    the door; it comes of the controller's enrolment alone.
    """

    id: int
    account_id: int
    site_id: int
    name: str
    name_key: str
    mac_address: str
    created_at: int
    updated_at: int
    driver: str = SIMULATED
    unit: int = 1
    accepts: tuple[str, ...] = ("card", "pin")
    two_factor: bool = False
    second_factor_ms: int = 10_000
    pulse_ms: int = 5_000
    held_open_ms: int = 30_000
    staleness_hours: int | None = 72
    mode: str = MODES[0]
    relock_at: int | None = None
    mode_changed_at: int | None = None
    card_lockdown: bool = False
    rex_lockdown: bool = False
    aux_lockdown: bool = False
    auto_unlock_shift_id: int | None = None
    passback_mode: str | None = None
    passback_minutes: int = 0
    area_from_id: int | None = None
    area_to_id: int | None = None
    held_open_warning_ms: int = 0
    rex_held_ms: int = 0
    relock_on_open: bool = False
    first_person_in: bool = False
    two_person: bool = False
    two_person_ms: int = 10_000
    controller_id: int | None = None
    model: str | None = None
    serial_number: str | None = None
    card_format: str | None = None
    pin_format: str | None = None
    reader_device_class_name: str | None = None

    @property
    def locked_down(self) -> bool:
        """Whether anything at the door is locked down."""
        return self.card_lockdown or self.rex_lockdown or self.aux_lockdown

    def as_of(self, now: int) -> "Channel":
        """The channel with what time has done to it: an unlocked door locks by itself at `relock_at`."""
        if self.mode == "unlock" and self.relock_at is not None and self.relock_at <= now:
            return self._replace(mode=MODES[0], relock_at=None, mode_changed_at=self.relock_at)
        return self


CHANNELS: Final = Rows(channels, Channel)


def new_mac_address() -> str:
    """A random address that no manufacturer gives out: locally administered, of a single station (IEEE 802, 8.4)."""
    first, *others = secrets.token_bytes(6)
    return ":".join(f"{byte:02x}" for byte in (first & 0b11111100 | 0b10, *others))


def read_channel(fields: StructuredFields, before: Channel, zone: ZoneInfo, now: int) -> Channel:
    """The channel as the body wants it: what it does not mention stays. Complaints are left in `fields`.

    Ids are not looked up here.
    """
    given: dict[str, Any] = {name: fields.flag(name, before=getattr(before, name)) for name in _FLAGS}
    if not before.name or "name" in fields:
        given["name"] = fields.name("name", required=True) or ""
        given["name_key"] = sort_key(given["name"])
    if not before.site_id or "site_id" in fields:
        given["site_id"] = fields.identity("site_id", required=True) or 0
    if "mac_address" in fields:
        given["mac_address"] = _read_mac_address(fields, before)
    for name, (low, high) in _RANGES.items():
        if name in fields:
            given[name] = fields.integer(name, required=True, low=low, high=high) or 0
    given.update({name: fields.line(name) for name in _HARDWARE if name in fields})
    given.update({name: read(fields) for name, read in _OTHERS.items() if name in fields})
    wanted = _read_mode(fields, before._replace(**given), zone, now)
    _check_times(fields, wanted)
    _check_card_format(fields, wanted)
    _check_factors(fields, wanted)
    _check_passback(fields, wanted)
    return wanted


def _read_mac_address(fields: StructuredFields, before: Channel) -> str:
    text = fields.line("mac_address")
    if text is None:
        return before.mac_address or new_mac_address()
    address = text.lower().replace("-", ":")
    if not _MAC_ADDRESS.fullmatch(address):
        fields.complain("mac_address", "must be a MAC address such as 02:11:22:33:44:55")
    return address


def _read_accepts(fields: StructuredFields) -> tuple[str, ...]:
    entries = fields.entries("accepts", most=len(READ_KINDS), required=True)
    if entries is None:
        return ()
    if not entries or any(entry not in READ_KINDS for entry in entries):
        fields.complain("accepts", f"must be a list of at least one of: {', '.join(READ_KINDS)}")
    return tuple(kind for kind in READ_KINDS if kind in entries)


_OTHERS: Final[Mapping[str, Callable[[StructuredFields], Any]]] = {
    "driver": lambda fields: fields.choice("driver", DRIVERS, required=True) or SIMULATED,
    "accepts": _read_accepts,
    "staleness_hours": lambda fields: fields.integer("staleness_hours", low=1, high=_YEAR_HOURS),
    "passback_mode": lambda fields: fields.choice("passback_mode", PASSBACK_MODES),
    "auto_unlock_shift_id": lambda fields: fields.identity("auto_unlock_shift_id"),
    "area_from_id": lambda fields: fields.identity("area_from_id"),
    "area_to_id": lambda fields: fields.identity("area_to_id"),
}


def _read_mode(fields: StructuredFields, before: Channel, zone: ZoneInfo, now: int) -> Channel:
    """`mode` and `relock_at`, the instant at which an unlocked door locks by itself: not by itself unless given."""
    if "mode" not in fields and "relock_at" not in fields:
        return before
    mode = fields.choice("mode", MODES, required=True) if "mode" in fields else before.mode
    if mode is None:
        return before
    relock_at = fields.instant("relock_at", zone) if "relock_at" in fields else None
    if relock_at is not None and mode != "unlock":
        fields.complain("relock_at", "is only for the mode unlock")
    elif relock_at is not None and relock_at <= now:
        fields.complain("relock_at", "must be in the future")
    changed = (mode, relock_at) != (before.mode, before.relock_at)
    return before._replace(mode=mode, relock_at=relock_at, mode_changed_at=now if changed else before.mode_changed_at)


def _check_times(fields: StructuredFields, wanted: Channel) -> None:
    """A warning as early as the door is opened, or a button that nobody can let go of in time, is a mistake."""
    early = wanted.held_open_warning_ms >= wanted.held_open_ms
    if early and not fields.errors.keys() & {"held_open_ms", "held_open_warning_ms"}:
        if "held_open_warning_ms" in fields:
            fields.complain("held_open_warning_ms", "must be less than held_open_ms")
        else:
            fields.complain("held_open_ms", "must be more than held_open_warning_ms")
    if 0 < wanted.rex_held_ms < _SECOND_MS and "rex_held_ms" not in fields.errors:
        fields.complain("rex_held_ms", f"must be 0, for never, or between {_SECOND_MS} and {_HOUR_MS}")


def _check_card_format(fields: StructuredFields, wanted: Channel) -> None:
    """An OSDP reader gives bits, which some format must make a number of; boards have formats of their own."""
    if wanted.driver == OSDP and wanted.card_format is not None and "card_format" not in fields.errors:
        try:
            card_format(wanted.card_format)
        except UnknownCardFormat as error:
            fields.complain("card_format", str(error))


def _check_factors(fields: StructuredFields, wanted: Channel) -> None:
    possible = PIN in wanted.accepts and len(wanted.accepts) > 1
    if wanted.two_factor and not possible and "accepts" not in fields.errors:
        fields.complain("two_factor", "needs accepts to have pin and another kind")


def _check_passback(fields: StructuredFields, wanted: Channel) -> None:
    """A rule that could never refuse anybody is a mistake: better said than found out at the door."""
    if wanted.passback_mode is None:
        return
    if wanted.area_from_id == wanted.area_to_id:
        fields.complain("passback_mode", "needs area_from_id and area_to_id to differ (none is outside)")
    if wanted.passback_mode == "timed" and not (wanted.passback_minutes or "passback_minutes" in fields.errors):
        fields.complain("passback_minutes", f"{REQUIRED} where passback_mode is timed")
