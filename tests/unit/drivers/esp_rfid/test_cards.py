"""A card's name at the board and its value in Doorward: there and back, and never somebody else's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.decision.values import normal_value
from doorward.drivers.esp_rfid.cards import MOST_UID_CHARACTERS, uid_of, value_of
from doorward.drivers.esp_rfid.config import CardFormat, UidFormat

FORMATS: tuple[tuple[UidFormat, CardFormat], ...] = (
    ("decimal", "number"),
    ("decimal", "facility"),
    ("hex", "number"),
    ("hex", "facility"),
    ("bytes", "number"),
    ("bytes", "reversed"),
)
formats = st.sampled_from(FORMATS)


@pytest.mark.parametrize(
    ("uid", "uid_format", "card_format", "value"),
    [
        ("1234567", "decimal", "number", "1234567"),
        ("786777", "decimal", "facility", "12:345"),
        ("c0159", "hex", "facility", "12:345"),
        ("12d687", "hex", "number", "1234567"),
        ("04a1b2c3", "bytes", "number", "77705923"),
        ("04a1b2c3", "bytes", "reversed", "3283263748"),
        ("04a1b2c3d4e580", "bytes", "number", "1303689068602752"),
    ],
)
def test_a_card_is_named_as_its_reader_names_it(
    uid: str, uid_format: UidFormat, card_format: CardFormat, value: str
) -> None:
    assert value_of(uid, uid_format, card_format) == value
    assert uid_of(value, uid_format, card_format) == uid


@pytest.mark.parametrize(
    ("uid", "uid_format", "card_format"),
    [
        ("", "decimal", "number"),
        ("12a", "decimal", "number"),
        ("-5", "decimal", "number"),
        ("0", "decimal", "number"),
        ("١٢", "decimal", "number"),
        ("1" * 20, "decimal", "number"),
        ("xyz", "hex", "number"),
        ("4a1", "bytes", "number"),
        ("16777216", "decimal", "facility"),
    ],
)
def test_what_is_no_card_has_no_value(uid: str, uid_format: UidFormat, card_format: CardFormat) -> None:
    assert value_of(uid, uid_format, card_format) is None


@pytest.mark.parametrize(
    ("value", "uid_format", "card_format"),
    [
        ("12:345", "decimal", "number"),
        ("345", "decimal", "facility"),
        ("256:1", "decimal", "facility"),
        ("1:65536", "decimal", "facility"),
        ("1" * 20, "decimal", "number"),
        (str(1 << 56), "bytes", "number"),
        ("not a card", "hex", "number"),
    ],
)
def test_what_the_reader_cannot_read_is_not_put_on_the_board(
    value: str, uid_format: UidFormat, card_format: CardFormat
) -> None:
    assert uid_of(value, uid_format, card_format) is None


@settings(derandomize=True, database=None)
@given(st.one_of(st.integers(0, 10**20 - 1).map(str), st.text(max_size=24)), formats)
def test_a_value_that_the_board_knows_is_read_back_as_itself(written: str, used: tuple[UidFormat, CardFormat]) -> None:
    value = normal_value("card", written) or written
    uid = uid_of(value, *used)
    if uid is not None:
        assert value_of(uid, *used) == value
        assert len(uid) <= MOST_UID_CHARACTERS


@settings(derandomize=True, database=None)
@given(st.text(alphabet="0123456789abcdefABCDEF", max_size=20), formats)
def test_two_uids_of_one_value_name_the_same_number(uid: str, used: tuple[UidFormat, CardFormat]) -> None:
    value = value_of(uid, *used)
    if value is None:
        return
    again = uid_of(value, *used)
    assert again is not None
    assert value_of(again, *used) == value
