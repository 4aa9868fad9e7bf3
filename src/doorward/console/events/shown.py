"""Events as the pages show them."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import json

from doorward.console.events.kinds import Group, Look, group_of, look_of
from doorward.console.lists import with_filters
from doorward.console.sites_and_doors import SitesAndDoors
from doorward.decision.wording import event_label
from doorward.events.listing import StoredEvent
from doorward.events.wire import EventReason
from doorward.kit.timestamps import format_instant, local_datetime

_REASONS: Final = json.Decoder(list[EventReason])


@dataclass(frozen=True, slots=True)
class Shown:
    """An event, in words; `has_door`: the door is there still, and the user sees it."""

    event: StoredEvent
    label: str
    group: Group
    look: Look
    reasons: list[EventReason]
    zone: ZoneInfo
    """Of the door's site."""
    site_name: str
    has_door: bool

    @property
    def day(self) -> date:
        """The local day on which it happened."""
        return local_datetime(self.event.occurred_at, self.zone).date()

    @property
    def access_check(self) -> str | None:
        """Where one sees what would have been needed, for somebody who was denied."""
        event = self.event
        if self.group.key != "denied" or event.person_id is None or event.channel_id is None or not self.has_door:
            return None
        asked = {
            "person_id": event.person_id,
            "channel_id": event.channel_id,
            "at": format_instant(event.occurred_at),
        }
        return with_filters("/console/access", asked)


def shown(event: StoredEvent, places: SitesAndDoors) -> Shown:
    """An event as a page shows it."""
    site = places.site_of(event.channel_id)
    return Shown(
        event,
        event_label(event.event_code, event.channel_name or "A door", event.person_name),
        group_of(event.event_code),
        look_of(event.event_code),
        _REASONS.decode(event.reasons),
        places.zone_of(event.channel_id),
        site.name if site else "",
        places.door(event.channel_id) is not None,
    )
