"""How long a lock is released by commands of one pulse each, whatever comes in between."""

import asyncio
from collections.abc import Callable

import pytest

from doorward.drivers.esp_rfid.release import LOCKED_DOWN, Release

pytestmark = pytest.mark.anyio
PULSE_MS = 200


class Lock:
    """A relay of one pulse, that answers after `delay_s`, or not at all."""

    def __init__(self) -> None:
        self.opened: list[float] = []
        self.reports: list[tuple[int, str | None]] = []
        self.delay_s = 0.0
        self.answer_s = 0.0
        self.is_dead = False
        self.release = Release(self.open, lambda number, reason: self.reports.append((number, reason)), PULSE_MS)

    async def open(self, asked_at: float, is_wanted: Callable[[], bool]) -> None:
        await asyncio.sleep(self.delay_s)
        if self.is_dead:
            raise OSError("no answer")
        if not is_wanted():
            raise OSError("not wanted")
        assert asked_at <= asyncio.get_running_loop().time()
        self.opened.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.answer_s)

    @property
    def until(self) -> float:
        return self.opened[-1] + PULSE_MS / 1_000


async def test_a_release_shorter_than_a_pulse_is_one_command() -> None:
    lock = Lock()
    lock.release.unlock(1, 5)
    await asyncio.sleep(0.3)
    assert len(lock.opened) == 1
    assert lock.reports == [(5, None)]


async def test_a_long_release_has_no_gap_and_ends_when_it_is_to_end() -> None:
    lock = Lock()
    began = asyncio.get_running_loop().time()
    lock.release.unlock(600, None)
    await asyncio.sleep(0.8)
    assert all(later - earlier < PULSE_MS / 1_000 for earlier, later in zip(lock.opened, lock.opened[1:], strict=False))
    assert 0.6 <= lock.until - began < 0.75


async def test_a_command_that_is_answered_late_opens_nothing_after_the_end() -> None:
    lock = Lock()
    began = asyncio.get_running_loop().time()
    lock.release.unlock(300, None)
    await asyncio.sleep(0.03)
    lock.delay_s = 0.4
    await asyncio.sleep(0.7)
    assert max(lock.opened) - began < 0.3


async def test_what_fails_is_said_and_is_not_tried_again() -> None:
    lock = Lock()
    lock.is_dead = True
    lock.release.unlock(10_000, 1)
    await asyncio.sleep(0.05)
    lock.is_dead = False
    await asyncio.sleep(0.15)
    assert lock.reports == [(1, "no answer")]
    assert lock.opened == []


async def test_a_lockdown_wins_over_an_answer_that_is_still_to_come() -> None:
    lock = Lock()
    lock.delay_s = 0.02
    lock.release.unlock(10_000, 1)
    await asyncio.sleep(0.01)
    lock.release.lock()
    lock.release.unlock(10, 2)
    await asyncio.sleep(0.2)
    assert lock.reports == [(1, "not wanted"), (2, None)]
    assert len(lock.opened) == 1, "the new release is as short as was asked for"


async def test_a_lockdown_after_the_command_was_sent_makes_it_the_last() -> None:
    lock = Lock()
    lock.answer_s = 0.05
    lock.release.unlock(10_000, 1)
    await asyncio.sleep(0.02)
    lock.release.lock()
    await asyncio.sleep(0.4)
    assert lock.reports == [(1, None)]
    assert len(lock.opened) == 1


async def test_a_lockdown_refuses_what_waits() -> None:
    lock = Lock()
    lock.release.unlock(10, 1)
    lock.release.lock()
    await asyncio.sleep(0.02)
    assert lock.reports == [(1, LOCKED_DOWN)]
    assert lock.opened == []


async def test_a_held_lock_stays_released_and_goes_back_to_what_was_asked_for() -> None:
    lock = Lock()
    lock.release.hold(True)
    await asyncio.sleep(0.5)
    lock.release.hold(False)
    await asyncio.sleep(0.02)
    count = len(lock.opened)
    assert count >= 3
    await asyncio.sleep(0.3)
    assert len(lock.opened) == count
    lock.release.stop()
