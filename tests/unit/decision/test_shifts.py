"""When a shift is open, by the wall clock of its zone."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.shifts import Stretch, Timetable, Weekly, Window, expand
from doorward.decision.zones import BLOCK_MS, segments
from tests.unit.decision import naive
from tests.unit.decision.strategies import DAY, HOUR, ZONES, Scene, around, clock_changes, edges, scenes

PROFILE = settings.get_profile("decision")
ALWAYS = Weekly((Window(frozenset(range(7)), 0, 1440),))


@settings(PROFILE, max_examples=600)
@given(scenes(), st.lists(st.integers(-10 * DAY, 10 * DAY), max_size=5))
def test_a_shift_is_open_when_the_clock_on_the_wall_says_so(scene: Scene, offsets: list[int]) -> None:
    timetable = scene.timetable
    for at in [*around(timetable, scene.anchor), *(scene.anchor + offset for offset in offsets)]:
        assert timetable.open_at(at) == naive.is_open(timetable, at)


@settings(PROFILE, max_examples=150)
@given(scenes())
def test_the_next_change_is_the_first_one(scene: Scene) -> None:
    timetable, at = scene.timetable, scene.anchor
    now = naive.is_open(timetable, at)
    change = timetable.next_change(at)
    until = at + 366 * DAY if change is None else change
    first = (naive.EPOCH + timedelta(milliseconds=at)).date() - timedelta(days=2)
    last = (naive.EPOCH + timedelta(milliseconds=until)).date() + timedelta(days=2)
    before = [edge for edge in edges(timetable, first, last) if at < edge < until]
    assert all(naive.is_open(timetable, edge) == now for edge in before)
    if change is not None:
        assert change > at
        assert naive.is_open(timetable, change - 1) == now
        assert naive.is_open(timetable, change) != now


@settings(PROFILE, max_examples=150)
@given(scenes(), st.lists(st.integers(-3 * DAY, 3 * DAY), min_size=2, max_size=2))
def test_a_shift_is_open_throughout_a_time_in_which_it_never_closes(scene: Scene, offsets: list[int]) -> None:
    timetable = scene.timetable
    found = sorted(around(timetable, scene.anchor))
    for first, last in (
        (scene.anchor + min(offsets), scene.anchor + max(offsets)),
        *pairwise(found),
        *zip(found[:-3], found[3:], strict=True),
    ):
        within = [first, last, *(edge for edge in found if first <= edge <= last)]
        if all(abs(each - scene.anchor) <= DAY for each in within):
            assert timetable.open_throughout(first, last) == all(naive.is_open(timetable, each) for each in within)


def test_a_shift_of_all_day_every_day_is_open_throughout_a_year_and_not_for_ever() -> None:
    timetable, start = Timetable(ALWAYS, "Europe/London"), 1_700_000_000_000
    assert timetable.open_throughout(start, start + 366 * DAY)
    assert not timetable.open_throughout(start, start + 10 * 366 * DAY)
    assert not timetable.open_throughout(start, start - 1)


@settings(PROFILE)
@given(scenes(), st.integers(-1, 1))
def test_the_spans_of_a_block_are_sorted_and_apart(scene: Scene, further: int) -> None:
    timetable = scene.timetable
    if isinstance(timetable.rule, Stretch):
        return
    block = scene.anchor // BLOCK_MS + further
    spans = expand(timetable.rule, timetable.zone, timetable.holidays, block)
    assert all(start < end for start, end in spans)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))
    assert all(block * BLOCK_MS <= edge <= (block + 1) * BLOCK_MS for span in spans for edge in span)


@pytest.mark.parametrize("zone", ZONES)
def test_a_shift_of_all_day_every_day_never_closes(zone: str) -> None:
    timetable = Timetable(ALWAYS, zone)
    for change in clock_changes(zone):
        assert all(timetable.open_at(change + nudge) for nudge in (-HOUR, -1, 0, 1, HOUR))
    assert timetable.next_change(clock_changes(zone)[-1] if clock_changes(zone) else 0) is None


@pytest.mark.parametrize("zone", ZONES)
def test_the_offsets_of_a_zone_are_those_of_its_clock(zone: str) -> None:
    for change in clock_changes(zone):
        for at in (change - 1, change, change + 1):
            [segment] = [s for s in segments(zone, at // BLOCK_MS) if s.start <= at < s.end]
            wall = naive.wall_clock(zone, at).replace(tzinfo=naive.EPOCH.tzinfo)
            assert (wall - naive.EPOCH) // timedelta(milliseconds=1) == at + segment.offset


def test_the_stretches_of_a_zone_fill_a_block_without_gaps() -> None:
    for block in range(600, 640):
        found = segments("Europe/London", block)
        assert found[0].start == block * BLOCK_MS
        assert found[-1].end == (block + 1) * BLOCK_MS
        assert all(earlier.end == later.start for earlier, later in pairwise(found))


def test_a_change_is_found_where_two_blocks_of_the_calendar_meet() -> None:
    meeting = 620 * BLOCK_MS  # midnight in UTC
    opening = Timetable(Weekly((Window(frozenset(range(7)), 0, 60),)), "UTC")
    closing = Timetable(Weekly((Window(frozenset(range(7)), 1380, 1440),)), "UTC")
    for timetable in (opening, closing):
        assert timetable.next_change(meeting - HOUR) == meeting
        assert timetable.next_change(meeting - 1) == meeting


def test_a_stretch_changes_twice_and_then_never_again() -> None:
    timetable = Timetable(Stretch(1000, 2000), "UTC")
    assert [timetable.open_at(at) for at in (999, 1000, 1999, 2000)] == [False, True, True, False]
    assert [timetable.next_change(at) for at in (0, 1000, 1999, 2000)] == [1000, 2000, 2000, None]


def test_a_stretch_that_ends_before_it_starts_never_opens() -> None:
    timetable = Timetable(Stretch(2000, 1000), "UTC")
    assert not any(timetable.open_at(at) for at in (0, 1000, 1500, 2000, 3000))
    assert timetable.next_change(0) is None


def test_a_shift_without_windows_never_opens() -> None:
    timetable = Timetable(Weekly(()), "Europe/London")
    assert not timetable.open_at(0)
    assert timetable.next_change(0) is None


def test_timetables_of_the_same_rule_zone_and_holidays_are_equal() -> None:
    one, other = Timetable(ALWAYS, "Europe/London"), Timetable(ALWAYS, "Europe/London")
    one.open_at(0)
    assert one == other
    assert hash(one) == hash(other)
    assert one != Timetable(ALWAYS, "Europe/Paris")
    assert one != Timetable(ALWAYS, "Europe/London", frozenset({1}))


def test_an_unknown_zone_is_an_error_and_not_a_shift_that_is_always_open() -> None:
    with pytest.raises(LookupError):
        Timetable(ALWAYS, "Mars/Olympus_Mons").open_at(0)
