"""What a board decided and noticed reaches the sink once, in order, whatever got lost on the way."""

import asyncio
import socket

import pytest

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Credential
from doorward.drivers.base import (
    ContactChanged,
    DeviceDecision,
    DeviceEvent,
    EventGap,
    Offline,
    Online,
    OutputChanged,
    PowerChanged,
    RexPressed,
)
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_house import MINUTE, House, Installation, be_patient, free_port, installed, instant, until
from tests.support.uhppote_wire import SWIPE

pytestmark = pytest.mark.anyio

MONDAY = instant("2026-03-02 10:00")
ONE_DOOR = {1: 11}


def listening(**details: object) -> dict[str, object]:
    return {"listener": f"127.0.0.1:{free_port()}", **details}


def cursors(events: list[DeviceEvent]) -> list[int]:
    return [event.cursor for event in events if event.cursor is not None]


def a_house() -> House:
    return House(shifts={1: None}).person(1).person(2, "12:34567").person(3, roles=())


async def ready(installation: Installation) -> None:
    await until(lambda: installation.board.listener is not None)
    await until(lambda: any(isinstance(event, ContactChanged) for event in installation.heard))
    installation.heard.clear()


async def test_what_happens_at_the_door_is_reported_at_once() -> None:
    async with installed(MONDAY, **listening(channels=ONE_DOOR)) as installation, installation.started() as driver:
        board, heard = installation.board, installation.heard
        await driver.apply(a_house().snapshot(), MONDAY)
        await ready(installation)
        assert board.swipe(1001, 1)
        assert board.swipe(1_234_567, 1)
        assert not board.swipe(1003, 1)
        assert not board.swipe(4711, 1)
        board.move(1, is_open=True)
        board.move(1, is_open=False)
        assert board.press(1)
        await until(lambda: len(heard) == 7)
        assert [(event.admitted, event.credential) for event in heard if isinstance(event, DeviceDecision)] == [
            (True, Credential(CARD, "1001")),
            (True, Credential(CARD, "12:34567")),
            (False, Credential(CARD, "1003")),
            (False, Credential(CARD, "4711")),
        ]
        assert [event.is_open for event in heard if isinstance(event, ContactChanged)] == [True, False]
        assert isinstance(heard[-1], RexPressed)
        assert cursors(heard) == [1, 2, 3, 4, 5, 6, 7]
        assert {(event.channel_id, event.device_time, event.received_at) for event in heard} == {(11, MONDAY, MONDAY)}


async def test_events_that_nobody_heard_are_caught_up_with_in_order() -> None:
    async with installed(MONDAY, **listening(channels=ONE_DOOR, poll_s=1.0)) as installation:
        board, heard = installation.board, installation.heard
        async with installation.started() as driver:
            await driver.apply(a_house().snapshot(), MONDAY)
            await ready(installation)
            lost, board.listener = board.listener, None
            for _ in range(5):
                board.swipe(1001, 1)
            board.listener = lost
            board.swipe(1003, 1)
            await until(lambda: len(heard) == 6)
            assert cursors(heard) == [1, 2, 3, 4, 5, 6]
            board.listener = None
            board.swipe(1001, 1)
            await until(lambda: len(heard) == 7, within=4)


async def test_a_controller_that_was_away_goes_on_where_it_left_off() -> None:
    async with installed(MONDAY, **listening()) as installation:
        board, heard = installation.board, installation.heard
        for number in range(10):
            board.swipe(1001 + number % 3, 1 + number % 2)
        driver = installation.driver()
        driver.start(heard.append)
        try:
            found = await driver.events_after(11, 4)
            assert cursors(list(found)) == [5, 7, 9]
            assert cursors(list(await driver.events_after(12, 0))) == [2, 4, 6, 8, 10]
            await until(lambda: board.listener is not None)
            board.swipe(1001, 1)
            board.swipe(1001, 2)
            board.swipe(1001, 1)
            await until(lambda: len(cursors(heard)) == 3)
            assert cursors(heard) == [11, 12, 13], "each once, and none of those that were asked for"
        finally:
            driver.stop()


async def test_a_controller_that_does_not_ask_begins_with_the_present() -> None:
    async with installed(MONDAY, **listening()) as installation:
        board = installation.board
        board.swipe(1001, 1)
        async with installation.started():
            await ready(installation)
            board.swipe(1002, 1)
            await until(lambda: cursors(installation.heard) == [2])


