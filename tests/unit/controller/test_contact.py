"""The door contact: forced, held open with a warning before, faulty; and the lock that locks once the door is open."""

from dataclasses import replace

import pytest

from doorward.controller.contact import WARN_EVERY_MS
from tests.unit.controller.site import ADA, BEN, MINUTE, NOW, SECOND, SETTING, Site

WITH_WARNING = replace(SETTING, held_open_warning_ms=15_000)


def test_a_door_that_is_closed_in_time_is_opened_and_closed() -> None:
    site = Site()
    site.show(ADA)
    site.run(3 * SECOND)
    site.open()
    site.run(20 * SECOND)
    site.close()
    site.run(MINUTE)
    assert site.codes == [10, 31, 32]
    assert site.lock == [(0, True), (5 * SECOND, False)]


def test_a_door_that_opens_a_moment_after_the_release_was_pushed_during_it() -> None:
    site = Site()
    site.show(ADA)
    site.run(6 * SECOND)
    site.open()
    assert site.take() == [10, 31]
    site.close()
    site.run(1)
    site.open()
    assert site.take() == [32, 33]


@pytest.mark.en60839("6.2.3")
def test_a_forced_door_is_an_alarm_until_it_is_closed() -> None:
    site = Site()
    site.open()
    assert (site.take(), site.door.alarm) == ([33], 33)
    site.show(ADA)
    site.run(10 * MINUTE)
    assert (site.take(), site.door.alarm) == ([10], 33), "neither an admission nor time makes it good"
    site.close()
    assert (site.take(), site.door.alarm) == ([32, 35], None)


@pytest.mark.en60839("6.2.1/held", "6.3.3")
def test_a_door_held_open_is_warned_of_at_the_reader_before_and_until_it_is_closed() -> None:
    site = Site(WITH_WARNING)
    site.rex()
    site.open()
    site.run(MINUTE)
    site.close()
    site.run(MINUTE)
    warned = [at for at, feedback in site.shown if feedback == "warning"]
    assert warned == list(range(15 * SECOND, 61 * SECOND, WARN_EVERY_MS))
    assert site.codes == [30, 13, 31, 34, 32, 35]
    assert site.at_code(34) == [30 * SECOND]


@pytest.mark.parametrize(
    "changes", [{"held_open_warning_ms": 0}, {"held_open_warning_ms": 15_000, "held_open_ms": 600_000}]
)
def test_there_is_no_warning_where_none_is_wanted_or_due(changes: dict[str, int]) -> None:
    site = Site()
    site.set(**changes)
    site.rex()
    site.open()
    site.run(MINUTE)
    assert "warning" not in [feedback for _, feedback in site.shown]


def test_a_forced_door_is_an_alarm_already_and_warns_nobody() -> None:
    site = Site(WITH_WARNING)
    site.open()
    site.run(MINUTE)
    assert site.shown == []
    assert site.codes == [33]


def test_a_warning_longer_than_the_time_allowed_begins_at_once() -> None:
    site = Site()
    site.set(held_open_ms=2_000, held_open_warning_ms=60_000)
    site.rex()
    site.open()
    site.run(1)
    assert site.last_shown == "warning"


def test_whoever_passes_an_open_door_may_take_their_time_too() -> None:
    site = Site()
    site.show(ADA)
    site.open()
    site.run(25 * SECOND)
    site.show(BEN)
    site.run(25 * SECOND)
    assert site.codes == [10, 31, 10]
    site.run(5 * SECOND)
    assert site.at_code(34) == [55 * SECOND]
    site.rex()
    site.run(MINUTE)
    assert site.codes == [10, 31, 10, 34, 30, 13], "an alarm lasts until the door is closed"


def test_a_refusal_does_not_lengthen_the_time_that_a_door_may_be_open() -> None:
    site = Site()
    site.show(ADA)
    site.open()
    site.run(25 * SECOND)
    site.card("999")
    site.run(5 * SECOND)
    assert site.codes == [10, 31, 20, 34]


