"""The order of changes: however many of the steps a board gets, it admits nobody whom neither rules admit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.drivers.uhppote import image as image_module
from doorward.drivers.uhppote import steps as steps_module
from doorward.drivers.uhppote.board_time import FIRST_DAY, LAST_DAY, date_of
from doorward.drivers.uhppote.image import Image, Row
from doorward.drivers.uhppote.plan import CardDates, DoorPlan, Group
from doorward.drivers.uhppote.profiles import CLOSED, EVER, Profile, Segment, Stored
from doorward.drivers.uhppote.steps import DropCard, PutCard, PutProfile, Step, steps_for
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_wire import BoardCard, BoardProfile

FEW_IDS = range(2, 10)
HOURS = range(5)
NOON = [datetime(2026, 3, 2, hour, 30, tzinfo=UTC) for hour in HOURS]
OURS = (1, 2)


def hourly(hour: int) -> Profile:
    return Profile(FIRST_DAY, LAST_DAY, frozenset(range(7)), (Segment(hour * 60, hour * 60 + 59),))


@contextmanager
def few_ids() -> Iterator[None]:
    """A board that has hardly any profiles, so that they run short."""
    with patch.object(steps_module, "PROFILE_IDS", FEW_IDS), patch.object(image_module, "PROFILE_IDS", FEW_IDS):
        yield


some_profiles = st.sampled_from([*map(hourly, HOURS), CLOSED, EVER])
rows = st.tuples(
    st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6]), st.sampled_from([0, 0, 7, 8, 2]), st.sampled_from([0, 0, 0, 1, 4])
).map(lambda doors: Row(FIRST_DAY, LAST_DAY, (*doors, 0)))


@st.composite
def images(draw: st.DrawFn) -> Image:
    cards = draw(st.dictionaries(st.integers(1, 6), rows, max_size=6))
    ids = draw(st.sets(st.sampled_from(list(FEW_IDS)), min_size=draw(st.sampled_from([0, 6, 8]))))
    links = st.sampled_from([0, 0, 0, *FEW_IDS])
    return Image(cards, {profile_id: Stored(draw(some_profiles), draw(links)) for profile_id in ids})


@st.composite
def plans(draw: st.DrawFn, most: int) -> DoorPlan:
    groups: list[Group] = []
    numbers = draw(st.permutations(range(1, 9)))
    left = most
    while numbers and left and draw(st.sampled_from([True, True, False])):
        size = draw(st.integers(1, len(numbers)))
        length = draw(st.integers(1, min(3, left)))
        profiles = draw(st.lists(some_profiles, min_size=length, max_size=length, unique=True))
        groups.append(Group(frozenset(numbers[:size]), tuple(profiles)))
        numbers, left = numbers[size:], left - length
    return DoorPlan(
        groups=tuple(groups),
        cards={number: CardDates(FIRST_DAY, LAST_DAY) for group in groups for number in group.numbers},
    )


def board_of(image: Image) -> UhppoteBoard:
    board = UhppoteBoard(405_419_896, lambda: 0)
    for number, row in image.cards.items():
        act(board, PutCard(number, row))
    for profile_id, stored in image.profiles.items():
        act(board, PutProfile(profile_id, stored, profile_id))
    return board


def act(board: UhppoteBoard, step: Step) -> None:
    """What a step does to a board, without the network."""
    if isinstance(step, DropCard):
        del board.cards[step.number]
    elif isinstance(step, PutCard):
        row = step.row
        dates = date_of(row.first_day), date_of(row.last_day)
        board.cards[step.number] = BoardCard(step.number, *dates, row.doors)
    else:
        profile, link = step.stored
        weekdays = tuple(day in profile.weekdays for day in range(7))
        dates = date_of(profile.first_day), date_of(profile.last_day)
        board.profiles[step.profile_id] = BoardProfile(*dates, weekdays, tuple(profile.segments), link)


def admitted(board: UhppoteBoard, door: int) -> set[tuple[int, int]]:
    """(card, hour) for which the board opens a door."""
    return {(card, at.hour) for card in board.cards for at in NOON if board.decide(card, door, at)[0]}


def wanted(plan: DoorPlan) -> set[tuple[int, int]]:
    return {
        (card, hour)
        for group in plan.groups
        for card in group.numbers
        for hour in HOURS
        if any(profile == EVER or profile == hourly(hour) for profile in group.profiles)
    }


def most_profiles(image: Image) -> int:
    return len(FEW_IDS) - len(image.chained({2, 3, 4}))


@settings(derandomize=True, database=None, deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_number_of_steps_admits_whom_neither_admits(data: st.DataObject) -> None:
    with few_ids():
        image = data.draw(images())
        plan = data.draw(plans(most_profiles(image)))
        board = board_of(image)
        before = {door: admitted(board, door) for door in (1, 2, 3)}
        allowed = before[1] | wanted(plan)
        for step in steps_for(image, 1, plan, OURS).all():
            act(board, step)
            assert admitted(board, 1) <= allowed
            assert admitted(board, 2) <= before[2]
            assert admitted(board, 3) <= before[3]
        assert admitted(board, 1) == wanted(plan)


@settings(derandomize=True, database=None, deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_after_the_steps_nothing_is_left_to_do(data: st.DataObject) -> None:
    with few_ids():
        image = data.draw(images())
        plan = data.draw(plans(most_profiles(image)))
        for step in steps_for(image, 1, plan, OURS).all():
            if isinstance(step, PutProfile):
                image.profiles[step.profile_id] = step.stored
            elif isinstance(step, PutCard):
                image.cards[step.number] = step.row
            else:
                del image.cards[step.number]
        assert steps_for(image, 1, plan, OURS).all() == []


def test_a_chain_takes_over_what_another_leaves_only_after_it_has_left_it() -> None:
    chains = {1: (2, 3, 4, 5), 2: (6, 7, 8, 9)}
    profiles = {
        profile_id: Stored(hourly(card), link)
        for card, chain in chains.items()
        for profile_id, link in zip(chain, (*chain[1:], 0), strict=True)
    }
    image = Image({1: Row(FIRST_DAY, LAST_DAY, (2, 0, 0, 0)), 2: Row(FIRST_DAY, LAST_DAY, (6, 0, 0, 0))}, profiles)
    long = tuple(Profile(FIRST_DAY, LAST_DAY, frozenset((day,)), (Segment(180, 239),)) for day in range(7))
    groups = (Group(frozenset((2,)), long), Group(frozenset((1,)), (hourly(1),)))
    plan = DoorPlan(groups=groups, cards=dict.fromkeys((1, 2), CardDates(FIRST_DAY, LAST_DAY)))
    with few_ids():
        board = board_of(image)
        for step in steps_for(image, 1, plan, OURS).all():
            act(board, step)
            assert admitted(board, 1) <= {(1, 1), (2, 2), (2, 3)}
    assert admitted(board, 1) == {(1, 1), (2, 3)}


def test_profiles_come_before_the_cards_that_are_put_on_them() -> None:
    plan = DoorPlan(
        groups=(Group(frozenset((1, 2)), (hourly(1), hourly(2))),),
        cards={1: CardDates(FIRST_DAY, LAST_DAY), 2: CardDates(FIRST_DAY, LAST_DAY)},
    )
    found = steps_for(Image(), 1, plan, OURS).all()
    assert found == [
        PutProfile(3, Stored(hourly(2), 0), 2),
        PutProfile(2, Stored(hourly(1), 3), 2),
        PutCard(1, Row(FIRST_DAY, LAST_DAY, (2, 0, 0, 0))),
        PutCard(2, Row(FIRST_DAY, LAST_DAY, (2, 0, 0, 0))),
    ]


def test_hours_that_change_for_all_are_one_message_whatever_the_number_of_cards() -> None:
    numbers = frozenset(range(1, 1_000))
    cards = {number: Row(FIRST_DAY, LAST_DAY, (7, 0, 0, 0)) for number in numbers}
    plan = DoorPlan(
        groups=(Group(numbers, (hourly(2),)),), cards={number: CardDates(FIRST_DAY, LAST_DAY) for number in numbers}
    )
    found = steps_for(Image(cards, {7: Stored(hourly(1), 0)}), 1, plan, OURS).all()
    assert found == [PutProfile(7, Stored(hourly(2), 0), 7)]


def test_who_moves_to_other_hours_gets_another_profile_and_nobody_else_is_touched() -> None:
    dates = CardDates(FIRST_DAY, LAST_DAY)
    cards = {number: Row(FIRST_DAY, LAST_DAY, (2, 0, 0, 0)) for number in (1, 2, 3)}
    groups = (Group(frozenset((1, 2)), (hourly(1),)), Group(frozenset((3,)), (hourly(2),)))
    plan = DoorPlan(groups=groups, cards=dict.fromkeys((1, 2, 3), dates))
    found = steps_for(Image(cards, {2: Stored(hourly(1), 0)}), 1, plan, OURS).all()
    assert found == [PutProfile(3, Stored(hourly(2), 0), 3), PutCard(3, Row(FIRST_DAY, LAST_DAY, (3, 0, 0, 0)))]


def test_who_loses_access_loses_it_before_anything_else_is_written() -> None:
    cards = {1: Row(FIRST_DAY, LAST_DAY, (2, 9, 0, 0)), 2: Row(FIRST_DAY, LAST_DAY, (2, 0, 0, 0))}
    image = Image(cards, {2: Stored(hourly(1), 0), 9: Stored(hourly(1), 0)})
    plan = DoorPlan(groups=(Group(frozenset((3,)), (hourly(3),)),), cards={3: CardDates(FIRST_DAY, LAST_DAY)})
    found = steps_for(image, 1, plan, OURS).all()
    assert found[:2] == [PutCard(1, Row(FIRST_DAY, LAST_DAY, (0, 9, 0, 0))), DropCard(2)]


def test_profiles_that_are_used_and_not_defined_are_closed_first() -> None:
    image = Image({1: Row(FIRST_DAY, LAST_DAY, (5, 0, 0, 0))}, {5: Stored(hourly(1), 6)})
    found = steps_for(image, 2, DoorPlan(), OURS).all()
    assert found == [PutProfile(6, Stored(CLOSED, 0), 6)]
