"""The locks of one board: held open, shut or controlled, released for a while, and closed in time if we are gone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.decision.shifts import Timetable
from doorward.drivers.base import CommandResult, DeviceEvent, Mode
from doorward.drivers.uhppote.board_time import DAY_MS, MINUTE_MS
from doorward.drivers.uhppote.closings import closing_minutes, ends_of, tasks_for
from doorward.drivers.uhppote.config import LONGEST_PULSE_S, BoardConfig
from doorward.drivers.uhppote.link import BoardError, BoardLink, DoorControl
from doorward.kit.clock import Clock

_MODES: Final[Mapping[Mode, int]] = {"unlocked": 1, "locked": 2, "controlled": 3}
_LATEST_S: Final = 2.0
"""A release that could not be asked for by then is not asked for any more."""
_PATIENCE_MS: Final = 30_000
"""A lock that the controller says nothing about is then left to the board, whatever it was set to before."""
_AHEAD_MS: Final = 28 * DAY_MS
_NEEDED_AHEAD_MS: Final = 7 * DAY_MS


@dataclass(slots=True)
class _Door:
    mode: Mode | None = None
    """What the controller wants; None as long as it has said nothing."""
    pulse_s: int = 5
    is_rex_locked: bool = False
    is_locked_down: bool = False
    known: DoorControl | None = None
    """What the board is set to."""
    told_at: int = 0
    relock_at: int | None = None
    shift: Timetable | None = None
    followed_since: int | None = None

    @property
    def wanted(self) -> Mode | None:
        """What the lock is to do: a lockdown wins."""
        if self.is_locked_down:
            return "locked" if self.is_rex_locked else "controlled"
        return self.mode


class Doors:
    """Does what the controller wants of the locks, one thing after the other."""

    def __init__(
        self, board: BoardConfig, link: BoardLink, clock: Clock, *, report: Callable[[DeviceEvent], None]
    ) -> None:
        self._board = board
        self._link = link
        self._clock = clock
        self._report = report
        self._doors = {door: _Door(pulse_s=board.pulse_s) for door in board.channels}
        self._queue: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._closings: dict[int, set[int]] | None = None
        """By door, the minutes at which the board closes it; None: what tasks there are is not known."""
        self._has_stale_tasks = False
        self._offset: int | None = None
        self._lock = asyncio.Lock()

    # What the controller says, at once; it is done by run().

    def set_mode(self, door: int, mode: Mode) -> None:
        """Hold a lock open or shut, or leave it to the board."""
        self._doors[door].mode = mode
        control_mode = self._doors[door].wanted
        if control_mode is not None:
            # Each word is said, also one that the next takes back: shut ends a release.
            self._queue.put_nowait(lambda: self._say(door, control_mode))

    def release(self, door: int, seconds: int, command_id: int | None) -> None:
        """Release a lock for some seconds. It is not tried again: a lock must not be released late."""
        asked_at = asyncio.get_running_loop().time()
        self._queue.put_nowait(lambda: self._release(door, seconds, command_id, asked_at))

    def set_pulse(self, door: int, seconds: int) -> None:
        """For how long a card releases the lock."""
        self._doors[door].pulse_s = min(max(seconds, 1), LONGEST_PULSE_S)

    def set_lockdown(self, door: int, *, cards: bool, rex: bool) -> None:
        """Lock down for cards, and for the button only together with them."""
        state = self._doors[door]
        before = state.wanted
        state.is_locked_down, state.is_rex_locked = cards, cards and rex
        wanted = state.wanted
        if wanted is not None and wanted != before:
            self._queue.put_nowait(lambda: self._say(door, wanted))

    def relock_at(self, door: int, at: int | None) -> None:
        """When the board is to end unlock mode by itself; None: not by itself."""
        self._doors[door].relock_at = at

    def follow(self, door: int, shift: Timetable | None, offset: int) -> None:
        """The door's auto-unlock shift, and the offset that the board's clock is set by."""
        state = self._doors[door]
        state.shift = shift
        if state.followed_since is None:
            state.followed_since = self._clock.now()
        if offset != self._offset:
            self._offset, self._closings = offset, None

    def leave(self, door: int) -> None:
        """The door is nobody's any more: its lock is left to the board."""
        self._doors[door] = _Door(mode="controlled", pulse_s=self._board.pulse_s)

    def forget_tasks(self) -> None:
        """The board's clock has been set: its tasks are by the old one."""
        self._closings = None

    # What is done.

    async def run(self) -> None:
        """Do what is said, for ever. A board that does not answer is told again by settle()."""
        while True:
            await self.run_one(await self._queue.get())

    async def run_all(self) -> None:
        """Do what has been said up to now."""
        while not self._queue.empty():
            await self.run_one(self._queue.get_nowait())

    async def run_one(self, deed: Callable[[], Awaitable[None]]) -> None:
        """Do one thing."""
        async with self._lock:
            try:
                await deed()
            except BoardError:
                for state in self._doors.values():
                    state.known = None

    async def settle(self) -> None:
        """Bring the board to what is wanted, whatever has happened to it. Raises BoardError."""
        async with self._lock:
            for door, state in self._doors.items():
                state.known = await self._link.door_control(door)
            await self._keep_closings()
            for door, state in self._doors.items():
                mode = state.wanted or self._unsaid(state)
                if mode is None:
                    continue
                has_closed = mode == "unlocked" and self._has_closed(door, state)
                if has_closed or state.known != (_MODES[mode], state.pulse_s):
                    await self._say(door, mode)

    def _unsaid(self, state: _Door) -> Mode | None:
        since = state.followed_since
        return "controlled" if since is not None and self._clock.now() - since >= _PATIENCE_MS else None

    async def _say(self, door: int, mode: Mode) -> None:
        state = self._doors[door]
        if mode == "unlocked":
            await self._keep_closings()
        control = DoorControl(_MODES[mode], state.pulse_s)
        # Until the board has answered it is not known whether it has been told.
        state.known = None
        await self._link.set_door_control(door, control)
        state.known, state.told_at = control, self._clock.now()
        if mode == "locked":
            # A task that ends an opening would set the door to be controlled.
            await self._keep_closings()

    async def _release(self, door: int, seconds: int, command_id: int | None, asked_at: float) -> None:
        state, problem = self._doors[door], ""
        loop = asyncio.get_running_loop()
        try:
            known = state.known or await self._link.door_control(door)
            delay_s = min(max(seconds, 1), LONGEST_PULSE_S)
            if known.delay_s != delay_s:
                await self._link.set_door_control(door, known._replace(delay_s=delay_s))
                state.known = known._replace(delay_s=delay_s)
            if loop.time() - asked_at > _LATEST_S:
                raise BoardError("the board did not answer in time")
            await self._link.release(door)
            if delay_s != state.pulse_s:
                loop.call_later(delay_s, self._queue.put_nowait, lambda: self._restore(door))
        except BoardError as error:
            problem = str(error)
            state.known = None
        if command_id is not None:
            now, channel_id = self._clock.now(), self._board.channels[door]
            self._report(
                CommandResult(
                    channel_id=channel_id,
                    device_time=now,
                    received_at=now,
                    command_id=command_id,
                    is_done=not problem,
                    reason=problem,
                )
            )

    async def _restore(self, door: int) -> None:
        state = self._doors[door]
        known = state.known or await self._link.door_control(door)
        state.known = None
        await self._link.set_door_control(door, known._replace(delay_s=state.pulse_s))
        state.known = known._replace(delay_s=state.pulse_s)

    def _has_closed(self, door: int, state: _Door) -> bool:
        """Whether a task has closed the door since it was last told to be open."""
        if self._closings is None or self._offset is None:
            return True
        since, now = state.told_at + self._offset, self._clock.now() + self._offset
        return any(since < minute * MINUTE_MS <= now for minute in self._closings.get(door, ()))

    async def _keep_closings(self) -> None:
        """See to it that the board closes by itself what is, or may be, held open."""
        if self._offset is None:
            return
        now = self._clock.now()
        wanted = self._closings_from(now, now + _AHEAD_MS, self._offset)
        needed = self._closings_from(now, now + _NEEDED_AHEAD_MS, self._offset)
        on_board = self._closings or {}
        is_held = await self._is_any_open()
        lacking = {door: minutes - on_board.get(door, set()) for door, minutes in needed.items()}
        is_enough = self._closings is not None and not any(lacking.values())
        if is_enough and (is_held or not (self._has_stale_tasks or self._is_wrong(on_board, needed, now))):
            return
        if not is_held:
            self._closings = None
            await self._link.clear_tasks()
            on_board = {}
        missing = {door: minutes - on_board.get(door, set()) for door, minutes in wanted.items()}
        for task in tasks_for(missing):
            await self._link.add_task(task)
        if any(missing.values()):
            await self._link.refresh_tasks()
        # What is no longer wanted stays until no door is held: to delete it, all tasks must be deleted.
        self._has_stale_tasks = is_held
        doors = wanted.keys() | on_board.keys()
        self._closings = {door: wanted.get(door, set()) | on_board.get(door, set()) for door in doors}

    async def _is_any_open(self) -> bool:
        """Whether the board is set to hold any of its doors open."""
        for door, state in self._doors.items():
            if state.known is None:
                state.known = await self._link.door_control(door)
        return any(state.known is not None and state.known.mode == _MODES["unlocked"] for state in self._doors.values())

    def _is_wrong(self, on_board: Mapping[int, set[int]], needed: Mapping[int, set[int]], now: int) -> bool:
        """Whether the board would close a door in the next days although it need not."""
        first, last = ((at + (self._offset or 0)) // MINUTE_MS for at in (now, now + _NEEDED_AHEAD_MS))
        return any(
            first < minute < last and minute not in needed.get(door, set())
            for door, minutes in on_board.items()
            for minute in minutes
        )

    def _closings_from(self, start: int, end: int, offset: int) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for door, state in self._doors.items():
            if state.wanted == "locked":
                found[door] = set()
                continue
            instants = set() if state.shift is None else ends_of(state.shift, start, end)
            if state.relock_at is not None and start < state.relock_at < end:
                instants.add(state.relock_at)
            found[door] = closing_minutes(instants, offset)
        return found
