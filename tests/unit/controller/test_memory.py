"""A controller that is restarted without a server: nothing is said twice or not at all, and the door is locked."""

import msgspec
import pytest

from doorward.controller.door import DoorMemory, Setting
from doorward.decision.codes import EventCode
from doorward.decision.shifts import Stretch, Timetable
from tests.unit.controller.site import ADA, BEN, HOUR, MINUTE, NOW, SECOND, Site


def shift(hours: int = 2) -> Timetable:
    return Timetable(Stretch(NOW, NOW + hours * HOUR), "Europe/London")


def test_a_memory_survives_as_json() -> None:
    site = Site(auto_unlock=shift(), first_person_in=True)
    site.driver.tamper(1, True)
    site.driver.tamper(1, False)
    site.show(ADA)
    site.set(unlocked=True, unlocked_until=NOW + HOUR)
    site.driver.cut_line(1)
    site.driver.restore(1)
    site.open()
    site.driver.fault_contact(1, True)
    site.driver.mains(1, False)
    memory = site.door.memory()
    assert msgspec.json.decode(msgspec.json.encode(memory), type=DoorMemory) == memory
    assert msgspec.json.decode(b"{}", type=DoorMemory) == DoorMemory()
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"alarm": 999}', type=DoorMemory)


def test_a_memory_changes_only_when_there_is_something_to_remember() -> None:
    site = Site()
    before = site.door.memory()
    site.card("999")
    site.run(HOUR)
    assert site.door.memory() == before


def test_a_release_under_way_is_not_taken_up_again() -> None:
    site = Site(Setting(pulse_ms=600_000, held_open_ms=30_000))
    site.show(ADA)
    site.restart(down=SECOND)
    site.run(HOUR)
    assert site.lock == [(0, True), (SECOND, False)], "nobody would know of it, and end it in a lockdown"


def test_whoever_was_let_in_just_before_may_still_open_the_door() -> None:
    site = Site()
    site.show(ADA)
    site.restart(down=SECOND)
    site.open()
    assert site.codes == [10, 31]
    forgetful = Site()
    forgetful.show(ADA)
    forgetful.restart(known=False)
    forgetful.open()
    assert forgetful.codes == [10, 33]


def test_an_auto_unlock_under_way_is_not_begun_again_and_its_end_is_told() -> None:
    site = Site(auto_unlock=shift())
    site.rule(auto_unlock=None)
    site.rule(auto_unlock=shift())
    assert site.take() == [41, 40]
    site.restart(down=MINUTE)
    assert (site.take(), site.released) == ([], True)
    site.restart(down=3 * HOUR)
    assert (site.take(), site.released) == ([41], False)


def test_an_auto_unlock_that_began_meanwhile_is_told() -> None:
    site = Site(auto_unlock=Timetable(Stretch(NOW + MINUTE, NOW + HOUR), "Europe/London"))
    site.restart(down=2 * MINUTE)
    assert (site.codes, site.released) == ([40], True)
    fresh = Site(auto_unlock=Timetable(Stretch(NOW + MINUTE, NOW + HOUR), "Europe/London"))
    fresh.restart(down=2 * MINUTE, known=False)
    assert (fresh.codes, fresh.released) == ([], True), "whoever knows nothing says nothing"


def test_whoever_came_first_today_need_not_come_again() -> None:
    site = Site(auto_unlock=shift(), first_person_in=True)
    site.show(ADA)
    assert site.take() == [10, 40]
    site.restart(down=MINUTE)
    assert (site.take(), site.released) == ([], True)
    site.restart(known=False)
    assert not site.released, "without its memory the door waits for somebody"


@pytest.mark.parametrize("down", [59 * SECOND, 61 * SECOND, HOUR])
def test_a_door_that_relocks_by_itself_says_so_once_whenever_the_restart_was(down: int) -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    site.restart(down=down)
    assert site.released == (down < MINUTE)
    site.run(HOUR)
    site.restart()
    assert (site.codes, site.released) == ([58], False)


def test_a_door_that_had_relocked_before_says_nothing_more() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    site.run(MINUTE)
    site.restart(down=HOUR)
    assert site.codes == [58]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_door_that_has_relocked_stays_locked_when_the_clock_is_put_back(is_restarted: bool) -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    site.run(2 * MINUTE)
    assert site.take() == [58]
    site.hardware.clock.advance(NOW - site.now)
    if is_restarted:
        site.restart()
    site.door.tick(NOW)
    site.set(pulse_ms=7_000)
    site.run(SECOND)
    assert (site.codes, site.released) == ([], False)
    site.show(ADA)
    assert site.take() == [10], "admitted by name, not by unlock mode"
    site.set(unlocked_until=NOW + 10 * MINUTE)
    assert site.released, "what an operator sets anew is another matter"
    site.set(unlocked=False, unlocked_until=None)
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    assert site.released, "also until the same instant"
    site.run(10 * MINUTE)
    assert (site.take(), site.released) == ([58], False)


def test_an_alarm_lasts_and_ends_when_the_door_is_closed() -> None:
    site = Site()
    site.open()
    site.restart(down=MINUTE)
    assert site.door.alarm is EventCode.DOOR_FORCED
    site.run(HOUR)
    site.close()
    assert site.codes == [33, 32, 35]


def test_a_door_that_stood_open_is_held_open_from_when_it_was_opened() -> None:
    site = Site()
    site.rex()
    site.open()
    site.run(10 * SECOND)
    site.restart(down=10 * SECOND)
    site.run(10 * SECOND)
    assert (site.codes, site.at_code(34)) == ([30, 13, 31, 34], [30 * SECOND])
    site.restart()
    site.run(HOUR)
    assert site.codes == [30, 13, 31, 34]


def test_a_controller_that_was_tampered_with_still_is() -> None:
    site = Site()
    site.driver.tamper(1, True)
    site.restart()
    site.show(ADA)
    assert site.codes == [90, 23]
    site.driver.tamper(1, False)
    assert site.codes == [90, 23, 91]


def test_a_fault_and_a_device_out_of_reach_are_told_of_once() -> None:
    site = Site()
    site.driver.fault_contact(1, True)
    site.driver.mains(1, False)
    site.driver.cut_line(1)
    site.restart()
    assert site.take() == [37, 92, 3]
    site.driver.restore(1)
    site.driver.mains(1, True)
    site.driver.fault_contact(1, False)
    assert site.take() == [1, 93, 35]


def test_a_lock_is_held_as_it_is_to_be_whatever_it_did_before() -> None:
    site = Site()
    site.restart(down=1, at_end=lambda: site.driver.set_mode(1, "unlocked"))
    assert site.lock == [(1, True), (1, False)]
    site.set(unlocked=True)
    site.restart(at_end=lambda: site.driver.set_mode(1, "locked"))
    assert site.released
    assert site.codes == []


def test_who_waits_for_a_second_person_begins_anew() -> None:
    site = Site(two_person=True)
    site.show(ADA)
    site.restart()
    site.show(BEN)
    assert (site.codes, site.released) == ([], False)
