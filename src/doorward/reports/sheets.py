"""Reports as CSV (RFC 4180), for spreadsheets: times are local, with their offset, and the zone is named beside."""

from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from doorward.events.codes import name_of
from doorward.kit.timestamps import local_datetime
from doorward.reports.attendance import Attendance
from doorward.reports.denied import DeniedAtDoor, DeniedPerson
from doorward.reports.door_activity import DoorActivity
from doorward.reports.muster import Muster
from doorward.reports.scope import ReportSite, Scope
from doorward.reports.unused_credentials import UnusedCredential

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOWHERE: Final = ReportSite(0, "", "UTC")

ATTENDANCE: Final = (
    *("day", "site_id", "site_name", "time_zone", "person_id", "person_name"),
    *("first_in", "last_out", "last_seen", "admissions"),
)
MUSTER: Final = ("site_id", "site_name", "time_zone", "area_id", "area_name", "person_id", "person_name", "since")
DOOR_ACTIVITY: Final = (
    *("channel_id", "channel_name", "site_id", "site_name", "time_zone"),
    *("weekday", "hour", "admitted", "denied"),
)
DENIED_AT_DOORS: Final = (
    *("channel_id", "channel_name", "site_id", "site_name", "time_zone"),
    *("event_code", "reason", "count", "last_at"),
)
DENIED_PEOPLE: Final = ("person_id", "person_name", "event_code", "reason", "count", "last_at", "time_zone")
UNUSED: Final = (
    *("credential_id", "label", "kind", "person_id", "person_name"),
    *("created_at", "last_used_at", "time_zone"),
)

Cell = str | int | None


def attendance_rows(scope: Scope, found: Iterable[Attendance]) -> list[Sequence[Cell]]:
    """Attendance, as ATTENDANCE names it."""
    sites = _by_id(scope)
    return [
        (
            each.day.isoformat(),
            *(site := sites[each.site_id]),
            each.person_id,
            each.person_name,
            *(_local(at, site.time_zone) for at in (each.first_in, each.last_out, each.last_seen)),
            each.admissions,
        )
        for each in found
    ]


def muster_rows(found: Iterable[Muster]) -> list[Sequence[Cell]]:
    """Who is in, as MUSTER names it."""
    return [
        (*each.site, area.area_id, area.area_name, inside.id, inside.name, _local(inside.since, each.site.time_zone))
        for each in found
        for area in each.areas
        for inside in area.people
    ]


def door_activity_rows(scope: Scope, found: Iterable[DoorActivity]) -> list[Sequence[Cell]]:
    """Door activity, as DOOR_ACTIVITY names it."""
    sites = _by_id(scope)
    return [
        (
            each.channel_id,
            each.channel_name,
            *sites[each.site_id],
            _WEEKDAYS[hour.weekday],
            hour.hour,
            hour.admitted,
            hour.denied,
        )
        for each in found
        for hour in each.hours
    ]


def denied_door_rows(scope: Scope, found: Iterable[DeniedAtDoor]) -> list[Sequence[Cell]]:
    """Who was denied where, as DENIED_AT_DOORS names it."""
    sites = _by_id(scope)
    return [
        (
            each.channel_id,
            each.channel_name,
            *(site := sites.get(each.site_id, _NOWHERE)),
            each.event_code,
            name_of(each.event_code),
            each.times,
            _local(each.last_at, site.time_zone),
        )
        for each in found
    ]


def denied_people_rows(scope: Scope, found: Iterable[DeniedPerson]) -> list[Sequence[Cell]]:
    """Who was denied, as DENIED_PEOPLE names it; times are the account's."""
    return [
        (
            each.person_id,
            each.person_name,
            each.event_code,
            name_of(each.event_code),
            each.times,
            _local(each.last_at, scope.time_zone),
            scope.time_zone,
        )
        for each in found
    ]


def unused_rows(time_zone: str, found: Iterable[UnusedCredential]) -> list[Sequence[Cell]]:
    """Unused credentials, as UNUSED names them; times are the account's."""
    return [
        (
            each.id,
            each.label,
            each.kind,
            each.person_id,
            each.person_name,
            _local(each.created_at, time_zone),
            _local(each.last_used_at, time_zone),
            time_zone,
        )
        for each in found
    ]


def _by_id(scope: Scope) -> dict[int, ReportSite]:
    return {site.id: site for site in scope.sites}


def _local(at: int | None, zone: str) -> str | None:
    return None if at is None else local_datetime(at, ZoneInfo(zone)).isoformat(timespec="seconds")
