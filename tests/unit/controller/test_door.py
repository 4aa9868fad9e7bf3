"""One door's logic over the simulated hardware: release, contact, alarms, the button, tampering."""

from dataclasses import replace

import pytest

from doorward.controller.door import Door, Fact, Setting
from doorward.decision.codes import EventCode
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import (
    Channel,
    Credential,
    Directory,
    Grant,
    Passback,
    Person,
    Presence,
    Presented,
    Snapshot,
)
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import FixedClock

NOW = 1_772_442_000_000
ADA = Presented(Credential("card", "0001234"))
NOBODY = Presented(Credential("card", "9"))


class Bench:
    """A door on a workbench."""

    def __init__(self, setting: Setting | None = None, **rules: object) -> None:
        self.clock = FixedClock(NOW)
        self.driver = SimulatedDriver(self.clock)
        self.facts: list[Fact] = []
        directory = Directory()
        person = Person(7, "Ada Lovelace", "active", None, None, frozenset({1}), frozenset())
        directory.put(person, [Credential("card", "1234"), Credential("pin", "4711")])
        channel = replace(Channel(1, "Front door", "UTC", frozenset({"card", "pin"})), **rules)  # type: ignore[arg-type]
        self.snapshot = Snapshot(channel, directory, {1: Grant(1, "Members", None, "")})
        self.setting = setting or Setting(pulse_ms=5_000, held_open_ms=30_000)
        self.door = Door(self.driver, self.facts.append, self.snapshot, self.setting)

    def after(self, milliseconds: int) -> int:
        self.clock.advance(milliseconds)
        self.door.tick(self.clock.now())
        return self.clock.now()

    @property
    def codes(self) -> list[int]:
        return [int(fact.code) for fact in self.facts]

    def released(self) -> bool:
        return self.driver.is_released(1)

    def alarm(self) -> EventCode | None:
        return self.door.alarm


@pytest.mark.en60839("6.2.1")
def test_an_admission_releases_the_lock_for_the_pulse_time_and_no_longer() -> None:
    bench = Bench()
    assert bench.door.present(ADA, {}, NOW).admitted
    assert bench.released()
    bench.after(4_999)
    assert bench.released()
    bench.after(1)
    assert not bench.released()
    assert bench.codes == [10]


@pytest.mark.en60839("6.2.2", "6.3.1")
def test_a_refusal_leaves_the_lock_alone_and_shows_it_at_the_reader() -> None:
    bench = Bench()
    assert not bench.door.present(NOBODY, {}, NOW).admitted
    assert not bench.released()
    assert bench.driver.door(1).last_feedback == "denied"
    assert bench.codes == [20]


@pytest.mark.en60839("6.3.4", "6.8/22")
def test_the_number_of_a_card_is_on_record_and_a_pin_never() -> None:
    bench = Bench()
    bench.door.present(ADA, {}, NOW)
    bench.door.present(Presented(Credential("pin", "4711")), {}, NOW)
    bench.door.present(Presented(Credential("pin", "0000")), {}, NOW)
    assert [fact.credential for fact in bench.facts] == ["1234", None, None]


@pytest.mark.en60839("6.2.3")
def test_a_door_opened_with_leave_is_opened_and_one_without_is_forced() -> None:
    bench = Bench()
    bench.door.present(ADA, {}, NOW)
    bench.door.contact(True, bench.after(3_000))
    bench.door.contact(False, bench.after(2_000))
    bench.door.contact(True, bench.after(60_000))
    assert bench.alarm() is EventCode.DOOR_FORCED
    bench.door.contact(False, bench.after(1_000))
    assert bench.alarm() is None
    assert bench.codes == [10, 31, 32, 33, 32, 35]


def test_a_door_held_open_is_noticed_once_and_is_normal_when_closed() -> None:
    bench = Bench()
    bench.door.press_rex(NOW)
    bench.door.contact(True, bench.after(1_000))
    bench.after(29_999)
    assert bench.alarm() is None
    bench.after(1)
    bench.after(60_000)
    bench.door.contact(False, bench.after(1))
    assert bench.codes == [30, 13, 31, 34, 32, 35]


@pytest.mark.en60839("6.2.2/exit")
def test_the_button_releases_the_door_unless_it_is_locked_down_itself() -> None:
    everything_but_the_button = Setting(5_000, 30_000, card_lockdown=True, aux_lockdown=True)
    bench = Bench(everything_but_the_button)
    bench.door.tamper(True, NOW)
    assert bench.door.press_rex(NOW).admitted
    assert bench.released()
    locked = Bench(Setting(5_000, 30_000, rex_lockdown=True))
    assert not locked.door.press_rex(NOW).admitted
    assert not locked.released()
    assert locked.codes == [30]


