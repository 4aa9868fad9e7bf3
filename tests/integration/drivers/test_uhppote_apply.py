"""Putting rules on a board: in which order, how much for a small change, and what is refused."""

import asyncio
from contextlib import suppress
from datetime import datetime
from itertools import cycle
from unittest.mock import patch

import pytest

from doorward.decision.codes import CARD, PIN
from doorward.decision.engine import decide
from doorward.decision.shifts import Stretch, Weekly, Window
from doorward.decision.snapshot import Channel, Credential, DoorState, Passback, Presented
from doorward.drivers.base import BoardDriver
from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_house import DAY, HOUR, MINUTE, NIGHTS, OFFICE_HOURS, House, be_patient, installed, instant
from tests.support.uhppote_wire import (
    CLEAR_PROFILES,
    DELETE_CARD,
    DELETE_CARDS,
    EPOCH,
    GET_CARD_BY_INDEX,
    GET_PROFILE,
    PUT_CARD,
    SET_PROFILE,
    BoardCard,
    read_date,
    read_number,
)

pytestmark = pytest.mark.anyio

MONDAY = instant("2026-03-02 10:00")
WRITES = (PUT_CARD, DELETE_CARD, DELETE_CARDS, SET_PROFILE, CLEAR_PROFILES)
ONE_DOOR = {1: 11}


def a_house(people: int = 6) -> House:
    house = House(shifts={1: OFFICE_HOURS, 2: None, 3: NIGHTS})
    for number in range(1, people + 1):
        house.person(number, roles=(1 + number % 3,))
    return house


def writes(board: UhppoteBoard) -> list[int]:
    return [packet[1] for packet in board.log if packet[1] in WRITES]


async def test_the_driver_is_a_board_driver() -> None:
    async with installed(MONDAY) as installation:
        driver: BoardDriver = installation.driver()
        assert isinstance(driver, BoardDriver)
        assert driver.capabilities.decides_locally
        assert driver.capabilities.event_cursor


async def test_profiles_are_written_before_the_cards_that_are_on_them() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board = installation.board
        applied = await installation.driver().apply(a_house().snapshot(), MONDAY)
        assert (applied.cards, applied.refused) == (6, ())
        defined: set[int] = set()
        for packet in board.log:
            if packet[1] == SET_PROFILE:
                assert packet[36] == 0 or packet[36] in defined, "linked to what is not there yet"
                defined.add(packet[8])
            if packet[1] == PUT_CARD:
                assert packet[20] in defined, "a card on a profile that is not there is granted"
                assert packet[21:24] == bytes(3), "other doors"
        assert CLEAR_PROFILES not in writes(board)


async def test_no_card_is_ever_given_access_at_any_time_without_a_profile() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        await installation.driver().apply(a_house().snapshot(), MONDAY)
        assert all(1 not in card.doors for card in installation.board.cards.values())


async def test_one_person_who_joins_is_one_card() -> None:
    house = a_house(60)
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(house.snapshot(), MONDAY)
        board.log.clear()
        applied = await driver.apply(house.person(99, roles=(1,)).snapshot(), MONDAY + HOUR)
        assert applied.cards == 61
        assert writes(board) == [PUT_CARD]
        assert len(board.log) < 6


async def test_one_person_who_is_disabled_is_one_card() -> None:
    house = a_house(60)
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(house.snapshot(), MONDAY)
        board.log.clear()
        disabled = house.directory.people[7]._replace(status="disabled")
        house.directory.put(disabled, [Credential(CARD, "1007")])
        await driver.apply(house.snapshot(), MONDAY)
        assert writes(board) == [DELETE_CARD]
        assert 1007 not in board.cards


async def test_a_shift_that_changes_writes_profiles_and_no_card() -> None:
    house = a_house(60)
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(house.snapshot(), MONDAY)
        board.log.clear()
        house.shifts[1] = Weekly((Window(frozenset(range(5)), 9 * 60, 12 * 60),))
        await driver.apply(house.snapshot(), MONDAY)
        assert set(writes(board)) == {SET_PROFILE}
        assert not board.admits(1003, 1, EPOCH.replace(year=2026, month=3, day=2, hour=14))


async def test_nothing_is_written_if_nothing_has_changed() -> None:
    house = a_house(60)
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(house.snapshot(), MONDAY)
        board.log.clear()
        await driver.apply(house.snapshot(), MONDAY + HOUR)
        assert writes(board) == []


