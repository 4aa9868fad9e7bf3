"""Remove what has ended, when it has ended; forget what nobody needs any more."""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from doorward.admissions import service as admissions
from doorward.changes import service as changes
from doorward.channels import relocking
from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.imports import service as imports
from doorward.kit.clock import Clock
from doorward.reservations.service import sweep
from doorward.roles.grants import next_expiry
from doorward.sync import pushes
from doorward.worker.forgetting import forget_all

_log = structlog.get_logger("doorward.sweeper")

_LONGEST_SLEEP_S: Final = 30.0
"""Other processes make reservations, too: look again at least this often."""
_WATCHED_S: Final = 1.0
"""How often to look while somebody waits for doors to confirm."""
_FORGET_EVERY_MS: Final = 3_600_000
_IMPORTS_EVERY_MS: Final = 60_000


class Sweeper:
    """Sleeps until the next reservation ends, then removes its role and shift."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._forgot_at = 0
        self._looked_at = 0
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Sweep until cancelled."""
        loop = asyncio.get_running_loop()

        def woken() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        self._database.listen(changes.TOPIC, woken)
        while True:
            self._woken.clear()  # before looking: what happens meanwhile must wake
            waited_for = False
            try:
                due = await self._database.read(next_expiry)
                if due is not None and due <= self._clock.now():
                    await self.sweep()
                    continue
                await self._give_up_admissions()
                await self._give_up_imports()
                await self._record_relocks()
                waited_for = await self._settle_pushes()
                await self._forget()
            except DatabaseUnavailable as error:
                _log.warning("sweeping has to wait", reason=str(error))
                due = None
            seconds = _WATCHED_S if waited_for else _LONGEST_SLEEP_S
            if due is not None:
                seconds = min(seconds, max(0.05, (due - self._clock.now()) / 1000))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for() can lose a cancellation before Python 3.12
                    await self._woken.wait()
                await asyncio.sleep(0.2)  # a burst of changes is one reason to look, not many

    async def sweep(self) -> int:
        """Sweep all that is due; gives the number of reservations swept."""
        now = self._clock.now()
        swept = 0
        while True:
            batch = await self._database.write(lambda transaction: sweep(transaction, now))
            swept += batch
            if not batch:
                break
        return swept

    async def _forget(self) -> None:
        now = self._clock.now()
        if now - self._forgot_at > _FORGET_EVERY_MS:
            self._forgot_at = now
            await forget_all(self._database, now)

    async def _settle_pushes(self) -> bool:
        """Record what has become of doors that somebody wanted up to date; gives whether some are still awaited."""
        now = self._clock.now()
        if await self._database.read(lambda transaction: pushes.any_to_settle(transaction, now)):
            await self._database.write(lambda transaction: pushes.settle(transaction, now))
        return await self._database.read(pushes.any_outstanding)

    async def _record_relocks(self) -> None:
        """Record that doors have locked while no server ran."""
        now = self._clock.now()
        if await self._database.read(lambda transaction: relocking.overdue(transaction, now)):
            await self._database.write(lambda transaction: relocking.settle(transaction, now))

    async def _give_up_imports(self) -> None:
        """Let an import fail whose server has gone; looked for seldom, for it writes."""
        now = self._clock.now()
        if now - self._looked_at > _IMPORTS_EVERY_MS:
            self._looked_at = now
            await self._database.write(lambda transaction: imports.give_up_silent(transaction, now))

    async def _give_up_admissions(self) -> None:
        """Record that nobody has answered; who asks is told so without that."""
        now = self._clock.now()
        if await self._database.read(lambda transaction: admissions.overdue(transaction, now)):
            while await self._database.write(lambda transaction: admissions.sweep(transaction, now)):
                pass
