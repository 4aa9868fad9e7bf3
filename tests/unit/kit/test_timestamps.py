"""Timestamps: what is read, what is written, and where local days begin."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.kit.timestamps import (
    EARLIEST,
    LATEST,
    InvalidTimestamp,
    day_bounds,
    find_zone,
    format_instant,
    local_datetime,
    parse_instant,
)

LONDON = ZoneInfo("Europe/London")
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(ZoneInfo)
INSTANTS = st.integers(EARLIEST, LATEST)


@settings(derandomize=True)
@given(INSTANTS)
def test_what_is_written_is_read_again(at: int) -> None:
    assert parse_instant(format_instant(at), LONDON) == at


@settings(derandomize=True)
@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_an_offset_means_what_python_means_by_it(at: int, minutes: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    local = (moment + timedelta(minutes=minutes)).replace(tzinfo=None)
    text = local.isoformat(timespec="milliseconds") + f"{sign}{size // 60:02}:{size % 60:02}"
    assert parse_instant(text, LONDON) == at


@settings(derandomize=True, max_examples=400)
@given(ZONES, st.dates(date(1971, 1, 1), date(2099, 12, 30)))
def test_a_local_day_has_a_first_instant_and_ends_where_the_next_begins(zone: ZoneInfo, day: date) -> None:
    start, end = day_bounds(day, zone)
    if start == end:  # a day that the zone skipped, such as 2011-12-30 in Samoa
        return
    assert local_datetime(start, zone).date() == day
    assert local_datetime(start - 1, zone).date() < day
    assert local_datetime(end, zone).date() > day
    assert day_bounds(day + timedelta(days=1), zone)[0] == end


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Havana", date(2026, 3, 8), 23),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("Asia/Kathmandu", date(2026, 3, 29), 24),
    ],
)
def test_days_are_as_long_as_the_clock_makes_them(zone: str, day: date, hours: float) -> None:
    start, end = day_bounds(day, ZoneInfo(zone))
    assert (end - start) / 3_600_000 == hours


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026",
        "2026-3-2T09:00:00Z",
        "2026-03-02T09",
        "2026-03-02T24:00:00Z",
        "2026-03-02T09:60:00Z",
        "2026-03-02T09:00:60Z",
        "2026-02-29T09:00:00Z",
        "2026-13-01T09:00:00Z",
        "0000-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "9999-12-31T23:59:59-15:00",
        "2026-03-02T09:00:00+99:00",
        "2026-03-02T09:00:00+01:60",
        "2026-03-02T09:00:00 Europe/London",
        "\u0662026-03-02T09:00:00Z",
        "2026-03-02T09:00:00Z\n",
        "1772442000000",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimestamp):
        parse_instant(text, LONDON)


def test_the_letter_between_date_and_time_may_be_small() -> None:
    assert parse_instant("2026-03-02t09:00:00z", LONDON) == parse_instant("2026-03-02T09:00:00Z", LONDON)


def test_zones_are_known_by_their_iana_names_only() -> None:
    assert find_zone("Asia/Kathmandu").key == "Asia/Kathmandu"
    for name in (
        "",
        "Mars/Olympus",
        "../../etc/passwd",
        "/etc/localtime",
        "europe/london",
        "Europe/London\0",
        "localtime",
        "Factory",
        "posixrules",
    ):
        with pytest.raises(InvalidTimestamp):
            find_zone(name)