async def test_a_driver_that_starts_reads_what_is_there_and_writes_only_what_is_not() -> None:
    house = a_house(20)
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board = installation.board
        await installation.driver().apply(house.snapshot(), MONDAY)
        board.log.clear()
        await installation.driver().apply(house.person(99, roles=(2,)).snapshot(), MONDAY)
        assert writes(board) == [PUT_CARD]
        assert sum(packet[1] == GET_CARD_BY_INDEX for packet in board.log) == 20


async def test_doors_of_one_board_are_written_one_by_one_and_leave_each_other_alone() -> None:
    house = a_house(3)
    house.roles_at = {11: {1, 2, 3}, 12: {2}}
    async with installed(MONDAY) as installation:
        board, driver = installation.board, installation.driver()
        await driver.apply(house.snapshot(11), MONDAY)
        first = {number: card.doors[0] for number, card in board.cards.items()}
        await driver.apply(house.snapshot(12), MONDAY)
        assert {number: card.doors[0] for number, card in board.cards.items()} == first
        assert [number for number, card in board.cards.items() if card.doors[1]] == [1001]
        house.directory.remove(1)
        await driver.apply(house.snapshot(12), MONDAY)
        assert board.cards[1001].doors[1] == 0
        assert board.cards[1001].doors[0] != 0, "the other door's snapshot has not said so yet"


async def test_whoever_is_on_the_board_and_not_in_the_rules_is_taken_off() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board = installation.board
        first, last = read_date(bytes.fromhex("20200101"), 0), read_date(bytes.fromhex("20991231"), 0)
        for number, doors in ((5, (1, 0, 0, 0)), (6, (77, 0, 0, 0)), (7, (0, 0, 1, 1))):
            put = (0x17, PUT_CARD, 0, 0)
            packet = bytes(put) + board.serial.to_bytes(4, "little") + number.to_bytes(4, "little")
            packet += bytes.fromhex("2020010120991231") + bytes(doors)
            board.receive(packet.ljust(64, b"\x00"))
        assert board.cards[5] == BoardCard(5, first, last, (1, 0, 0, 0))
        assert board.admits(6, 1), "its profile is not defined"
        await installation.driver().apply(a_house(3).snapshot(), MONDAY)
        assert sorted(board.cards) == [1001, 1002, 1003]


async def test_a_card_found_with_a_pin_of_the_board_is_written_anew() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, house = installation.board, a_house(3)
        await installation.driver().apply(house.snapshot(), MONDAY)
        card = board.cards[1001]
        board.cards[1001] = BoardCard(card.number, card.first, card.last, card.doors, pin=1234)
        await installation.driver().apply(house.snapshot(), MONDAY)
        assert board.cards[1001].pin == 0


async def test_a_profile_that_the_board_does_not_keep_is_put_under_no_card() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, house = installation.board, a_house(6)
        board.bad_profiles = {3}
        applied = await installation.driver().apply(house.snapshot(), MONDAY)
        assert [sentence for sentence in applied.refused if "does not keep a time profile" in sentence]
        at_any_time = [number for number in range(1001, 1007) if board.admits(number, 1, EPOCH.replace(year=2090))]
        assert at_any_time == [1001, 1004], "only those of the role that has no shift"
        used = {permission for card in board.cards.values() for permission in card.doors if permission}
        assert used <= board.profiles.keys()


async def test_profiles_that_somebody_deletes_are_noticed_and_written_again() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        board, driver, house = installation.board, installation.driver(), a_house(6)
        await driver.apply(house.snapshot(), MONDAY)
        board.profiles = {}
        assert board.admits(1003, 1, EPOCH.replace(year=2026, month=3, day=8, hour=3)), "open to all who have a card"
        await driver.tend()
        assert not board.admits(1003, 1, EPOCH.replace(year=2026, month=3, day=8, hour=3))
        assert driver.health().problems == (f"Somebody else has changed the time profiles of board {board.serial}",)


async def test_a_card_that_the_board_has_no_room_for_is_named() -> None:
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        installation.board.most_cards = 4
        applied = await installation.driver().apply(a_house(6).snapshot(), MONDAY)
        assert applied.cards == 4
        assert applied.refused == ("Person 5 and Person 6 left out: the board does not keep the card",)


