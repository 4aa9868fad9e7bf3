"""What the output of a lock is told, against a device that does as it is told."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from doorward.drivers.osdp.commands import SwitchOutput
from doorward.drivers.osdp.lock import DELIVERED_WITHIN_S, LockOutput, Result

NOW = 1000.0


@dataclass
class Relay:
    """An output as IEC 60839-11-5 has it: a permanent state, and a timed operation over it."""

    permanent: bool = False
    timed_until: float = 0.0

    def do(self, command: SwitchOutput, at: float) -> None:
        if command.switching == "pulse":
            self.timed_until = at + command.tenths / 10
        else:
            self.permanent, self.timed_until = command.switching == "on", 0.0

    def is_released(self, at: float) -> bool:
        return self.permanent or at < self.timed_until


def settle(lock: LockOutput, relay: Relay, now: float) -> list[SwitchOutput]:
    """Deliver everything that is to be sent now."""
    sent = []
    while (command := lock.next_command(now)) is not None:
        sent.append(command)
        relay.do(command, now)
        lock.done(command, now)
        assert len(sent) < 5, "it does not come to rest"
    return sent


def settled() -> tuple[LockOutput, Relay]:
    lock, relay = LockOutput(0), Relay()
    lock.set_mode("controlled")
    assert settle(lock, relay, NOW) == [SwitchOutput(0, "off")]
    return lock, relay


def test_a_lock_is_left_as_it_was_found_until_somebody_says_how_it_is_to_stand() -> None:
    lock, relay = LockOutput(0), Relay(permanent=True)
    assert settle(lock, relay, NOW) == []
    lock.unlock(5_000, NOW)
    assert settle(lock, relay, NOW) == [SwitchOutput(0, "pulse", 50)]
    lock.set_mode("controlled")
    settle(lock, relay, NOW + 10)
    assert not relay.is_released(NOW + 10)


def test_a_release_is_one_timed_operation() -> None:
    lock, relay = settled()
    lock.unlock(5_000, NOW, 7)
    assert settle(lock, relay, NOW) == [SwitchOutput(0, "pulse", 50)]
    assert lock.results == [Result(7, True)]
    assert relay.is_released(NOW + 4.9)
    assert not relay.is_released(NOW + 5.0)


@pytest.mark.parametrize(("milliseconds", "tenths"), [(1, 1), (100, 1), (101, 2), (3_050, 31), (25_500, 255)])
def test_the_time_is_rounded_up(milliseconds: int, tenths: int) -> None:
    lock, relay = settled()
    lock.unlock(milliseconds, NOW)
    assert settle(lock, relay, NOW) == [SwitchOutput(0, "pulse", tenths)]


@given(st.integers(25_600, 600_000))
def test_a_long_release_is_prolonged_and_never_held_longer_than_the_device_ends_by_itself(milliseconds: int) -> None:
    lock, relay = settled()
    lock.unlock(milliseconds, NOW)
    end = NOW + milliseconds / 1000
    now, sent = NOW, 0
    while now < end:
        sent += len(settle(lock, relay, now))
        assert relay.is_released(now)
        assert not relay.permanent
        assert relay.timed_until <= now + 25.5, "if we died now, it would stay open for long"
        now += 0.5
    settle(lock, relay, end)
    assert not relay.is_released(end + 0.2)
    assert sent <= milliseconds / 1000 / 9 + 3


def test_a_longer_release_is_not_cut_short_by_a_shorter_one() -> None:
    lock, relay = settled()
    lock.unlock(10_000, NOW)
    settle(lock, relay, NOW)
    lock.unlock(2_000, NOW + 1, 8)
    assert settle(lock, relay, NOW + 1) == []
    assert lock.results == [Result(8, True)]
    assert relay.is_released(NOW + 9.9)


def test_locking_ends_a_release_for_good() -> None:
    lock, relay = settled()
    lock.unlock(20_000, NOW)
    settle(lock, relay, NOW)
    lock.set_mode("locked")
    lock.set_mode("controlled")
    settle(lock, relay, NOW + 1)
    assert not relay.is_released(NOW + 1)
    assert settle(lock, relay, NOW + 2) == []


def test_what_may_go_on_after_locking_is_released_again() -> None:
    lock, relay = settled()
    lock.unlock(20_000, NOW)
    settle(lock, relay, NOW)
    lock.set_mode("locked")
    lock.set_mode("controlled")
    lock.unlock(3_000, NOW + 1)
    assert settle(lock, relay, NOW + 1) == [SwitchOutput(0, "off"), SwitchOutput(0, "pulse", 30)]


def test_a_door_held_locked_is_not_released() -> None:
    lock, relay = settled()
    lock.set_mode("locked")
    settle(lock, relay, NOW)
    lock.unlock(5_000, NOW, 9)
    lock.set_mode("controlled")
    assert settle(lock, relay, NOW + 1) == []
    assert lock.results == [Result(9, False, "the door is held locked")]


def test_a_release_that_does_not_reach_the_device_in_time_is_given_up() -> None:
    lock, _ = settled()
    lock.unlock(5_000, NOW, 3)
    assert lock.next_command(NOW + DELIVERED_WITHIN_S) is not None
    assert lock.next_command(NOW + DELIVERED_WITHIN_S + 0.01) is None
    assert lock.results == [Result(3, False, "the device did not answer in time")]


def test_a_release_under_way_survives_a_short_loss_and_is_prolonged_after_it() -> None:
    lock, relay = settled()
    lock.unlock(60_000, NOW)
    settle(lock, relay, NOW)
    lock.found(NOW + 12)
    assert settle(lock, relay, NOW + 12) == [SwitchOutput(0, "pulse", 255)]


def test_a_release_that_ended_in_the_device_during_a_loss_is_not_begun_anew() -> None:
    lock, relay = settled()
    lock.unlock(60_000, NOW)
    settle(lock, relay, NOW)
    lock.found(NOW + 30)
    assert settle(lock, relay, NOW + 30) == [SwitchOutput(0, "off")]
    assert not relay.is_released(NOW + 30)


def test_a_release_that_was_lost_on_the_way_is_not_made_up_for() -> None:
    lock, relay = settled()
    lock.unlock(5_000, NOW, 4)
    assert lock.next_command(NOW) is not None
    lock.expire(NOW + 1.1)
    assert lock.results == [Result(4, False, "the device did not answer in time")]
    lock.found(NOW + 2)
    assert settle(lock, relay, NOW + 2) == [SwitchOutput(0, "off")]


def test_a_release_waits_for_a_device_that_is_back_within_the_second() -> None:
    lock, relay = settled()
    lock.unlock(5_000, NOW, 4)
    lock.found(NOW + 0.5)
    assert settle(lock, relay, NOW + 0.5) == [SwitchOutput(0, "off"), SwitchOutput(0, "pulse", 45)]
    assert lock.results == [Result(4, True)]


def test_a_release_of_a_door_that_is_held_open_is_done_once_the_device_holds_it_open() -> None:
    lock, relay = settled()
    lock.set_mode("unlocked")
    lock.unlock(5_000, NOW, 4)
    assert lock.results == []
    settle(lock, relay, NOW)
    assert lock.results == [Result(4, True)]
    lock.unlock(5_000, NOW, 5)
    assert lock.results[1:] == [Result(5, True)]


def test_a_door_held_open_is_so_again_after_the_device_was_without_power() -> None:
    lock, relay = settled()
    lock.set_mode("unlocked")
    assert settle(lock, relay, NOW) == [SwitchOutput(0, "on")]
    lock.found(NOW + 60)
    assert settle(lock, Relay(), NOW + 60) == [SwitchOutput(0, "on")]


class Life(RuleBasedStateMachine):
    """Anything may happen in any order; the relay is never released without leave, and never for long without us."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.relay, self.now = LockOutput(0), Relay(), NOW
        self.allowed_until = 0.0
        self.online = True

    @rule(milliseconds=st.integers(1, 120_000))
    def unlock(self, milliseconds: int) -> None:
        self.lock.unlock(milliseconds, self.now, 1)
        if self.lock.mode != "locked":
            self.allowed_until = max(self.allowed_until, self.now + milliseconds / 1000 + 0.1)

    @rule(mode=st.sampled_from(["locked", "unlocked", "controlled"]))
    def hold(self, mode: str) -> None:
        self.lock.set_mode(mode)  # type: ignore[arg-type] # one of the three
        if mode == "locked":
            self.allowed_until = 0.0

    @precondition(lambda self: self.online)
    @rule()
    def lose(self) -> None:
        self.online = False

    @precondition(lambda self: not self.online)
    @rule(was_without_power=st.booleans())
    def find(self, was_without_power: bool) -> None:
        self.online = True
        if was_without_power:
            self.relay = Relay()
        self.lock.found(self.now)

    @precondition(lambda self: self.online)
    @rule(is_heard=st.booleans(), is_confirmed=st.booleans())
    def send(self, is_heard: bool, is_confirmed: bool) -> None:
        command = self.lock.next_command(self.now)
        if command is None:
            return
        if is_heard:
            self.relay.do(command, self.now)
        if is_heard and is_confirmed:
            self.lock.done(command, self.now)
        else:
            self.lock.failed(command, "refused")

    @rule(seconds=st.floats(0.01, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.lock.expire(self.now)

    @precondition(lambda self: self.online)
    @invariant()
    def is_right_once_all_is_delivered(self) -> None:
        import copy

        lock, relay = copy.deepcopy(self.lock), copy.deepcopy(self.relay)
        settle(lock, relay, self.now)
        released = relay.is_released(self.now)
        if lock.mode == "unlocked":
            assert released
        elif lock.mode == "locked":
            assert not released
        elif released:
            assert self.now < self.allowed_until
            assert relay.timed_until <= self.now + 25.5
            assert not relay.permanent


TestLife = Life.TestCase
