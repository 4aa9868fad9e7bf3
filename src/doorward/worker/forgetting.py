"""What nobody needs any more, and how to forget it: in steps, so that no write stands in the way of others for long."""

from collections.abc import Callable, Mapping
from typing import Final

from doorward.changes import reports
from doorward.changes import service as changes
from doorward.db.unit_of_work import Database, Transaction
from doorward.idempotency import service as idempotency
from doorward.notifications import service as notifications
from doorward.oauth import forgetting as oauth
from doorward.oauth import rates
from doorward.signing_in import service as signing_in
from doorward.webhooks import log as deliveries

Forget = Callable[[Transaction, int], int]
"""Given the instant, removes what is old; gives the number of rows."""

_MUCH: Final = 1_000

FORGETTERS: Final[Mapping[str, Forget]] = {
    "changes": changes.forget_old,
    "confirmations": reports.forget_old,
    "codes and tokens": oauth.forget_old,
    "idempotency keys": idempotency.forget_old,
    "notifications": notifications.forget_old,
    "rate counts": rates.forget_old,
    "deliveries": deliveries.forget_old,
    "sessions and attempts": signing_in.forget_old,
}


async def forget_all(database: Database, now: int) -> dict[str, int]:
    """Forget everything that is old at the instant; gives the numbers of rows."""
    return {name: await _forget(database, forget, now) for name, forget in FORGETTERS.items()}


async def _forget(database: Database, forget: Forget, now: int) -> int:
    """Forget until there is little left, a transaction for each step."""
    total = 0
    while True:
        forgotten = await database.write(lambda transaction: forget(transaction, now))
        total += forgotten
        if forgotten < _MUCH:
            return total