async def test_events_that_the_board_has_overwritten_are_a_gap() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board = installation.board
        board.size = 8
        for _ in range(20):
            board.swipe(1001, 1)
        gap, *found = await installation.driver().events_after(11, 5)
        assert isinstance(gap, EventGap)
        assert (gap.lost, gap.cursor) == (7, 12)
        assert cursors(found) == [13, 14, 15, 16, 17, 18, 19, 20]


async def test_of_several_doors_nobody_knows_whose_events_are_lost() -> None:
    async with installed(MONDAY) as installation:
        installation.board.size = 8
        for _ in range(20):
            installation.board.swipe(1001, 1)
        gap, *found = await installation.driver().events_after(12, 5)
        assert isinstance(gap, EventGap)
        assert gap.lost is None
        assert found == []


async def test_a_board_that_counts_anew_is_a_gap_and_goes_on() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        installation.board.swipe(1001, 1)
        gap, *found = await installation.driver().events_after(11, 500)
        assert isinstance(gap, EventGap)
        assert gap.lost is None
        assert cursors(found) == [1]


async def test_events_are_read_again_if_the_board_falls_silent_in_between() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=1) as installation:
        board, driver = installation.board, installation.driver()
        for _ in range(6):
            board.swipe(1001, 1)
        board.answers_left = 3
        with pytest.raises(OSError, match="does not answer"):
            await driver.events_after(11, 0)
        board.answers_left = None
        be_patient(driver)
        assert cursors(list(await driver.events_after(11, 0))) == [1, 2, 3, 4, 5, 6]


async def test_what_is_sent_to_the_listener_is_only_a_hint() -> None:
    """Anybody can send a datagram that says that somebody was admitted."""
    async with installed(MONDAY, **listening(channels=ONE_DOOR)) as installation, installation.started():
        board, heard = installation.board, installation.heard
        await ready(installation)
        other = UhppoteBoard(board.serial, lambda: MONDAY)
        for _ in range(3):
            other.record(SWIPE, 1, 1, card=1001, is_granted=True)
        assert board.listener is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anybody:
            for packet in (other.status_packet(), b"", b"\x17" * 64, b"\x00" * 65, bytes([0x17, 0x20, *range(62)])):
                anybody.sendto(packet, board.listener)
        await asyncio.sleep(0.1)
        board.swipe(1003, 1)
        await until(lambda: len(heard) == 1)
        assert cursors(heard) == [1]


async def test_power_and_releases_from_afar_are_reported() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        board.switch_on()
        driver.unlock(11, 5_000)
        await driver.tend()
        power, release = await driver.events_after(11, 0)
        assert isinstance(power, PowerChanged)
        assert isinstance(release, OutputChanged)
        assert power.is_powered
        assert release.is_released


async def test_the_time_of_an_event_is_the_boards_in_the_channels_zone() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(a_house().snapshot(), MONDAY)
        board.swipe(1001, 1)
        installation.clock.advance(30 * MINUTE)
        (event,) = await driver.events_after(11, 0)
        assert (event.device_time, event.received_at) == (MONDAY, MONDAY + 30 * MINUTE)


async def test_a_board_that_falls_silent_is_offline_and_then_online_again() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=1, poll_s=1.0) as installation:
        board, heard = installation.board, installation.heard
        async with installation.started() as driver:
            await until(lambda: driver.health().online == {11: True})
            board.is_on = False
            driver.recover()
            await until(lambda: driver.health().online == {11: False}, within=4)
            board.is_on = True
            be_patient(driver)
            driver.recover()
            await until(lambda: driver.health().online == {11: True})
            kinds = [type(event) for event in heard if isinstance(event, Online | Offline)]
            assert kinds == [Online, Offline, Online]


async def test_a_listener_whose_port_is_taken_is_a_problem_and_no_end() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        listener = f"127.0.0.1:{taken.getsockname()[1]}"
        async with installed(MONDAY, listener=listener) as installation, installation.started() as driver:
            await until(lambda: driver.health().problems)
            assert f"not heard at {listener}" in driver.health().problems[0]
            await until(lambda: driver.health().online == {11: True, 12: True, 13: True, 14: True})
