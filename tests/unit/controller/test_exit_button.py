"""Leaving: the button releases the door whatever else is the matter, and one that is held is told of."""

import pytest

from tests.unit.controller.site import ADA, HOUR, MINUTE, NOW, SECOND, Site


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


def test_a_broken_line_of_the_button_is_told_once_with_its_reason_and_so_is_its_end() -> None:
    site = Site()
    site.driver.fault_rex(1, True)
    site.driver.fault_rex(1, True)
    assert (site.codes, site.reasons(37), site.door.alarm) == ([37], [["exit_button_faulty"]], 37)
    assert not site.released, "whoever cut the line would have a key"
    site.restart()
    site.rex()
    site.show(ADA)
    assert site.take() == [37, 10], "after a restart it is nothing new; cards go on"
    site.driver.fault_rex(1, False)
    site.rex()
    assert (site.codes, site.reasons(35), site.door.alarm) == ([35, 30, 13], [["exit_button_whole"]], None)


def test_a_broken_line_is_found_when_the_device_is_back_and_a_contact_at_fault_is_another_matter() -> None:
    site = Site()
    site.driver.cut_line(1)
    site.driver.fault_rex(1, True)
    site.take()
    site.driver.restore(1)
    site.driver.fault_contact(1, True)
    site.driver.fault_contact(1, False)
    assert [code for code in site.codes if code in (35, 37)] == [37, 37, 35]
    assert site.door.alarm == 37, "the button is still at fault"


def test_a_button_that_was_held_when_its_line_broke_is_not_told_to_be_held() -> None:
    site = Site()
    site.set(rex_held_ms=20_000)
    site.driver.hold_rex(1, True)
    site.driver.fault_rex(1, True)
    site.run(HOUR)
    assert site.codes == [30, 13, 37]
