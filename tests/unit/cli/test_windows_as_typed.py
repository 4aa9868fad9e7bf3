"""cli/shifts.py: windows as people type them."""

import pytest

from doorward.cli.shifts import read_windows
from doorward.kit.errors import Invalid

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("mon-fri 07:00-22:00", WEEK[:5], "07:00", "22:00"),
        ("  Mon,WED  07:00-22:00 ", ["mon", "wed"], "07:00", "22:00"),
        ("sat-mon 00:00-24:00", ["sat", "sun", "mon"], "00:00", "24:00"),
        ("daily 22:00-06:00", WEEK, "22:00", "06:00"),
        ("sun-sun,holiday 10:00-16:00", ["sun", "holiday"], "10:00", "16:00"),
        ("mon 7-8", ["mon"], "7", "8"),  # the service says what is wrong with times
    ],
)
def test_days_and_times_are_read(text: str, days: list[str], start: str, end: str) -> None:
    assert read_windows([text]) == [{"days": days, "start": start, "end": end}]


@pytest.mark.parametrize(
    "text",
    ["", "mon", "07:00-22:00", "mon 07:00", "monday 07:00-22:00", "mon-holiday 1-2", "mon- 1-2", ", 1-2", "mon 1 x"],
)
def test_what_is_no_window_is_named_by_its_number(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_windows(["mon 07:00-08:00", text])
    assert caught.value.errors == {"windows": [f'window 2: {text!r} is not such as "mon-fri 07:00-22:00"']}
