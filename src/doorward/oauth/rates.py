"""The rate limit: so many requests a minute for each token, wherever they arrive.

Each process takes leases on a token's minute from the database, a tenth of the limit at a time, and counts within them
in memory: a request costs no write, and all processes together never let more pass than the limit. SQLite has one
process, whose memory is where all counters live: there a lease costs nothing.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, text

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.errors import TooManyRequests
from doorward.oauth.tables import rate_counts

MINUTE_MS: Final = 60_000
_LEASES: Final = 10

_TAKE: Final = Query[int](
    text(
        "INSERT INTO rate_counts (token_id, minute, taken) VALUES (:token_id, :minute, :wanted) "
        "ON CONFLICT (token_id, minute) DO UPDATE SET taken = rate_counts.taken + excluded.taken RETURNING taken"
    ),
    number,
)
_FORGET: Final = Query[None](delete(rate_counts).where(rate_counts.c.minute < bindparam("before")))


@dataclass(slots=True)
class _Lease:
    minute: int
    left: int = 0
    used: int = 0
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the RateLimit headers tell: requests a minute, how many are left here, seconds to the next minute."""

    limit: int
    remaining: int
    reset: int


class RateLimiter:
    """Counts requests against the limit. `limit` 0 lets everything pass."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._share = max(1, limit // _LEASES)
        self._leases: dict[int, _Lease] = {}
        self._minute = 0

    async def take(self, database: Database, token_id: int, now: int) -> Allowance | None:
        """Count one request. Raises TooManyRequests."""
        if not self.limit:
            return None
        minute = now - now % MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._leases.clear()
        lease = self._leases.get(token_id)
        if lease is None:
            lease = self._leases[token_id] = _Lease(minute)
        if lease.left <= 0 and not lease.exhausted:
            await self._extend(database, token_id, lease)
        reset = max(1, -(-(minute + MINUTE_MS - now) // 1000))
        if lease.left <= 0:
            raise TooManyRequests(reset, self.limit)
        lease.left -= 1
        lease.used += 1
        return Allowance(self.limit, max(0, self.limit - lease.used), reset)

    async def _extend(self, database: Database, token_id: int, lease: _Lease) -> None:
        if database.backend == "sqlite":
            lease.left, lease.exhausted = self.limit - lease.used, True
            return
        wanted, minute = self._share, lease.minute

        def take(transaction: Transaction) -> int:
            return transaction.one(_TAKE, token_id=token_id, minute=minute, wanted=wanted) or wanted

        taken = await database.write(take)
        lease.left += max(0, wanted - max(0, taken - self.limit))
        lease.exhausted = taken >= self.limit


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove the counts of minutes that are over; gives their number."""
    return transaction.run(_FORGET, before=now - 2 * MINUTE_MS)
