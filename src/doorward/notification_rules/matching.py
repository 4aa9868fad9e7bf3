"""Whether a rule is about an event: no I/O, no clock.

Every type of condition that a rule has must be met by any one of its values (behaviour.md, "Notification rules").
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from doorward.decision.shifts import Timetable, Weekly
from doorward.notification_rules.hours import weekly_of
from doorward.notification_rules.rule import DOOR_CONTROLLER, PERSON_GROUP, REPLAYED, TIME_OF_DAY

LATE_AFTER_MS: Final = 5 * 60_000
"""Events that are told again by a door and are older than this are of interest to those rules only that say so."""

_NOT_IN_CALENDAR: Final = (LookupError, OSError, OverflowError, ValueError)
"""What zoneinfo and datetime raise for a zone that is none and for years after 9999."""


class Happened(NamedTuple):
    """What is known of an event itself. Instants are milliseconds UTC."""

    code: int
    channel_id: int | None
    person_id: int | None
    occurred_at: int
    received_at: int
    is_replayed: bool

    @property
    def is_late(self) -> bool:
        """Whether it is told so late that nobody should act on it."""
        return self.is_replayed and self.received_at - self.occurred_at > LATE_AFTER_MS


class Circumstances(NamedTuple):
    """What else there is to know: the zone and holidays (days since 1970) of its site, the groups of its person."""

    zone: str
    holidays: frozenset[int] = frozenset()
    group_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a rule is about; an empty set and None: any."""

    codes: frozenset[int]
    channel_ids: frozenset[int] = frozenset()
    group_ids: frozenset[int] = frozenset()
    hours: Weekly | None = None
    late_too: bool = False

    @property
    def is_circumstantial(self) -> bool:
        """Whether more than the event itself has to be known."""
        return bool(self.group_ids) or self.hours is not None

    @property
    def counts_holidays(self) -> bool:
        """Whether its hours are others on holidays."""
        return self.hours is not None and self.hours.holidays == "replace"


def matches(wanted: Wanted, event: Happened, circumstances: Circumstances) -> bool:
    """Whether the rule is about the event."""
    return concerns(wanted, event) and suits(wanted, event, circumstances)


def concerns(wanted: Wanted, event: Happened) -> bool:
    """The part of it that the event itself answers."""
    return (
        event.code in wanted.codes
        and (not wanted.channel_ids or event.channel_id in wanted.channel_ids)
        and (wanted.late_too or not event.is_late)
    )


def suits(wanted: Wanted, event: Happened, circumstances: Circumstances) -> bool:
    """The part of it for which circumstances have to be known."""
    if wanted.group_ids and wanted.group_ids.isdisjoint(circumstances.group_ids):
        return False
    if wanted.hours is None:
        return True
    try:
        return _timetable(wanted.hours, circumstances.zone, circumstances.holidays).open_at(event.occurred_at)
    except _NOT_IN_CALENDAR:
        return True  # nobody can say which hour it was: better to tell than to keep silent about a forced door


@lru_cache(maxsize=1024)
def wanted_by(conditions: str, event_codes: str) -> Wanted:
    """What a rule wants, from its columns as they are stored. Remembered: rules change seldom, events come often."""
    values: dict[str, list[str]] = {}
    for condition in json.loads(conditions):
        values.setdefault(condition["type"], []).append(condition["value"])
    hours = values.get(TIME_OF_DAY)
    return Wanted(
        frozenset(json.loads(event_codes)),
        frozenset(map(int, values.get(DOOR_CONTROLLER, ()))),
        frozenset(map(int, values.get(PERSON_GROUP, ()))),
        weekly_of(hours) if hours else None,
        REPLAYED in values,
    )


@lru_cache(maxsize=256)
def _timetable(hours: Weekly, zone: str, holidays: frozenset[int]) -> Timetable:
    return Timetable(hours, zone, holidays)
