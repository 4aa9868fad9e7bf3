"""notification_rules/matching.py: which events a rule is about."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.notification_rules.hours import weekly_of, written
from doorward.notification_rules.matching import Circumstances, Happened, Wanted, matches, wanted_by
from doorward.shifts.rules import DAYS, day_number, minutes
from doorward.shifts.windows import DayWindow

MINUTE = 60_000


def at(text: str) -> int:
    """An instant of UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


MONDAY = at("2026-03-02T21:30")
FORCED = Happened(33, 7, None, MONDAY, MONDAY, False)
ENTERED = Happened(10, 7, 5, MONDAY, MONDAY, False)
LONDON = Circumstances("Europe/London", group_ids=frozenset({1, 2}))
NIGHT = "mon,tue,wed,thu,fri,sat,sun 22:00-06:00"


def rule(*codes: int, **conditions: Sequence[object]) -> Wanted:
    """A rule as it is stored: codes, and the values of each type of condition."""
    stored = [{"type": kind, "value": str(value)} for kind, values in conditions.items() for value in values]
    return wanted_by(json.dumps(stored), json.dumps(codes))


def replayed(minutes_late: float, *, by_a_door: bool = True) -> Happened:
    """A forced door that is told later."""
    return FORCED._replace(received_at=MONDAY + int(minutes_late * MINUTE), is_replayed=by_a_door)


@pytest.mark.parametrize(
    ("wanted", "event", "around", "found"),
    [
        (rule(33), FORCED, LONDON, True),
        (rule(10, 33), FORCED, LONDON, True),
        (rule(34), FORCED, LONDON, False),
        (rule(33, door_controller_id=[7]), FORCED, LONDON, True),
        (rule(33, door_controller_id=[6, 7]), FORCED, LONDON, True),
        (rule(33, door_controller_id=[6]), FORCED, LONDON, False),
        (rule(33, door_controller_id=[7]), FORCED._replace(channel_id=None), LONDON, False),
        (rule(10, person_group=[2, 3]), ENTERED, LONDON, True),
        (rule(10, person_group=[3]), ENTERED, LONDON, False),
        (rule(10, person_group=[1]), ENTERED, LONDON._replace(group_ids=frozenset()), False),
        (rule(10, person_group=[1], door_controller_id=[7]), ENTERED, LONDON, True),
        (rule(10, person_group=[1], door_controller_id=[6]), ENTERED, LONDON, False),
        (rule(33, time_of_day=[NIGHT]), FORCED, LONDON, False),
        (rule(33, time_of_day=[NIGHT]), FORCED, LONDON._replace(zone="Europe/Paris"), True),
        (rule(33, time_of_day=["mon 21:30-21:31"]), FORCED, LONDON, True),
        (rule(33, time_of_day=["mon 21:00-21:30"]), FORCED, LONDON, False),
        (rule(33, time_of_day=["tue 21:00-22:00", "mon 21:00-22:00"]), FORCED, LONDON, True),
        (rule(33, time_of_day=["sun 22:00-21:45"]), FORCED, LONDON, True),
        (
            rule(33, time_of_day=["mon 21:00-22:00"]),
            FORCED,
            LONDON._replace(holidays=frozenset({day_number("2026-03-02") or 0})),
            True,
        ),
        (
            rule(33, time_of_day=["mon 21:00-22:00", "holiday 00:00-06:00"]),
            FORCED,
            LONDON._replace(holidays=frozenset({day_number("2026-03-02") or 0})),
            False,
        ),
        (
            rule(33, time_of_day=["holiday 21:00-22:00"]),
            FORCED,
            LONDON._replace(holidays=frozenset({day_number("2026-03-02") or 0})),
            True,
        ),
        (rule(33), replayed(5), LONDON, True),
        (rule(33), replayed(5.1), LONDON, False),
        (rule(33, replayed=["true"]), replayed(50_000), LONDON, True),
        (rule(33), replayed(50_000, by_a_door=False), LONDON, True),
    ],
)
def test_every_kind_of_condition_must_be_met_by_one_of_its_values(
    wanted: Wanted, event: Happened, around: Circumstances, found: bool
) -> None:
    assert matches(wanted, event, around) is found


