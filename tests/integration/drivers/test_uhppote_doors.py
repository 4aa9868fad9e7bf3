"""The locks of a board: held, released, locked down, and closed in time although nobody is there to do so."""

import asyncio

import pytest

from doorward.decision.codes import CARD
from doorward.decision.shifts import Weekly, Window
from doorward.decision.snapshot import Channel
from doorward.drivers.base import CommandResult
from doorward.drivers.uhppote import UhppoteDriver
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_house import (
    DAY,
    HOUR,
    MINUTE,
    OFFICE_HOURS,
    House,
    Installation,
    be_patient,
    installed,
    instant,
    until,
)
from tests.support.uhppote_wire import (
    CLEAR_TASKS,
    CONTROLLED,
    OPEN,
    OPEN_DOOR,
    PUT_CARD,
    SET_DOOR,
    SET_PROFILE,
    SHUT,
    BoardTask,
)

pytestmark = pytest.mark.anyio

MONDAY = instant("2026-03-02 10:00")
ONE_DOOR = {1: 11}


def a_house() -> House:
    """Door 11 is unlocked by its shift from 08:00 to 18:00 on weekdays."""
    house = House(shifts={1: None}).person(1)
    shift = house.timetable(Weekly((Window(frozenset(range(5)), 8 * 60, 18 * 60),)))
    house.channels[11] = Channel(11, "Shop", house.zone, frozenset((CARD,)), auto_unlock=shift)
    return house


def move_to(installation: Installation, at: int) -> UhppoteBoard:
    """Let time pass at the board; nobody else is there."""
    installation.clock.at = at
    installation.board.run_tasks()
    return installation.board


async def test_a_lock_is_held_open_shut_or_left_to_the_board() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        for mode, expected in (("unlocked", OPEN), ("locked", SHUT), ("controlled", CONTROLLED)):
            driver.set_mode(11, mode)  # type: ignore[arg-type]  # the tuple's text is a mode
            await driver.tend()
            assert board.doors[1].mode == expected


async def test_every_word_is_said_also_one_that_the_next_takes_back() -> None:
    """Shut ends a release for good."""
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        driver.unlock(11, 20_000)
        await driver.tend()
        assert board.is_released(1)
        driver.set_mode(11, "locked")
        driver.set_mode(11, "controlled")
        await driver.tend()
        assert not board.is_released(1)


async def test_a_release_lasts_as_long_as_is_said_and_is_answered() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        driver.start(installation.heard.append)
        driver.unlock(11, 7_000, command_id=42)
        await until(lambda: any(isinstance(event, CommandResult) for event in installation.heard))
        driver.stop()
        (result,) = [event for event in installation.heard if isinstance(event, CommandResult)]
        assert (result.channel_id, result.command_id, result.is_done) == (11, 42, True)
        assert board.is_released(1)
        installation.clock.advance(6_999)
        assert board.is_released(1)
        installation.clock.advance(1)
        assert not board.is_released(1)


async def test_a_release_that_the_board_does_not_answer_is_not_tried_again() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=3) as installation:
        driver, board = installation.driver(), installation.board
        await driver.tend()
        board.log.clear()
        board.answers_left = 0
        board.is_last_answer_lost = True
        driver.start(installation.heard.append)
        driver.unlock(11, 5_000, command_id=1)
        await asyncio.sleep(0.4)
        driver.stop()
        (result,) = [event for event in installation.heard if isinstance(event, CommandResult)]
        assert not result.is_done
        assert "does not answer" in result.reason
        assert [packet[1] for packet in board.log].count(OPEN_DOOR) <= 1


async def test_the_pulse_of_a_card_is_as_long_as_that_of_the_channel() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        await driver.apply(a_house().snapshot(), MONDAY)
        driver.set_pulse(11, 12_400)
        driver.set_mode(11, "controlled")
        await driver.tend()
        assert board.doors[1].delay_s == 12
        driver.unlock(11, 3_000)
        await driver.tend()
        assert board.doors[1].delay_s in (3, 12)
        await driver.tend()
        assert board.doors[1].delay_s == 12


# Held open by a shift, and nobody there when it ends.


async def open_by_shift(installation: Installation, house: House) -> UhppoteDriver:
    driver = installation.driver()
    await driver.apply(house.snapshot(11), installation.clock.at)
    driver.set_mode(11, "unlocked")
    await driver.tend()
    assert installation.board.doors[1].mode == OPEN
    return driver


async def test_a_door_that_is_open_by_its_shift_is_closed_by_the_board_if_the_controller_is_gone() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        await open_by_shift(installation, a_house())
        assert move_to(installation, instant("2026-03-02 17:59")).doors[1].mode == OPEN
        assert move_to(installation, instant("2026-03-02 18:00")).doors[1].mode == CONTROLLED


