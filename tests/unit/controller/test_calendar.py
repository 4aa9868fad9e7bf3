"""Shifts at the door on the days that make trouble: the lock moves when the clock on the wall says so."""

from datetime import UTC, datetime
from typing import Any

import pytest

from doorward.decision.shifts import HOLIDAY, Timetable, Weekly, Window
from doorward.decision.snapshot import Grant
from tests.unit.controller.site import ADA, HOUR, MINUTE, Site, instant

EVERY_DAY = frozenset(range(7))
LONDON = "Europe/London"
SPRING, AUTUMN = "2026-03-29", "2026-10-25"
"""In London 01:00 is followed by 02:00, and 01:59 by 01:00."""


def weekly(start: str, end: str, days: frozenset[int] = EVERY_DAY, zone: str = LONDON, **more: Any) -> Timetable:
    first, last = (60 * int(text[:2]) + int(text[3:]) for text in (start, end))
    holidays = more.pop("holidays_on", frozenset())
    window = Window(days, first, last if last > first else last + 1440)
    return Timetable(Weekly((window, *more.pop("others", ())), **more), zone, holidays)


def played(begins: str, lasts: int, **rules: Any) -> tuple[Site, list[tuple[str, bool]]]:
    """The site after so long, and what its lock did, in UTC."""
    site = Site(at=instant(begins), **rules)
    site.run(lasts)
    return site, moves(site)


def moves(site: Site) -> list[tuple[str, bool]]:
    found = site.driver.outputs(1)
    return [(datetime.fromtimestamp(at / 1000, UTC).isoformat()[:19], released) for at, released in found]


def test_a_window_in_the_hour_that_is_skipped_does_not_open() -> None:
    site, lock = played(f"{SPRING}T00:00:00+00:00", 12 * HOUR, auto_unlock=weekly("01:00", "02:00"))
    assert (lock, site.codes) == ([], [])


@pytest.mark.en60839("6.4/time")
def test_a_window_around_the_hour_that_is_skipped_is_an_hour_shorter() -> None:
    site, lock = played(f"{SPRING}T00:00:00+00:00", 12 * HOUR, auto_unlock=weekly("00:30", "03:00"))
    assert lock == [(f"{SPRING}T00:30:00", True), (f"{SPRING}T02:00:00", False)]
    assert site.codes == [40, 41]


def test_a_window_that_begins_in_the_hour_that_is_skipped_begins_after_it() -> None:
    _, lock = played(f"{SPRING}T00:00:00+00:00", 12 * HOUR, auto_unlock=weekly("01:30", "04:00"))
    assert lock == [(f"{SPRING}T01:00:00", True), (f"{SPRING}T03:00:00", False)]


def test_a_window_in_the_hour_that_comes_twice_opens_twice() -> None:
    site, lock = played("2026-10-24T23:30:00+00:00", 12 * HOUR, auto_unlock=weekly("01:15", "01:45"))
    assert lock == [
        (f"{AUTUMN}T00:15:00", True),
        (f"{AUTUMN}T00:45:00", False),
        (f"{AUTUMN}T01:15:00", True),
        (f"{AUTUMN}T01:45:00", False),
    ]
    assert site.codes == [40, 41, 40, 41]


@pytest.mark.en60839("6.4/time")
def test_a_window_around_the_hour_that_comes_twice_is_an_hour_longer() -> None:
    site, lock = played("2026-10-24T23:30:00+00:00", 12 * HOUR, auto_unlock=weekly("01:00", "03:00"))
    assert lock == [(f"{AUTUMN}T00:00:00", True), (f"{AUTUMN}T03:00:00", False)]
    assert site.codes == [40, 41]


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-01-12", "2026-01-12T22:00:00", "2026-01-13T06:00:00"),
        ("2026-03-28", "2026-03-28T22:00:00", "2026-03-29T05:00:00"),
        ("2026-10-24", "2026-10-24T21:00:00", "2026-10-25T06:00:00"),
    ],
)
@pytest.mark.en60839("6.4/periods")
def test_a_window_over_midnight_opens_and_closes_by_the_clock_on_the_wall(day: str, opens: str, closes: str) -> None:
    _, lock = played(f"{day}T12:00:00+00:00", 20 * HOUR, auto_unlock=weekly("22:00", "06:00"))
    assert lock == [(opens, True), (closes, False)]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday = frozenset({4})
    _, lock = played("2026-01-16T00:00:00+00:00", 72 * HOUR, auto_unlock=weekly("22:00", "06:00", friday))
    assert lock == [("2026-01-16T22:00:00", True), ("2026-01-17T06:00:00", False)]