@pytest.mark.parametrize("zone", ["Nowhere/Atall", "", "Europe"])
def test_an_hour_that_cannot_be_known_keeps_no_event_back(zone: str) -> None:
    assert matches(rule(33, time_of_day=[NIGHT]), FORCED, Circumstances(zone))
    assert matches(rule(33, time_of_day=[NIGHT]), FORCED._replace(occurred_at=2**60), LONDON)


ZONES = ("UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")
CLOCKS = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 30, 59])).map(lambda hm: f"{hm[0]:02}:{hm[1]:02}")


@dataclass(frozen=True)
class Naive:
    """A rule as somebody would write it down."""

    codes: list[int]
    channels: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    windows: list[DayWindow] = field(default_factory=list)
    late_too: bool = False

    def is_about(self, event: Happened, around: Circumstances) -> bool:
        """What the page of rules says, word by word."""
        if event.code not in self.codes:
            return False
        if self.channels and event.channel_id not in self.channels:
            return False
        if self.groups and not any(group in around.group_ids for group in self.groups):
            return False
        if event.is_replayed and event.received_at - event.occurred_at > 300_000 and not self.late_too:
            return False
        return not self.windows or any(self._within(window, event.occurred_at, around) for window in self.windows)

    def _within(self, window: DayWindow, instant: int, around: Circumstances) -> bool:
        local = datetime.fromtimestamp(instant / 1000, ZoneInfo(around.zone))
        clock = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        start, end = minutes(window.start), minutes(window.end)
        if end > start:
            return self._falls_on(window, today, around) and start <= clock < end
        begun_today = self._falls_on(window, today, around) and clock >= start
        return begun_today or (self._falls_on(window, yesterday, around) and clock < end)

    def _falls_on(self, window: DayWindow, day: date, around: Circumstances) -> bool:
        counts = any("holiday" in each.days for each in self.windows)
        if counts and (day - date(1970, 1, 1)).days in around.holidays:
            return "holiday" in window.days
        return DAYS[day.weekday()] in window.days


windows = st.builds(
    DayWindow,
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True).map(tuple),
    CLOCKS,
    CLOCKS,
).filter(lambda window: window.start != window.end)
rules = st.builds(
    Naive,
    st.lists(st.integers(10, 13), min_size=1, max_size=3),
    st.lists(st.integers(1, 3), max_size=2),
    st.lists(st.integers(1, 3), max_size=2),
    st.lists(windows, max_size=3),
    st.booleans(),
)
# Two weeks around each change of the clocks in London.
instants = st.one_of(
    st.integers(at("2026-03-23T00:00") // 1000, at("2026-04-06T00:00") // 1000),
    st.integers(at("2026-10-19T00:00") // 1000, at("2026-11-02T00:00") // 1000),
).map(lambda seconds: seconds * 1000)
late = st.sampled_from([0, 299_999, 300_000, 300_001, 10**8])
events = st.builds(
    lambda code, channel, instant, late, replayed: Happened(code, channel, 1, instant, instant + late, replayed),
    st.integers(10, 13),
    st.one_of(st.none(), st.integers(1, 3)),
    instants,
    late,
    st.booleans(),
)
arounds = st.builds(
    Circumstances,
    st.sampled_from(ZONES),
    st.frozensets(st.integers(day_number("2026-03-23") or 0, day_number("2026-04-06") or 0), max_size=5),
    st.frozensets(st.integers(1, 3), max_size=2),
)


@given(rules, events, arounds)
def test_a_rule_is_about_what_a_naive_reading_says(naive: Naive, event: Happened, around: Circumstances) -> None:
    stored = rule(
        *naive.codes,
        door_controller_id=naive.channels,
        person_group=naive.groups,
        time_of_day=[written(window) for window in naive.windows],
        replayed=["true"] if naive.late_too else [],
    )
    assert matches(stored, event, around) is naive.is_about(event, around)


@given(st.lists(windows, min_size=1, max_size=3))
def test_hours_that_are_written_down_are_read_as_they_were(found: list[DayWindow]) -> None:
    read = weekly_of([written(window) for window in found])
    assert [{DAYS[day] for day in window.days} for window in read.windows] == [set(each.days) for each in found]
    assert [window.start for window in read.windows] == [minutes(each.start) for each in found]
    assert all((window.end - minutes(each.end)) % 1440 == 0 for window, each in zip(read.windows, found, strict=True))
