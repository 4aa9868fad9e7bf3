"""Alarms as the pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from doorward.alarms.alarm import Alarm
from doorward.alarms.kinds import NATURES, Kind
from doorward.alarms.listing import Shown
from doorward.console.sites_and_doors import SitesAndDoors
from doorward.decision.wording import event_label


class Look(NamedTuple):
    """How something stands out: the kind of a state (page.state), a word, and an icon."""

    kind: str
    word: str
    icon: str


KINDS: Final[Mapping[Kind, Look]] = {
    Kind.DURESS: Look("bad", "Duress", "urgent"),
    Kind.FORCED: Look("bad", "Forced open", "alert-triangle"),
    Kind.TAMPER: Look("bad", "Tampering", "tool"),
    Kind.CONTROLLER_LOST: Look("off", "Controller lost", "wifi-off"),
    Kind.DOOR_LOST: Look("off", "Door lost", "plug-connected-x"),
    Kind.HELD_OPEN: Look("late", "Held open", "clock-exclamation"),
}
STATES: Final[Mapping[str, Look]] = {
    "open": Look("bad", "Open", "bell-ringing"),
    "acknowledged": Look("late", "Acknowledged", "eye"),
    "closed": Look("good", "Closed", "circle-check"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """An alarm, in words; `has_door`: the door is there still."""

    alarm: Alarm
    label: str
    severity: str
    look: Look
    state: Look
    person_id: int | None
    person_name: str | None
    assignee: str | None
    zone: ZoneInfo
    site_name: str
    has_door: bool


def card_of(found: Shown, places: SitesAndDoors) -> Card:
    """An alarm as a page shows it."""
    alarm, kind = found.alarm, Kind(found.alarm.kind)
    site = places.site_of(alarm.channel_id)
    return Card(
        alarm,
        event_label(NATURES[kind].raised_by, alarm.channel_name or "A door", found.person_name),
        NATURES[kind].severity,
        KINDS[kind],
        STATES[alarm.state],
        found.person_id,
        found.person_name,
        found.assignee_name,
        places.zone_of(alarm.channel_id),
        site.name if site else "",
        places.door(alarm.channel_id) is not None,
    )
