"""libosdp, as this driver uses it. It is loaded when a driver starts, so that nothing else needs it to be there."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from doorward.drivers.osdp.config import Device


class LibosdpMissing(RuntimeError):
    """libosdp is not installed, or not built for this machine."""

    def __init__(self) -> None:
        super().__init__(
            "OSDP readers need libosdp, which is not installed: pip install 'doorward[controller]' (Linux only)"
        )


class Panel(Protocol):
    """libosdp's control panel for one line; devices are counted from 0. It belongs to one thread."""

    def refresh(self) -> None:
        """Let things go on. It calls the ports and the event callback."""
        ...

    def set_event_callback(self, callback: Callable[[int, dict[str, Any]], int]) -> None:
        """Who is told of events; within the call, nothing else of the panel may be called."""
        ...

    def submit_command(self, device: int, command: Mapping[str, object]) -> bool:
        """Have a command sent; its end is told as a notification."""
        ...

    def sc_status(self) -> int:
        """A bit for each device whose secure channel stands, and not with the default key."""
        ...

    def check_capability(self, device: int, capability: int) -> tuple[int, int]:
        """(compliance level, number of items), as the device has reported."""
        ...

    def set_flag(self, device: int, flag: int) -> bool:
        """Set one of the library's flags."""
        ...

    def disable_pd(self, device: int) -> bool:
        """Take a device out of the polling, as soon as what is under way with it has ended."""
        ...

    def enable_pd(self, device: int) -> bool:
        """Begin anew with a device; only after is_pd_enabled() has become False."""
        ...

    def is_pd_enabled(self, device: int) -> bool:
        """Whether the device has its turn."""
        ...


class Library(Protocol):
    """The part of the module osdp_sys that is needed here.

    Its wrapper `osdp` keeps every event in a queue that nobody empties, and so does not stand in between.
    """

    FLAG_ENFORCE_SECURE: int
    FLAG_ENABLE_NOTIFICATION: int
    LOG_EMERG: int
    CMD_OUTPUT: int
    CMD_LED: int
    CMD_BUZZER: int
    CMD_STATUS: int
    STATUS_REPORT_LOCAL: int
    STATUS_REPORT_INPUT: int
    STATUS_REPORT_OUTPUT: int
    EVENT_CARDREAD: int
    EVENT_KEYPRESS: int
    EVENT_STATUS: int
    EVENT_NOTIFICATION: int
    EVENT_NOTIFICATION_COMMAND: int
    EVENT_NOTIFICATION_PD_STATUS: int
    EVENT_NOTIFICATION_SC_STATUS: int
    CARD_FMT_RAW_UNSPECIFIED: int
    CARD_FMT_RAW_WIEGAND: int
    CAP_OUTPUT_CONTROL: int
    CAP_CONTACT_STATUS_MONITORING: int
    CAP_READER_LED_CONTROL: int
    CAP_READER_AUDIBLE_OUTPUT: int
    LED_COLOR_NONE: int
    LED_COLOR_RED: int
    LED_COLOR_GREEN: int
    LED_COLOR_AMBER: int

    def set_loglevel(self, level: int) -> None:
        """What it prints; it has no other way of logging."""
        ...

    def ControlPanel(self, devices: list[dict[str, object]]) -> Panel:  # noqa: N802 - the library's name
        """A control panel for the devices of one line."""
        ...


def load() -> Library:
    """The library, told to print nothing: it prints to the standard output. Raises LibosdpMissing."""
    try:
        library = cast(Library, importlib.import_module("osdp_sys"))
    except ImportError as error:
        raise LibosdpMissing from error
    library.set_loglevel(library.LOG_EMERG)
    return library


def describe(device: Device, port: object, flags: int) -> dict[str, object]:
    """A device as the control panel wants it; what only a device itself would say is left at nothing."""
    if device.key is None:
        raise ValueError("a device without a key is not to be spoken to")
    return {
        "name": f"address {device.address}",
        "address": device.address,
        "flags": flags,
        "scbk": device.key.reveal(),
        "channel": port,
        "version": 0,
        "model": 0,
        "vendor_code": 0,
        "serial_number": 0,
        "firmware_version": 0,
    }
