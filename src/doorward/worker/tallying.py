"""Bring the tallies of events up to date, when enough have been recorded that it is worth a transaction."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.events import tallies
from doorward.events.service import TOPIC

_log = structlog.get_logger("doorward.tallying")

_LONGEST_SLEEP_S: Final = 30.0
"""Other processes record events, too: look again at least this often."""
_PAUSE_S: Final = 2.0
"""However much is recorded, look no more often."""
_BREATH_S: Final = 0.01
"""Between transactions: others write, too."""


async def run(database: Database) -> None:
    """Tally until cancelled."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def signalled() -> None:
        loop.call_soon_threadsafe(woken.set)

    database.listen(TOPIC, signalled)
    while True:
        woken.clear()  # before looking: what happens meanwhile must wake
        try:
            await tally_all(database)
        except DatabaseUnavailable as error:
            _log.warning("tallying has to wait", reason=str(error))
        await asyncio.sleep(_PAUSE_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_SLEEP_S):  # wait_for() can lose a cancellation before Python 3.12
                await woken.wait()


async def tally_all(database: Database) -> None:
    """Tally whatever is worth it, in transactions of a bounded size."""
    while accounts := await database.read(tallies.waiting):
        for account_id in accounts:
            await database.write(partial(tallies.tally, account_id=account_id))
            await asyncio.sleep(_BREATH_S)
