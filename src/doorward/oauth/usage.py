"""How much an integration is used: counted per application, user, operation and day.

Counts are gathered in memory and written once a second, so that a request costs no write; they are statistics, and a
crash may lose the last second of them.
"""

from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import text

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal

_DAY_MS: Final = 86_400_000

_ADD: Final = Query[None](
    text(
        "INSERT INTO usage_counts (application_id, user_id, endpoint, day, uses, last_used_at, last_address) "
        "VALUES (:application_id, :user_id, :endpoint, :day, :uses, :last_used_at, :last_address) "
        "ON CONFLICT (application_id, user_id, endpoint, day) DO UPDATE SET "
        "uses = usage_counts.uses + excluded.uses, last_used_at = excluded.last_used_at, "
        "last_address = excluded.last_address"
    )
)


class Usage(NamedTuple):
    """What was counted under one key since the last write."""

    uses: int
    last_used_at: int
    last_address: str


class UsageCounter:
    """Counts requests between writes. Its memory is bounded by the live tokens used within a second."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, int, str, int], Usage] = {}
        self._lock = Lock()

    def count(self, principal: Principal, endpoint: str, address: str, now: int) -> None:
        """Count one request; none of the console's, which is no application."""
        if principal.application_id is None:
            return
        key = (principal.application_id, principal.user_id, endpoint, now // _DAY_MS)
        with self._lock:
            before = self._counts.get(key)
            self._counts[key] = Usage(1 if before is None else before.uses + 1, now, address)

    def take(self) -> dict[tuple[int, int, str, int], Usage]:
        """What was counted, leaving nothing; hand it to write_usage()."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts

    def put_back(self, counts: dict[tuple[int, int, str, int], Usage]) -> None:
        """Return what could not be written."""
        with self._lock:
            for key, usage in counts.items():
                later = self._counts.get(key)
                self._counts[key] = usage if later is None else later._replace(uses=later.uses + usage.uses)


def write_usage(transaction: Transaction, counts: dict[tuple[int, int, str, int], Usage]) -> None:
    """Add counts to the table."""
    transaction.run_many(
        _ADD,
        [
            {
                "application_id": application_id,
                "user_id": user_id,
                "endpoint": endpoint,
                "day": datetime.fromtimestamp(day * 86_400, UTC).date().isoformat(),
                "uses": usage.uses,
                "last_used_at": usage.last_used_at,
                "last_address": usage.last_address,
            }
            # In the order of the key, so that two processes never wait for each other in a circle.
            for (application_id, user_id, endpoint, day), usage in sorted(counts.items())
        ],
    )
