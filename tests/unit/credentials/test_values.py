"""credentials/values.py: what a credential may be, and when two are the same."""

import pytest

from doorward.credentials.types import parameterize
from doorward.credentials.values import normal_value
from doorward.kit.text import InvalidText


@pytest.mark.parametrize(
    ("kind", "given", "normal"),
    [
        ("card", "1234", "1234"),
        ("card", " 0001234 ", "1234"),
        ("card", "18446744073709551615", "18446744073709551615"),
        ("card", "012:00345", "12:345"),
        ("card", "12-345", "12:345"),
        ("card", "0/345", "0:345"),
        ("pin", "0123", "0123"),
        ("pin", "1234567", "1234567"),
        ("aux", "ab-12 cd", "AB12CD"),
        ("aux", "MÜ-X 9", "MÜX9"),
        ("apple", " Pass-9 ", "Pass-9"),
        ("google", "x.y", "x.y"),
    ],
)
def test_a_value_has_one_normal_form(kind: str, given: str, normal: str) -> None:
    assert normal_value(kind, given) == normal
    assert normal_value(kind, normal) == normal


@pytest.mark.parametrize("given", ["123", "12345678", "12a4", "", " 1234", "\uff11\uff12\uff13\uff14", "-1234", "12.4"])
def test_a_pin_has_four_to_seven_digits(given: str) -> None:
    with pytest.raises(InvalidText, match="must be between 4 and 7 digits in length"):
        normal_value("pin", given)


@pytest.mark.parametrize("given", ["0", "000", "12x", "1" * 21, "1:2:3", "1:0", ":5", "5:", "1.5", "-3", "", "١٢"])
def test_a_card_is_a_decimal_number_above_0(given: str) -> None:
    with pytest.raises(InvalidText):
        normal_value("card", given)


@pytest.mark.parametrize(("kind", "given"), [("aux", " - "), ("aux", ""), ("apple", "  "), ("google", "a\0")])
def test_other_kinds_need_something_to_be_told_apart_by(kind: str, given: str) -> None:
    with pytest.raises(InvalidText):
        normal_value(kind, given)


@pytest.mark.parametrize(
    ("label", "slug"),
    [("Employee Card", "employee_card"), ("  Café & No. 2 ", "cafe_no_2"), ("PIN", "pin"), ("§§", "")],
)
def test_a_label_becomes_a_slug(label: str, slug: str) -> None:
    assert parameterize(label) == slug