@pytest.mark.en60839("6.6")
def test_unlock_mode_holds_the_lock_open_until_it_relocks_by_itself() -> None:
    bench = Bench(Setting(5_000, 30_000, unlocked=True, unlocked_until=NOW + 60_000))
    bench.after(0)
    assert bench.released()
    bench.door.contact(True, bench.after(10_000))
    assert bench.codes == [31], "an unlocked door may be opened"
    bench.door.contact(False, bench.after(1_000))
    bench.after(49_000)
    assert not bench.released()


def test_lockdown_wins_over_unlock_mode_and_over_auto_unlock() -> None:
    always = Timetable(Stretch(NOW - 1, NOW + 10**9), "UTC")
    bench = Bench(Setting(5_000, 30_000, unlocked=True), auto_unlock=always)
    bench.after(0)
    assert bench.released()
    bench.door.update(bench.snapshot, replace(bench.setting, card_lockdown=True), NOW)
    assert not bench.released()
    assert bench.door.present(ADA, {}, NOW).event_code == 22


@pytest.mark.en60839("6.8/tamper")
def test_a_tampered_controller_lets_nobody_in_until_it_is_closed_again() -> None:
    bench = Bench()
    bench.door.tamper(True, NOW)
    assert bench.door.present(ADA, {}, NOW).event_code == 23
    bench.door.tamper(False, NOW)
    assert bench.door.present(ADA, {}, NOW).event_code == 10
    assert bench.codes == [90, 23, 91, 10]


def test_an_admission_between_two_areas_says_where_the_person_went() -> None:
    bench = Bench(area_from=None, area_to=5, passback=Passback("hard"))
    bench.door.present(ADA, {}, NOW)
    moved = bench.facts[0].moved_to
    assert moved == Presence(5, NOW)
    assert bench.door.present(ADA, {7: Presence(5, NOW)}, NOW).event_code == 28
    assert bench.facts[1].moved_to is None


@pytest.mark.parametrize("value", ["", "\x00", "💳", "9" * 10_000, "0"])
def test_whatever_a_reader_reports_gets_a_verdict(value: str) -> None:
    bench = Bench()
    for kind in ("card", "pin", "aux", "apple", "nonsense"):
        verdict = bench.door.present(Presented(Credential(kind, value)), {}, NOW)
        assert not verdict.admitted
        assert not bench.released()


@pytest.mark.en60839("6.6")
def test_an_admission_from_afar_releases_the_door_and_answers_the_request() -> None:
    bench = Bench(area_from=None, area_to=5, passback=Passback("hard"))
    assert bench.door.admit(61, 7, {}, NOW).admitted
    assert bench.released()
    assert [(int(fact.code), fact.answers) for fact in bench.facts] == [(15, None), (50, 61)]
    assert [fact.moved_to for fact in bench.facts] == [Presence(5, NOW), None]
    bench.after(5_000)
    assert bench.door.admit(62, None, {}, bench.clock.now()).admitted
    assert bench.released()


@pytest.mark.parametrize("person_id", [None, 7])
def test_an_admission_from_afar_is_denied_where_nobody_may_pass(person_id: int | None) -> None:
    tampered = Bench()
    tampered.door.tamper(True, NOW)
    known = Bench(Setting(5_000, 30_000, card_lockdown=True))
    on_its_way = Bench()
    lifted, locked = (Setting(5_000, 30_000, card_lockdown=down) for down in (False, True))
    for bench, latest, reason in (
        (tampered, lifted, "tampered"),
        (known, None, "card_lockdown"),
        (known, lifted, "card_lockdown"),
        (on_its_way, locked, "card_lockdown"),
    ):
        given = None if latest is None else (bench.snapshot, latest)
        verdict = bench.door.admit(61, person_id, {}, NOW, given)
        assert not verdict.admitted
        assert [entry.code for entry in verdict.reasons] == [reason]
        assert not bench.released()
        assert (int(bench.facts[-1].code), bench.facts[-1].answers) == (51, 61)
        assert bench.driver.door(1).last_feedback == "denied"


def test_an_admission_from_afar_of_somebody_without_a_role_is_denied() -> None:
    bench = Bench()
    assert not bench.door.admit(61, 8, {}, NOW).admitted
    assert not bench.released()
    assert bench.codes == [51]


def test_an_admission_at_a_door_that_stands_unlocked_is_said_to_be_so() -> None:
    bench = Bench(Setting(5_000, 30_000, unlocked=True))
    bench.door.admit(61, None, {}, NOW)
    assert bench.codes == [16, 50]


def test_a_door_that_relocks_on_time_says_so_once() -> None:
    bench = Bench(Setting(5_000, 30_000, unlocked=True, unlocked_until=NOW + 60_000))
    bench.after(0)
    bench.after(59_999)
    assert bench.codes == []
    bench.after(1)
    bench.after(60_000)
    assert bench.codes == [58]
    late = Bench(Setting(5_000, 30_000, unlocked=True, unlocked_until=NOW - 1))
    late.after(0)
    assert late.codes == [], "what had happened before this door was taken over is not said again"


