"""When what did not arrive is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.webhooks.retrying import Retries, must_disable

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("attempts", "asked", "wait"),
    [
        (1, None, 5 * SECOND),
        (2, None, 30 * SECOND),
        (3, None, 2 * MINUTE),
        (4, None, 10 * MINUTE),
        (5, None, HOUR),
        (6, None, 6 * HOUR),
        (7, None, 24 * HOUR),
        (8, None, None),
        (9, None, None),
        (1, 20 * SECOND, 20 * SECOND),
        (1, 0, 5 * SECOND),
        (4, 20 * SECOND, 10 * MINUTE),
        (1, 2 * HOUR, HOUR),
        (6, 2 * HOUR, 6 * HOUR),
        (8, HOUR, None),
    ],
)
def test_the_waits_between_attempts(attempts: int, asked: int | None, wait: int | None) -> None:
    assert Retries().wait_after(attempts, 0.0, asked) == wait


@given(st.integers(1, 7), st.floats(0, 1, exclude_max=True))
def test_chance_makes_a_wait_longer_by_a_tenth_at_most(attempts: int, chance: float) -> None:
    least = Retries().wait_after(attempts, 0.0)
    wait = Retries().wait_after(attempts, chance)
    assert least is not None
    assert wait is not None
    assert least <= wait <= least * 1.1


@pytest.mark.parametrize(("failing_for", "disabled"), [(0, False), (5 * DAY - 1, False), (5 * DAY, True)])
def test_an_endpoint_is_disabled_after_five_days_of_failing(failing_for: int, disabled: bool) -> None:
    assert must_disable(1_000, 1_000 + failing_for) is disabled
