"""The emulator speaks the real wire format: bytes from uhppoted/uhppote-core, messages/*_test.go."""

import struct
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.uhppote_board import UhppoteBoard
from tests.support.uhppote_wire import EPOCH, OUT_OF_HOURS, BoardCard, BoardProfile

SERIAL = 423_187_757
EVERY_DAY = (True,) * 7


def packet(text: str) -> bytes:
    return bytes.fromhex(text).ljust(64, b"\x00")


def ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


@pytest.fixture
def board() -> UhppoteBoard:
    at = ms(datetime(2019, 4, 19, 17, 0, 9, tzinfo=UTC))
    return UhppoteBoard(SERIAL, lambda: at)


def test_a_card_is_read_from_the_bytes_of_put_card(board: UhppoteBoard) -> None:
    # put_card_test.go, TestMarshalPutCardRequestWithPIN
    request = packet("17500000 2d553919 ace85d00 20190102 20191231 01001d01 d7e10e00")
    assert board.receive(request) == packet("17500000 2d553919 01")
    first, last = date(2019, 1, 2), date(2019, 12, 31)
    assert board.cards == {6_154_412: BoardCard(6_154_412, first, last, (1, 0, 29, 1), pin=975_319)}


def test_a_card_is_written_as_the_bytes_of_get_card(board: UhppoteBoard) -> None:
    # get_card_test.go: the answer has the card's number, its dates and the doors.
    board.receive(packet("17500000 2d553919 ace85d00 20190102 20191231 00010001"))
    answer = packet("175a0000 2d553919 ace85d00 20190102 20191231 00010001")
    assert board.receive(packet("175a0000 2d553919 ace85d00")) == answer
    assert board.receive(packet("175c0000 2d553919 01000000")) == packet("175c0000 2d553919")[:8] + answer[8:]
    assert board.receive(packet("175a0000 2d553919 01000000")) == packet("175a0000 2d553919")


def test_a_card_that_was_deleted_leaves_a_mark_in_its_place(board: UhppoteBoard) -> None:
    board.receive(packet("17500000 2d553919 ace85d00 20190102 20191231 00010001"))
    assert board.receive(packet("17520000 2d553919 ace85d00")) == packet("17520000 2d553919 01")
    assert board.receive(packet("17520000 2d553919 ace85d00")) == packet("17520000 2d553919 00")
    assert board.receive(packet("175c0000 2d553919 01000000")) == packet("175c0000 2d553919 ffffffff")
    assert board.receive(packet("17580000 2d553919")) == packet("17580000 2d553919 00")


def test_a_profile_is_read_and_written_as_the_bytes_of_time_profiles(board: UhppoteBoard) -> None:
    # set_time_profile_test.go and get_time_profile_test.go
    body = "04 20210401 20211229 01010001000101 0830 0945 1135 1315 1401 1759 13"
    assert board.receive(packet(f"17880000 2d553919 {body}")) == packet("17880000 2d553919 01")
    weekdays = (True, True, False, True, False, True, True)
    segments = ((510, 585), (695, 795), (841, 1079))
    assert board.profiles == {4: BoardProfile(date(2021, 4, 1), date(2021, 12, 29), weekdays, segments, 19)}
    assert board.receive(packet("17980000 2d553919 04")) == packet(f"17980000 2d553919 {body}")
    assert board.receive(packet("17980000 2d553919 05")) == packet("17980000 2d553919")


def test_a_task_is_read_from_the_bytes_of_add_task(board: UhppoteBoard) -> None:
    # add_task_test.go; it counts only once the list has been refreshed (refresh_tasklist_test.go)
    request = packet("17a80000 2d553919 20210401 20211229 01010001000101 0830 03 04 07")
    assert board.receive(request) == packet("17a80000 2d553919 01")
    assert board.tasks == []
    assert board.receive(packet("17ac0000 2d553919 55aaaa55")) == packet("17ac0000 2d553919 01")
    assert [(task.minute, task.door, task.task) for task in board.tasks] == [(510, 3, 4)]
    assert board.receive(packet("17a60000 2d553919 55aaaa55")) == packet("17a60000 2d553919 01")
    assert board.tasks == []


