"""What every driver keeps, whatever its hardware: the promises of drivers/base.py, each driver against a real peer."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from doorward.decision.engine import decide
from doorward.decision.shifts import Timetable, Weekly, Window
from doorward.decision.snapshot import (
    Channel,
    Directory,
    DoorState,
    Grant,
    Passback,
    Person,
    Presented,
    Snapshot,
)
from doorward.drivers.base import (
    BoardDriver,
    CommandResult,
    ContactChanged,
    CredentialRead,
    DeviceDecision,
    DeviceEvent,
    KeysPressed,
    Offline,
    Online,
    RexPressed,
    TamperChanged,
)
from tests.support.driver_rigs import BOARDS, NOON, RIGS, BoardRig, Rig

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
HOUR = 3_600_000
DAY = 24 * HOUR
OFFICE = Timetable(Weekly((Window(frozenset(range(5)), 9 * 60, 17 * 60),)), "UTC")
NIGHTS = Timetable(Weekly((Window(frozenset(range(7)), 22 * 60, 30 * 60),)), "UTC")


@pytest.fixture(params=list(RIGS))
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A door of each driver."""
    async with RIGS[request.param](tmp_path) as found:
        yield found


@pytest.fixture(params=BOARDS)
async def board(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardRig]:
    """A door of each driver whose boards decide by themselves."""
    async with RIGS[request.param](tmp_path) as found:
        assert isinstance(found, BoardRig)
        yield found


