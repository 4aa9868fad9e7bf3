"""The proof of an account's record of events, where the record is not too long to be read while somebody waits."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import event_chains
from doorward.events.verification import Verdict, verify
from doorward.wire.context import Context

MOST_VERIFIED: Final = 200_000
"""Of more events the command line reads the record."""

_EVENTS: Final = Query(
    select(event_chains.c.position - event_chains.c.removed_to).where(
        event_chains.c.account_id == bindparam("account_id")
    ),
    number,
)


class Checked(NamedTuple):
    """What was found, and when."""

    at: int
    verdict: Verdict


def events_of(transaction: Transaction, account_id: int) -> int:
    """How many events are on record."""
    return transaction.one(_EVENTS, account_id=account_id) or 0


async def verify_record(context: Context, account_id: int) -> Checked | None:
    """Read the whole record; None if it is too long. One after the other: reading it takes a reader from all others."""
    at = context.clock.now()

    def read(transaction: Transaction) -> Verdict | None:
        return None if events_of(transaction, account_id) > MOST_VERIFIED else verify(transaction, account_id)

    async with context.long_reads:
        verdict = await context.database.read(read)
    return None if verdict is None else Checked(at, verdict)