def test_an_auto_unlock_that_begins_ends_or_is_suppressed_is_on_record() -> None:
    hour = 3_600_000
    bench = Bench(auto_unlock=Timetable(Stretch(NOW + hour, NOW + 4 * hour), "UTC"))
    bench.after(0)
    assert bench.codes == []
    bench.after(hour)
    assert (bench.codes, bench.released()) == ([40], True)
    locked = replace(bench.setting, card_lockdown=True)
    bench.door.update(bench.snapshot, locked, bench.clock.now())
    assert (bench.codes, bench.released()) == ([40, 42], False)
    bench.door.update(bench.snapshot, bench.setting, bench.after(hour))
    assert (bench.codes, bench.released()) == ([40, 42, 40], True)
    bench.after(2 * hour)
    assert (bench.codes, bench.released()) == ([40, 42, 40, 41], False)


def test_an_auto_unlock_that_would_begin_during_a_lockdown_is_suppressed() -> None:
    bench = Bench(Setting(5_000, 30_000, card_lockdown=True), auto_unlock=Timetable(Stretch(NOW + 1, NOW + 9), "UTC"))
    bench.after(0)
    bench.after(1)
    bench.after(8)
    assert bench.codes == [42]


def test_a_shift_that_cannot_be_read_leaves_the_door_locked_and_quiet() -> None:
    bench = Bench(auto_unlock=object())
    bench.after(0)
    bench.after(1_000)
    assert (bench.codes, bench.released()) == ([], False)


LONG = Setting(pulse_ms=600_000, held_open_ms=30_000)


@pytest.mark.parametrize("remotely", [True, False])
def test_a_lockdown_ends_a_release_that_is_under_way(remotely: bool) -> None:
    bench = Bench(LONG)
    if remotely:
        bench.door.admit(61, None, {}, NOW)
    else:
        bench.door.present(ADA, {}, NOW)
    at = bench.after(60_000)
    bench.door.update(bench.snapshot, replace(LONG, card_lockdown=True), at)
    assert not bench.released()
    bench.door.update(bench.snapshot, LONG, bench.after(1_000))
    assert not bench.released(), "what has been ended does not begin again"
    bench.door.contact(True, bench.after(1_000))
    assert bench.alarm() is EventCode.DOOR_FORCED
    bench.door.contact(False, bench.after(1_000))
    assert bench.door.present(ADA, {}, bench.after(1_000)).admitted
    assert bench.released()


def test_tampering_ends_a_release_that_is_under_way() -> None:
    bench = Bench(LONG)
    bench.door.present(ADA, {}, NOW)
    bench.door.tamper(True, bench.after(1_000))
    assert not bench.released()
    bench.door.tamper(False, bench.after(1_000))
    assert not bench.released()


def test_a_release_by_the_button_outlasts_a_lockdown_unless_the_button_is_locked_down_too() -> None:
    bench = Bench(LONG)
    bench.door.press_rex(NOW)
    bench.door.present(ADA, {}, bench.after(60_000))
    locked = replace(LONG, card_lockdown=True)
    bench.door.update(bench.snapshot, locked, bench.after(1_000))
    assert bench.released()
    bench.door.contact(True, bench.after(1_000))
    assert bench.alarm() is None
    bench.door.contact(False, bench.after(1_000))
    assert bench.driver.door(1).released_until == NOW + 600_000, "as long as the button released it, not the card"
    bench.door.update(bench.snapshot, replace(locked, rex_lockdown=True), bench.after(1_000))
    assert not bench.released()


def test_a_lockdown_of_an_unlocked_door_ends_a_release_beneath_it() -> None:
    unlocked = replace(LONG, unlocked=True)
    bench = Bench(unlocked)
    bench.after(0)
    bench.door.present(ADA, {}, NOW)
    bench.door.update(bench.snapshot, replace(unlocked, card_lockdown=True), bench.after(1_000))
    assert not bench.released()
    bench.door.update(bench.snapshot, LONG, bench.after(1_000))
    assert not bench.released()
    bench.door.update(bench.snapshot, unlocked, bench.after(1_000))
    assert bench.released()


def test_a_remote_admission_is_decided_by_what_is_known_last() -> None:
    bench = Bench()
    nobody = replace(bench.snapshot, grants={})
    assert not bench.door.admit(61, 7, {}, NOW, (nobody, bench.setting)).admitted
    assert not bench.released()
    bench.door.update(nobody, bench.setting, NOW)
    assert bench.door.admit(62, 7, {}, NOW, (bench.snapshot, bench.setting)).admitted
    assert bench.released()


def test_a_remote_admission_that_cannot_be_decided_is_denied() -> None:
    bench = Bench()
    verdict = bench.door.refuse(61, 7, NOW)
    assert (verdict.admitted, verdict.person_name) == (False, "Ada Lovelace")
    assert (int(bench.facts[0].code), bench.facts[0].answers) == (51, 61)
    assert not bench.released()
