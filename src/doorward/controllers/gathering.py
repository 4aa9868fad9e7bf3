"""What several controllers tell at the same time goes on record together: one transaction instead of many.

Whoever records holds the end of the account's record until the commit, so that a transaction for each controller would
come one after the other, each with its own wait for the disk. So while one is under way, what comes is gathered, and
then written with the next. Nothing waits that could be written at once.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from doorward.controllers.told import Outcome, OutOfOrder, Source, record_together
from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.link.messages import Told

_log = structlog.get_logger("doorward.link")

_ATTEMPTS: Final = 3
_MOST_TOGETHER: Final = 1_000
"""So many events are written together, or those of one message if they are more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A message that somebody waits for to be on record."""

    source: Source
    told: Sequence[Told]
    done: "asyncio.Future[Outcome]"

    def end(self, outcome: Outcome | Exception) -> None:
        """Tell who waits, if they still do."""
        if self.done.done():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class Gathering:
    """Used from one event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._waiting: dict[int, deque[_Waiting]] = {}
        self._writing: dict[int, asyncio.Task[None]] = {}

    async def record(self, source: Source, told: Sequence[Told]) -> Outcome:
        """Put events on record. Raises OutOfOrder or DatabaseUnavailable."""
        account_id = source.account_id
        waiting = _Waiting(source, told, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(account_id, deque()).append(waiting)
        if account_id not in self._writing:
            self._writing[account_id] = asyncio.create_task(self._write(account_id))
        return await waiting.done

    async def _write(self, account_id: int) -> None:
        """Write what waits of an account until nothing does."""
        queue = self._waiting[account_id]
        try:
            while queue:
                await self._write_together(account_id, _some(queue))
        finally:
            del self._writing[account_id], self._waiting[account_id]
            for waiting in queue:
                waiting.done.cancel()

    async def _write_together(self, account_id: int, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._try(account_id, batch)
        except DatabaseUnavailable as error:
            for waiting in batch:
                waiting.end(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others are written
            if len(batch) > 1:
                for waiting in batch:
                    await self._write_together(account_id, [waiting])
            else:
                await self._write_again(account_id, batch[0], error)
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.end(outcome)

    async def _write_again(self, account_id: int, waiting: _Waiting, why: Exception) -> None:
        """What it speaks of may have been removed at that moment: then it is looked up again, in the end not at all."""
        for attempt in range(1, _ATTEMPTS):
            _log.warning("events could not be written as they are", error=type(why).__name__)
            try:
                [outcome] = await self._try(account_id, [waiting], is_bare=attempt == _ATTEMPTS - 1)
            except Exception as error:  # noqa: BLE001 - who waits is told of the last
                why = error
                if isinstance(error, DatabaseUnavailable):
                    break
            else:
                waiting.end(outcome)
                return
        waiting.end(why)

    async def _try(
        self, account_id: int, batch: Sequence[_Waiting], *, is_bare: bool = False
    ) -> list[Outcome | OutOfOrder | LookupError]:
        now = self._clock.now()
        messages = [(waiting.source, waiting.told) for waiting in batch]
        return await self._database.write(
            lambda tx: record_together(tx, self._vault, account_id, messages, now, is_bare=is_bare)
        )


def _some(queue: deque[_Waiting]) -> list[_Waiting]:
    """The first of those that wait, as many as are written together; at least one."""
    found = [queue.popleft()]
    events = len(found[0].told)
    while queue and events + len(queue[0].told) <= _MOST_TOGETHER:
        events += len(queue[0].told)
        found.append(queue.popleft())
    return found
