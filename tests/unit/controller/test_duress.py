"""A duress PIN: the door does what it does for a PIN, at the reader nothing shows it, and help is asked for once."""

from collections.abc import Callable
from typing import Any

import pytest

from doorward.decision.snapshot import Credential, Presented
from tests.unit.controller.site import ADA, BEN, DAN, NOW, SECOND, Site
from tests.unit.controller.test_first_person import shop

PLAIN, FORCED = "4711#", "4712#"


def typed(keys: str, **rules: Any) -> Site:
    site = Site(**rules)
    site.keys(keys)
    site.run(30 * SECOND)
    return site


@pytest.mark.en60839("6.5")
def test_under_duress_the_lock_and_the_reader_do_what_they_do_for_a_pin() -> None:
    plain, forced = typed(PLAIN), typed(FORCED)
    assert (plain.lock, plain.shown) == (forced.lock, forced.shown)
    assert (plain.codes, forced.codes) == ([11], [11, 63])
    assert forced.who(63) == [ADA]
    assert [fact.credential for fact in forced.facts] == [None, None]


@pytest.mark.en60839("6.5")
def test_whoever_is_refused_under_duress_needs_help_too() -> None:
    site = Site()
    site.show(DAN, "duress")
    assert (site.codes, site.who(63), site.last_shown) == ([27, 63], [DAN], "denied")


@pytest.mark.parametrize("pin_first", [True, False])
def test_as_a_second_factor_it_works_in_either_order_and_is_told_once(pin_first: bool) -> None:
    def with_pin(keys: str) -> Site:
        site = Site(two_factor=True)
        acts: list[Callable[[], None]] = [lambda: site.keys(keys), lambda: site.show(ADA)]
        for act in acts if pin_first else acts[::-1]:
            act()
            site.run(SECOND)
        site.run(30 * SECOND)
        return site

    plain, forced = with_pin(PLAIN), with_pin(FORCED)
    assert (plain.lock, plain.shown) == (forced.lock, forced.shown)
    assert (plain.codes, sorted(forced.codes)) == ([70], [63, 70])


def test_help_is_asked_for_before_the_second_factor_has_come_and_if_it_never_does() -> None:
    site = Site(two_factor=True)
    site.keys(FORCED)
    assert (site.codes, site.last_shown) == ([63], "wait")
    site.run(30 * SECOND)
    assert site.codes == [63, 72]


def test_help_is_asked_for_once_however_often_the_pin_is_typed() -> None:
    site = Site(two_factor=True)
    site.keys(FORCED)
    site.run(SECOND)
    site.keys(FORCED)
    site.run(30 * SECOND)
    assert site.codes == [63, 72]


def test_the_first_of_two_people_asks_for_help_at_once() -> None:
    site = Site(two_person=True)
    site.keys(FORCED)
    assert (site.codes, site.last_shown, site.released) == ([63], "wait", False)
    site.show(BEN)
    assert (site.codes, site.who(11), site.who(10)) == ([63, 11, 10], [ADA], [BEN])


def test_the_first_of_two_people_may_ask_for_help_while_waiting() -> None:
    site = Site(two_person=True)
    site.show(ADA)
    site.keys(FORCED)
    site.keys(FORCED)
    site.run(30 * SECOND)
    assert site.codes == [63, 25]


def test_the_second_of_two_people_opens_and_asks_for_help() -> None:
    site = Site(two_person=True)
    site.show(ADA)
    site.keys("5512#")
    assert (site.codes, site.who(63), site.released) == ([10, 11, 63], [BEN], True)


def test_it_counts_as_the_first_person_of_the_day() -> None:
    site = shop()
    site.keys(FORCED)
    assert site.codes == [42, 11, 63, 40]


def test_it_is_told_where_nobody_needs_a_pin() -> None:
    site = Site()
    site.set(unlocked=True)
    site.keys(FORCED)
    assert (site.codes, site.who(63)) == ([16, 63], [ADA])


def test_it_is_told_from_a_reader_that_was_late_to_tell() -> None:
    site = Site()
    site.driver.cut_line(1, keeps_events=True)
    site.keys(FORCED)
    site.run(60 * SECOND)
    site.driver.restore(1)
    assert (site.codes, site.released) == ([3, 1, 25, 63], False)


def test_its_digits_are_nowhere() -> None:
    site = typed(FORCED)
    assert "4712" not in repr(site.facts)
    assert site.at_code(63) == [0]
    assert site.now > NOW


def test_a_reader_that_reports_it_as_such_gets_nothing_and_it_is_not_written_down() -> None:
    site = Site()
    site.driver.present(1, Presented(Credential("duress", "4712")))
    assert (site.codes, site.released) == ([26], False)
    assert site.facts[0].credential is None
