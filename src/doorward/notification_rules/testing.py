"""Do each action of a rule once, now, and say what came of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from doorward.db.unit_of_work import Transaction
from doorward.notification_rules.service import rule_to_change
from doorward.notification_rules.targets import endpoints_of
from doorward.oauth.principal import Principal
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.log import begin_test
from doorward.webhooks.queue import Claimed, explained


class Begun(NamedTuple):
    """The test of one action; not `claimed`: its endpoint is disabled, and nothing is sent."""

    kind: str
    claimed: Claimed | None
    why_not: str | None = None


class Tested(NamedTuple):
    """What came of it; `delivered` None: it is not known yet."""

    kind: str
    delivery_id: int | None
    delivered: bool | None
    status: int | None = None
    error: str | None = None
    took_ms: int | None = None


def begin_tests(
    transaction: Transaction,
    account_id: int,
    rule_id: int,
    next_lease: Callable[[], tuple[str, int]],
    now: int,
    *,
    by: Principal | None = None,
) -> list[Begun]:
    """Note a test of each action of a rule, and take it. Raises NotFound."""
    begun = []
    for endpoint in endpoints_of(transaction, rule_to_change(transaction, account_id, rule_id, by)):
        if endpoint.disabled_at is not None:
            begun.append(Begun(endpoint.channel, None, explained(endpoint.disabled_reason)))
        else:
            begun.append(Begun(endpoint.channel, begin_test(transaction, endpoint, *_lease(next_lease, now))))
    return begun


def _lease(next_lease: Callable[[], tuple[str, int]], now: int) -> tuple[str, int, int]:
    lease, until = next_lease()
    return lease, now, until


def untold(begun: Sequence[Begun]) -> list[Tested]:
    """What is known before anything is sent."""
    return [
        Tested(each.kind, None, False, error=each.why_not)
        if each.claimed is None
        else Tested(each.kind, each.claimed.deliveries[0].id, None)
        for each in begun
    ]


async def send_tests(dispatcher: Dispatcher, begun: Sequence[Begun]) -> list[Tested]:
    """Send what was begun, all at once. Raises DatabaseUnavailable."""
    claims = [each.claimed for each in begun if each.claimed is not None]
    sent = iter(await asyncio.gather(*map(dispatcher.send, claims)))
    found = []
    for each in untold(begun):
        if each.delivered is None:
            came = next(sent)
            outcome = came.outcome
            told = each._replace(
                delivered=outcome.error is None, status=outcome.status, error=outcome.error, took_ms=came.took_ms
            )
            found.append(told)
        else:
            found.append(each)
    return found
