"""A door that lets in only two people at once."""

import pytest

from doorward.decision.snapshot import Credential, Passback, Presence, Presented
from tests.unit.controller.site import ADA, BEN, CLEO, DAN, NOW, SECOND, Site


def two_person_site() -> Site:
    return Site(two_person=True)


@pytest.mark.en60839("6.2.2/two")
def test_the_first_waits_and_the_second_opens_for_both() -> None:
    site = two_person_site()
    site.show(ADA)
    assert (site.codes, site.last_shown, site.released) == ([], "wait", False)
    site.run(4 * SECOND)
    site.show(BEN)
    assert (site.codes, site.who(10), site.last_shown) == ([10, 10], [ADA, BEN], "granted")
    assert site.reasons(10) == [["role_grants", "second_person"]] * 2
    assert [fact.credential for fact in site.facts] == ["1234", "5678"]
    assert site.at_code(10) == [4 * SECOND, 4 * SECOND], "both were let in when the second came"
    site.run(20 * SECOND)
    assert site.lock == [(4 * SECOND, True), (9 * SECOND, False)]
    assert site.codes == [10, 10]


@pytest.mark.en60839("6.2.2/two")
def test_the_first_alone_is_refused_when_the_time_is_over() -> None:
    site = two_person_site()
    site.show(ADA)
    site.run(10 * SECOND)
    assert site.codes == []
    site.run(1)
    assert (site.codes, site.who(25), site.last_shown) == ([25], [ADA], "denied")
    assert site.reasons(25) == [["second_person_missing"]]
    assert site.at_code(25) == [10 * SECOND + 1]
    site.show(BEN)
    assert (site.codes, site.last_shown) == ([25], "wait"), "who comes then is the first of another pair"


def test_the_same_person_is_not_a_second_one_whatever_they_present() -> None:
    site = two_person_site()
    site.show(ADA)
    site.run(4 * SECOND)
    site.show(ADA)
    site.show(ADA, "pin")
    assert (site.codes, site.last_shown, site.released) == ([], "wait", False)
    site.run(6 * SECOND + 1)
    assert (site.codes, site.who(25)) == ([25], [ADA]), "nor does that lengthen the time"


def test_who_is_refused_in_between_changes_nothing() -> None:
    site = two_person_site()
    site.show(ADA)
    site.card("999")
    site.show(DAN)
    assert site.codes == [20, 27]
    site.show(BEN)
    assert (site.codes, site.who(10)) == ([20, 27, 10, 10], [ADA, BEN])


def test_a_first_who_may_not_pass_any_more_leaves_the_second_waiting() -> None:
    site = two_person_site()
    site.show(ADA)
    site.put(ADA, "Ada Lovelace", {"card": "1234"}, status="disabled")
    site.show(BEN)
    assert (site.codes, site.who(27), site.last_shown, site.released) == ([27], [ADA], "wait", False)
    site.show(CLEO)
    assert (site.codes, site.who(10), site.released) == ([27, 10, 10], [BEN, CLEO], True)


def test_a_lockdown_while_the_first_waits_refuses_the_second() -> None:
    site = two_person_site()
    site.show(ADA)
    site.set(card_lockdown=True)
    site.show(BEN)
    site.run(11 * SECOND)
    assert (site.codes, site.who(22), site.who(25), site.released) == ([22, 25], [BEN], [ADA], False)


def test_each_of_the_two_needs_two_factors_where_the_door_wants_them() -> None:
    site = Site(two_person=True, two_factor=True)
    site.show(ADA)
    site.keys("4711#")
    assert site.codes == []
    site.run(3 * SECOND)
    site.show(BEN)
    site.run(3 * SECOND)
    site.keys("5511#")
    assert (site.codes, site.who(70), site.released) == ([70, 70], [ADA, BEN], True)


def test_both_go_where_the_door_leads() -> None:
    site = Site(two_person=True, area_from=None, area_to=5, passback=Passback("hard"))
    site.show(ADA)
    assert site.presence == {}
    site.show(BEN)
    assert site.presence == {ADA: Presence(5, NOW), BEN: Presence(5, NOW)}


def test_a_first_who_has_passed_elsewhere_meanwhile_is_passed_back() -> None:
    site = Site(two_person=True, area_from=None, area_to=5, passback=Passback("hard"))
    site.show(ADA)
    site.presence[ADA] = Presence(5, NOW)
    site.show(BEN)
    assert (site.codes, site.who(28), site.released) == ([28], [ADA], False)


def test_an_operator_a_button_and_an_unlocked_door_need_one_person_or_none() -> None:
    site = two_person_site()
    assert site.door.admit(61, ADA, {}, site.now).admitted
    assert site.door.admit(62, None, {}, site.now).admitted
    site.rex()
    site.set(unlocked=True)
    site.show(BEN)
    assert site.codes == [15, 50, 15, 50, 30, 13, 16]


def test_a_remote_admission_is_no_second_person() -> None:
    site = two_person_site()
    site.show(ADA)
    site.door.admit(61, BEN, {}, site.now)
    site.run(11 * SECOND)
    assert (site.codes, site.who(25)) == ([15, 50, 25], [ADA])


def test_all_at_once_by_present_is_as_by_the_reader() -> None:
    site = two_person_site()
    first = site.door.present(Presented(Credential("card", "1234")), {}, site.now)
    assert (int(first.event_code), first.admitted, site.codes) == (25, False, [])
    second = site.door.present(Presented(Credential("card", "5678")), {}, site.now)
    assert (second.admitted, site.codes) == (True, [10, 10])


def test_who_presents_all_at_once_is_not_a_second_person_when_the_time_is_over() -> None:
    site = two_person_site()
    site.door.present(Presented(Credential("card", "1234")), {}, NOW)
    site.door.present(Presented(Credential("card", "1234")), {}, NOW + 10 * SECOND + 1)
    assert (site.codes, site.who(25)) == ([25], [ADA])
    second = site.door.present(Presented(Credential("card", "5678")), {}, NOW + 15 * SECOND)
    assert (second.admitted, site.who(10)) == (True, [ADA, BEN]), "the first has waited since the second time"


def test_nobody_waits_on_when_the_clock_is_put_back() -> None:
    site = two_person_site()
    site.show(ADA)
    site.door.tick(NOW - 60 * SECOND)
    assert site.codes == [25]


def test_a_lockdown_of_inputs_does_not_end_a_release_for_two_of_whom_one_has_a_card() -> None:
    site = Site(two_person=True)
    site.show(BEN)
    site.show(ADA, "aux")
    assert site.codes == [10, 14]
    site.set(aux_lockdown=True)
    assert site.released
    site.set(aux_lockdown=False, card_lockdown=True)
    assert not site.released


def test_what_waits_is_said_when_the_controller_ends() -> None:
    site = two_person_site()
    site.show(ADA)
    site.door.give_up(site.now)
    site.run(60 * SECOND)
    assert site.codes == [25]
