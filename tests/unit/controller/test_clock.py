"""The controller's clock, put right or not, and the server's as far as it is known."""

import pytest

from doorward.controller.clock import DoorClock, ServerTime
from doorward.kit.clock import FixedClock

NOW = 1_772_442_000_000
HOUR = 3_600_000


class Time:
    """The machine's clock and what nobody can put back."""

    def __init__(self, machine: int = NOW) -> None:
        self.machine = FixedClock(machine)
        self.elapsed = 0

    def monotonic(self) -> int:
        return self.elapsed

    def go(self, milliseconds: int) -> None:
        self.elapsed += milliseconds
        self.machine.advance(milliseconds)

    def clock(self) -> DoorClock:
        return DoorClock(self.machine, self.monotonic)


def test_it_is_the_machines_clock() -> None:
    time = Time()
    clock = time.clock()
    time.go(HOUR)
    assert clock.now() == NOW + HOUR
    assert clock.take_step() == 0


@pytest.mark.parametrize("step", [-HOUR, HOUR, 50 * 365 * 24 * HOUR])
def test_a_step_is_followed_and_told_once(step: int) -> None:
    time = Time()
    clock = time.clock()
    time.machine.advance(step)
    assert clock.now() == NOW + step
    assert clock.take_step() == step
    time.go(1_000)
    assert clock.take_step() == 0


def test_what_keeps_a_clock_right_is_no_step() -> None:
    time = Time()
    clock = time.clock()
    for _ in range(100):
        time.go(250)
        time.machine.advance(-40)
        clock.now()
    assert clock.take_step() == 0


def test_after_a_start_in_1970_time_goes_on_from_what_has_happened() -> None:
    time = Time(machine=12_000)
    clock = time.clock()
    assert clock.not_before(NOW) == NOW - 12_000
    time.go(5_000)
    assert clock.now() == NOW + 5_000
    # Set by the time service.
    time.machine.at = NOW + 2 * HOUR
    assert clock.now() == NOW + 2 * HOUR
    assert clock.take_step() == 2 * HOUR - 5_000


def test_a_start_with_a_clock_that_may_be_right_is_left_alone() -> None:
    clock = Time().clock()
    assert clock.not_before(NOW - HOUR) == 0
    assert clock.not_before(NOW + 9_000) == 0
    assert clock.now() == NOW


def test_what_was_recorded_by_a_clock_that_was_ahead_is_given_up_when_the_server_says_so() -> None:
    time = Time()
    clock = time.clock()
    assert clock.not_before(NOW + 24 * HOUR) == 24 * HOUR
    clock.agree(NOW + 24 * HOUR)
    assert clock.now() == NOW + 24 * HOUR
    clock.agree(NOW + 500)
    assert clock.now() == NOW
    assert clock.take_step() == -24 * HOUR


def test_the_servers_time_goes_on_by_itself_whatever_becomes_of_ones_own_clock() -> None:
    time = Time()
    server = ServerTime(time.monotonic)
    assert server.now() is None
    assert server.skew(NOW) is None
    asked_at = time.elapsed
    time.go(200)
    server.heard(NOW + 5_000, asked_at)
    assert server.now() == NOW + 5_100
    time.machine.advance(-HOUR)
    time.go(10_000)
    assert server.now() == NOW + 15_100


def test_an_answer_that_took_long_says_little() -> None:
    time = Time()
    server = ServerTime(time.monotonic)
    time.go(8_000)
    server.heard(NOW, 0)
    assert server.now() is None


def test_a_clock_that_is_wrong_is_told_of_once_an_episode() -> None:
    time = Time()
    server = ServerTime(time.monotonic)
    server.heard(NOW, 0)
    own = [NOW + 9_000, NOW + 11_000, NOW + 12_000, NOW + 1_000, NOW - 10_500, NOW]
    assert [server.has_gone_wrong(each) for each in own] == [False, True, False, False, True, False]
