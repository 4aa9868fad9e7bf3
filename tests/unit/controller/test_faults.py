"""What goes wrong with the hardware of a door: what is told of it, and that no lock moves because of it."""

from dataclasses import replace

import pytest

from doorward.controller.door import Setting
from doorward.drivers.base import Capabilities, EventGap, Online
from doorward.drivers.simulated.driver import SimulatedDriver
from tests.unit.controller.site import ADA, BEN, HOUR, MINUTE, NOW, SECOND, Site


def test_a_slow_reader_is_waited_for() -> None:
    site = Site()
    site.driver.slow_reader(1, 3_000)
    site.show(ADA)
    site.show(BEN)
    site.run(2_999)
    assert site.codes == []
    site.run(1)
    assert (site.codes, site.who(10), site.lock) == ([10, 10], [ADA, BEN], [(3_000, True)])


def test_a_contact_that_is_stuck_shut_says_nothing_and_the_lock_goes_on() -> None:
    site = Site()
    site.driver.stick_contact(1, True)
    site.show(ADA)
    site.open()
    site.run(HOUR)
    assert (site.codes, site.lock) == ([10], [(0, True), (5 * SECOND, False)])
    site.driver.stick_contact(1, False)
    assert site.codes == [10, 33], "it is found open"


def test_a_contact_that_is_stuck_open_is_a_door_held_open() -> None:
    site = Site()
    site.show(ADA)
    site.open()
    site.driver.stick_contact(1, True)
    site.close()
    site.run(HOUR)
    assert site.codes == [10, 31, 34]
    site.driver.stick_contact(1, False)
    assert (site.codes, site.door.alarm) == ([10, 31, 34, 32, 35], None)


@pytest.mark.en60839("6.8/power")
def test_a_door_without_power_is_locked_and_is_as_it_was_when_power_is_back() -> None:
    site = Site()
    site.set(unlocked=True)
    site.run(MINUTE)
    site.driver.cut_power(1)
    assert (site.codes, site.released) == ([3], False)
    site.show(ADA)
    site.rex()
    site.run(MINUTE)
    assert site.codes == [3]
    site.driver.restore(1)
    assert (site.codes, site.released) == ([3, 1, 39], True)
    assert site.lock == [(0, True), (MINUTE, False), (2 * MINUTE, True)]


def test_a_release_that_a_power_cut_ended_is_not_taken_up_again() -> None:
    site = Site(Setting(pulse_ms=600_000, held_open_ms=30_000))
    site.show(ADA)
    site.run(SECOND)
    site.driver.cut_power(1)
    site.run(SECOND)
    site.driver.restore(1)
    site.run(HOUR)
    assert site.lock == [(0, True), (SECOND, False)]


@pytest.mark.en60839("6.8/20")
def test_a_lock_does_not_move_because_the_line_is_cut_or_back() -> None:
    site = Site()
    site.set(unlocked=True)
    site.driver.cut_line(1)
    site.run(MINUTE)
    site.driver.restore(1)
    assert (site.codes, site.lock) == ([3, 1], [(0, True)])
    locked = Site()
    locked.driver.cut_line(1)
    locked.run(MINUTE)
    locked.driver.restore(1)
    assert (locked.codes, locked.lock) == ([3, 1], [])


def test_a_release_under_way_ends_on_time_without_the_line() -> None:
    site = Site()
    site.show(ADA)
    site.run(SECOND)
    site.driver.cut_line(1)
    site.run(MINUTE)
    assert site.lock == [(0, True), (5 * SECOND, False)]


def test_a_door_that_relocked_while_it_could_not_be_reached_is_locked_when_it_can() -> None:
    site = Site()
    site.set(unlocked=True, unlocked_until=NOW + MINUTE)
    site.driver.cut_line(1)
    site.run(2 * MINUTE)
    assert site.released, "nobody could tell it"
    site.driver.restore(1)
    assert (site.codes, site.released) == ([3, 58, 1], False)


def test_what_a_device_kept_is_told_afterwards_at_its_own_time_and_releases_nothing() -> None:
    site = Site()
    site.show(ADA)
    site.run(SECOND)
    site.driver.cut_line(1, keeps_events=True)
    site.open()
    site.run(SECOND)
    site.close()
    site.show(BEN)
    site.run(HOUR)
    site.driver.restore(1)
    assert site.codes == [10, 3, 1, 31, 32, 25]
    assert (site.at_code(31), site.at_code(32)) == ([SECOND], [2 * SECOND])
    assert (site.who(25), site.reasons(25)) == ([BEN], [["reported_late"]])
    assert site.lock == [(0, True), (5 * SECOND, False)]