async def test_no_task_on_the_board_ever_opens_a_door() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        await open_by_shift(installation, a_house())
        assert {task.task for task in installation.board.tasks} == {0}
        days = [instant("2026-03-02 10:00") + day * DAY for day in range(1, 9)]
        assert {move_to(installation, at).doors[1].mode for at in days} == {CONTROLLED}


async def test_tasks_of_somebody_else_are_deleted() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, day = installation.board, installation.board.time.date()
        board.tasks = [BoardTask(day.replace(year=2020), day.replace(year=2099), (True,) * 7, 60, 1, 1)]
        driver = installation.driver()
        await driver.apply(House(shifts={1: None}).person(1).snapshot(), MONDAY)
        await driver.tend()
        assert board.tasks == []


async def test_a_controller_that_comes_back_leaves_an_open_door_open() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        house, board = a_house(), installation.board
        await open_by_shift(installation, house)
        board.log.clear()
        modes = []
        driver = installation.driver()
        await driver.apply(house.snapshot(11), MONDAY)
        await driver.tend()
        modes.append(board.doors[1].mode)
        driver.set_mode(11, "unlocked")
        await driver.tend()
        modes.append(board.doors[1].mode)
        assert modes == [OPEN, OPEN]
        said = [packet[9] for packet in board.log if packet[1] == SET_DOOR]
        assert set(said) <= {OPEN}, "it was not even locked for a moment"
        assert CLEAR_TASKS not in {packet[1] for packet in board.log}, "it would be closed by nobody for a moment"
        assert move_to(installation, instant("2026-03-02 18:00")).doors[1].mode == CONTROLLED


async def test_a_door_that_was_left_open_and_that_nobody_wants_open_is_left_to_the_board() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        board.doors[1].mode = OPEN
        await driver.apply(House(shifts={1: None}).person(1).snapshot(), MONDAY)
        await driver.tend()
        assert board.doors[1].mode == OPEN, "the controller may be about to say so"
        installation.clock.advance(MINUTE)
        await driver.tend()
        assert board.doors[1].mode == CONTROLLED


async def test_a_shift_that_ends_earlier_is_closed_earlier_and_one_that_goes_on_is_opened_again() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        house = a_house()
        driver = await open_by_shift(installation, house)
        shorter = house.timetable(Weekly((Window(frozenset(range(5)), 8 * 60, 16 * 60),)))
        house.channels[11] = Channel(11, "Shop", house.zone, frozenset((CARD,)), auto_unlock=shorter)
        await driver.apply(house.snapshot(11), MONDAY)
        await driver.tend()
        assert move_to(installation, instant("2026-03-02 16:00")).doors[1].mode == CONTROLLED
        driver.set_mode(11, "unlocked")
        await driver.tend()
        board = move_to(installation, instant("2026-03-02 18:00"))
        await driver.tend()
        assert board.doors[1].mode == OPEN, "unlock mode: it stays open whatever the shift does"


async def test_unlock_mode_with_an_end_is_ended_by_the_board() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver = installation.driver()
        await driver.apply(House(shifts={1: OFFICE_HOURS}).person(1).snapshot(), MONDAY)
        driver.relock_at(11, MONDAY + 90 * MINUTE)
        driver.set_mode(11, "unlocked")
        await driver.tend()
        assert move_to(installation, MONDAY + 89 * MINUTE).doors[1].mode == OPEN
        assert move_to(installation, MONDAY + 90 * MINUTE).doors[1].mode == CONTROLLED


async def test_unlock_mode_that_is_to_end_earlier_than_it_was_is_ended_earlier_by_the_board() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver = installation.driver()
        await driver.apply(House(shifts={1: OFFICE_HOURS}).person(1).snapshot(), MONDAY)
        driver.relock_at(11, MONDAY + 90 * MINUTE)
        driver.set_mode(11, "unlocked")
        await driver.tend()
        driver.relock_at(11, MONDAY + 30 * MINUTE)
        await driver.tend()
        assert move_to(installation, MONDAY + 29 * MINUTE).doors[1].mode == OPEN
        assert move_to(installation, MONDAY + 30 * MINUTE).doors[1].mode == CONTROLLED


