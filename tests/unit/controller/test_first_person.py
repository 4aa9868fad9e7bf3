"""First person in: the auto-unlock shift waits for somebody who may pass."""

from typing import Any

from doorward.decision.shifts import Stretch, Timetable, Weekly, Window
from doorward.decision.snapshot import Credential, Presented
from tests.unit.controller.site import ADA, BEN, DAN, HOUR, MINUTE, NOW, Site

DAILY = Weekly((Window(frozenset(range(7)), 9 * 60, 17 * 60),))


def shop(opens_in: int = 0, **rules: Any) -> Site:
    """The door of a shop, whose shift opens so long after NOW and lasts eight hours."""
    start = NOW + opens_in
    shift = Timetable(Stretch(start, start + 8 * HOUR), "Europe/London")
    site = Site(at=NOW - 1, auto_unlock=shift, first_person_in=True, **rules)
    site.until(NOW)
    return site


def test_the_shift_opens_the_door_once_somebody_has_been_admitted() -> None:
    site = shop()
    assert (site.codes, site.released) == ([42], False)
    assert site.reasons(42) == [["first_person_missing"]]
    site.run(HOUR)
    site.show(ADA)
    assert (site.codes, site.released) == ([42, 10, 40], True)
    site.run(30 * MINUTE)
    site.card("999")
    assert site.take() == [42, 10, 40, 16]
    site.until(NOW + 8 * HOUR)
    assert (site.take(), site.released) == ([41], False)
    assert site.lock == [(HOUR, True), (8 * HOUR, False)]


def test_who_comes_before_the_shift_is_not_the_first() -> None:
    site = shop(opens_in=MINUTE)
    site.show(ADA)
    site.until(NOW + 2 * MINUTE)
    assert (site.codes, site.released) == ([10, 42], False)
    site.show(BEN)
    assert site.released


def test_neither_a_refusal_nor_the_button_nor_an_operator_is_a_first_person() -> None:
    site = shop()
    site.card("999")
    site.show(DAN)
    site.rex()
    site.door.admit(61, ADA, {}, site.now)
    site.door.admit(62, None, {}, site.now)
    site.run(MINUTE)
    assert (site.codes, site.released) == ([42, 20, 27, 30, 13, 15, 50, 15, 50], False)
    assert site.reasons(20) == [["unknown_credential", "first_person_missing"]]
    assert site.reasons(27) == [["person_disabled", "first_person_missing"]]


def test_whoever_walks_through_an_unlocked_door_is_not_the_first_person() -> None:
    site = shop()
    site.set(unlocked=True)
    site.show(DAN)
    site.show(ADA)
    site.set(unlocked=False)
    assert (site.codes, site.released) == ([42, 16, 16], False)


def test_two_people_are_needed_where_the_door_lets_in_only_two() -> None:
    site = shop(two_person=True)
    site.show(ADA)
    assert not site.released
    site.show(BEN)
    assert (site.codes, site.released) == ([42, 10, 10, 40], True)
    site.run(MINUTE)
    assert site.released


def test_both_factors_are_needed_where_the_door_wants_two() -> None:
    site = shop(two_factor=True)
    site.show(ADA)
    assert not site.released
    site.keys("4711#")
    assert (site.codes, site.released) == ([42, 70, 40], True)


def test_nobody_has_come_yet_when_the_shift_opens_the_next_day() -> None:
    site = Site(auto_unlock=Timetable(DAILY, "Europe/London"), first_person_in=True)
    site.run(MINUTE)
    site.show(ADA)
    assert site.released
    site.until(NOW + 24 * HOUR)
    assert (site.codes, site.released) == ([10, 40, 41, 42], False)
    site.show(ADA)
    assert site.released


def test_a_lockdown_takes_away_what_the_first_person_opened_and_gives_it_back() -> None:
    site = shop()
    site.show(ADA)
    site.set(card_lockdown=True)
    assert not site.released
    assert site.reasons(42) == [["first_person_missing"], ["card_lockdown"]]
    site.set(card_lockdown=False)
    assert (site.codes, site.released) == ([42, 10, 40, 42, 40], True)


def test_the_rule_taken_up_while_the_door_stands_open_locks_it_until_somebody_comes() -> None:
    site = shop()
    site.rule(first_person_in=False)
    assert (site.take(), site.released) == ([42, 40], True)
    site.rule(first_person_in=True)
    assert (site.take(), site.released) == ([41], False)
    site.show(ADA)
    assert (site.take(), site.released) == ([10, 40], True)


def test_a_door_too_long_without_the_server_is_not_opened_by_a_first_person() -> None:
    site = shop(staleness_ms=HOUR)
    site.door.confirmed_at = NOW - HOUR
    site.show(ADA)
    assert site.released, "at the limit it still knows"
    stale = shop(staleness_ms=HOUR)
    stale.door.confirmed_at = NOW - HOUR - 1
    stale.show(ADA)
    assert (stale.codes, stale.released) == ([42, 29], False)


def test_all_at_once_by_present_is_as_by_the_reader() -> None:
    site = shop()
    site.door.present(Presented(Credential("card", "1234")), {}, site.now)
    assert (site.codes, site.released) == ([42, 10, 40], True)
