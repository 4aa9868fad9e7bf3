"""Days, clock changes, and where things are drawn."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from doorward.console.reservations.feed import clock_events, events_of
from doorward.console.reservations.periods import Period, changes_in, period_of, within_limits
from doorward.console.reservations.reading import Booking, Door, Named
from doorward.console.reservations.timeline import Scale, rows_by_door, rows_by_person, ticks

LONDON = ZoneInfo("Europe/London")
ON, BACK = date(2026, 3, 29), date(2026, 10, 25)


def at(text: str, zone: ZoneInfo = LONDON) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def booking(start: str, end: str, *, person: str = "Ada Lovelace", kind: str = "reservation", door: int = 1) -> Booking:
    number = sum(map(ord, person))
    things = (Named(door, f"Door {door}"),)
    return Booking("group" if kind == "group" else "reservation", 7, number, person, at(start), at(end), things)


@pytest.mark.parametrize(
    ("view", "span", "first", "last", "words"),
    [
        ("day", "day", "2026-03-04", "2026-03-04", "Wed 4 Mar 2026"),
        ("week", "day", "2026-03-02", "2026-03-08", "2 to 8 March 2026"),
        ("list", "day", "2026-03-02", "2026-03-08", "2 to 8 March 2026"),
        ("month", "day", "2026-03-01", "2026-03-31", "March 2026"),
        ("timeline", "day", "2026-03-04", "2026-03-04", "Wed 4 Mar 2026"),
        ("timeline", "week", "2026-03-02", "2026-03-08", "2 to 8 March 2026"),
    ],
)
def test_a_view_has_its_days(view: str, span: str, first: str, last: str, words: str) -> None:
    found = period_of(view, date(2026, 3, 4), span)
    assert (str(found.first), str(found.last), found.words) == (first, last, words)


def test_days_in_two_months_or_years_are_told_apart() -> None:
    assert Period(date(2026, 3, 30), date(2026, 4, 5)).words == "30 Mar to 5 Apr 2026"
    assert Period(date(2026, 12, 28), date(2027, 1, 3)).words == "28 Dec 2026 to 3 Jan 2027"


def test_no_day_is_shown_that_has_no_instants() -> None:
    assert within_limits(date(1800, 1, 1)) == date(1901, 1, 7)
    assert within_limits(date(2200, 1, 1)) == date(2099, 11, 30)
    assert within_limits(ON) == ON


@pytest.mark.parametrize(
    ("zone", "day", "words"),
    [
        ("Europe/London", ON, "On Sun 29 Mar 2026 the clock goes from 01:00 on to 02:00."),
        ("Europe/London", BACK, "On Sun 25 Oct 2026 the clock goes from 02:00 back to 01:00: that hour comes twice."),
        ("Australia/Lord_Howe", date(2026, 10, 4), "On Sun 4 Oct 2026 the clock goes from 02:00 on to 02:30."),
        ("America/Santiago", date(2026, 9, 6), "On Sun 6 Sep 2026 the clock goes from 00:00 on to 01:00."),
    ],
)
def test_clock_changes_are_found_and_told(zone: str, day: date, words: str) -> None:
    where = ZoneInfo(zone)
    start, end = period_of("week", day).bounds(where)
    assert [each.words for each in changes_in(start, end, where)] == [words]


def test_most_weeks_and_utc_have_no_clock_change() -> None:
    assert changes_in(*period_of("week", date(2026, 3, 4)).bounds(LONDON), LONDON) == []
    utc = ZoneInfo("UTC")
    assert changes_in(*Period(date(2026, 1, 1), date(2026, 12, 31)).bounds(utc), utc) == []


def test_the_hour_that_is_skipped_or_comes_twice_is_in_the_background() -> None:
    for day, title in ((ON, "Skipped: the clock goes on"), (BACK, "Twice: the clock goes back")):
        [found] = clock_events(changes_in(*period_of("day", day).bounds(LONDON), LONDON))
        assert (found["start"], found["end"], found["title"]) == (f"{day}T01:00:00", f"{day}T02:00:00", title)


def test_an_event_of_the_calendar_has_times_of_day() -> None:
    [found] = events_of([booking("2026-07-01T10:00", "2026-07-01T12:00")], LONDON, at("2026-07-01T09:00"))
    assert (found["start"], found["end"]) == ("2026-07-01T10:00:00", "2026-07-01T12:00:00")
    assert found["when"] == "10:00 to 12:00"
    assert found["classNames"] == ["calendar-reservation"]
    [whole] = events_of([booking("2026-07-01T00:00", "2026-07-02T00:00")], LONDON, at("2026-07-03T09:00"))
    assert (whole["when"], whole["classNames"]) == ("00:00 to 24:00", ["calendar-reservation", "calendar-over"])
    assert "allDay" not in whole


def test_what_lasts_for_days_stands_beside_them() -> None:
    found = [
        booking("2026-07-01T09:00", "2026-07-03T18:00", kind="group"),
        booking("2026-07-01T00:00", "2026-07-03T00:00", kind="group"),
        booking("2026-07-01T22:00", "2026-07-02T04:00", kind="group"),
    ]
    days = [(each.get("allDay"), each["start"], each["end"]) for each in events_of(found, LONDON, 0)]
    assert days == [
        (True, "2026-07-01", "2026-07-04"),
        (True, "2026-07-01", "2026-07-03"),
        (None, "2026-07-01T22:00:00", "2026-07-02T04:00:00"),
    ]
    assert events_of(found[:1], LONDON, 0)[0]["when"] == "1 Jul, 09:00 to 3 Jul, 18:00"


def test_the_day_of_a_clock_change_has_as_many_hours_as_it_has() -> None:
    hours = {day: [each.label for each in ticks(period_of("day", day), LONDON)] for day in (date(2026, 3, 4), ON, BACK)}
    assert [len(found) for found in hours.values()] == [24, 23, 25]
    assert hours[ON][:3] == ["00:00", "02:00", ""], "there is no 01:00"
    assert hours[BACK][:4] == ["00:00", "", "", "02:00"]
    assert [each.label for each in ticks(period_of("week", ON), LONDON)][-1] == "Sun 29"


def test_bars_are_where_their_time_is() -> None:
    scale = Scale(*period_of("day", ON).bounds(LONDON), LONDON)
    [row] = rows_by_door(
        [Door(1, "Door 1", 1, "North", None)], [booking("2026-03-29T00:00", "2026-03-29T12:30")], scale
    )
    [bar] = row.bars
    assert (bar.x, bar.width) == ("0.000%", f"{100 * 11.5 / 23:.3f}%")
    assert bar.told == "Ada Lovelace, Door 1, Sun 29 Mar 00:00 to 12:30"
    assert scale.has(at("2026-03-29T23:59"))
    assert not scale.has(at("2026-03-30T00:00"))


def test_what_is_at_the_same_time_is_below_each_other_and_the_rest_in_one_line() -> None:
    scale = Scale(*period_of("day", date(2026, 3, 4)).bounds(LONDON), LONDON)
    found = [
        booking("2026-03-04T09:00", "2026-03-04T11:00"),
        booking("2026-03-04T10:00", "2026-03-04T12:00", person="Bob"),
        booking("2026-03-04T11:00", "2026-03-04T13:00", person="Eve"),
        booking("2026-03-04T10:00", "2026-03-04T12:00", door=9),
        booking("2026-03-03T10:00", "2026-03-06T12:00", kind="group"),
    ]
    doors = [Door(1, "Door 1", 1, "North", None), Door(2, "Door 2", 1, "North", None)]
    first, second = rows_by_door(doors, found, scale)
    assert [(bar.label, bar.lane) for bar in first.bars] == [("Ada Lovelace", 0), ("Bob", 1), ("Eve", 0)]
    assert (second.bars, first.height > second.height) == ([], True)
    people = rows_by_person(found, scale)
    assert [(row.name, len(row.bars)) for row in people] == [("Ada Lovelace", 3), ("Bob", 1), ("Eve", 1)]
    group = people[0].bars[0]
    assert (group.x, group.width, group.told.split(":")[0]) == ("0.000%", "100.000%", "Group reservation")


def test_in_a_bar_without_room_there_is_no_word() -> None:
    scale = Scale(*period_of("week", date(2026, 3, 4)).bounds(LONDON), LONDON)
    [row] = rows_by_person([booking("2026-03-04T09:00", "2026-03-04T10:00")], scale)
    assert row.bars[0].label == ""
