"""Send what is due at an endpoint: take it, tell it, write down what became of it."""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from itertools import count
from time import perf_counter
from typing import Final, NamedTuple

import structlog

from doorward.db.unit_of_work import Database, DatabaseUnavailable, Transaction
from doorward.kit.clock import Clock
from doorward.webhooks import queue
from doorward.webhooks.disabling import tell_owner
from doorward.webhooks.queue import Attempt, Claimed, Settled
from doorward.webhooks.retrying import Retries
from doorward.webhooks.sending import Endpoint, Outcome, Senders

_log = structlog.get_logger("doorward.deliveries")

LEASE_MS: Final = 15_000
"""After this long somebody else sends what a dead worker had taken. It is renewed well before."""
LONGEST_SEND_S: Final = 25.0
_TEST_LEASE_MS: Final = int(LONGEST_SEND_S * 1000) + LEASE_MS
_TRIES: Final = 5
_TRY_AGAIN_S: Final = 0.5
_BROKEN: Final = "could not be sent: a fault of this server, which is in its log"

WhenDisabled = Callable[[Transaction, Endpoint, str, int], None]
"""Called in the transaction that disables an endpoint by itself, with the reason (queue.FAILING, queue.GONE)."""


def nothing_more(_: Transaction, __: Endpoint, ___: str, ____: int) -> None:
    """Does nothing beside what is put on record."""


def unnoticed(_: str, __: int) -> None:
    """Counts no outcomes."""


class Sent(NamedTuple):
    """What has been sent at once."""

    number: int
    outcome: Outcome
    took_ms: int
    is_full: bool = False
    """Whether there may be more."""


class Dispatcher:
    """Sends in the name of one worker. Used from one event loop."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        senders: Senders,
        retries: Retries | None = None,
        *,
        when_disabled: WhenDisabled = nothing_more,
        observe: Callable[[str, int], None] = unnoticed,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`observe` is told how many deliveries have had which outcome: delivered, failed, gone."""
        self._database = database
        self._clock = clock
        self._senders = senders
        self._retries = retries or Retries()
        self._when_disabled = when_disabled
        self._observe = observe
        self._chance = chance
        self._name = secrets.token_hex(6)
        self._serial = count()
        self._under_way: dict[str, Claimed] = {}

    def next_lease(self, lasts_ms: int = LEASE_MS) -> tuple[str, int]:
        """A lease that nobody else has, and when it ends."""
        return f"{self._name}-{next(self._serial)}", self._clock.now() + lasts_ms

    def next_test_lease(self) -> tuple[str, int]:
        """A lease for what is sent once only, by whom renews none: it lasts longer than any sending."""
        return self.next_lease(_TEST_LEASE_MS)

    def can_send(self, channel: str) -> bool:
        """Whether there is a sender for endpoints of the channel."""
        return channel in self._senders

    async def send_some(self, endpoint_id: int, channel: str) -> Sent | None:
        """Send what is due at an endpoint, as much as goes into one request; None: there was nothing to do.

        Raises DatabaseUnavailable.
        """
        (lease, until), now, sender = self.next_lease(), self._clock.now(), self._senders[channel]
        most = sender.most
        claimed = await self._database.write(
            lambda transaction: queue.claim(transaction, endpoint_id, most, lease, now, until, sender.rests_ms)
        )
        if claimed is None:
            return None
        if not claimed.deliveries:
            return Sent(0, Outcome(), 0)
        sent = await self.send(claimed)
        return sent._replace(is_full=sent.number >= most)

    async def send(self, claimed: Claimed) -> Sent:
        """Send what somebody has taken, and settle it. Raises DatabaseUnavailable: then it will be sent again."""
        self._under_way[claimed.lease] = claimed
        try:
            at, begun = self._clock.now(), perf_counter()
            outcome = await self._told(claimed)
            took_ms = int((perf_counter() - begun) * 1000)
            awaits = self._senders[claimed.endpoint.channel].awaits_acknowledgement
            await self._settle(Attempt(claimed, outcome, at, took_ms, awaits))
        finally:
            del self._under_way[claimed.lease]
        word = "gone" if outcome.is_gone else "failed" if outcome.error is not None else "delivered"
        self._observe(word, len(claimed.deliveries))
        return Sent(len(claimed.deliveries), outcome, took_ms)

    async def hold(self) -> None:
        """Renew the leases of what is under way. Raises DatabaseUnavailable."""
        ids = [each.id for claimed in self._under_way.values() for each in claimed.deliveries]
        if ids:
            until = self._clock.now() + LEASE_MS
            await self._database.write(lambda transaction: queue.renew(transaction, ids, until))

    async def _told(self, claimed: Claimed) -> Outcome:
        """What the sender says."""
        sender = self._senders[claimed.endpoint.channel]
        try:
            async with asyncio.timeout(LONGEST_SEND_S):
                return await sender.send(claimed.endpoint, claimed.deliveries, self._clock.now())
        except TimeoutError:
            return Outcome(f"took longer than {LONGEST_SEND_S:g} seconds")
        except Exception:  # noqa: BLE001 - logged with its trace; the others go on
            _log.exception("a delivery failed", endpoint_id=claimed.endpoint.id)
            return Outcome(_BROKEN)

    async def _settle(self, attempt: Attempt) -> None:
        chances: Sequence[float] = [self._chance() for _ in attempt.claimed.deliveries]

        def settle(transaction: Transaction) -> Settled:
            now = self._clock.now()
            settled = queue.settle(transaction, attempt, self._retries, chances, now)
            if settled.disabled is not None:
                tell_owner(transaction, attempt.claimed.endpoint, settled.disabled, now)
                self._when_disabled(transaction, attempt.claimed.endpoint, settled.disabled, now)
            return settled

        for left in reversed(range(_TRIES)):
            try:
                settled = await self._database.write(settle)
                break
            except DatabaseUnavailable:
                if not left:
                    raise
                await asyncio.sleep(_TRY_AGAIN_S)
        if settled.disabled is not None:
            endpoint = attempt.claimed.endpoint
            _log.warning("an endpoint is disabled", endpoint_id=endpoint.id, reason=settled.disabled)
