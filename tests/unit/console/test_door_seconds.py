"""Durations as a form has them."""

import pytest

from doorward.console.doors.seconds import in_seconds, milliseconds, seconds
from doorward.kit.errors import Invalid


@pytest.mark.parametrize(
    ("written", "meant"),
    [("5", 5000), (" 2.5 ", 2500), ("2,5", 2500), ("0.001", 1), ("0", 0), ("", None)],
)
def test_seconds_are_read_as_whole_milliseconds(written: str, meant: int | None) -> None:
    assert milliseconds(written) == meant


@pytest.mark.parametrize("written", ["soon", "0.0001", "NaN", "Infinity", "1e3", "1e999999999", "-1", "٣", "9" * 400])
def test_what_is_no_such_number_is_left_as_it_is_written(written: str) -> None:
    assert milliseconds(written) == written


@pytest.mark.parametrize("number", [0, 1, 100, 1500, 5000, 86_400_000])
def test_what_is_shown_reads_as_what_is_set(number: int) -> None:
    assert milliseconds(seconds(number)) == number


def test_what_is_wrong_is_said_in_the_unit_of_the_form() -> None:
    error = Invalid({"pulse_ms": ["must be between 100 and 600000"], "unit": ["must be between 1 and 255"]})
    assert in_seconds(error).errors == {
        "pulse_ms": ["must be between 0.1 and 600 seconds"],
        "unit": ["must be between 1 and 255"],
    }