def test_what_was_kept_only_a_moment_still_releases_the_door() -> None:
    site = Site()
    site.driver.cut_line(1, keeps_events=True)
    site.show(ADA)
    site.run(2 * SECOND)
    site.driver.restore(1)
    assert (site.codes, site.released) == ([3, 1, 10], True)


def test_who_is_refused_late_is_refused_for_their_own_reason() -> None:
    site = Site()
    site.driver.cut_line(1, keeps_events=True)
    site.card("999")
    site.run(MINUTE)
    site.driver.restore(1)
    assert site.codes == [3, 1, 20]


@pytest.mark.en60839("6.3.4/lost")
def test_how_many_events_are_lost_is_told_and_how_the_door_is_now() -> None:
    site = Site()
    site.driver.cut_line(1)
    site.open()
    site.close()
    site.open()
    site.run(MINUTE)
    site.driver.restore(1)
    assert site.codes == [3, 1, 39, 33], "it stands open, and nobody is known to have been let in"
    gap = next(fact for fact in site.facts if fact.code == 39)
    assert gap.verdict is not None
    assert [(reason.code, reason.count) for reason in gap.verdict.reasons] == [("events_lost", 3)]


def test_a_gap_of_unknown_length_is_told() -> None:
    site = Site()
    site.hear(EventGap(channel_id=1, device_time=NOW))
    assert (site.codes, site.reasons(39)) == ([39], [["events_lost"]])


def test_a_clock_that_has_gone_wrong_changes_nothing_at_the_door() -> None:
    for drift in (-3 * HOUR, 3 * HOUR):
        site = Site()
        site.driver.drift(1, drift)
        site.show(ADA)
        site.run(SECOND)
        site.open()
        site.run(SECOND)
        site.close()
        site.run(MINUTE)
        site.open()
        assert site.codes == [10, 31, 32, 33]
        assert [fact.at - NOW for fact in site.facts] == [0, SECOND, 2 * SECOND, 62 * SECOND]


def test_contact_with_the_device_is_lost_once_and_regained_once() -> None:
    site = Site()
    site.driver.cut_line(1)
    site.driver.cut_power(1)
    site.run(MINUTE)
    site.driver.restore(1)
    site.driver.restore(1)
    assert site.codes == [3, 1]


def test_a_device_that_answers_from_the_start_is_no_news() -> None:
    site = Site()
    site.hear(Online(channel_id=1, device_time=NOW))
    site.hear(Online(channel_id=1, device_time=NOW))
    assert site.codes == []


def test_mains_power_is_told_of_when_it_fails_and_when_it_is_back() -> None:
    site = Site()
    site.driver.mains(1, True)
    assert site.codes == []
    site.driver.mains(1, False)
    site.driver.mains(1, False)
    site.driver.mains(1, True)
    assert site.codes == [92, 93]


def test_a_remote_admission_at_a_door_that_cannot_be_reached_is_answered_so() -> None:
    site = Site()
    site.driver.cut_line(1)
    verdict = site.door.admit(61, ADA, {}, site.now)
    assert not verdict.admitted
    assert [(int(fact.code), fact.answers) for fact in site.facts] == [(3, None), (52, 61)]


def test_a_release_longer_than_the_hardware_can_be_told_is_told_in_parts() -> None:
    told: list[tuple[int, int]] = []

    class Short(SimulatedDriver):
        """Ends a release after 25.5 seconds at the latest, as what counts tenths of a second in a byte does."""

        @property
        def capabilities(self) -> Capabilities:
            return replace(super().capabilities, max_pulse_s=25.5)

        def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
            told.append((site.now - NOW, milliseconds))
            super().unlock(channel_id, milliseconds, command_id)

    site = Site(Setting(pulse_ms=60_000, held_open_ms=600_000), driver=Short)
    site.show(ADA)
    site.run(HOUR)
    assert told == [(0, 25_500), (24_500, 25_500), (49_000, 11_000)]
    assert site.lock == [(0, True), (MINUTE, False)]
    site.show(ADA)
    site.run(10 * SECOND)
    site.set(card_lockdown=True)
    site.run(HOUR)
    assert len(told) == 4, "what has been ended is not renewed"
    assert site.lock[2:] == [(HOUR, True), (HOUR + 10 * SECOND, False)]
