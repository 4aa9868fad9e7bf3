"""What a board admits after apply() is never more than the engine admits by the same snapshot, and the same where
nothing was refused: for any rules, people and instants, over UDP and through the package uhppoted.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.decision.codes import CARD
from doorward.decision.engine import decide
from doorward.decision.shifts import Rule, Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, DoorState, Membership, Passback, Presented, Snapshot
from doorward.decision.zones import HOUR_MS
from doorward.drivers.base import Applied
from doorward.drivers.uhppote.board_time import next_offset_change, offset_at
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_house import DAY, HOUR, MINUTE, House, Installation, be_patient, installed

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Havana",  # changes at midnight
    "Asia/Beirut",  # changes at midnight, back into the day before
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
CARDS = {1: "1001", 2: "1002", 3: "7:1003"}
NUMBERS = {"1001": 1001, "1002": 1002, "7:1003": 701_003}
DOORS = {1: 11, 2: 12}

SETTINGS = settings(
    derandomize=True, database=None, deadline=None, max_examples=80, suppress_health_check=list(HealthCheck)
)
seldom = st.sampled_from([False] * 5 + [True])
hours = st.one_of(st.integers(-30, 30).map(lambda value: value * HOUR), st.integers(-10, 10).map(lambda v: v * DAY))
# Mostly whole minutes; what has parts of a minute is refused those.
parts = st.sampled_from([0] * 9 + [1, 30_000])
minutes = st.one_of(st.integers(0, 23).map(lambda hour: hour * 60), st.integers(0, 1439), st.sampled_from((0, 1439)))
lengths = st.one_of(st.sampled_from((1, 30, 60, 120, 480, 1440)), st.integers(1, 1440))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(minutes)
    return Window(draw(st.frozensets(st.integers(0, 7))), start, start + draw(lengths))


@st.composite
def rules(draw: st.DrawFn, at: int) -> Rule | None:
    kind = draw(st.sampled_from(("weekly", "weekly", "weekly", "stretch", "always")))
    if kind == "always":
        return None
    if kind == "stretch":
        start = at + draw(hours) + draw(parts)
        return Stretch(start, start + draw(st.integers(-1, 40)) * HOUR + draw(parts))
    day = st.none() | st.integers(-3, 5).map(lambda days: at // DAY + days)
    found = tuple(draw(st.lists(windows(), max_size=3)))
    return Weekly(found, draw(day), draw(day), "replace" if draw(st.booleans()) else "ignore")


@dataclass(frozen=True)
class Scene:
    """A house, and the instant at which its rules are put on the board."""

    house: House
    at: int
    others: House
    """The rules that are on the board before."""


@st.composite
def instants(draw: st.DrawFn, zone: str) -> int:
    at = START + draw(st.integers(0, 3 * 365)) * DAY + draw(st.integers(0, 24 * 60)) * MINUTE
    change = next_offset_change(zone, at)
    if change is not None and draw(st.booleans()):
        at = change + draw(st.integers(-40, 40)) * HOUR + draw(st.sampled_from((0, 59_000)))
    return at


@st.composite
def houses(draw: st.DrawFn, zone: str, at: int) -> House:
    days = st.integers(-1, 4).map(lambda days: (at + offset_at(zone, at)) // DAY + days)
    house = House(zone, draw(st.frozensets(days, max_size=2)))
    house.shifts = {role: draw(rules(at)) for role in draw(st.sets(st.integers(1, 4), min_size=1))}
    house.roles_at = {channel: draw(st.sets(st.integers(1, 4))) for channel in DOORS.values()}
    roles = st.sets(st.integers(1, 4))
    for person_id in draw(st.sets(st.sampled_from(sorted(CARDS)), min_size=1)):
        stays = []
        for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
            start = at + draw(hours) + draw(parts)
            stays.append(Membership(draw(roles), start, start + draw(st.integers(-1, 50)) * HOUR))
        house.person(
            person_id,
            CARDS[person_id],
            draw(roles),
            valid_from=at + draw(hours) + draw(parts) if draw(seldom) else None,
            valid_to=at + draw(hours) + draw(parts) if draw(seldom) else None,
            memberships=tuple(stays),
        )
        if draw(seldom):
            person = house.directory.people[person_id]
            house.directory.put(person._replace(status="disabled"), [Credential(CARD, CARDS[person_id])])
    for channel_id in DOORS.values():
        house.channels[channel_id] = Channel(
            channel_id,
            f"Door {channel_id}",
            zone,
            frozenset((CARD,)) if not draw(seldom) else frozenset(),
            two_factor=draw(seldom) and draw(seldom),
            passback=Passback("hard") if draw(seldom) and draw(seldom) else None,
            staleness_ms=draw(st.sampled_from((None, 72 * HOUR, 72 * HOUR, 4 * HOUR, 30 * DAY))),
        )
    return house


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    zone = draw(st.sampled_from(ZONES))
    at = draw(instants(zone))
    return Scene(draw(houses(zone, at)), at, draw(houses(zone, at)))


def interesting(scene: Scene) -> list[int]:
    """Instants after the board was written: where some rule may open or close, and some in between."""
    found = {scene.at + hours * HOUR for hours in range(0, 30, 5)} | {scene.at + days * DAY for days in (3, 4, 31, 100)}
    edges: set[int] = set()
    for house in (scene.house, scene.others):
        for rule in house.shifts.values():
            if isinstance(rule, Stretch):
                edges |= {rule.start, rule.end}
            elif rule is not None:
                timetable = Timetable(rule, house.zone, house.holidays)
                at: int | None = scene.at
                for _ in range(8):
                    at = None if at is None else timetable.next_change(at)
                    edges |= set() if at is None else {at}
        for person in house.directory.people.values():
            edges |= {edge for edge in (person.valid_from, person.valid_to) if edge is not None}
            edges |= {edge for stay in person.memberships for edge in (stay.start, stay.end)}
        for channel in house.channels.values():
            if channel.staleness_ms is not None:
                edges.add(scene.at + channel.staleness_ms)
    change = next_offset_change(scene.house.zone, scene.at)
    edges |= {edge for edge in (change,) if edge is not None}
    found |= {edge + nudge for edge in edges for nudge in (-60_001, -1, 0, 1, 30_000)}
    return sorted(instant for instant in found if instant >= scene.at)


def admits(snapshot: Snapshot, value: str, at: int, confirmed_at: int) -> bool:
    return decide(snapshot, DoorState(confirmed_at=confirmed_at), Presented(Credential(CARD, value)), at).admitted


def board_admits(board: UhppoteBoard, value: str, door: int, at: int) -> bool:
    """What the board decides at an instant, as its clock goes on from now."""
    return board.admits(NUMBERS[value], door, EPOCH + timedelta(milliseconds=(at + board.offset_ms) // 1000 * 1000))


async def put_on(
    installation: Installation, house: House, at: int, *, is_patient: bool = True
) -> dict[int, tuple[Snapshot, Applied]]:
    driver = installation.driver()
    if is_patient:
        be_patient(driver)
    found = {}
    for door, channel_id in DOORS.items():
        snapshot = house.snapshot(channel_id)
        found[door] = snapshot, await driver.apply(snapshot, at)
    return found


def certain_until(snapshot: Snapshot, at: int) -> int:
    """Up to when the board is to be as good as the engine: the limit of staleness is reached in steps."""
    staleness_ms = snapshot.channel.staleness_ms
    if staleness_ms is None:
        return at + 20 * DAY
    return at + min(20 * DAY, staleness_ms - min(6 * HOUR, max(MINUTE, staleness_ms // 12)))


def compare(board: UhppoteBoard, found: dict[int, tuple[Snapshot, Applied]], scene: Scene, since: int = 0) -> None:
    """The board admits nobody whom the engine does not, and where nothing was refused all of whom it does."""
    for door, (snapshot, applied) in found.items():
        for value in NUMBERS:
            for at in (instant for instant in interesting(scene) if instant >= since):
                here, there = board_admits(board, value, door, at), admits(snapshot, value, at, scene.at)
                assert there or not here, f"door {door}, card {value}, at {at}: the board admits"
                if not applied.refused and at < certain_until(snapshot, scene.at):
                    assert here == there, f"door {door}, card {value}, at {at}: the board denies"


def compare_any(
    board: UhppoteBoard, snapshots: Mapping[int, Iterable[Snapshot]], instants: Iterable[int], confirmed_at: int
) -> None:
    """The board admits nobody whom none of the door's snapshots does."""
    for door, value, at in product(snapshots, NUMBERS, instants):
        if board_admits(board, value, door, at):
            assert any(admits(snapshot, value, at, confirmed_at) for snapshot in snapshots[door])