async def test_a_board_that_does_not_answer_is_an_error_of_the_network() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=1) as installation:
        installation.board.is_on = False
        with pytest.raises(OSError, match="does not answer"):
            await installation.driver().apply(a_house().snapshot(), MONDAY)


async def test_an_apply_that_broke_off_is_finished_when_the_board_is_back() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.05, attempts=1) as installation:
        board, driver = installation.board, installation.driver()
        board.answers_left = 9
        with pytest.raises(OSError, match="does not answer"):
            await driver.apply(a_house().snapshot(), MONDAY)
        board.answers_left = None
        be_patient(driver)
        await driver.tend()
        assert len(board.cards) == 6


async def test_a_lost_answer_is_asked_for_again() -> None:
    async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.2) as installation:
        board, is_lost = installation.board, cycle((False,) * 9 + (True,))
        receive = board.receive

        def receive_and_lose(packet: bytes) -> bytes | None:
            answer = receive(packet)
            return None if next(is_lost) else answer

        with patch.object(board, "receive", receive_and_lose):
            applied = await installation.driver().apply(a_house(4).snapshot(), MONDAY)
        assert applied.cards == 4


def changed(house: House) -> House:
    """Somebody leaves, somebody comes, somebody moves to other hours, a shift is cut short, another made longer."""
    house.directory.remove(1)
    house.person(2, roles=(1,)).person(3, roles=()).person(20, roles=(3,)).person(21, roles=(1, 3))
    house.shifts[1] = Weekly((Window(frozenset(range(5)), 8 * 60, 12 * 60), Window(frozenset((6,)), 0, 60)))
    house.shifts[3] = Weekly((Window(frozenset(range(7)), 21 * 60, 29 * 60),), None, None, "replace")
    return house


async def test_after_every_number_of_messages_the_board_admits_by_the_old_or_the_new_rules() -> None:
    """And what is begun is brought to its end by applying it again."""
    old, new = a_house(9).snapshot(), changed(a_house(9)).snapshot()
    days = [
        EPOCH.replace(year=2026, month=3, day=day, hour=hour, minute=30)
        for day in (2, 7, 8)
        for hour in range(0, 24, 2)
    ]
    numbers = {card: f"{card}" for card in range(1001, 1022)}

    def both(number: int, shown: datetime) -> bool:
        at = int(shown.timestamp() * 1000) - HOUR
        presented = Presented(Credential(CARD, numbers[number]))
        return any(decide(snapshot, DoorState(), presented, at).admitted for snapshot in (old, new))

    allowed = {(number, shown) for number in numbers for shown in days if both(number, shown)}

    async def run(messages: int, *, is_acted_upon: bool) -> int:
        async with installed(MONDAY, channels=ONE_DOOR, timeout_s=0.3, attempts=1) as installation:
            board, driver = installation.board, installation.driver()
            await driver.apply(old, MONDAY)
            board.log.clear()
            board.answers_left, board.is_last_answer_lost = messages, is_acted_upon
            with suppress(OSError):
                await driver.apply(new, MONDAY)
            seen = {(number, shown) for number in numbers for shown in days if board.admits(number, 1, shown)}
            assert seen <= allowed, f"after {messages} messages"
            asked = len(board.log)
            board.answers_left = None
            be_patient(driver)
            applied = await driver.apply(new, MONDAY)
            assert applied.refused == ()
            at_last = {(number, shown) for number in numbers for shown in days if board.admits(number, 1, shown)}
            assert at_last == final, f"after {messages} messages, and again"
            return asked

    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        await installation.driver().apply(new, MONDAY)
        final = {(number, shown) for number in numbers for shown in days if installation.board.admits(number, 1, shown)}
    whole = await run(10_000, is_acted_upon=False)
    assert whole > 20
    for batch in range(0, whole, 8):
        some = range(batch, min(batch + 8, whole))
        await asyncio.gather(*(run(messages, is_acted_upon=is_lost) for messages in some for is_lost in (False, True)))


# What the board cannot do is refused, never weakened.


