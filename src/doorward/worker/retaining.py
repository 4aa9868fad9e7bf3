"""Let events go that are older than their account keeps them: declared first, then removed in steps.

A chore of its own: the first removal of a large account takes minutes, for which nothing else is to wait.
"""

import asyncio
from typing import Final

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.events.retention import declare_old, remove_old
from doorward.kit.clock import Clock

_log = structlog.get_logger("doorward.retention")

_EVERY_S: Final = 3_600.0


async def run(database: Database, clock: Clock) -> None:
    """Look every hour, until cancelled."""
    while True:
        try:
            await remove_old_events(database, clock.now())
        except DatabaseUnavailable as error:
            _log.warning("old events have to stay for now", reason=str(error))
        await asyncio.sleep(_EVERY_S)


async def remove_old_events(database: Database, now: int) -> int:
    """Do so for all accounts; gives the number of events."""
    await database.write(lambda transaction: declare_old(transaction, now))
    removed = 0
    while step := await database.write(remove_old):
        removed += step
    return removed
