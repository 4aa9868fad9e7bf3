"""credentials/pins.py: the space of PINs grows with those who have one (EN 60839-11-1, grade 1)."""

import pytest

from doorward.credentials.pins import MOST_HOLDERS, random_pin, shortest_length


@pytest.mark.parametrize(
    ("holders", "digits"),
    [(1, 4), (10, 4), (11, 5), (100, 5), (101, 6), (1_000, 6), (1_001, 7), (10_000, 7), (10_001, None)],
)
@pytest.mark.en60839("6.4/pin")
def test_there_are_a_thousand_pins_for_each_holder(holders: int, digits: int | None) -> None:
    assert shortest_length(holders) == digits


def test_the_most_holders_are_those_of_the_longest_pins() -> None:
    assert shortest_length(MOST_HOLDERS) == 7
    assert shortest_length(MOST_HOLDERS + 1) is None


def test_random_pins_keep_their_leading_zeros_and_use_the_whole_space() -> None:
    pins = {random_pin(4) for _ in range(20_000)}
    assert all(len(pin) == 4 and pin.isdigit() for pin in pins)
    assert any(pin.startswith("0") for pin in pins)
    assert len(pins) > 8_000
