"""Random configurations, door states and instants for the properties; instants lie mostly at edges of some rule."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from doorward.decision.codes import DURESS, KINDS, PIN, READ_KINDS
from doorward.decision.shifts import Rule, Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    DoorState,
    Grant,
    Membership,
    Passback,
    Person,
    Presence,
    Presented,
    Snapshot,
    Waiting,
)
from tests.unit.decision.naive import EPOCH, Site

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

ZONES: Final = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Dublin",  # winter is the exception, not summer
    "America/New_York",
    "America/St_Johns",  # half-hour zone, changed at one minute past midnight
    "America/Havana",  # changes at midnight
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Caracas",
    "America/Scoresbysund",
    "Africa/Casablanca",  # off summer time for Ramadan
    "Africa/Cairo",
    "Africa/Monrovia",  # 44 minutes and 30 seconds behind until 1972
    "Antarctica/Troll",  # two hours of summer time
    "Asia/Beirut",  # changes at midnight, back into the day before
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Australia/Sydney",
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)

ROLE_IDS: Final = (1, 2, 3, 4)
PERSON_IDS: Final = (1, 2, 3, 4, 5)
AREAS: Final = (None, 1, 2)
# Most of what may stand in the way is out of it most of the time, or no visit would get as far as the later rules.
seldom = st.sampled_from([False] * 7 + [True])
often = st.sampled_from([True] * 7 + [False])
some_roles = st.tuples(*(st.sampled_from((role_id, role_id, None)) for role_id in ROLE_IDS)).map(
    lambda drawn: frozenset(role_id for role_id in drawn if role_id is not None)
)
CREDENTIALS: Final = tuple(Credential(kind, value) for kind in KINDS for value in ("1", "2", "3"))


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


@cache
def clock_changes(zone_name: str) -> tuple[int, ...]:
    """The instants from 1970 to 2037 at which a zone's clock is changed, by looking at it each day."""
    zone = ZoneInfo(zone_name)

    def offset(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, zone).utcoffset()

    found = []
    for before in range(0, int(datetime(2038, 1, 1, tzinfo=UTC).timestamp()), 86_400):
        low, high = before, before + 86_400
        if offset(low) != offset(high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offset(before) else (low, middle)
            found.append(high * 1000)
    return tuple(found)


@st.composite
def anchors(draw: st.DrawFn, zone: str) -> int:
    """An instant around which everything is arranged: often close to a change of the clock."""
    changes = clock_changes(zone)
    if draw(often) and changes:
        return draw(st.sampled_from(changes)) + draw(st.integers(-30, 30)) * HOUR
    return draw(st.integers(0, 2_100_000_000)) * 1000


minutes_of_day = st.one_of(
    st.integers(0, 8).map(lambda half_hours: half_hours * 30),
    st.integers(0, 23).map(lambda hours: hours * 60),
    st.sampled_from((0, 1, 1439, 1410, 1380)),
    st.integers(0, 1439),
)
lengths = st.one_of(st.sampled_from((1, 30, 60, 120, 480, 1440)), st.integers(1, 1440))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(minutes_of_day)
    return Window(draw(st.frozensets(st.integers(0, 7), max_size=8)), start, start + draw(lengths))


@st.composite
def rules(draw: st.DrawFn, anchor: int) -> Rule:
    if draw(seldom):
        start = anchor + draw(st.integers(-48, 48)) * HOUR
        return Stretch(start, start + draw(st.integers(-1, 48)) * HOUR)
    near = st.none() | st.integers(-3, 3).map(lambda days: anchor // DAY + days)
    return Weekly(
        tuple(draw(st.lists(windows(), max_size=3))),
        draw(near),
        draw(near),
        draw(st.sampled_from(("ignore", "replace"))),
    )


@st.composite
def timetables(draw: st.DrawFn, zone: str, anchor: int) -> Timetable:
    days = st.integers(-2, 2).map(lambda days: anchor // DAY + days)
    return Timetable(draw(rules(anchor)), zone, draw(st.frozensets(days, max_size=3)))


@dataclass(frozen=True)
class Scene:
    """A timetable and the instant around which it is interesting."""

    timetable: Timetable
    anchor: int


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    zone = draw(st.sampled_from(ZONES))
    anchor = draw(anchors(zone))
    return Scene(draw(timetables(zone, anchor)), anchor)


def edges(timetable: Timetable, first: date, last: date) -> Iterator[int]:
    """Where a timetable might open or close on some days: by each reading of the clock, and where the clock changes."""
    zone = ZoneInfo(timetable.zone)
    if isinstance(timetable.rule, Stretch):
        yield timetable.rule.start
        yield timetable.rule.end
        return
    day = first
    while day <= last:
        midnight = datetime.combine(day, time.min)
        for minutes in {0, *(edge for window in timetable.rule.windows for edge in (window.start, window.end))}:
            for fold in (0, 1):
                local = (midnight + timedelta(minutes=minutes)).replace(tzinfo=zone, fold=fold)
                yield milliseconds(local.astimezone(UTC))
        day += timedelta(days=1)
    low = milliseconds(datetime.combine(first, time.min, UTC)) - DAY
    high = milliseconds(datetime.combine(last, time.min, UTC)) + 2 * DAY
    yield from (change for change in clock_changes(timetable.zone) if low <= change <= high)


def around(timetable: Timetable, anchor: int, days: int = 2) -> set[int]:
    """The instants at the edges of a timetable around an instant, each with the milliseconds before and after."""
    middle = (EPOCH + timedelta(milliseconds=anchor)).date()
    found = edges(timetable, middle - timedelta(days=days), middle + timedelta(days=days))
    return {edge + nudge for edge in found for nudge in (-1, 0, 1)} | {anchor}


@dataclass(frozen=True)
class Visit:
    """Somebody at a door: all that a decision is made from, but for the instant."""

    site: Site
    state: DoorState
    presented: Presented
    person_id: int
    anchor: int


@st.composite
def memberships(draw: st.DrawFn, anchor: int) -> Membership:
    """Roles for a time that begins or ends near the anchor; some times are empty."""
    start = anchor + draw(st.integers(-3, 3)) * HOUR
    return Membership(draw(some_roles), start, start + draw(st.integers(-1, 4)) * HOUR)


@st.composite
def people(draw: st.DrawFn, anchor: int) -> tuple[tuple[Person, tuple[Credential, ...]], ...]:
    found = []
    for person_id in draw(st.lists(st.sampled_from(PERSON_IDS), unique=True, min_size=1, max_size=4)):
        values = [(kind, draw(st.sampled_from(("1", "2", "3", None)))) for kind in KINDS]
        held = [Credential(kind, value) for kind, value in values if value is not None]
        person = Person(
            person_id,
            f"Person {person_id}",
            draw(st.sampled_from(("disabled", "deleted"))) if draw(seldom) else "active",
            anchor + draw(st.integers(-1, 1)) * HOUR if draw(seldom) else None,
            anchor + draw(st.integers(-1, 1)) * HOUR if draw(seldom) else None,
            draw(some_roles) if draw(st.booleans()) else frozenset(),
            frozenset(credential.kind for credential in held),
            tuple(draw(st.lists(memberships(anchor), max_size=3))) if draw(st.booleans()) else (),
        )
        found.append((person, tuple(held)))
    return tuple(found)


@st.composite
def channels(draw: st.DrawFn, zone: str, anchor: int) -> Channel:
    passbacks = (None, None, None, Passback("hard"), Passback("soft"), Passback("timed", 60))
    return Channel(
        id=1,
        name="Front door",
        zone=zone,
        accepts=draw(st.frozensets(st.sampled_from(READ_KINDS))) if draw(seldom) else frozenset(READ_KINDS),
        two_factor=draw(st.sampled_from((False, True))),
        second_factor_ms=draw(st.sampled_from((10_000, 0))),
        auto_unlock=draw(timetables(zone, anchor)) if draw(seldom) else None,
        passback=draw(st.sampled_from(passbacks)),
        area_from=draw(st.sampled_from(AREAS)),
        area_to=draw(st.sampled_from(AREAS)),
        staleness_ms=HOUR if draw(seldom) else None,
        first_person_in=draw(st.booleans()),
        two_person=draw(st.sampled_from((False, False, True))),
        two_person_ms=draw(st.sampled_from((HOUR, 0))),
    )


@st.composite
def states(draw: st.DrawFn, anchor: int) -> DoorState:
    since = st.sampled_from((anchor, anchor - HOUR, anchor - 30 * MINUTE))
    presence = st.builds(Presence, st.sampled_from(AREAS), since)
    return DoorState(
        tampered=draw(seldom),
        card_lockdown=draw(seldom),
        aux_lockdown=draw(seldom),
        rex_lockdown=draw(seldom),
        unlocked=draw(seldom),
        unlocked_until=draw(st.sampled_from((None, anchor, anchor + HOUR))),
        confirmed_at=draw(st.sampled_from((None, anchor, anchor - HOUR))),
        presence={person_id: draw(presence) for person_id in PERSON_IDS if draw(st.booleans())},
        first_person_at=draw(st.sampled_from((None, *(anchor + hours * HOUR for hours in (-24, -2, -1, 0))))),
        waiting=draw(st.none() | st.builds(Waiting, st.sampled_from(PERSON_IDS), since)),
    )


@st.composite
def presentations(draw: st.DrawFn, site: Site) -> Presented:
    """Mostly what some person has, and then something else of theirs; now and then anything."""
    anything = st.builds(Credential, st.sampled_from((*KINDS, "plate")), st.sampled_from(("1", "2", "3", "9", "")))
    enrolled = draw(st.sampled_from([held for _, held in site.people]))
    held = [Credential(PIN, each.value) if each.kind == DURESS and draw(often) else each for each in enrolled]
    first = draw(st.sampled_from(held)) if draw(often) and held else draw(anything)
    second = draw(st.sampled_from((*held, *held, *held, *CREDENTIALS, None)))
    return Presented(first, second, draw(st.sampled_from((0, 0, 10_000, 10_000, 10_001, -1))))


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    zone = draw(st.sampled_from(ZONES))
    anchor = draw(anchors(zone))
    grants = []
    for role_id in sorted(draw(some_roles)):
        shift = None if draw(st.booleans()) else draw(timetables(zone, anchor))
        grants.append(Grant(role_id, f"Role {role_id}", shift, "Shift"))
    site = Site(draw(people(anchor)), draw(channels(zone, anchor)), tuple(grants))
    return Visit(site, draw(states(anchor)), draw(presentations(site)), draw(st.sampled_from(PERSON_IDS)), anchor)


@st.composite
def daily(draw: st.DrawFn, zone: str) -> Timetable:
    """Open for some hours of every day."""
    start = draw(minutes_of_day)
    return Timetable(
        Weekly((Window(frozenset(range(7)), start, start + draw(st.sampled_from((480, 960, 1440)))),)), zone
    )


@st.composite
def welcome_visits(draw: st.DrawFn) -> Visit:
    """Visits that nothing in the first rules stands in the way of, so that the last ones have something to say."""
    visit = draw(visits())
    site, zone = visit.site, visit.site.channel.zone
    people = tuple(
        (Person(person.id, person.name, "active", None, None, frozenset({1}), person.kinds), held)
        for person, held in site.people
    )
    channel = replace(
        site.channel,
        accepts=frozenset(READ_KINDS),
        auto_unlock=draw(st.none() | timetables(zone, visit.anchor) | daily(zone)),
        first_person_in=draw(often),
        passback=draw(st.sampled_from((None, None, Passback("soft")))),
        staleness_ms=None,
        two_factor=draw(st.booleans()),
        two_person=draw(st.booleans()),
    )
    state = replace(visit.state, tampered=False, card_lockdown=False, aux_lockdown=False, unlocked=False)
    welcome = Site(people, channel, (Grant(1, "Role 1", None, ""),))
    return Visit(welcome, state, draw(presentations(welcome)), visit.person_id, visit.anchor)


def instants(visit: Visit) -> list[int]:
    """The instants at which a visit's rules might change their mind, with the milliseconds before and after."""
    channel, state = visit.site.channel, visit.state
    found = {visit.anchor, *(presence.since + 60 * MINUTE for presence in state.presence.values())}
    found.update(person.valid_from for person, _ in visit.site.people if person.valid_from is not None)
    found.update(person.valid_to for person, _ in visit.site.people if person.valid_to is not None)
    for person, _ in visit.site.people:
        found.update(border for _, start, end in person.memberships for border in (start, end))
    if state.first_person_at is not None:
        found.add(state.first_person_at)
    if state.waiting is not None:
        found.update((state.waiting.since, state.waiting.since + channel.two_person_ms))
    if state.unlocked_until is not None:
        found.add(state.unlocked_until)
    if state.confirmed_at is not None and channel.staleness_ms is not None:
        found.add(state.confirmed_at + channel.staleness_ms)
    near = {edge + nudge for edge in found for nudge in (-1, 0, 1)}
    for timetable in (channel.auto_unlock, *(grant.shift for grant in visit.site.grants)):
        if timetable is not None:
            near |= around(timetable, visit.anchor, days=1)
    return sorted(near)


def compiled(site: Site) -> Snapshot:
    directory = Directory()
    for person, held in site.people:
        directory.put(person, held)
    return Snapshot(site.channel, directory, {grant.role_id: grant for grant in site.grants})