@SETTINGS
@given(scenes())
def test_a_board_admits_as_the_engine_does(scene: Scene) -> None:
    async def run() -> None:
        async with installed(scene.at, channels=DOORS) as installation:
            compare(installation.board, await put_on(installation, scene.house, scene.at), scene)

    asyncio.run(run())


@settings(SETTINGS, max_examples=40)
@given(scenes(), st.integers(0, 60), st.booleans())
def test_a_board_that_is_cut_off_in_the_middle_admits_by_the_old_or_the_new_rules(
    scene: Scene, messages: int, is_acted_upon: bool
) -> None:
    async def run() -> None:
        async with installed(scene.at, channels=DOORS, timeout_s=0.1, attempts=1) as installation:
            board = installation.board
            before = await put_on(installation, scene.others, scene.at)
            board.answers_left, board.is_last_answer_lost = messages, is_acted_upon
            with suppress(OSError):
                await put_on(installation, scene.house, scene.at, is_patient=False)
            both = {door: (before[door][0], scene.house.snapshot(channel)) for door, channel in DOORS.items()}
            compare_any(board, both, interesting(scene), scene.at)
            board.answers_left = None
            compare(board, await put_on(installation, scene.house, scene.at), scene)

    asyncio.run(run())


@settings(SETTINGS, max_examples=40)
@given(scenes(), st.integers(0, 40))
def test_a_board_whose_clock_is_being_changed_admits_nobody_outside_of_the_rules(scene: Scene, messages: int) -> None:
    """Summer time begins or ends; the controller notices, and is gone after any number of messages."""
    change = next_offset_change(scene.house.zone, scene.at)
    if change is None or change > scene.at + 3 * DAY:
        return

    async def run(noticed_at: int) -> None:
        async with installed(scene.at, channels=DOORS, timeout_s=0.1, attempts=1) as installation:
            board, driver = installation.board, installation.driver()
            snapshots = {door: (scene.house.snapshot(channel_id),) for door, channel_id in DOORS.items()}
            for channel_id in DOORS.values():
                await driver.apply(scene.house.snapshot(channel_id), scene.at)
            installation.clock.at = noticed_at
            board.answers_left = messages
            with suppress(OSError):
                await driver.tend()
            be_patient(driver)
            after = [noticed_at + minutes * MINUTE for minutes in range(0, 300, 7)]
            instants = [*after, *(at for at in interesting(scene) if at >= noticed_at)]
            compare_any(board, snapshots, instants, scene.at)
            board.answers_left = None
            await driver.tend()
            compare_any(board, snapshots, instants, scene.at)
            found = {door: (one, await driver.apply(one, scene.at)) for door, (one,) in snapshots.items()}
            compare(board, found, scene, noticed_at)

    asyncio.run(run(change + 5_000))


@pytest.mark.parametrize("staleness_ms", [30 * MINUTE, 4 * HOUR, 72 * HOUR])
def test_a_board_that_nobody_confirms_denies_no_later_than_the_limit(staleness_ms: int) -> None:
    async def run() -> None:
        at = START + 10 * DAY + 9 * HOUR_MS
        house = House("UTC", shifts={1: None}).person(1, "1001")
        house.channels[11] = replace(house.channel(11), staleness_ms=staleness_ms)
        async with installed(at, channels={1: 11}) as installation:
            await installation.driver().apply(house.snapshot(11), at)
            ends = max(
                minute
                for minute in range(100 * 60)
                if board_admits(installation.board, "1001", 1, at + minute * MINUTE)
            )
            assert staleness_ms * 11 / 12 - MINUTE <= ends * MINUTE < staleness_ms

    asyncio.run(run())
