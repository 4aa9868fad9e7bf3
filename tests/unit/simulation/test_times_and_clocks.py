"""Times as scenarios write them, and the clocks of a site."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from doorward.kit.timestamps import format_instant
from doorward.simulation.clocks import SiteClock, WrongClock
from doorward.simulation.times import Calendar, InvalidTime, duration
from doorward.simulation.windows import InvalidWindow, read_windows

LONDON = ZoneInfo("Europe/London")


def test_durations_are_milliseconds() -> None:
    assert [duration(text) for text in ("250ms", "5s", "2m", "1h")] == [250, 5_000, 120_000, 3_600_000]
    assert duration("-15s", may_be_negative=True) == -15_000
    for text in ("-15s", "5", "5 s", "5d", "", "1.5s"):
        with pytest.raises(InvalidTime):
            duration(text)


def test_times_are_those_of_the_site() -> None:
    calendar = Calendar(date(2026, 3, 28), LONDON)
    assert calendar.iso("08:02") == "2026-03-28T08:02:00.000Z"
    assert calendar.iso("+1d 08:02:30") == "2026-03-29T07:02:30.000Z"
    for text in ("8:02", "25:00", "08:60", "+1d", "tomorrow", "+1d 01:30", "08:02 again"):
        with pytest.raises(InvalidTime):
            calendar.instant(text)


def test_the_second_of_two_times_is_said_with_again() -> None:
    calendar = Calendar(date(2026, 10, 25), LONDON)
    assert [calendar.iso(text) for text in ("01:30", "01:30 again", "02:00")] == [
        "2026-10-25T00:30:00.000Z",
        "2026-10-25T01:30:00.000Z",
        "2026-10-25T02:00:00.000Z",
    ]


def test_windows_are_written_as_for_the_command_line() -> None:
    assert read_windows(["fri-mon 07:00-22:00", "daily 06:00-07:00", "tue,holiday 00:00-24:00"]) == [
        {"days": ["fri", "sat", "sun", "mon"], "start": "07:00", "end": "22:00"},
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "06:00", "end": "07:00"},
        {"days": ["tue", "holiday"], "start": "00:00", "end": "24:00"},
    ]
    for text in ("mon-fri", "weekdays 08:00-18:00", "mon-holiday 08:00-18:00", "mon 8:00-18:00"):
        with pytest.raises(InvalidWindow):
            read_windows([text])


def test_a_site_s_clock_stands_until_it_is_moved_and_never_goes_back() -> None:
    clock = SiteClock(1_000)
    clock.jump(5_000)
    clock.jump(2_000)
    assert clock.now() == 5_000


def test_a_controller_s_clock_may_be_wrong() -> None:
    site = SiteClock(1_767_225_600_000)
    clock = WrongClock(site)
    clock.ahead_ms = -15_000
    site.jump(site.now() + 60_000)
    assert format_instant(clock.now()) == "2026-01-01T00:00:45.000Z"