@pytest.mark.en60839("6.4/periods")
def test_on_a_holiday_the_door_keeps_to_the_windows_of_holidays() -> None:
    christmas = frozenset({instant("2026-12-25T00:00:00+00:00") // (24 * HOUR)})
    shift = weekly(
        "09:00",
        "17:00",
        others=(Window(frozenset({HOLIDAY}), 600, 720),),
        holidays="replace",
        holidays_on=christmas,
    )
    _, lock = played("2026-12-24T12:00:00+00:00", 48 * HOUR, auto_unlock=shift)
    assert lock == [
        ("2026-12-24T12:00:00", True),
        ("2026-12-24T17:00:00", False),
        ("2026-12-25T10:00:00", True),
        ("2026-12-25T12:00:00", False),
        ("2026-12-26T09:00:00", True),
    ]


def test_on_the_eve_of_a_holiday_a_window_goes_on_past_midnight() -> None:
    christmas = frozenset({instant("2026-12-25T00:00:00+00:00") // (24 * HOUR)})
    shift = weekly("22:00", "02:00", holidays="replace", holidays_on=christmas)
    _, lock = played("2026-12-24T12:00:00+00:00", 48 * HOUR, auto_unlock=shift)
    assert lock == [("2026-12-24T22:00:00", True), ("2026-12-25T02:00:00", False)]


@pytest.mark.parametrize(
    ("relocks", "in_utc"),
    [
        ("2026-03-29T03:00:00+01:00", "2026-03-29T02:00:00"),
        ("2026-10-25T03:00:00+00:00", "2026-10-25T03:00:00"),
    ],
)
@pytest.mark.en60839("6.4/time")
def test_a_door_relocks_at_three_on_the_day_on_which_the_clock_changes(relocks: str, in_utc: str) -> None:
    begins = f"{relocks[:10]}T00:00:00+00:00"
    site = Site(at=instant(begins))
    site.set(unlocked=True, unlocked_until=instant(relocks))
    site.run(12 * HOUR)
    assert moves(site) == [(begins[:19], True), (in_utc, False)]
    assert site.codes == [58]


def test_a_door_relocks_on_time_with_neither_server_nor_device_in_reach_meanwhile() -> None:
    site = Site(at=instant(f"{SPRING}T00:00:00+00:00"), staleness_ms=HOUR)
    site.door.confirmed_at = site.now - 100 * HOUR
    site.set(unlocked=True, unlocked_until=instant("2026-03-29T03:00:00+01:00"))
    site.restart(down=MINUTE)
    site.run(12 * HOUR)
    assert moves(site) == [(f"{SPRING}T00:00:00", True), (f"{SPRING}T02:00:00", False)]


def test_a_door_that_somebody_locks_before_it_relocks_by_itself_does_not_say_that_it_did() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=site.now + HOUR)
    site.run(MINUTE)
    site.set(unlocked=False, unlocked_until=None)
    site.run(2 * HOUR)
    assert site.codes == []


def test_a_door_that_is_unlocked_for_longer_meanwhile_relocks_when_that_is_over() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=site.now + HOUR)
    site.set(unlocked_until=site.now + 2 * HOUR)
    site.run(3 * HOUR)
    assert site.at_code(58) == [2 * HOUR]


def test_a_door_whose_time_is_over_in_a_lockdown_says_so_and_stays_locked_after_it() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=site.now + HOUR)
    site.set(card_lockdown=True)
    site.run(2 * HOUR)
    assert site.codes == [58]
    site.set(card_lockdown=False)
    assert not site.released


def test_a_door_that_relocks_while_its_shift_is_open_stays_open_and_says_nothing_of_it() -> None:
    site = Site(at=instant("2026-01-12T08:30:00+00:00"), auto_unlock=weekly("09:00", "17:00"))
    site.set(unlocked=True, unlocked_until=instant("2026-01-12T10:00:00+00:00"))
    site.run(12 * HOUR)
    assert moves(site) == [("2026-01-12T08:30:00", True), ("2026-01-12T17:00:00", False)]
    assert site.codes == [40, 41]


def test_a_role_s_shift_admits_to_the_very_instants_on_the_day_on_which_the_clock_changes() -> None:
    site = Site(at=instant(f"{SPRING}T00:59:59.999+00:00"))
    site.grants[1] = Grant(1, "Members", weekly("01:00", "03:00"), "Night")
    admitted = []
    for at in ("00:59:59.999", "01:00:00", "01:59:59.999", "02:00:00"):
        site.until(instant(f"{SPRING}T{at}+00:00"))
        site.show(ADA)
        admitted.append(site.take())
    assert admitted == [[21], [10], [10], [21]], "01:00 to 02:00 by UTC is 02:00 to 03:00 on the wall"


def test_a_first_person_before_the_hour_that_comes_twice_counts_through_it() -> None:
    site = Site(at=instant("2026-10-24T23:30:00+00:00"), auto_unlock=weekly("00:00", "04:00"), first_person_in=True)
    site.run(MINUTE)
    site.show(ADA)
    site.run(12 * HOUR)
    assert moves(site) == [("2026-10-24T23:31:00", True), (f"{AUTUMN}T04:00:00", False)]
