"""Event codes and the kinds of credential (behaviour.md, "Event codes")."""

from enum import IntEnum
from typing import Final


class EventCode(IntEnum):
    """What happened, as a number that controllers, the API and integrations share."""

    CHANNEL_STARTED = 1
    CHANNEL_STOPPED = 2
    CONTACT_LOST = 3
    ADMIT_CARD = 10
    ADMIT_PIN = 11
    ADMIT_MANUAL = 12
    ADMIT_REX = 13
    ADMIT_AUX = 14
    ADMIT_APPLICATION = 15
    ADMIT_UNLOCKED = 16
    ADMIT_APPLE = 17
    ADMIT_GOOGLE = 18
    REJECT_CARD = 20
    REJECT_OUT_OF_HOURS = 21
    REJECT_LOCKDOWN = 22
    REJECT_TAMPER = 23
    REJECT_PIN = 24
    REJECT_TIMEOUT = 25
    REJECT_INVALID_TYPE = 26
    REJECT_UNAUTHORIZED = 27
    REJECT_PASSED_BACK = 28
    REJECT_OFFLINE = 29
    REX_PRESSED = 30
    DOOR_OPENED = 31
    DOOR_CLOSED = 32
    DOOR_FORCED = 33
    DOOR_HELD_OPEN = 34
    DOOR_NORMAL = 35
    REX_HELD = 36
    CONTACT_FAULT = 37
    CLOCK_WRONG = 38
    EVENTS_LOST = 39
    AUTO_UNLOCK_BEGAN = 40
    AUTO_UNLOCK_ENDED = 41
    AUTO_UNLOCK_SUPPRESSED = 42
    REMOTE_ADMISSION_DONE = 50
    REMOTE_ADMISSION_DENIED = 51
    CONTROLLER_OFFLINE = 52
    UNLOCK_MODE_SET = 53
    NORMAL_MODE_SET = 54
    LOCKDOWN_SET = 55
    LOCKDOWN_CLEARED = 56
    AUTO_UNLOCK_CHANGED = 57
    RELOCKED_ON_TIME = 58
    KEY_REGENERATED = 59
    KEY_REMOVED = 60
    REMOTE_ADMISSION_REQUESTED = 61
    REMOTE_ADMISSION_TIMED_OUT = 62
    DURESS = 63
    ADMIT_TWO_FACTORS = 70
    REJECT_SECOND_FACTOR = 71
    SECOND_FACTOR_LATE = 72
    SECOND_FACTOR_MISSING = 73
    TAMPER_DETECTED = 90
    TAMPER_CLEARED = 91
    POWER_LOST = 92
    POWER_BACK = 93
    SYNC_REQUESTED = 100
    SYNC_STARTED = 101
    SYNC_COMPLETED = 102
    SYNC_FAILED = 103
    SYNC_SUPERSEDED = 104
    SYNC_CONTROLLER_OFFLINE = 105
    SYNC_VERSION_REPORTED = 106
    SNAPSHOT_REFUSED = 107
    PERSON_ERASED = 110
    EVENTS_REMOVED = 111
    DIRECTORY_SYNC_STARTED = 220
    DIRECTORY_SYNC_COMPLETED = 223
    DIRECTORY_SYNC_FAILED = 224
    DIRECTORY_SYNC_PARTLY = 225


ADMITTING: Final = frozenset(code for code in EventCode if code.name.startswith("ADMIT_"))

CARD: Final = "card"
PIN: Final = "pin"
AUX: Final = "aux"
APPLE: Final = "apple"
GOOGLE: Final = "google"

DURESS: Final = "duress"

READ_KINDS: Final = (CARD, PIN, AUX, APPLE, GOOGLE)
"""Every kind of credential that a reader can report and a door can accept."""

KINDS: Final = (*READ_KINDS, DURESS)
"""Every kind of credential that a person can have; a credential type is of one kind.

A duress PIN is typed as a PIN is: no reader reports the kind, and it works where PINs do.
"""

ADMIT_CODES: Final = {
    CARD: EventCode.ADMIT_CARD,
    PIN: EventCode.ADMIT_PIN,
    AUX: EventCode.ADMIT_AUX,
    APPLE: EventCode.ADMIT_APPLE,
    GOOGLE: EventCode.ADMIT_GOOGLE,
}
