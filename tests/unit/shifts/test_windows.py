"""shifts/windows.py: windows as they are written; what is wrong is said with the window's number."""

import pytest

from doorward.kit.structured_fields import StructuredFields
from doorward.shifts.windows import DayWindow, read_windows

GOOD = {"days": ["mon"], "start": "07:00", "end": "22:00"}


def complaints(*windows: object) -> list[str]:
    fields = StructuredFields({"windows": list(windows)})
    read_windows(fields, required=True)
    return fields.errors.get("windows", [])


def test_days_are_put_in_order_each_once() -> None:
    fields = StructuredFields({"windows": [{**GOOD, "days": ["holiday", "fri", "mon", "fri"]}]})
    assert read_windows(fields, required=True) == (DayWindow(("mon", "fri", "holiday"), "07:00", "22:00"),)


@pytest.mark.parametrize(
    ("start", "end"), [("00:00", "24:00"), ("22:00", "06:00"), ("23:59", "24:00"), ("12:00", "00:00")]
)
def test_a_window_may_end_at_midnight_or_cross_it(start: str, end: str) -> None:
    assert complaints({**GOOD, "start": start, "end": end}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": []}, "days must be a list of at least one of: mon, tue, wed, thu, fri, sat, sun, holiday"),
        ({"days": "mon"}, "days must be a list of at least one of: mon, tue, wed, thu, fri, sat, sun, holiday"),
        ({"days": ["monday"]}, "days must be a list of at least one of: mon, tue, wed, thu, fri, sat, sun, holiday"),
        ({"days": [["mon"]]}, "days must be a list of at least one of: mon, tue, wed, thu, fri, sat, sun, holiday"),
        ({"start": "7:00"}, "start must be a time such as 07:00"),
        ({"start": "24:00"}, "start must be a time such as 07:00"),
        ({"start": None}, "start must be a time such as 07:00"),
        ({"end": "24:01"}, "end must be a time such as 22:00, at most 24:00"),
        ({"end": "22:60"}, "end must be a time such as 22:00, at most 24:00"),
        ({"end": 22}, "end must be a time such as 22:00, at most 24:00"),
        ({"end": "07:00"}, "end must not be the same as start: a whole day is 00:00 to 24:00"),
    ],
)
def test_the_complaint_names_the_window(change: dict[str, object], message: str) -> None:
    assert complaints(GOOD, {**GOOD, **change}) == [f"window 2: {message}"]


def test_every_bad_window_is_named_at_once() -> None:
    assert [text.partition(":")[0] for text in complaints("mon", GOOD, {}, GOOD, 5)] == [
        "window 1",
        "window 3",
        "window 5",
    ]


def test_there_must_be_a_window_and_not_too_many() -> None:
    assert complaints() == ["must have at least one window"]
    assert complaints(*[GOOD] * 101) == ["has too many entries (at most 100)"]
