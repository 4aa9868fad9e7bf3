"""Events in groups that an operator thinks in, and how each is shown."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from doorward.decision.codes import ADMITTING, EventCode
from doorward.events.codes import EVERY
from doorward.reports.codes import DENIED


class Group(NamedTuple):
    """What is asked for together."""

    key: str
    label: str
    of_one: str
    """What one event of it is."""
    codes: frozenset[int]


class Look(NamedTuple):
    """How an event stands out: the kind of a state (page.state), and an icon."""

    kind: str
    icon: str


_ALARMS: Final = frozenset(
    {
        EventCode.DOOR_FORCED,
        EventCode.DOOR_HELD_OPEN,
        EventCode.REX_HELD,
        EventCode.CONTACT_LOST,
        EventCode.CONTACT_FAULT,
        EventCode.DURESS,
        EventCode.TAMPER_DETECTED,
        EventCode.POWER_LOST,
    }
)
_COMMANDS: Final = frozenset(
    {
        *range(EventCode.AUTO_UNLOCK_BEGAN, EventCode.AUTO_UNLOCK_SUPPRESSED + 1),
        *range(EventCode.UNLOCK_MODE_SET, EventCode.RELOCKED_ON_TIME + 1),
        EventCode.REMOTE_ADMISSION_DONE,
        EventCode.REMOTE_ADMISSION_REQUESTED,
        EventCode.REMOTE_ADMISSION_TIMED_OUT,
    }
)
_MOVEMENT: Final = frozenset(
    {EventCode.REX_PRESSED, EventCode.DOOR_OPENED, EventCode.DOOR_CLOSED, EventCode.DOOR_NORMAL}
)
_DENIED: Final = DENIED | {EventCode.REMOTE_ADMISSION_DENIED}
_SYSTEM: Final = EVERY - ADMITTING - _DENIED - _ALARMS - _COMMANDS - _MOVEMENT

GROUPS: Final = (
    Group("admitted", "Admitted", "Admitted", frozenset(map(int, ADMITTING))),
    Group("denied", "Denied", "Denied", frozenset(map(int, _DENIED))),
    Group("alarms", "Door alarms", "Door alarm", frozenset(map(int, _ALARMS))),
    Group("commands", "Commands", "Command", frozenset(map(int, _COMMANDS))),
    Group("movement", "Opening and closing", "Door", frozenset(map(int, _MOVEMENT))),
    Group("system", "System", "System", frozenset(map(int, _SYSTEM))),
)
"""Every event is in one of them."""

USUAL: Final = ("admitted", "denied", "alarms", "commands")
"""What is shown unless others are asked for: who came and who did not, what was wrong, and what somebody ordered."""

COMMON: Final = frozenset({"admitted", "denied", "movement"})
"""What happens all day long; the rest is rare beside it."""

_LOOKS: Final[Mapping[str, Look]] = {
    "admitted": Look("good", "circle-check"),
    "denied": Look("bad", "circle-x"),
    "alarms": Look("bad", "alert-triangle"),
    "commands": Look("plain", "command"),
    "movement": Look("plain", "door"),
    "system": Look("off", "settings"),
}
_SPECIAL: Final[Mapping[int, Look]] = {
    EventCode.DOOR_HELD_OPEN: Look("late", "clock-exclamation"),
    EventCode.REX_HELD: Look("late", "clock-exclamation"),
    EventCode.CONTACT_LOST: Look("off", "wifi-off"),
    EventCode.POWER_LOST: Look("off", "plug-connected-x"),
    EventCode.DURESS: Look("bad", "urgent"),
    EventCode.LOCKDOWN_SET: Look("lockdown", "shield-lock"),
    EventCode.LOCKDOWN_CLEARED: Look("plain", "shield-check"),
    EventCode.UNLOCK_MODE_SET: Look("good", "lock-open"),
    EventCode.NORMAL_MODE_SET: Look("plain", "lock"),
    EventCode.AUTO_UNLOCK_BEGAN: Look("good", "lock-open"),
    EventCode.AUTO_UNLOCK_ENDED: Look("plain", "lock"),
    EventCode.RELOCKED_ON_TIME: Look("plain", "lock"),
    EventCode.REMOTE_ADMISSION_DONE: Look("good", "door-enter"),
}
_GROUP_OF: Final = {code: group for group in GROUPS for code in group.codes}


def codes_of(keys: Collection[str]) -> frozenset[int]:
    """The codes of some groups."""
    return frozenset(code for group in GROUPS if group.key in keys for code in group.codes)


def group_of(code: int) -> Group:
    """The group of a code; that of the system for one of a later version."""
    return _GROUP_OF.get(code, GROUPS[-1])


def look_of(code: int) -> Look:
    """How an event of a code is shown."""
    return _SPECIAL.get(code) or _LOOKS[group_of(code).key]
