"""kit/structured_fields.py: what comes from outside is read, or complained about, and never raises anything else."""

from typing import Any

import pytest

from doorward.kit.errors import BadRequest
from doorward.kit.structured_fields import StructuredFields


def read(method: str, value: object, **options: Any) -> tuple[object, list[str]]:
    fields = StructuredFields({"it": value})
    return getattr(fields, method)("it", **options), fields.errors.get("it", [])


def test_a_body_that_is_no_object_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        StructuredFields(["first_name"])


@pytest.mark.parametrize(("value", "expected"), [(None, None), ("", None), ("   ", None), ("  Dr. ", "Dr.")])
def test_a_blank_line_is_none_and_spaces_around_it_go(value: object, expected: object) -> None:
    assert read("line", value) == (expected, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("two\nlines", "must be one line"),
        (7, "must be text"),
        ("x" * 256, "is too long (at most 255 characters)"),
        ("nul\0", "has a character that is not allowed"),
        ("lone \ud800", "has a character that is not allowed"),
    ],
)
def test_a_bad_line_is_complained_about(value: object, message: str) -> None:
    assert read("line", value) == (None, [message])


def test_text_is_brought_into_the_composed_unicode_form() -> None:
    assert read("line", "Zoe\u0308") == ("Zoë", [])


def test_notes_may_have_many_lines_and_ten_thousand_characters() -> None:
    assert read("notes", "a\n" * 5_000) == ("a\n" * 5_000, [])
    assert read("notes", "a" * 10_001)[1] == ["is too long (at most 10000 characters)"]
    assert read("notes", " \n ") == (None, [])


@pytest.mark.parametrize("before", [True, False])
def test_a_flag_that_is_absent_stays_as_it_was(before: bool) -> None:
    assert StructuredFields({}).flag("it", before=before) is before


@pytest.mark.parametrize("value", [None, "true", 1, 0, []])
def test_a_flag_is_true_or_false_and_nothing_else(value: object) -> None:
    assert read("flag", value, before=True)[1] == ["must be true or false"]


def test_a_choice_is_one_of_its_words() -> None:
    assert read("choice", "soft", options=("hard", "soft")) == ("soft", [])
    assert read("choice", "Soft", options=("hard", "soft")) == (None, ["must be one of: hard, soft"])
    assert read("choice", ["soft"], options=("hard", "soft"))[1] == ["must be one of: hard, soft"]
    assert read("choice", None, options=("hard",), required=True)[1] == ["can't be blank"]


@pytest.mark.parametrize(
    "value", ["2024-02-30", "2024-1-5", "20240115", "2024-W03-1", "15.01.2024", "2024-01-15T00:00", 20240115, ["2024"]]
)
def test_a_day_that_does_not_exist_or_is_written_otherwise_is_refused(value: object) -> None:
    assert read("day", value) == (None, ["must be a date such as 2024-01-15"])


def test_a_day_is_within_two_centuries() -> None:
    assert read("day", "2024-02-29") == ("2024-02-29", [])
    assert read("day", "1899-12-31")[1] == ["must be between the years 1900 and 2100"]
    assert read("day", "") == (None, [])


def test_a_list_has_a_limit() -> None:
    assert read("entries", [1, "two", {}], most=3) == ([1, "two", {}], [])
    assert read("entries", [1, 2], most=1)[1] == ["has too many entries (at most 1)"]
    assert read("entries", {"0": 1}, most=1)[1] == ["must be a list"]


def test_a_required_address_that_is_blank_is_said_once() -> None:
    assert read("email", "  ", required=True)[1] == ["can't be blank"]
    assert read("email", 5, required=True)[1] == ["must be text"]
