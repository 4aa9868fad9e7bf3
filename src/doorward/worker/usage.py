"""Write the usage counts once a second."""

import asyncio

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable
from doorward.oauth.usage import UsageCounter, write_usage

_log = structlog.get_logger("doorward.usage")


async def flush(database: Database, counter: UsageCounter) -> None:
    """Write what has been counted; what cannot be written is counted on."""
    counts = counter.take()
    if not counts:
        return
    try:
        await database.write(lambda transaction: write_usage(transaction, counts))
    except DatabaseUnavailable as error:
        counter.put_back(counts)
        _log.warning("usage counts have to wait", reason=str(error))


async def run(database: Database, counter: UsageCounter) -> None:
    """Flush until cancelled."""
    while True:
        await asyncio.sleep(1)
        await flush(database, counter)