async def stays(holds: Callable[[], object], seconds: float = 0.15) -> None:
    """It holds at each look for a while."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        assert holds()
        await asyncio.sleep(0.02)


# Starting and stopping.


async def test_start_and_stop_may_be_said_twice_and_nothing_is_reported_after_stop(rig: Rig) -> None:
    threads = threading.active_count()
    rig.driver.start(rig.events.append)
    assert threading.active_count() == threads, "what has been started is not started again"
    rig.driver.stop()
    rig.driver.stop()
    rig.events.clear()
    await rig.present(7)
    rig.driver.unlock(rig.channel_id, rig.pulse_ms, command_id=1)
    await asyncio.sleep(0.2)
    assert rig.events == []


async def test_a_driver_that_was_stopped_can_be_started_again(rig: Rig) -> None:
    rig.driver.stop()
    await asyncio.sleep(0.1)
    rig.events.clear()
    rig.driver.start(rig.events.append)
    await rig.eventually(lambda: rig.driver.health().online[rig.channel_id])
    await rig.present(7)
    await rig.eventually(lambda: rig.of(CredentialRead, DeviceDecision))


async def test_neither_start_nor_stop_moves_a_lock(rig: Rig) -> None:
    await stays(lambda: not rig.is_released(), 0.1)
    rig.driver.stop()
    await stays(lambda: not rig.is_released(), 0.1)
    rig.driver.start(rig.events.append)
    await rig.eventually(lambda: rig.driver.health().online[rig.channel_id])
    await stays(lambda: not rig.is_released())


# Locks.


async def test_a_lock_is_released_for_its_time_and_locks_by_itself(rig: Rig) -> None:
    rig.driver.unlock(rig.channel_id, rig.pulse_ms, command_id=42)
    await rig.eventually(rig.is_released)
    await rig.eventually(lambda: rig.of(CommandResult))
    result = rig.of(CommandResult)[0]
    assert isinstance(result, CommandResult)
    assert (result.command_id, result.is_done) == (42, True)
    await rig.elapse(rig.pulse_ms)
    await rig.eventually(lambda: not rig.is_released(), 2.0)
    await stays(lambda: not rig.is_released())
    assert len(rig.of(CommandResult)) == 1


async def test_a_longer_release_is_not_cut_short_by_a_shorter_one(rig: Rig) -> None:
    rig.driver.unlock(rig.channel_id, 3 * rig.pulse_ms)
    await rig.eventually(rig.is_released)
    rig.driver.unlock(rig.channel_id, rig.pulse_ms)
    await rig.elapse(2 * rig.pulse_ms)
    assert rig.is_released()
    await rig.elapse(2 * rig.pulse_ms)
    await rig.eventually(lambda: not rig.is_released(), 2.0)


async def test_locked_mode_ends_a_release_for_good(rig: Rig) -> None:
    rig.driver.unlock(rig.channel_id, 10 * rig.pulse_ms)
    await rig.eventually(rig.is_released)
    rig.driver.set_mode(rig.channel_id, "locked")
    # Where the hardware cannot be told to, the pulse that runs is the last.
    await rig.eventually(lambda: not rig.is_released(), rig.pulse_ms / 1_000 + 1.0)
    rig.driver.set_mode(rig.channel_id, "controlled")
    await stays(lambda: not rig.is_released())


async def test_unlocked_mode_holds_the_lock_open_until_it_is_controlled_again(rig: Rig) -> None:
    rig.driver.set_mode(rig.channel_id, "unlocked")
    await rig.eventually(rig.is_released)
    await rig.elapse(3 * rig.pulse_ms)
    assert rig.is_released()
    rig.driver.set_mode(rig.channel_id, "controlled")
    await rig.eventually(lambda: not rig.is_released(), 3.0)
    await stays(lambda: not rig.is_released())


async def test_nothing_is_released_while_the_lock_is_held_locked(rig: Rig) -> None:
    rig.driver.set_mode(rig.channel_id, "locked")
    rig.driver.unlock(rig.channel_id, rig.pulse_ms)
    await stays(lambda: not rig.is_released())


# What is not there.


async def test_a_channel_that_is_not_the_drivers_is_nothing(rig: Rig) -> None:
    rig.driver.forget(987_654)
    rig.driver.set_mode(987_654, "controlled")
    rig.driver.feedback(987_654, "denied")
    assert rig.driver.health().online[rig.channel_id]
    await stays(lambda: not rig.is_released(), 0.1)


async def test_a_channel_that_is_forgotten_is_not_heard_of_any_more(rig: Rig) -> None:
    rig.driver.forget(rig.channel_id)
    rig.driver.forget(rig.channel_id)
    await asyncio.sleep(0.2)
    rig.events.clear()
    await stays(lambda: not rig.is_released(), 0.1)
    assert rig.events == []


# Capabilities.


def reports_contact(rig: Rig, is_open: bool) -> bool:
    """Whether this was last reported of the door."""
    return [event.is_open for event in rig.events if isinstance(event, ContactChanged)][-1:] == [is_open]


async def test_what_a_driver_says_it_can_do_it_does(rig: Rig) -> None:
    can = rig.driver.capabilities
    if can.contact:
        for is_open in (True, False):
            await rig.move_door(is_open)
            await rig.eventually(partial(reports_contact, rig, is_open))
    if can.rex:
        await rig.press_rex()
        await rig.eventually(lambda: rig.of(RexPressed))
    if can.keypad:
        await rig.press_keys()
        await rig.eventually(lambda: rig.of(KeysPressed))
    if can.tamper:
        await rig.open_housing()
        await rig.eventually(lambda: rig.of(TamperChanged))
    if can.feedback:
        before = rig.shown()
        rig.driver.feedback(rig.channel_id, "denied")
        await rig.eventually(lambda: rig.shown() > before)


async def test_a_board_that_decides_by_itself_says_so_and_others_do_not(rig: Rig) -> None:
    assert rig.driver.capabilities.decides_locally == isinstance(rig.driver, BoardDriver)
    await rig.present(7)
    kind = DeviceDecision if rig.driver.capabilities.decides_locally else CredentialRead
    await rig.eventually(lambda: rig.of(kind))


async def test_feedback_that_cannot_be_shown_is_nothing(rig: Rig) -> None:
    for feedback in ("granted", "denied", "wait", "warning"):
        rig.driver.feedback(rig.channel_id, feedback)
    await stays(lambda: not rig.is_released(), 0.1)


async def test_a_clock_that_can_be_set_is_set_and_another_is_refused(board: BoardRig) -> None:
    await board.driver.apply(rules(board), NOON)
    if board.driver.capabilities.clock:
        await board.driver.set_clock(board.channel_id, board.clock.now() + 60_000)
        found = await board.driver.get_clock(board.channel_id)
        assert abs(found - board.clock.now() - 60_000) < 2_000
    else:
        with pytest.raises(OSError, match=r"clock|time"):
            await board.driver.set_clock(board.channel_id, board.clock.now())
        assert abs(await board.driver.get_clock(board.channel_id) - board.clock.now()) < 2_000


async def test_events_that_are_numbered_are_caught_up_and_others_are_not_made_up(board: BoardRig) -> None:
    await board.present(7)
    await board.eventually(lambda: board.of(DeviceDecision))
    known = board.of(DeviceDecision)[0]
    if board.driver.capabilities.event_cursor:
        assert known.cursor is not None
        found = await board.driver.events_after(board.channel_id, known.cursor - 1)
        assert any(isinstance(event, DeviceDecision) and event.cursor == known.cursor for event in found)
        assert not await board.driver.events_after(board.channel_id, known.cursor)
    else:
        assert known.cursor is None
        assert not await board.driver.events_after(board.channel_id, 0)


# Events and health.


async def test_every_event_says_where_and_when(rig: Rig) -> None:
    await rig.present(7)
    await rig.move_door(True)
    rig.driver.unlock(rig.channel_id, rig.pulse_ms, command_id=1)
    await rig.eventually(lambda: rig.of(CommandResult) and rig.of(ContactChanged))
    await rig.eventually(lambda: rig.of(CredentialRead, DeviceDecision))
    for event in rig.events:
        assert event.channel_id == rig.channel_id
        assert abs(event.device_time - rig.clock.now()) < 60_000


async def test_a_device_that_is_off_is_known_to_be_and_is_back_when_it_is_on(rig: Rig) -> None:
    assert rig.driver.health().online[rig.channel_id]
    await rig.power(False)
    await rig.eventually(lambda: not rig.driver.health().online[rig.channel_id])
    await rig.eventually(lambda: rig.of(Offline))
    assert rig.driver.health().problems
    rig.driver.unlock(rig.channel_id, rig.pulse_ms, command_id=9)
    await rig.eventually(lambda: rig.of(CommandResult))
    result = rig.of(CommandResult)[0]
    assert isinstance(result, CommandResult)
    assert not result.is_done
    assert result.reason
    rig.events.clear()
    await rig.power(True)
    rig.driver.recover()
    await rig.eventually(lambda: rig.driver.health().online[rig.channel_id])
    await rig.eventually(lambda: rig.of(Online))
    await stays(lambda: not rig.is_released())
    rig.driver.unlock(rig.channel_id, rig.pulse_ms)
    await rig.eventually(rig.is_released)


# Boards.


def person(person_id: int, *roles: int, **changes: Any) -> Person:
    made = Person(person_id, f"Person {person_id}", "active", None, None, roles, frozenset({"card"}))
    return made._replace(**changes)


def rules(rig: BoardRig, *people: Person, version: int = 1, **channel: Any) -> Snapshot:
    """Role 1 at any time, 2 in office hours, 3 at night."""
    directory = Directory()
    for each in people:
        directory.put(each, [rig.card(each.id)])
    door = replace(Channel(rig.channel_id, "Door", "UTC", frozenset({"card"})), **channel)
    grants = {
        1: Grant(1, "All", None, ""),
        2: Grant(2, "Office", OFFICE, "Office"),
        3: Grant(3, "Night", NIGHTS, "Night"),
    }
    return Snapshot(door, directory, grants, version)


def allowed(rig: BoardRig, snapshot: Snapshot, person_id: int) -> bool:
    state = DoorState(confirmed_at=NOON)
    return decide(snapshot, state, Presented(rig.card(person_id)), rig.clock.now()).admitted


async def test_a_board_admits_whom_the_rules_admit(board: BoardRig) -> None:
    snapshot = rules(board, person(1, 1), person(2, 2), person(3, 3), person(4), person(5, 1, status="disabled"))
    applied = await board.driver.apply(snapshot, NOON)
    assert applied.version == 1
    assert applied.refused == ()
    for person_id in (1, 2, 3, 4, 5, 6):
        assert board.admits(person_id) == allowed(board, snapshot, person_id), person_id


async def test_what_is_on_the_board_already_is_not_written_again(board: BoardRig) -> None:
    snapshot = rules(board, person(1, 1), person(2, 2), person(3, 3))
    first = await board.driver.apply(snapshot, NOON)
    await asyncio.sleep(0.2)
    before = board.writes()
    assert before > 0
    assert await board.driver.apply(snapshot, NOON) == first
    await asyncio.sleep(0.1)
    assert board.writes() == before


async def test_at_no_moment_of_a_change_the_board_admits_whom_neither_the_old_nor_the_new_rules_admit(
    board: BoardRig,
) -> None:
    old = rules(board, person(1, 1), person(2, 3), person(3, 1), person(4, 2), person(5))
    new = rules(board, person(1), person(2, 2), person(3, 3), person(4, 1), person(5, 3), person(6, 1), version=2)
    await board.driver.apply(old, NOON)
    beyond: list[int] = []

    def look() -> None:
        beyond.extend(
            person_id
            for person_id in range(1, 8)
            if board.admits(person_id) and not allowed(board, old, person_id) and not allowed(board, new, person_id)
        )

    board.after_each_command(look)
    assert (await board.driver.apply(new, NOON)).version == 2
    assert beyond == []
    for person_id in range(1, 8):
        assert board.admits(person_id) == allowed(board, new, person_id), person_id


async def test_a_board_goes_by_the_rules_for_days_or_admits_less(board: BoardRig) -> None:
    snapshot = rules(board, person(1, 1), person(2, 2), person(3, 3), staleness_ms=2 * DAY)
    await board.driver.apply(snapshot, NOON)
    board.driver.stop()
    clock = board.clock
    assert hasattr(clock, "advance")
    for _ in range(4 * 24):
        for person_id in (1, 2, 3):
            assert allowed(board, snapshot, person_id) or not board.admits(person_id)
        clock.advance(HOUR)


@pytest.mark.parametrize(
    "change",
    [{"passback": Passback("hard")}, {"passback": Passback("timed", 10)}, {"two_factor": True}, {"two_person": True}],
    ids=["hard anti-passback", "timed anti-passback", "two factors", "two people"],
)
async def test_what_a_board_cannot_represent_is_refused_and_admits_nobody(
    board: BoardRig, change: dict[str, Any]
) -> None:
    applied = await board.driver.apply(rules(board, person(1, 1), **change), NOON)
    assert applied.refused
    assert not board.admits(1)


async def test_a_board_that_does_not_answer_is_an_error_and_changes_nothing(board: BoardRig) -> None:
    await board.driver.apply(rules(board, person(1, 1)), NOON)
    await board.power(False)
    with pytest.raises(OSError, match=r"."):
        await board.driver.apply(rules(board, person(2, 1), version=2), NOON)
    assert board.admits(1)
    assert not board.admits(2)


def test_every_driver_is_here() -> None:
    folder = Path(__file__).parents[3] / "src/doorward/drivers"
    drivers = {entry.name for entry in folder.iterdir() if (entry / "driver.py").exists()}
    assert drivers == RIGS.keys()
    assert issubclass(DeviceDecision, DeviceEvent)