def test_an_unlocked_door_may_stand_open_and_the_time_counts_from_its_locking() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + 10 * MINUTE)
    site.open()
    site.run(10 * MINUTE)
    assert site.codes == [31, 58]
    site.run(30 * SECOND)
    assert site.at_code(34) == [10 * MINUTE + 30 * SECOND]


@pytest.mark.en60839("6.2.3/fault")
def test_a_faulty_contact_is_told_of_and_says_nothing_about_the_door() -> None:
    site = Site()
    site.driver.fault_contact(1, True)
    assert (site.take(), site.door.alarm) == ([37], 37)
    site.open()
    site.run(MINUTE)
    assert site.take() == []
    site.driver.fault_contact(1, False)
    assert (site.take(), site.door.alarm) == ([35, 33], 33), "it is found open without leave"


def test_a_door_held_open_is_not_told_of_while_nobody_knows_whether_it_is_open() -> None:
    site = Site()
    site.rex()
    site.open()
    site.run(10 * SECOND)
    site.driver.fault_contact(1, True)
    site.run(MINUTE)
    assert site.take() == [30, 13, 31, 37]
    site.driver.fault_contact(1, False)
    site.run(29_999)
    assert (site.take(), site.door.alarm) == ([35], None)
    site.run(1)
    assert site.take() == [34]


def test_a_fault_during_an_alarm_does_not_end_it() -> None:
    site = Site()
    site.open()
    site.driver.fault_contact(1, True)
    assert site.door.alarm == 33
    site.driver.fault_contact(1, False)
    assert site.door.alarm == 33
    site.close()
    assert site.door.alarm is None


def test_a_contact_that_says_again_what_it_said_says_nothing() -> None:
    site = Site()
    site.door.contact(False, NOW)
    site.open()
    site.door.contact(True, NOW)
    assert site.codes == [33]


# The lock that locks once the door is open.


def test_the_lock_is_locked_soon_after_the_door_has_opened_but_not_before_its_strike_is_free() -> None:
    site = Site()
    site.set(relock_on_open=True)
    site.show(ADA)
    site.run(2 * SECOND)
    site.open()
    site.run(10 * SECOND)
    assert site.lock == [(0, True), (3 * SECOND, False)]


def test_a_door_that_has_relocked_may_not_be_opened_again_by_the_same_release() -> None:
    site = Site()
    site.set(relock_on_open=True, pulse_ms=60_000)
    site.show(ADA)
    site.run(SECOND)
    site.open()
    site.run(5 * SECOND)
    site.close()
    site.open()
    assert site.codes == [10, 31, 32, 33]


def test_a_second_admission_is_not_cut_short_by_the_first_one_s_opening() -> None:
    site = Site()
    site.set(relock_on_open=True)
    site.show(ADA)
    site.open()
    site.run(500)
    site.show(BEN)
    site.run(10 * SECOND)
    assert site.lock == [(0, True), (5_500, False)]


def test_an_unlocked_door_does_not_relock_because_it_is_opened() -> None:
    site = Site()
    site.set(relock_on_open=True, unlocked=True)
    site.show(ADA)
    site.open()
    site.run(MINUTE)
    assert site.lock == [(0, True)]


def test_a_door_unlocked_meanwhile_does_not_relock_because_it_was_opened() -> None:
    site = Site()
    site.set(relock_on_open=True, pulse_ms=60_000)
    site.show(ADA)
    site.open()
    site.set(unlocked=True)
    site.run(10 * SECOND)
    assert site.lock == [(0, True)]


def test_a_door_pushed_at_the_moment_of_its_locking_is_not_forced() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    site.run(MINUTE + 500)
    site.open()
    site.close()
    site.run(SECOND)
    site.open()
    assert site.codes == [58, 31, 32, 33]


def test_a_release_that_is_almost_over_ends_by_itself() -> None:
    site = Site()
    site.set(relock_on_open=True)
    site.show(ADA)
    site.run(4_500)
    site.open()
    site.run(MINUTE)
    assert site.lock == [(0, True), (5 * SECOND, False)]
