"""The controller's configuration file: what is wrong is named."""

import tomllib
from collections.abc import Mapping

import pytest

from doorward.drivers.uhppote import UhppoteConfig, UhppoteConfigError, uhppote_config
from doorward.drivers.uhppote.config import Address, BoardConfig

WHOLE = """
listener = "192.168.1.10:60001"
poll_s = 15

[[board]]
serial = 405419896
address = "192.168.1.100:60000"
doors = { 1 = 17, 2 = 18 }
card_numbers = "plain"
pulse_s = 7

[[board]]
serial = 201234567
address = "192.168.1.101:60000"
doors = { 1 = 19 }
"""


def board(**entries: object) -> Mapping[str, object]:
    return {"serial": 405_419_896, "address": "10.0.0.1:60000", "doors": {"1": 17}, **entries}


def test_a_whole_configuration_is_understood() -> None:
    first = BoardConfig(405_419_896, Address("192.168.1.100", 60_000), {1: 17, 2: 18}, "plain", 7)
    second = BoardConfig(201_234_567, Address("192.168.1.101", 60_000), {1: 19})
    assert uhppote_config(tomllib.loads(WHOLE)) == UhppoteConfig(
        (first, second), listener=Address("192.168.1.10", 60_001), poll_s=15.0
    )
    assert first.door_of(18) == 2


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"serial": None}, "uhppote.board[0].serial"),
        ({"serial": True}, "uhppote.board[0].serial"),
        ({"serial": 1 << 32}, "uhppote.board[0].serial"),
        ({"address": None}, "uhppote.board[0].address"),
        ({"address": "10.0.0.1"}, "uhppote.board[0].address"),
        ({"address": "10.0.0.256:60000"}, "uhppote.board[0].address"),
        ({"address": "board.example:60000"}, "uhppote.board[0].address"),
        ({"address": "10.0.0.1:0"}, "uhppote.board[0].address"),
        ({"address": "10.0.0.1:65536"}, "uhppote.board[0].address"),
        ({"doors": {}}, "uhppote.board[0].doors"),
        ({"doors": [17]}, "uhppote.board[0].doors"),
        ({"doors": {"5": 17}}, "uhppote.board[0].doors.5"),
        ({"doors": {"one": 17}}, "uhppote.board[0].doors.one"),
        ({"doors": {"1": "17"}}, "uhppote.board[0].doors.1"),
        ({"doors": {"1": 1 << 63}}, "uhppote.board[0].doors.1"),
        ({"doors": {"1": 17, "2": 17}}, "uhppote.board[0].doors.2"),
        ({"serial": 201_234_567, "doors": {"3": 17}}, "uhppote.board[0].doors.3"),
        ({"card_numbers": "wiegand"}, "uhppote.board[0].card_numbers"),
        ({"pulse_s": 0}, "uhppote.board[0].pulse_s"),
        ({"pulse_s": 256}, "uhppote.board[0].pulse_s"),
        ({"pulse": 5}, "uhppote.board[0].pulse"),
    ],
)
def test_a_board_that_cannot_be_is_refused_by_the_entry(entries: Mapping[str, object], field: str) -> None:
    with pytest.raises(UhppoteConfigError) as caught:
        uhppote_config({"board": [board(**entries)]})
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} ")


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({}, "uhppote.board"),
        ({"board": []}, "uhppote.board"),
        ({"board": ["405419896"]}, "uhppote.board[0]"),
        ({"board": [board(), board(doors={"1": 18})]}, "uhppote.board[1].serial"),
        ({"board": [board(), board(serial=405_419_897)]}, "uhppote.board[1].doors.1"),
        ({"board": [board()], "listener": 60_001}, "uhppote.listener"),
        ({"board": [board()], "poll_s": 0}, "uhppote.poll_s"),
        ({"board": [board()], "timeout_s": "1"}, "uhppote.timeout_s"),
        ({"board": [board()], "attempts": 0}, "uhppote.attempts"),
        ({"board": [board()], "boards": []}, "uhppote.boards"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_the_entry(table: Mapping[str, object], field: str) -> None:
    with pytest.raises(UhppoteConfigError) as caught:
        uhppote_config(table)
    assert caught.value.field == field
