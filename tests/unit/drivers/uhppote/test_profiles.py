"""Opening hours as time profiles: read as a board reads them, they are open in just those minutes."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.decision.shifts import weekday
from doorward.drivers.uhppote.board_time import DAY_MINUTES, date_of
from doorward.drivers.uhppote.card_numbers import number_of
from doorward.drivers.uhppote.closings import tasks_for
from doorward.drivers.uhppote.profiles import CLOSED, EVER, Profile, Segment, blocks, profiles_for
from doorward.drivers.uhppote.rules import quantum_ms
from tests.support.uhppote_wire import EPOCH, BoardProfile

FIRST = 20_500
SETTINGS = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
starts = st.integers(FIRST * DAY_MINUTES, (FIRST + 12) * DAY_MINUTES)
stretches = st.tuples(starts, st.sampled_from((1, 30, 60, 480, 1440, 4000))).map(lambda drawn: (drawn[0], sum(drawn)))


def is_open(profiles: tuple[Profile, ...], minute: int) -> bool:
    at = EPOCH + timedelta(minutes=minute, seconds=59)
    return any(
        BoardProfile(
            date_of(profile.first_day),
            date_of(profile.last_day),
            tuple(day in profile.weekdays for day in range(7)),
            tuple(profile.segments),
            0,
        ).is_open(at)
        for profile in profiles
    )


@SETTINGS
@given(st.lists(stretches, max_size=6))
def test_profiles_are_open_in_just_those_minutes(wanted: list[tuple[int, int]]) -> None:
    profiles = profiles_for(wanted)
    edges = {edge for stretch in wanted for edge in stretch}
    edges |= {day * DAY_MINUTES for day in range(FIRST - 8, FIRST + 24)}
    for minute in {edge + nudge for edge in edges for nudge in (-1, 0, 1)}:
        assert is_open(profiles, minute) == any(start <= minute < end for start, end in wanted)
    assert all(1 <= len(profile.segments) <= 3 for profile in profiles)


@SETTINGS
@given(st.sets(st.integers(FIRST, FIRST + 60)))
def test_each_day_is_in_one_block_and_no_other_day_is(days: set[int]) -> None:
    found = [day for first, last, kinds in blocks(days) for day in range(first, last + 1) if weekday(day) in kinds]
    assert sorted(found) == sorted(days)


def test_a_week_of_office_hours_is_one_profile_for_as_long_as_it_lasts() -> None:
    days = [day for day in range(FIRST, FIRST + 92) if weekday(day) < 5]
    hours = [(day * DAY_MINUTES + 540, day * DAY_MINUTES + 1020) for day in days]
    assert profiles_for(hours) == (Profile(days[0], days[-1], frozenset(range(5)), (Segment(540, 1019),)),)


def test_a_day_with_more_than_three_stretches_is_a_chain() -> None:
    hours = [(FIRST * DAY_MINUTES + hour * 120, FIRST * DAY_MINUTES + hour * 120 + 60) for hour in range(5)]
    assert [len(profile.segments) for profile in profiles_for(hours)] == [3, 2]


def test_closed_is_never_open_and_ever_always() -> None:
    at = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    minutes = [(at + timedelta(hours=hours) - EPOCH) // timedelta(minutes=1) for hours in range(0, 24 * 8, 5)]
    midnight_of_2000 = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
    assert not any(is_open((CLOSED,), minute) for minute in [*minutes, midnight_of_2000])
    assert all(is_open((EVER,), minute) for minute in minutes)
    assert profiles_for([]) == ()


def test_days_that_a_board_does_not_know_are_never_open() -> None:
    assert profiles_for([(0, 9 * DAY_MINUTES), (60_000 * DAY_MINUTES, 60_001 * DAY_MINUTES)]) == ()


def test_closings_are_tasks_of_the_doors() -> None:
    monday = FIRST - weekday(FIRST)
    days = [monday + day for day in range(5)]
    tasks = tasks_for({1: {day * DAY_MINUTES + 1080 for day in days}, 2: set()})
    assert tasks == [(days[0], days[-1], frozenset(range(5)), 1080, 1)]


def test_the_number_of_a_card_is_what_the_board_shows() -> None:
    assert number_of("123:45678", "facility") == 12_345_678
    assert number_of("12345678", "facility") == 12_345_678
    assert number_of("1:5", "facility") == 100_005
    assert number_of("12345678", "plain") == 12_345_678
    for value in ("123:45678", "0:1"):
        assert number_of(value, "plain") is None
    for value in ("256:1", "1:65536", "4294967295", "16777215", "4294967296", "0", "AB12", "", "1:2:3", "-5"):
        assert number_of(value, "facility") is None


def test_a_plan_moves_on_in_steps_of_a_twelfth_of_its_limit() -> None:
    hour = 3_600_000
    assert [quantum_ms(limit * hour) for limit in (1, 4, 72, 8760)] == [5 * 60_000, 20 * 60_000, 6 * hour, 6 * hour]
    assert quantum_ms(0) == 60_000