async def test_the_board_closes_at_the_right_time_also_when_summer_time_has_begun() -> None:
    for is_away in (True, False):
        async with installed(instant("2026-03-27 10:00"), channels=ONE_DOOR) as installation:
            driver = await open_by_shift(installation, a_house())
            move_to(installation, instant("2026-03-30 09:00"))
            if is_away:
                installation.board.doors[1].mode = OPEN
            else:
                driver.set_mode(11, "unlocked")
                await driver.tend()
            assert move_to(installation, instant("2026-03-30 17:59")).doors[1].mode == OPEN
            assert move_to(installation, instant("2026-03-30 18:00")).doors[1].mode == CONTROLLED


# Locked down.


async def test_a_lockdown_for_cards_takes_few_messages_and_lets_people_out() -> None:
    house = House(shifts={1: None, 2: OFFICE_HOURS})
    for number in range(1, 101):
        house.person(number, roles=(1 + number % 2,))
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver, board = installation.driver(), installation.board
        await driver.apply(house.snapshot(), MONDAY)
        assert board.admits(1001, 1)
        board.log.clear()
        assert await driver.lock_down(11, cards=True, rex=False) == ()
        assert len(board.log) < 12
        assert PUT_CARD not in {packet[1] for packet in board.log}
        assert not any(board.admits(number, 1) for number in board.cards)
        assert board.press(1)
        await driver.apply(house.person(200, roles=(1,)).snapshot(), MONDAY)
        assert not any(board.admits(number, 1) for number in board.cards), "also for who is added in the meantime"
        await driver.lock_down(11, cards=False, rex=False)
        assert all(board.admits(number, 1) for number in board.cards)


async def test_a_lockdown_wins_over_what_holds_the_door_open_and_shuts_the_button_only_if_told() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver = await open_by_shift(installation, a_house())
        board = installation.board
        await driver.lock_down(11, cards=True, rex=True)
        await driver.tend()
        assert board.doors[1].mode == SHUT
        assert not board.press(1)
        move_to(installation, instant("2026-03-02 18:00"))
        assert not board.admits(1001, 1), "also if a task of the board sets the door to be controlled"
        await driver.lock_down(11, cards=True, rex=False)
        await driver.tend()
        assert board.press(1)
        assert not board.admits(1001, 1)


async def test_the_button_alone_cannot_be_locked_down() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        driver = installation.driver()
        sentences = await driver.lock_down(11, cards=False, rex=True)
        assert sentences == ("This board cannot lock the exit button down without the cards",)
        await driver.tend()
        assert installation.board.press(1)


async def test_a_channel_that_is_forgotten_admits_nobody_by_card() -> None:
    async with installed(MONDAY) as installation:
        driver, board, house = installation.driver(), installation.board, a_house()
        for channel_id in (11, 12):
            await driver.apply(house.snapshot(channel_id), MONDAY)
        driver.forget(11)
        await driver.tend()
        assert not board.admits(1001, 1)
        assert board.admits(1001, 2)


async def test_what_a_lockdown_could_not_tell_the_board_is_told_later() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=1) as installation:
        driver, board = installation.driver(), installation.board
        await driver.apply(a_house().snapshot(), MONDAY)
        board.is_on = False
        with pytest.raises(OSError, match="does not answer"):
            await driver.lock_down(11, cards=True, rex=True)
        board.is_on = True
        be_patient(driver)
        await driver.tend()
        assert board.doors[1].mode == SHUT
        board.doors[1].mode = CONTROLLED
        assert not board.admits(1001, 1)
        assert SET_PROFILE in {packet[1] for packet in board.log}
        installation.clock.advance(HOUR)


async def test_a_lockdown_does_not_wait_for_thousands_of_cards_that_are_being_written() -> None:
    house = House(shifts={1: None, 2: OFFICE_HOURS})
    for number in range(1, 1501):
        house.person(number, roles=(1 + number % 2,))
    async with installed(MONDAY) as installation:
        driver, board = installation.driver(), installation.board
        be_patient(driver)
        await driver.apply(House(shifts={1: None}).person(1, roles=(1,)).snapshot(12), MONDAY)
        apply = asyncio.create_task(driver.apply(house.snapshot(11), MONDAY))
        await until(lambda: any(board.admits(number, 1) for number in board.cards))
        assert await driver.lock_down(11, cards=True, rex=False) == ()
        assert len(board.cards) < 1000, "the rest is still to be written"
        assert not apply.done()
        assert not any(board.admits(number, 1) for number in board.cards)
        assert board.press(1)
        assert board.admits(1001, 2), "the other door is not concerned"
        await apply
        assert len(board.cards) == 1500
        assert not any(board.admits(number, 1) for number in board.cards), "also for whom it was still writing"
        # Lifted while it writes: whatever is planned with it is planned anew.
        await driver.lock_down(11, cards=False, rex=False)
        assert all(board.admits(number, 1) for number in board.cards)
