"""A door without the server: up to its limit it decides by what it knows, beyond it nobody is let in by name."""

from typing import Any

from tests.unit.controller.site import ADA, BEN, HOUR, MINUTE, NOW, SECOND, Site


def cut_off(hours: int, **rules: Any) -> Site:
    """A door that the server last confirmed so many hours ago, and that may go on for 72."""
    site = Site(staleness_ms=72 * HOUR, **rules)
    site.door.confirmed_at = NOW - hours * HOUR
    return site


def test_up_to_the_limit_it_lets_in_and_a_millisecond_later_not() -> None:
    site = cut_off(72)
    site.show(ADA)
    assert (site.take(), site.released) == ([10], True)
    site.run(5 * SECOND)
    site.show(ADA)
    assert (site.codes, site.reasons(29), site.last_shown) == ([29], [["stale"]], "denied")
    site.show(ADA, "pin")
    site.card("999")
    assert site.codes == [29, 29, 29]


def test_the_server_s_word_makes_it_good() -> None:
    site = cut_off(73)
    site.show(ADA)
    site.door.confirmed_at = site.now
    site.show(ADA)
    assert site.codes == [29, 10]


def test_no_lock_moves_because_the_limit_is_reached() -> None:
    site = cut_off(71)
    site.set(unlocked=True, unlocked_until=NOW + 3 * HOUR)
    site.run(2 * HOUR)
    assert site.lock == [(0, True)]
    site.card("999")
    assert site.codes == [16]
    site.run(2 * HOUR)
    assert site.codes == [16, 58], "it relocks on its own time"
    assert site.lock == [(0, True), (3 * HOUR, False)]


def test_leaving_is_possible_and_nobody_is_let_in_from_afar() -> None:
    site = cut_off(100)
    site.rex()
    site.run(MINUTE)
    assert not site.door.admit(61, ADA, {}, site.now).admitted
    assert not site.door.admit(62, None, {}, site.now).admitted
    assert site.codes == [30, 13, 51, 51]


def test_a_first_of_two_people_counts_only_within_the_limit() -> None:
    site = cut_off(72, two_person=True)
    site.show(ADA)
    site.run(SECOND)
    site.show(BEN)
    site.run(MINUTE)
    assert (site.codes, site.who(29), site.who(25), site.released) == ([29, 25], [BEN], [ADA], False)


def test_a_clock_that_is_put_back_makes_nothing_stale() -> None:
    site = cut_off(-5)
    site.show(ADA)
    assert site.codes == [10]


def test_a_door_whose_server_decides_is_never_stale() -> None:
    site = cut_off(1000)
    site.door.confirmed_at = None
    site.show(ADA)
    assert site.codes == [10]
