"""Reports on the wire. Days are local days of each site; instants are UTC. What is counted is in the reference."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from doorward.events.codes import name_of
from doorward.kit.timestamps import format_instant, format_optional
from doorward.reports.attendance import Attendance
from doorward.reports.denied import DeniedAtDoor, DeniedPerson
from doorward.reports.door_activity import DoorActivity
from doorward.reports.muster import Muster
from doorward.reports.scope import Scope
from doorward.reports.unused_credentials import UnusedCredential


class SiteInReport(Struct, frozen=True):
    """A site that the report is about, and the zone of its local days."""

    id: int
    name: str
    time_zone: str


class AttendanceRow(Struct, frozen=True, gc=False):
    """Somebody's day at a site: `last_out` by a door that leads out, `last_seen` by any."""

    day: str
    site_id: int
    person_id: int
    person_name: str
    first_in: str | None
    last_out: str | None
    last_seen: str
    admissions: int


class AttendanceReport(Struct, frozen=True):
    """First in and last out, by person and local day. `next_from`: from which day on to ask for more; null: no more."""

    first_day: str = field(name="from")
    last_day: str = field(name="to")
    time_zone: str
    sites: list[SiteInReport]
    rows: list[AttendanceRow]
    next_from: str | None


class MusterPerson(Struct, frozen=True, gc=False):
    """Somebody who was last seen to go into the area, and when."""

    id: int
    name: str
    since: str


class MusterArea(Struct, frozen=True):
    """An area, how many people are in it, and some of them, who came last first."""

    area_id: int
    name: str
    count: int
    people: list[MusterPerson]


class MusterSite(Struct, frozen=True):
    """A site and how many people are in its areas."""

    site_id: int
    name: str
    time_zone: str
    count: int
    areas: list[MusterArea]


class MusterReport(Struct, frozen=True):
    """Who is in, now."""

    at: str
    count: int
    sites: list[MusterSite]


class ActivityHour(Struct, frozen=True, gc=False):
    """An hour of the week by the site's clock: `weekday` 1 is Monday, `hour` 0 to 23."""

    weekday: int
    hour: int
    admitted: int
    denied: int


class DoorActivityRow(Struct, frozen=True):
    """A door; hours in which nothing happened are left out."""

    channel_id: int
    channel_name: str
    site_id: int
    admitted: int
    denied: int
    hours: list[ActivityHour]


class DoorActivityReport(Struct, frozen=True):
    """How many were admitted and denied at each door, by hour and weekday, over all the days together."""

    first_day: str = field(name="from")
    last_day: str = field(name="to")
    time_zone: str
    sites: list[SiteInReport]
    rows: list[DoorActivityRow]


class DeniedRow(Struct, frozen=True, gc=False):
    """How often, for which reason, and when last: at a door, or a person. Nobody known: cards and PINs of nobody."""

    event_code: int
    reason: str
    count: int
    last_at: str
    channel_id: int | None = None
    channel_name: str | None = None
    site_id: int | None = None
    person_id: int | None = None
    person_name: str | None = None


class DeniedReport(Struct, frozen=True):
    """Who was denied, most often first."""

    first_day: str = field(name="from")
    last_day: str = field(name="to")
    time_zone: str
    sites: list[SiteInReport]
    rows: list[DeniedRow]


class UnusedRow(Struct, frozen=True, gc=False):
    """A credential, without its value; `last_used_at` null: never, as far as the record goes back."""

    credential_id: int
    credential_type_id: int
    label: str
    kind: str
    person_id: int
    person_name: str
    created_at: str
    last_used_at: str | None


class UnusedReport(Struct, frozen=True):
    """Credentials that there were `before`, and with which nobody has been admitted since."""

    before: str
    time_zone: str
    rows: list[UnusedRow]


def attendance_rows(found: Iterable[Attendance]) -> list[AttendanceRow]:
    """Attendance as rows."""
    return [
        AttendanceRow(
            each.day.isoformat(),
            each.site_id,
            each.person_id,
            each.person_name,
            format_optional(each.first_in),
            format_optional(each.last_out),
            format_instant(each.last_seen),
            each.admissions,
        )
        for each in found
    ]


def attendance_report(scope: Scope, found: Sequence[Attendance], next_from: str | None) -> AttendanceReport:
    """Attendance as a whole."""
    return AttendanceReport(*_head(scope), attendance_rows(found), next_from)


def muster_report(at: int, found: Iterable[Muster]) -> MusterReport:
    """Who is in."""
    sites = [
        MusterSite(
            each.site.id,
            each.site.name,
            each.site.time_zone,
            each.total,
            [
                MusterArea(
                    area.area_id,
                    area.area_name,
                    area.total,
                    [MusterPerson(inside.id, inside.name, format_instant(inside.since)) for inside in area.people],
                )
                for area in each.areas
            ],
        )
        for each in found
    ]
    return MusterReport(format_instant(at), sum(site.count for site in sites), sites)


def door_activity_report(scope: Scope, found: Iterable[DoorActivity]) -> DoorActivityReport:
    """Door activity."""
    rows = [
        DoorActivityRow(
            each.channel_id,
            each.channel_name,
            each.site_id,
            sum(hour.admitted for hour in each.hours),
            sum(hour.denied for hour in each.hours),
            [ActivityHour(hour.weekday + 1, hour.hour, hour.admitted, hour.denied) for hour in each.hours],
        )
        for each in found
    ]
    return DoorActivityReport(*_head(scope), rows)


def denied_report(scope: Scope, found: Iterable[DeniedAtDoor] | Iterable[DeniedPerson]) -> DeniedReport:
    """Who was denied."""
    return DeniedReport(*_head(scope), [_denied(each) for each in found])


def unused_report(before: int, time_zone: str, found: Iterable[UnusedCredential]) -> UnusedReport:
    """Unused credentials."""
    rows = [
        UnusedRow(
            each.id,
            each.credential_type_id,
            each.label,
            each.kind,
            each.person_id,
            each.person_name,
            format_instant(each.created_at),
            format_optional(each.last_used_at),
        )
        for each in found
    ]
    return UnusedReport(format_instant(before), time_zone, rows)


def _denied(each: DeniedAtDoor | DeniedPerson) -> DeniedRow:
    row = DeniedRow(each.event_code, name_of(each.event_code), each.times, format_instant(each.last_at))
    if isinstance(each, DeniedAtDoor):
        return DeniedRow(
            row.event_code, row.reason, row.count, row.last_at, each.channel_id, each.channel_name, each.site_id
        )
    return DeniedRow(
        row.event_code, row.reason, row.count, row.last_at, person_id=each.person_id, person_name=each.person_name
    )


def _head(scope: Scope) -> tuple[str, str, str, list[SiteInReport]]:
    return (
        scope.first.isoformat(),
        scope.last.isoformat(),
        scope.time_zone,
        [SiteInReport(*site) for site in scope.sites],
    )
