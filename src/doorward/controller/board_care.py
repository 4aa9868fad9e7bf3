"""What boards that decide by themselves need: to be told what changes, to be asked for what they recorded, the time.

Whatever a board does not take is tried again; its channel counts as decided by the new only once the board has it. A
lockdown is told apart from all else, at once: a board may take minutes for the cards that are being written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, cast

import structlog

from doorward.controller.doors import Doors
from doorward.controller.hardware import Confirms, LocksDown, SetsPulse, Unit, wait_before
from doorward.controller.served import Served
from doorward.drivers.base import BoardDriver, Driver

_log = structlog.get_logger("doorward.controller")

_LOOK_EVERY_S: Final = 0.25
_APPLY_AGAIN_MS: Final = 3_600_000
"""How often a board is told again what it has been told: what ends by itself there has to be taken on."""
_CLOCK_EVERY_MS: Final = 600_000
_CLOCK_TOLERANCE_MS: Final = 2_000
_CLOCK_BACK_MS: Final = 60_000


@dataclass
class _Work:
    """One kind of what a board is told: by one task at a time, tried again with growing patience."""

    failures: int = 0
    not_before: float = 0.0
    task: "asyncio.Task[None] | None" = field(default=None)


@dataclass
class _State:
    """What a channel's board has been told by now."""

    driver: Driver
    urgent: _Work = field(default_factory=_Work)
    other: _Work = field(default_factory=_Work)
    lockdown: tuple[bool, bool] | None = None
    lockdown_refused: tuple[str, ...] = ()
    pulse_ms: int | None = None
    confirmed_at: int | None = None
    applied_at: int | None = None
    clock_seen_at: int | None = None

    def tasks(self) -> "list[asyncio.Task[None]]":
        """What is being done."""
        return [work.task for work in (self.urgent, self.other) if work.task is not None]


class BoardCare:
    """Used from one event loop. `on_applied`: is called when a board has what its channel was told."""

    def __init__(self, doors: Doors, on_applied: Callable[[Served], None]) -> None:
        self._doors = doors
        self._on_applied = on_applied
        self._states: dict[int, _State] = {}
        self._asking: set[asyncio.Task[None]] = set()
        doors.on_started = self._catch_up

    async def run(self) -> None:
        """Look after the boards until cancelled."""
        try:
            while True:
                for served in self._doors.driven():
                    if served.has_board:
                        self._look_after(served)
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            tasks = [*self._asking, *(task for state in self._states.values() for task in state.tasks())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look_after(self, served: Served) -> None:
        driver = None if served.unit is None else served.unit.driver
        if driver is None or not isinstance(driver, BoardDriver) or not served.replica.is_told:
            return
        state = self._states.get(served.id)
        if state is None or state.driver is not driver:
            for task in () if state is None else state.tasks():
                task.cancel()
            served.on_board = None
            state = self._states[served.id] = _State(driver)
        if state.confirmed_at is not None and served.confirmed_at < state.confirmed_at - _CLOCK_BACK_MS:
            state.applied_at = None  # the controller's clock was put back: what ends there by itself ends too late
        if state.lockdown != _lockdown_of(served):
            # Also before anybody is put on the board: it may be that nobody is to be admitted.
            self._begin(state.urgent, served, lambda: self._lock_down(served, driver, state))
        elif self._is_due(served, state):
            self._begin(state.other, served, lambda: self._do(served, driver, state))

    def _is_due(self, served: Served, state: _State) -> bool:
        now, setting = self._doors.clock.now(), served.replica.setting
        return (
            state.pulse_ms != setting.pulse_ms
            or state.confirmed_at != served.confirmed_at
            or not served.is_applied
            or _is_over(state.applied_at, _APPLY_AGAIN_MS, now)
            or _is_over(state.clock_seen_at, _CLOCK_EVERY_MS, now)
        )

    def _begin(self, work: _Work, served: Served, do: Callable[[], Awaitable[None]]) -> None:
        if work.task is None and asyncio.get_running_loop().time() >= work.not_before:
            work.task = asyncio.create_task(self._try(work, served, do))

    async def _try(self, work: _Work, served: Served, do: Callable[[], Awaitable[None]]) -> None:
        try:
            await do()
            work.failures = 0
        except Exception as error:  # noqa: BLE001 - whatever a board does, it is tried again
            work.failures += 1
            work.not_before = asyncio.get_running_loop().time() + wait_before(work.failures)
            if not isinstance(error, OSError):
                _log.exception("a board could not be told", channel=served.id)
            elif work.failures == 1:
                _log.warning("a board could not be told", channel=served.id, reason=str(error))
        finally:
            work.task = None

    async def _lock_down(self, served: Served, driver: BoardDriver, state: _State) -> None:
        lockdown = _lockdown_of(served)
        if isinstance(driver, LocksDown):
            cards, rex = lockdown
            state.lockdown_refused = await driver.lock_down(served.id, cards=cards, rex=rex)
        state.lockdown = lockdown

    async def _do(self, served: Served, driver: BoardDriver, state: _State) -> None:
        setting, clock = served.replica.setting, self._doors.clock
        if state.pulse_ms != setting.pulse_ms:
            if isinstance(driver, SetsPulse):
                driver.set_pulse(served.id, setting.pulse_ms)
            state.pulse_ms = setting.pulse_ms
        now = clock.now()
        if not served.is_applied or _is_over(state.applied_at, _APPLY_AGAIN_MS, now):
            snapshot, content = served.replica.snapshot, served.replica.state
            applied = await driver.apply(snapshot, served.confirmed_at or now)
            served.refused = (*state.lockdown_refused, *applied.refused)
            served.on_board, state.applied_at = content, now
            self._on_applied(served)
        if state.confirmed_at != served.confirmed_at and served.is_applied:
            state.confirmed_at = served.confirmed_at
            if isinstance(driver, Confirms):
                driver.confirm(served.id, served.confirmed_at)
        if driver.capabilities.clock and _is_over(state.clock_seen_at, _CLOCK_EVERY_MS, clock.now()):
            state.clock_seen_at = clock.now()
            if abs(await driver.get_clock(served.id) - clock.now()) > _CLOCK_TOLERANCE_MS:
                await driver.set_clock(served.id, clock.now())

    def _catch_up(self, unit: Unit) -> None:
        """A driver has just begun: ask its boards for what they recorded since they were heard last."""
        driver = unit.driver
        if driver is None or not unit.capabilities.event_cursor:
            return
        for channel_id in unit.channel_ids:
            served = self._doors.channels.get(channel_id)
            # What a board recorded before it was ours is nothing that happened here.
            if served is not None and served.cursor is not None:
                task = asyncio.create_task(self._ask(served, cast(BoardDriver, driver), served.cursor))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

    async def _ask(self, served: Served, driver: BoardDriver, cursor: int) -> None:
        attempt = 0
        while served.unit is not None and served.unit.driver is driver:
            try:
                for event in await driver.events_after(served.id, cursor):
                    self._doors.handle(event)
            except OSError:
                attempt += 1
                await asyncio.sleep(wait_before(attempt))
            except Exception:  # noqa: BLE001 - what follows is heard all the same
                _log.exception("a board could not be asked for what it recorded", channel=served.id)
                return
            else:
                return


def _lockdown_of(served: Served) -> tuple[bool, bool]:
    """Whether it holds for cards, and for the exit button."""
    setting = served.replica.setting
    return setting.card_lockdown, setting.rex_lockdown


def _is_over(since: int | None, stretch_ms: int, now: int) -> bool:
    """Whether a stretch is over, or the clock has been put back."""
    return since is None or not 0 <= now - since < stretch_ms
