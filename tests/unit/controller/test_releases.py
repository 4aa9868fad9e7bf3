"""A release lasts as long as it was given, whatever is done to the clock and whoever stops answering."""

from dataclasses import replace
from typing import Final

import pytest

from doorward.controller.door import Door, Fact, Setting
from doorward.decision.snapshot import Credential, Directory, Grant, Person, Presented, Snapshot
from doorward.drivers.base import Capabilities, DeviceEvent, Mode
from doorward.drivers.simulated.driver import SimulatedDriver
from tests.unit.controller.site import CHANNEL, HOUR, NOW, SECOND

LONG: Final = Setting(pulse_ms=60 * SECOND, held_open_ms=30 * SECOND)


class SetClock:
    """A clock that is put forward and back, and counts on."""

    def __init__(self) -> None:
        self.at = NOW
        self.count = 0

    def now(self) -> int:
        return self.at

    def steady(self) -> int:
        return self.count

    def go(self, milliseconds: int) -> None:
        self.at += milliseconds
        self.count += milliseconds


class ShortPulses(SimulatedDriver):
    """Hardware that holds no release longer than ten seconds without hearing from us. It counts what it is told."""

    told = 0
    decides = False
    modes: tuple[Mode, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, max_pulse_s=10, decides_locally=self.decides)

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        assert milliseconds <= 10 * SECOND
        self.told += 1
        super().unlock(channel_id, milliseconds, command_id)

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        self.modes = (*self.modes, mode)
        super().set_mode(channel_id, mode)


class Bench:
    """One door on such hardware, and Ada with her card."""

    def __init__(self, setting: Setting = LONG) -> None:
        self.clock = SetClock()
        self.driver = ShortPulses(self.clock)
        self.facts: list[Fact] = []
        directory = Directory()
        ada = Person(7, "Ada Lovelace", "active", None, None, frozenset({1}), frozenset())
        directory.put(ada, [Credential("card", "1234")])
        snapshot = Snapshot(CHANNEL, directory, {1: Grant(1, "Members", None, "")})
        self.door = Door(self.driver, self.facts.append, snapshot, setting, steady=self.clock.steady)
        self.driver.start(self.hear)
        self.door.tick(NOW)
        self.driver.modes = ()

    def hear(self, event: DeviceEvent) -> None:
        self.door.handle(event, {}, self.clock.now())

    def show(self) -> None:
        self.driver.present(1, Presented(Credential("card", "1234")))

    def go(self, milliseconds: int) -> None:
        """Let time pass as a controller does: a look four times a second."""
        for _ in range(milliseconds // 250):
            self.clock.go(250)
            self.door.tick(self.clock.now())

    def is_released(self) -> bool:
        return self.driver.is_released(1)


@pytest.mark.parametrize("step", [-HOUR, -30 * SECOND, 30 * SECOND, HOUR])
def test_a_clock_that_is_set_neither_lengthens_a_release_nor_cuts_it_short(step: int) -> None:
    bench = Bench()
    bench.show()
    bench.go(20 * SECOND)
    bench.clock.at += step
    bench.go(39 * SECOND)
    assert bench.is_released()
    bench.go(2 * SECOND)
    assert not bench.is_released()
    told = bench.driver.told
    bench.go(120 * SECOND)
    assert (bench.is_released(), bench.driver.told) == (False, told)


def test_a_clock_that_is_put_back_does_not_begin_a_release_again() -> None:
    bench = Bench()
    bench.show()
    bench.go(61 * SECOND)
    assert not bench.is_released()
    told = bench.driver.told
    bench.clock.at -= HOUR
    bench.go(2 * SECOND)
    bench.door.update(bench.door.snapshot, replace(LONG, rex_lockdown=True), bench.clock.now())
    bench.go(120 * SECOND)
    assert (bench.is_released(), bench.driver.told) == (False, told)


def test_a_lockdown_ends_a_release_also_after_the_clock_was_put_forward() -> None:
    bench = Bench()
    bench.show()
    bench.go(5 * SECOND)
    bench.clock.at += HOUR
    bench.door.update(bench.door.snapshot, replace(LONG, card_lockdown=True), bench.clock.now())
    assert not bench.is_released()


def test_when_there_is_something_to_do_is_said_by_the_clock_as_it_is() -> None:
    bench = Bench()
    bench.show()
    bench.clock.at -= HOUR
    assert bench.door.next_due(bench.clock.now()) == bench.clock.now() + 9 * SECOND, "the next part of the release"


@pytest.mark.parametrize("fault", ["power", "line"])
def test_a_release_is_not_gone_on_with_when_the_hardware_is_back(fault: str) -> None:
    bench = Bench()
    bench.show()
    bench.go(2 * SECOND)
    if fault == "power":
        bench.driver.cut_power(1)
    else:
        bench.driver.cut_line(1)
    bench.go(20 * SECOND)
    bench.driver.restore(1)
    assert not bench.is_released()
    bench.go(60 * SECOND)
    assert not bench.is_released()
    assert len(bench.driver.outputs(1)) == 2, "once released, once locked"


def test_what_is_locked_down_while_the_line_is_cut_is_locked_when_it_is_back() -> None:
    bench = Bench()
    bench.show()
    bench.driver.cut_line(1)
    bench.go(SECOND)
    bench.door.update(bench.door.snapshot, replace(LONG, card_lockdown=True), bench.clock.now())
    bench.go(SECOND)
    assert bench.is_released(), "it cannot be told"
    bench.driver.restore(1)
    assert not bench.is_released()


def test_a_reader_is_locked_once_the_door_has_been_opened_and_a_board_is_not_held_shut_for_it() -> None:
    readers = Bench(replace(LONG, relock_on_open=True))
    readers.show()
    readers.driver.move(1, True)
    readers.go(2 * SECOND)
    assert (readers.is_released(), readers.driver.modes) == (False, ("locked", "controlled"))

    board = Bench(replace(LONG, relock_on_open=True))
    board.driver.decides = True
    board.door.admit(1, 7, {}, board.clock.now())
    board.driver.move(1, True)
    board.go(2 * SECOND)
    assert (board.is_released(), board.driver.modes) == (True, ())
