"""Leaving: the button releases the door whatever else is the matter, and one that is held is told of."""

import pytest

from tests.unit.controller.site import HOUR, MINUTE, NOW, SECOND, Site


def test_the_button_releases_the_door_when_nothing_else_does() -> None:
    site = Site(staleness_ms=HOUR, two_factor=True, two_person=True)
    site.door.confirmed_at = NOW - 2 * HOUR
    site.set(card_lockdown=True, aux_lockdown=True)
    site.driver.tamper(1, True)
    site.rex()
    assert (site.codes, site.released) == ([90, 30, 13], True)


def test_a_button_that_is_locked_down_releases_nothing_and_says_so() -> None:
    site = Site()
    site.set(rex_lockdown=True)
    site.rex()
    assert (site.codes, site.reasons(30), site.released) == ([30], [["rex_lockdown"]], False)


def test_a_button_that_is_held_is_told_of_once_until_it_is_let_go() -> None:
    site = Site()
    site.set(rex_held_ms=20_000)
    site.driver.hold_rex(1, True)
    site.run(10 * MINUTE)
    assert (site.codes, site.at_code(36)) == ([30, 13, 36], [20 * SECOND])
    assert site.lock == [(0, True), (5 * SECOND, False)], "held, it releases no longer than pressed"
    site.driver.hold_rex(1, False)
    site.driver.hold_rex(1, True)
    site.run(MINUTE)
    assert site.codes == [30, 13, 36, 30, 13, 36]


@pytest.mark.parametrize("held_ms", [0, 20_000])
def test_a_button_that_is_let_go_in_time_is_not_told_of(held_ms: int) -> None:
    site = Site()
    site.set(rex_held_ms=held_ms)
    site.driver.hold_rex(1, True)
    site.run(19_999)
    site.driver.hold_rex(1, False)
    site.run(MINUTE)
    site.driver.hold_rex(1, True)
    site.run(0 if held_ms else MINUTE)
    assert 36 not in site.codes


def test_the_button_releases_also_when_the_device_has_been_slow_to_tell() -> None:
    site = Site()
    site.driver.drift(1, -HOUR)
    site.rex()
    assert site.released
