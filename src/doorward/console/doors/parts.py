"""What the templates of doors need beside a page's own values."""

from collections.abc import Mapping
from typing import Any, Final

from doorward.access.standing import decides_until
from doorward.channels.wire import lockdown_message
from doorward.console.doors.look import lockdown_of, looks_of

READ: Final = ("account.channel.readonly",)
COMMAND: Final = ("account.channel.admit",)
CONFIGURE: Final = ("account.channel",)
PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
DOORS: Final = "/console/doors"

DRIVERS: Final[Mapping[str, str]] = {
    "simulated": "Simulated, without hardware",
    "osdp": "OSDP reader",
    "uhppote": "UHPPOTE board",
    "esp_rfid": "esp-rfid board",
}
ALARMS: Final[Mapping[str, str]] = {
    "duress": "Duress",
    "forced": "Forced open",
    "tamper": "Tampered with",
    "controller_lost": "Controller lost",
    "door_lost": "Device lost",
    "held_open": "Held open",
}
LOOKS: Final[Mapping[str, Any]] = {
    "looks_of": looks_of,
    "lockdown_of": lockdown_of,
    "lockdown_message": lockdown_message,
    "decides_until": decides_until,
    "driver_words": DRIVERS,
    "alarm_words": ALARMS,
}
"""For the templates of doors."""
