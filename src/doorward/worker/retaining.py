"""Let events go that are older than their account keeps them: declared first, then removed in steps."""

from doorward.db.unit_of_work import Database
from doorward.events.retention import declare_old, remove_old


async def remove_old_events(database: Database, now: int) -> int:
    """Do so for all accounts; gives the number of events."""
    await database.write(lambda transaction: declare_old(transaction, now))
    removed = 0
    while step := await database.write(remove_old):
        removed += step
    return removed
