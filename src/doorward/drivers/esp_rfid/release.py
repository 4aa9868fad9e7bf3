"""Releasing a lock for as long as is asked: the board releases it for its own pulse time, once for each command.

A longer release, and an unlocked door, are many commands: each comes before the pulse of the last has ended. So
whatever happens to the controller, the broker or the network, the board locks the door by itself within one pulse.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

_AGAIN: Final = 0.6
"""The part of a pulse after which the next command is sent."""
_RETRY_S: Final = 1.0

LOCKED_DOWN: Final = "The door has been locked down"

Open = Callable[[float, Callable[[], bool]], Awaitable[None]]
"""Send one command, asked for at this instant of the loop's time, if it is still wanted then. Raises OSError."""
Report = Callable[[int, str | None], None]
"""What became of a command by its id; None: it was carried out."""


class _Asked(NamedTuple):
    at: float
    until: float
    command_id: int | None


class Release:
    """The lock of one relay."""

    def __init__(self, open_once: Open, report: Report, pulse_ms: int) -> None:
        self._open = open_once
        self._report = report
        self._pulse_s = pulse_ms / 1_000
        self._until = 0.0
        self._is_held = False
        self._asked: list[_Asked] = []
        self._lockdowns = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def unlock(self, milliseconds: int, command_id: int | None) -> None:
        """Release for a stretch; a longer release under way goes on."""
        now = asyncio.get_running_loop().time()
        self._asked.append(_Asked(now, now + milliseconds / 1_000, command_id))
        self._begin()

    def hold(self, is_held: bool) -> None:
        """Release until further notice, or no longer than was asked for otherwise."""
        self._is_held = is_held
        self._begin()

    def lock(self) -> None:
        """Send no more commands: the pulse that runs is the last."""
        self._lockdowns += 1
        self._until, self._is_held = 0.0, False
        asked, self._asked = self._asked, []
        self._tell(asked, LOCKED_DOWN)
        self._changed.set()

    def stop(self) -> None:
        """Let go of the task, if there is one."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self._asked.clear()
        self._until = 0.0

    def _begin(self) -> None:
        self._changed.set()
        if self._task is None and (self._asked or self._is_held):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        opened_at = 0.0
        try:
            while self._asked or self._is_held or self._until > max(opened_at + self._pulse_s, loop.time()):
                self._changed.clear()
                asked, self._asked = self._asked, []
                lockdowns = self._lockdowns
                try:
                    await self._open(asked[0].at if asked else loop.time(), self._wanted(asked))
                except OSError as error:
                    self._tell(asked, str(error))
                    if not self._asked and not self._is_held:
                        self._until = 0.0
                    elif not self._asked:
                        await self._wait(_RETRY_S)
                    continue
                opened_at = loop.time()
                if self._lockdowns == lockdowns:
                    self._until = max([self._until, *(one.until for one in asked)])
                self._tell(asked, None)
                await self._wait(self._until_next(opened_at))
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    def _wanted(self, asked: list[_Asked]) -> Callable[[], bool]:
        """Whether, at the moment at which the command can be sent, it is still to be sent."""
        lockdowns, loop = self._lockdowns, asyncio.get_running_loop()

        def is_wanted() -> bool:
            return self._lockdowns == lockdowns and (bool(asked) or self._is_held or self._until > loop.time())

        return is_wanted

    def _until_next(self, opened_at: float) -> float:
        """After how long the next command is due: the last one is to end the release when it is to end."""
        again = self._pulse_s * _AGAIN
        return again if self._is_held else min(again, max(0.0, self._until - self._pulse_s - opened_at))

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _tell(self, asked: Iterable[_Asked], reason: str | None) -> None:
        for one in asked:
            if one.command_id is not None:
                self._report(one.command_id, reason)
