"""Areas and anti-passback at the door: who is let in is where the door leads, until somebody says where they are."""

import pytest

from doorward.decision.snapshot import Passback, Presence
from tests.unit.controller.site import ADA, MINUTE, NOW, SECOND, Site

OUTSIDE, HALL, VAULT = None, 1, 2


def into_hall(passback: Passback | None) -> Site:
    return Site(passback=passback, area_from=OUTSIDE, area_to=HALL)


@pytest.mark.en60839("6.2.2/passback")
def test_hard_a_card_lets_in_once_until_its_holder_has_left() -> None:
    site = into_hall(Passback("hard"))
    site.show(ADA)
    site.show(ADA)
    assert (site.codes, site.presence) == ([10, 28], {ADA: Presence(HALL, NOW)})
    site.presence[ADA] = Presence(OUTSIDE, site.now)
    site.show(ADA)
    assert site.codes == [10, 28, 10]


def test_forgiven_is_who_may_stand_anywhere() -> None:
    site = into_hall(Passback("hard"))
    site.show(ADA)
    del site.presence[ADA]
    site.show(ADA)
    assert site.codes == [10, 10]


def test_whoever_is_known_to_be_elsewhere_has_come_another_way() -> None:
    site = Site(passback=Passback("hard"), area_from=HALL, area_to=VAULT)
    site.presence[ADA] = Presence(OUTSIDE, NOW)
    site.show(ADA)
    assert (site.codes, site.released) == ([28], False)


def test_soft_it_is_noted_and_the_door_opens() -> None:
    site = into_hall(Passback("soft"))
    site.show(ADA)
    site.run(MINUTE)
    site.show(ADA)
    assert (site.codes, site.released) == ([10, 10], True)
    assert site.reasons(10) == [["role_grants"], ["role_grants", "passed_back_noted"]]


def test_timed_the_card_rests_for_some_minutes() -> None:
    site = into_hall(Passback("timed", 10))
    site.show(ADA)
    site.run(10 * MINUTE - 1)
    site.show(ADA)
    assert site.codes == [10, 28]
    site.run(1)
    site.show(ADA)
    assert site.codes == [10, 28, 10]


def test_who_is_let_in_counts_as_in_whether_or_not_the_contact_says_that_the_door_was_opened() -> None:
    site = into_hall(Passback("hard"))
    site.driver.stick_contact(1, True)
    site.show(ADA)
    site.run(MINUTE)
    site.show(ADA)
    assert site.codes == [10, 28], "a stuck contact must not let one card in again and again"


def test_who_is_refused_has_not_moved_and_who_only_waits_neither() -> None:
    site = Site(two_factor=True, passback=Passback("hard"), area_to=HALL)
    site.show(ADA)
    assert site.presence == {}
    site.keys("0000#")
    assert (site.codes, site.presence) == ([71], {})


def test_whoever_walks_through_an_unlocked_door_is_noted_where_it_leads_if_known() -> None:
    site = into_hall(Passback("hard"))
    site.set(unlocked=True)
    site.run(SECOND)
    site.show(ADA)
    site.card("999")
    assert (site.codes, site.presence) == ([16, 16], {ADA: Presence(HALL, NOW + SECOND)})


def test_a_remote_admission_by_name_moves_the_person_too() -> None:
    site = into_hall(Passback("hard"))
    site.door.admit(61, ADA, site.presence, site.now)
    assert [fact.moved_to for fact in site.facts] == [Presence(HALL, NOW), None]


def test_whoever_leaves_by_the_button_is_nobody_in_particular() -> None:
    site = into_hall(Passback("hard"))
    site.presence[ADA] = Presence(HALL, NOW)
    site.rex()
    assert site.presence == {ADA: Presence(HALL, NOW)}