async def refused(channel: Channel, house: House | None = None) -> tuple[UhppoteBoard, tuple[str, ...]]:
    house = a_house() if house is None else house
    house.channels[channel.id] = channel
    async with installed(MONDAY, channels=ONE_DOOR) as installation:
        applied = await installation.driver().apply(house.snapshot(channel.id), MONDAY)
        return installation.board, applied.refused


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        (Channel(11, "D", "UTC", frozenset((CARD, PIN)), two_factor=True), "two factors"),
        (Channel(11, "D", "UTC", frozenset((CARD,)), two_person=True), "two people"),
        (Channel(11, "D", "UTC", frozenset((CARD,)), passback=Passback("hard")), "pass-back"),
        (Channel(11, "D", "UTC", frozenset((CARD,)), passback=Passback("timed", 5)), "pass-back"),
    ],
)
async def test_a_door_with_a_rule_that_the_board_does_not_know_admits_nobody(channel: Channel, sentence: str) -> None:
    board, sentences = await refused(channel)
    assert board.cards == {}
    assert len(sentences) == 1
    assert sentence in sentences[0]


async def test_pass_back_that_is_only_noted_is_no_hindrance() -> None:
    board, sentences = await refused(Channel(11, "D", "UTC", frozenset((CARD,)), passback=Passback("soft")))
    assert (len(board.cards), sentences) == (6, ())


async def test_a_board_follows_one_zone_and_doors_of_another_admit_nobody() -> None:
    house = a_house()
    house.channels[12] = Channel(12, "Far away", "Asia/Tokyo", frozenset((CARD,)))
    async with installed(MONDAY) as installation:
        driver = installation.driver()
        assert (await driver.apply(house.snapshot(11), MONDAY)).refused == ()
        applied = await driver.apply(house.snapshot(12), MONDAY)
        assert applied.cards == 0
        assert applied.refused == (
            "Nobody is admitted by card: the board's clock follows the zone Europe/Berlin, not this door's",
        )


async def test_credentials_of_other_kinds_are_counted() -> None:
    house = a_house(2).person(7, others=[Credential(PIN, "1234567")], roles=(1,))
    _, sentences = await refused(Channel(11, "D", "UTC", frozenset((CARD, PIN))), house)
    assert sentences == ("1 holder of other credentials (PIN, pass, plate) left out: the board admits by card only",)


async def test_a_card_without_a_number_is_left_out_by_name() -> None:
    house = a_house(1).person(7, "300:5").person(8, "4294967295").person(9, "99999999999")
    board, sentences = await refused(Channel(11, "D", "UTC", frozenset((CARD,))), house)
    assert sorted(board.cards) == [1001]
    assert sentences == ("The card of Person 7, Person 8 and Person 9 is left out: the board has no number for it",)


async def test_two_cards_with_one_number_are_both_left_out() -> None:
    house = a_house(1).person(7, "12:34567").person(8, "1234567", roles=())
    board, sentences = await refused(Channel(11, "D", "UTC", frozenset((CARD,))), house)
    assert sorted(board.cards) == [1001], "whoever holds the second card has no role here, and is not to be let in"
    assert sentences == ("The card of Person 7 is left out: the board cannot tell it from somebody else's",)


async def test_a_shift_that_cannot_be_read_admits_nobody_who_has_it() -> None:
    house = House("Atlantis/Capital", shifts={1: OFFICE_HOURS, 2: None}).person(1, roles=(1,)).person(2, roles=(1, 2))
    board, sentences = await refused(Channel(11, "D", "Europe/Berlin", frozenset((CARD,))), house.person(3, roles=(2,)))
    assert sorted(board.cards) == [1003]
    assert sentences == ("Person 1 and Person 2 left out: the rules cannot be read",)


async def test_more_hours_than_the_board_has_profiles_leave_out_whom_they_help_least() -> None:
    house = House(shifts={role: Stretch(MONDAY + role * MINUTE, MONDAY + DAY) for role in range(1, 261)})
    for number in range(1, 261):
        house.person(number, roles=(number,))
    house.shifts[261] = OFFICE_HOURS
    for number in range(300, 310):
        house.person(number, roles=(261,))
    house.channels[11] = Channel(11, "D", "UTC", frozenset((CARD,)))
    board, sentences = await refused(house.channels[11], house)
    assert len(sentences) == 1
    assert "left out: the board's time profiles are used up (roles Role " in sentences[0]
    assert all(number + 1000 in board.cards for number in range(300, 310)), "ten people for one profile"
    assert len(board.profiles) <= 253
    used = {permission for card in board.cards.values() for permission in card.doors if permission}
    assert used <= board.profiles.keys()
    assert sum(packet[1] == GET_PROFILE for packet in board.log) >= len(board.profiles), "each was read back"
    assert read_number(board.log[0], 4) == board.serial
