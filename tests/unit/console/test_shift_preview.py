"""Four weeks of a shift, and its week as bars, are what the timetable at the doors says."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.console.shifts.preview import WEEKS, DayPreview, first_monday, preview
from doorward.console.shifts.week import Bar, bars_of, words_of
from doorward.decision.shifts import Timetable, Weekly, Window
from doorward.kit.timestamps import day_bounds
from doorward.shifts.windows import DayWindow

LONDON = ZoneInfo("Europe/London")
EVERY_DAY = frozenset(range(7))
NIGHTS = Weekly((Window(EVERY_DAY, 22 * 60, 29 * 60),))
EPOCH = date(1970, 1, 1).toordinal()


def days_from(first: date, rule: Weekly, zone: ZoneInfo = LONDON, **holidays: str) -> dict[date, DayPreview]:
    named = {date.fromisoformat(day.removeprefix("on_").replace("_", "-")): name for day, name in holidays.items()}
    return {day.day: day for week in preview(rule, zone, named, first, first) for day in week.days}


def test_a_night_is_drawn_on_both_its_days() -> None:
    found = days_from(date(2026, 6, 1), NIGHTS)[date(2026, 6, 2)]
    assert [stretch.words for stretch in found.stretches] == ["00:00-05:00", "22:00-24:00"]
    assert [(stretch.x, stretch.width) for stretch in found.stretches] == [(0, 300), (1320, 120)]


@pytest.mark.parametrize(
    ("day", "minutes", "words", "open_for"),
    [
        (date(2026, 3, 29), 1380, "Clocks go forward 1 hour at 01:00", 240),
        (date(2026, 10, 25), 1500, "Clocks go back 1 hour at 02:00", 360),
    ],
)
def test_the_day_on_which_the_clocks_change_says_so(day: date, minutes: int, words: str, open_for: int) -> None:
    found = days_from(first_monday(day), NIGHTS)[day]
    assert (found.minutes, [mark.words for mark in found.marks], found.stretches[0].width) == (
        minutes,
        [words],
        open_for,
    )
    others = [each for each in days_from(first_monday(day), NIGHTS).values() if each.day != day]
    assert {(each.minutes, len(each.marks)) for each in others} == {(1440, 0)}


def test_a_holiday_has_its_name_and_the_windows_of_holidays() -> None:
    rule = Weekly((Window(EVERY_DAY, 480, 1080), Window(frozenset({7}), 600, 660)), holidays="replace")
    found = days_from(date(2026, 12, 21), rule, on_2026_12_25="Christmas Day")[date(2026, 12, 25)]
    assert (found.holiday, [stretch.words for stretch in found.stretches]) == ("Christmas Day", ["10:00-11:00"])


windows = st.builds(
    lambda days, start, length: Window(frozenset(days), start, start + length),
    st.sets(st.integers(0, 7), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    rule=st.builds(Weekly, st.lists(windows, min_size=1, max_size=3).map(tuple)),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(first_monday),
)
def test_every_minute_is_open_in_the_preview_exactly_when_it_is_at_the_door(
    rule: Weekly, zone: str, first: date
) -> None:
    timetable = Timetable(rule, zone)
    found = days_from(first, rule, ZoneInfo(zone))
    assert len(found) == 7 * WEEKS
    for number in range(0, 28, 3):
        shown = found[first + timedelta(days=number)]
        start, end = day_bounds(shown.day, ZoneInfo(zone))
        for minute in range(0, (end - start) // 60_000, 7):
            drawn = any(stretch.x <= minute < stretch.x + stretch.width for stretch in shown.stretches)
            assert drawn == timetable.open_at(start + minute * 60_000), (shown.day, minute)


def test_the_week_as_bars_goes_on_the_next_day_after_midnight() -> None:
    week = [DayWindow(("sun", "holiday"), "22:00", "05:00"), DayWindow(("mon",), "08:00", "24:00")]
    assert bars_of(week) == [
        Bar(0, 0, 300),
        Bar(0, 480, 1440),
        Bar(6, 1320, 1440),
        Bar(7, 1320, 1440),
    ]


def test_the_week_in_words_draws_days_together_and_leaves_out_what_means_nothing() -> None:
    week = [
        DayWindow(("mon", "tue", "wed", "fri", "holiday"), "08:00", "18:00"),
        DayWindow(("sat", "sun"), "22:00", "05:00"),
    ]
    assert words_of(week, holidays="replace") == [
        "Mon-Wed, Fri, holidays 08:00 to 18:00",
        "Sat, Sun 22:00 to 05:00 the next day",
    ]
    assert words_of([DayWindow(("holiday",), "08:00", "18:00")], holidays="ignore") == []