def test_an_event_is_written_as_the_bytes_of_get_event(board: UhppoteBoard) -> None:
    # get_event_test.go has the layout: index, type, granted, door, direction, card, time, reason
    for _ in range(8):
        board.record(1, 6, 3, card=6_154_413, is_granted=False)
    asked = packet("17b00000 2d553919 08000000")
    event = "08000000 01000301 ade85d00 20190419170009 06"
    assert board.receive(asked) == packet(f"17b00000 2d553919 {event}")
    assert board.receive(packet("17b00000 2d553919 ffffffff")) == packet(f"17b00000 2d553919 {event}")
    assert board.receive(packet("17b00000 2d553919 09000000")) == packet("17b00000 2d553919")


def test_an_event_that_was_overwritten_is_said_to_be(board: UhppoteBoard) -> None:
    board.size = 4
    for _ in range(6):
        board.record(1, 6, 3, card=1, is_granted=False)
    answer = board.receive(packet("17b00000 2d553919 02000000"))
    assert answer is not None
    assert answer[12] == 0xFF
    oldest = board.receive(packet("17b00000 2d553919 00000000"))
    assert oldest is not None
    assert struct.unpack_from("<L", oldest, 8) == (3,)


def test_the_status_is_written_as_the_bytes_of_get_status(board: UhppoteBoard) -> None:
    # get_status_test.go
    board.doors[1].is_open = board.doors[3].is_open = board.doors[4].is_open = True
    for _ in range(57):
        board.record(1, 6, 3, card=6_154_410, is_granted=False)
    assert board.receive(packet("17200000 2d553919")) == packet(
        "17200000 2d553919 39000000 01000301 aae85d00 20190419170009 06 01000101 00000000 00 170009"
        "00000000 00000000 00 00 00 190419"
    )


def test_the_clock_is_set_and_read_by_the_bytes_of_set_time(board: UhppoteBoard) -> None:
    assert board.receive(packet("17300000 2d553919 20190102030405")) == packet("17300000 2d553919 20190102030405")
    assert board.receive(packet("17320000 2d553919")) == packet("17320000 2d553919 20190102030405")


def test_a_door_is_set_by_the_bytes_of_set_door_control(board: UhppoteBoard) -> None:
    # set_door_control_state_test.go
    assert board.receive(packet("17800000 2d553919 03 02 04")) == packet("17800000 2d553919 03 02 04")
    assert board.receive(packet("17820000 2d553919 03")) == packet("17820000 2d553919 03 02 04")
    assert board.receive(packet("17400000 2d553919 03")) == packet("17400000 2d553919 00")


def test_what_is_no_request_for_this_board_is_ignored(board: UhppoteBoard) -> None:
    for request in (
        b"",
        b"\x17",
        packet("18320000 2d553919"),
        packet("17320000 2e553919"),
        packet("17ff0000 2d553919"),
    ):
        assert board.receive(request) is None


def test_a_card_on_a_profile_that_is_not_defined_is_granted(board: UhppoteBoard) -> None:
    ever = (date(2000, 1, 1), date(2099, 12, 31))
    board.cards[1] = BoardCard(1, *ever, (29, 0, 0, 0))
    assert board.decide(1, 1) == (True, 1)
    closed = BoardProfile(*ever, (False,) * 7, ((0, 0),) * 3, 0)
    board.profiles[29] = closed
    assert board.decide(1, 1) == (False, OUT_OF_HOURS)
    board.profiles[29] = BoardProfile(*ever, (False,) * 7, ((0, 0),) * 3, 30)
    assert board.decide(1, 1) == (True, 1), "linked to what is not defined"


def test_both_ends_of_a_segment_are_open_and_so_is_a_zeroed_one_at_midnight() -> None:
    day = date(2019, 4, 19)
    profile = BoardProfile(day, day, EVERY_DAY, ((510, 585), (0, 0), (0, 0)), 0)
    opens = [
        minute
        for minute in range(1440)
        if profile.is_open(datetime(2019, 4, 19, minute // 60, minute % 60, 59, tzinfo=UTC))
    ]
    assert opens == [0, *range(510, 586)]
