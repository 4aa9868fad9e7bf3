"""A card and a PIN of the same person, in either order and in time."""

import pytest

from tests.unit.controller.site import ADA, BEN, CLEO, SECOND, Site


def two_factor_site() -> Site:
    return Site(two_factor=True)


@pytest.mark.en60839("6.4/two factors")
def test_after_a_card_the_reader_waits_for_the_pin() -> None:
    site = two_factor_site()
    site.show(ADA)
    assert (site.codes, site.last_shown, site.released) == ([], "wait", False)
    site.run(3 * SECOND)
    site.keys("4711#")
    assert (site.codes, site.who(70), site.last_shown, site.released) == ([70], [ADA], "granted", True)
    assert site.facts[0].credential == "1234"


def test_after_a_pin_the_reader_waits_for_the_card() -> None:
    site = two_factor_site()
    site.keys("4711#")
    assert (site.codes, site.last_shown) == ([], "wait")
    site.run(3 * SECOND)
    site.show(ADA)
    assert (site.codes, site.who(70)) == ([70], [ADA])
    assert site.facts[0].credential == "1234"


def test_a_pin_typed_without_its_end_is_ended_by_the_card() -> None:
    site = two_factor_site()
    site.keys("4711")
    site.run(2 * SECOND)
    site.show(ADA)
    assert site.codes == [70]


@pytest.mark.en60839("6.4/two factors")
def test_a_pin_that_never_comes_is_late_once_the_time_is_over() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(10 * SECOND)
    assert site.codes == []
    site.run(1)
    assert (site.codes, site.who(72), site.last_shown) == ([72], [ADA], "denied")
    site.run(60 * SECOND)
    site.keys("4711#")
    assert site.codes == [72], "the PIN begins an attempt of its own"
    site.run(11 * SECOND)
    assert site.codes == [72, 72]
    assert site.lock == []


def test_a_pin_whose_last_key_was_in_time_is_in_time_without_its_end() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(9 * SECOND)
    site.keys("4711")
    site.run(1_001)
    assert (site.codes, site.released) == ([70], True)


def test_a_pin_half_typed_when_the_time_is_over_is_late() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(9 * SECOND)
    site.keys("471")
    site.run(1_001)
    assert site.codes == [72]


def test_the_wrong_pin_ends_the_attempt() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.keys("0000#")
    assert (site.codes, site.last_shown) == ([71], "denied")
    site.keys("4711#")
    assert (site.codes, site.last_shown, site.released) == ([71], "wait", False), "the card is wanted once more"


def test_another_person_s_pin_is_the_wrong_one() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.keys("5511#")
    assert (site.codes, site.who(71)) == ([71], [ADA])


def test_another_person_s_card_in_between_begins_anew() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(8 * SECOND)
    site.show(BEN)
    assert (site.codes, site.who(72), site.last_shown) == ([72], [ADA], "wait")
    site.run(8 * SECOND)
    site.keys("5511#")
    assert (site.codes, site.who(70)) == ([72, 70], [BEN])


def test_the_same_card_once_more_begins_the_time_anew() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(8 * SECOND)
    site.show(ADA)
    assert site.codes == []
    site.run(8 * SECOND)
    site.keys("4711#")
    assert site.codes == [70]


def test_a_card_that_opens_nothing_is_refused_at_once_and_ends_what_was_begun() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.card("999")
    assert (site.codes, site.last_shown) == ([72, 20], "denied")
    site.keys("4711#")
    site.run(11 * SECOND)
    assert site.codes == [72, 20, 72]


def test_somebody_without_a_pin_is_told_at_once() -> None:
    site = two_factor_site()
    site.show(CLEO)
    assert (site.codes, site.last_shown) == ([73], "denied")


def test_whoever_loses_their_right_while_the_door_waits_is_refused() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.put(ADA, "Ada Lovelace", {"card": "1234", "pin": "4711"}, status="disabled")
    site.keys("4711#")
    assert (site.codes, site.released) == ([27], False)


def test_a_lockdown_while_the_door_waits_refuses() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.set(card_lockdown=True)
    site.keys("4711#")
    assert (site.codes, site.released) == ([22], False)


def test_a_door_that_was_unlocked_while_it_waited_wants_no_pin() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.set(unlocked=True)
    site.run(11 * SECOND)
    assert site.codes == [72], "nobody has typed: that is what is on record"
    site.show(ADA)
    assert site.codes == [72, 16]


def test_what_waits_is_said_when_the_controller_ends() -> None:
    site = two_factor_site()
    site.show(ADA)
    site.run(SECOND)
    site.door.give_up(site.now)
    assert (site.codes, site.at_code(72)) == ([72], [SECOND])
    site.run(20 * SECOND)
    assert site.codes == [72]
