"""The queue of each endpoint: what is due, who sends it just now, what became of it.

Whoever sends holds a lease: `due_at` is when it ends, and from then on somebody else sends, for who held it is dead.
Leases of an endpoint are given one after the other (its row is locked for that), so that what is told of one thing is
never under way twice: in one request and in its order, or one after the other.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, case, exists, func, insert, not_, null, or_, select, update

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.oauth.tables import applications
from doorward.webhooks.entitled import MAY_READ_CREDENTIALS, MAY_READ_EVENT
from doorward.webhooks.retrying import Retries, must_disable
from doorward.webhooks.sending import Delivery, Endpoint, Outcome
from doorward.webhooks.tables import APPLICATION, deliveries, delivery_attempts, endpoints
from doorward.webhooks.telling import CREDENTIAL, EVENT, PERIMETER_EVENT

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
ACKNOWLEDGED: Final = "acknowledged"
GIVEN_UP: Final = "given_up"

TEST: Final = "Test"
"""The type of what is sent only to see whether it arrives: once, acknowledged by nobody."""

NOT_ENTITLED: Final = "the application holds no token any more with which it could read this"
NOT_ACKNOWLEDGED: Final = "was not acknowledged"
FAILING: Final = "failing"
GONE: Final = "gone"
REMOVED: Final = "removed"
NO_SECRET: Final = "no_secret"  # noqa: S105 - that there is none

_CLOSED_AT_ONCE: Final = 1_000
_LONGEST_ANSWER: Final = 500
_MOST_TOGETHER: Final = 200


class Due(NamedTuple):
    """An endpoint that has something to be told."""

    endpoint_id: int
    channel: str
    at: int
    """When the first of it is due."""


class Claimed(NamedTuple):
    """What is to be sent now, and under which lease."""

    endpoint: Endpoint
    deliveries: tuple[Delivery, ...]
    lease: str


class Attempt(NamedTuple):
    """An attempt that has been made."""

    claimed: Claimed
    outcome: Outcome
    at: int
    took_ms: int
    awaits_acknowledgement: bool


class Settled(NamedTuple):
    """What an attempt has led to: whether the endpoint is told nothing more from now on, and why."""

    disabled: str | None = None


_first = (
    select(func.min(deliveries.c.due_at))
    .where(deliveries.c.endpoint_id == endpoints.c.id, deliveries.c.due_at.is_not(None))
    .correlate(endpoints)
    .scalar_subquery()
)
_held_until = case(
    (func.coalesce(endpoints.c.rests_until, 0) > func.coalesce(endpoints.c.paused_until, 0), endpoints.c.rests_until),
    else_=endpoints.c.paused_until,
)
_queues = select(
    endpoints.c.id,
    endpoints.c.channel,
    _held_until.label("held_until"),
    endpoints.c.disabled_at,
    _first.label("first_at"),
).subquery()
# An endpoint that is disabled has its queue closed, whatever it wanted.
_DUE: Final = Query(
    select(
        _queues.c.id,
        _queues.c.channel,
        case(
            (
                and_(_queues.c.disabled_at.is_(None), _queues.c.held_until > _queues.c.first_at),
                _queues.c.held_until,
            ),
            else_=_queues.c.first_at,
        ),
    ).where(_queues.c.first_at.is_not(None)),
    Due,
)
_LOCK: Final = Query(
    select(*(endpoints.c[name] for name in Endpoint._fields))
    .where(endpoints.c.id == bindparam("the_endpoint"))
    .with_for_update(key_share=True),
    Endpoint,
)
_earlier = deliveries.alias("earlier")
# Both sent now (the later one is due no sooner), or the later one waits.
_WAITS: Final = exists(
    select(1)
    .select_from(_earlier)
    .where(
        _earlier.c.endpoint_id == deliveries.c.endpoint_id,
        _earlier.c.resource_id == deliveries.c.resource_id,
        _earlier.c.resource_type == deliveries.c.resource_type,
        _earlier.c.id < deliveries.c.id,
        _earlier.c.due_at > deliveries.c.due_at,
    )
    .correlate(deliveries)
)
_FIND: Final = Query(
    select(*(deliveries.c[name] for name in Delivery._fields))
    .where(
        deliveries.c.endpoint_id == bindparam("the_endpoint"),
        deliveries.c.due_at.is_not(None),  # for the index
        deliveries.c.due_at <= bindparam("now"),
        deliveries.c.is_alone == bindparam("alone"),
        not_(_WAITS),
    )
    .order_by(deliveries.c.due_at, deliveries.c.id)
    .limit(bindparam("most")),
    Delivery,
)
# All that is open of a credential goes together: what was told first must not be told alone after what came later.
_TOGETHER: Final = Query(
    select(deliveries.c.lease, deliveries.c.due_at, *(deliveries.c[name] for name in Delivery._fields))
    .where(
        deliveries.c.endpoint_id == bindparam("the_endpoint"),
        one_of(deliveries.c.resource_id, "resource_ids"),
        deliveries.c.resource_type == CREDENTIAL,
        deliveries.c.due_at.is_not(None),
    )
    .order_by(deliveries.c.id)
    .limit(_MOST_TOGETHER),
    lambda lease, due_at, *delivery: (lease, due_at, Delivery(*delivery)),
)
_TAKE: Final = Query(
    update(deliveries)
    .where(one_of(deliveries.c.id, "ids"), deliveries.c.due_at.is_not(None))
    .values(due_at=bindparam("until"), lease=bindparam("the_lease"), sent_at=bindparam("now"))
    .returning(deliveries.c.id),
    number,
)
_MAY_BE_TOLD: Final = Query(
    select(deliveries.c.id)
    .select_from(
        deliveries.join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
        .join(applications, applications.c.id == endpoints.c.application_id)
        .outerjoin(
            events,
            and_(
                events.c.id == deliveries.c.resource_id,
                or_(deliveries.c.resource_type == EVENT, deliveries.c.resource_type == PERIMETER_EVENT),
            ),
        )
    )
    .where(
        one_of(deliveries.c.id, "ids"),
        or_(
            and_(deliveries.c.resource_type == CREDENTIAL, MAY_READ_CREDENTIALS),
            and_(events.c.id.is_not(None), MAY_READ_EVENT),
            deliveries.c.resource_type == TEST,
        ),
    ),
    number,
)
_GIVE_UP: Final = Query[None](
    update(deliveries)
    .where(one_of(deliveries.c.id, "ids"))
    .values(due_at=null(), lease=null(), state=GIVEN_UP, error=bindparam("reason"))
)
_WAITING: Final = Query(
    select(deliveries.c.resource_id)
    .where(
        deliveries.c.endpoint_id == bindparam("the_endpoint"),
        one_of(deliveries.c.resource_id, "resource_ids"),
        deliveries.c.resource_type == CREDENTIAL,
        deliveries.c.due_at.is_not(None),
        deliveries.c.lease.is_(None),
    )
    .distinct(),
    number,
)
_HOLD_BACK: Final = Query[None](
    update(deliveries)
    .where(
        deliveries.c.endpoint_id == bindparam("the_endpoint"),
        deliveries.c.resource_id == bindparam("the_resource"),
        deliveries.c.resource_type == CREDENTIAL,
        deliveries.c.due_at < bindparam("next_at"),
        deliveries.c.lease.is_(None),
    )
    .values(due_at=bindparam("next_at"))
)
_RENEW: Final = Query[None](
    update(deliveries)
    .where(one_of(deliveries.c.id, "ids"), deliveries.c.due_at.is_not(None), deliveries.c.lease.is_not(None))
    .values(due_at=bindparam("until"))
)
_ours = and_(deliveries.c.id == bindparam("the_id"), deliveries.c.lease == bindparam("the_lease"))
_next = bindparam("next_at", type_=deliveries.c.due_at.type)
_awaits = and_(bindparam("awaits") == 1, deliveries.c.acknowledged_at.is_(None))
# Somebody may have acknowledged it while it was under way: then it is not due any more.
_ARRIVED: Final = Query[None](
    update(deliveries)
    .where(_ours)
    .values(
        attempts=bindparam("attempts"),
        lease=null(),
        is_alone=0,
        status=bindparam("status"),
        received_at=func.coalesce(deliveries.c.received_at, bindparam("now")),
        state=case(
            (and_(_awaits, _next.is_(None)), GIVEN_UP),
            (deliveries.c.acknowledged_at.is_not(None), ACKNOWLEDGED),
            else_=DELIVERED,
        ),
        error=case((and_(_awaits, _next.is_(None)), NOT_ACKNOWLEDGED), else_=null()),
        due_at=case((_awaits, _next), else_=null()),
    )
)
_is_open = deliveries.c.due_at.is_not(None)
_FAILED: Final = Query[None](
    update(deliveries)
    .where(_ours)
    .values(
        attempts=bindparam("attempts"),
        lease=null(),
        status=bindparam("status"),
        is_alone=case((bindparam("blamed") == 1, 1), else_=deliveries.c.is_alone),
        state=case((and_(_is_open, _next.is_(None)), GIVEN_UP), else_=deliveries.c.state),
        error=case((_is_open, bindparam("error", type_=deliveries.c.error.type)), else_=deliveries.c.error),
        due_at=case((_is_open, _next), else_=null()),
    )
)
_SEEN: Final = ("at", "took_ms", "status", "error", "answer")
# Of a delivery that is still there: a rule may have been removed while its endpoint was asked.
_LOG: Final = Query[None](
    insert(delivery_attempts).from_select(
        ["delivery_id", *_SEEN],
        select(deliveries.c.id, *(bindparam(name, type_=delivery_attempts.c[name].type) for name in _SEEN)).where(
            deliveries.c.id == bindparam("the_id")
        ),
    )
)
_REST: Final = Query[None](
    update(endpoints).where(endpoints.c.id == bindparam("the_endpoint")).values(rests_until=bindparam("until"))
)
_WORKS: Final = Query[None](
    update(endpoints)
    .where(
        endpoints.c.id == bindparam("the_endpoint"),
        or_(endpoints.c.failing_since.is_not(None), endpoints.c.paused_until.is_not(None)),
    )
    .values(failing_since=null(), paused_until=null())
)
_FAILS: Final = Query(
    update(endpoints)
    .where(endpoints.c.id == bindparam("the_endpoint"))
    .values(
        failing_since=func.coalesce(endpoints.c.failing_since, bindparam("now")),
        paused_until=func.coalesce(bindparam("pause", type_=endpoints.c.paused_until.type), endpoints.c.paused_until),
    )
    .returning(endpoints.c.failing_since),
    number,
)
_DISABLE: Final = Query(
    update(endpoints)
    .where(endpoints.c.id == bindparam("the_endpoint"), endpoints.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("now"), disabled_reason=bindparam("reason"), updated_at=bindparam("now"))
    .returning(endpoints.c.id),
    number,
)
_some = deliveries.alias("some")
_CLOSE: Final = Query[None](
    update(deliveries)
    .where(
        deliveries.c.id.in_(
            select(_some.c.id)
            .where(_some.c.endpoint_id == bindparam("the_endpoint"), _some.c.due_at.is_not(None))
            .order_by(_some.c.due_at)
            .limit(_CLOSED_AT_ONCE)
        )
    )
    .values(due_at=null(), lease=null(), state=GIVEN_UP, error=bindparam("reason"))
)
_COUNTS: Final = Query(
    select(func.count(), func.min(deliveries.c.due_at), func.min(deliveries.c.created_at)).where(
        deliveries.c.due_at.is_not(None)
    ),
    lambda number_of, due_at, created_at: (int(number_of), due_at, created_at),
)


def due(transaction: Transaction) -> list[Due]:
    """Every endpoint that has something to be told, and from when on: a look into an index for each."""
    return transaction.all(_DUE)


def claim(
    transaction: Transaction, endpoint_id: int, most: int, lease: str, now: int, until: int, rests_ms: int = 0
) -> Claimed | None:
    """Take up to `most` of what is due at an endpoint, under a lease until then; None: nothing is to be done now.

    For `rests_ms` from now on nothing else is taken there. What the endpoint may not be told any more is given up, and
    all of it where the endpoint is disabled: then there may be nothing to send of what was taken.
    """
    endpoint = transaction.one(_LOCK, the_endpoint=endpoint_id)
    if endpoint is None:
        return None
    if endpoint.disabled_at is not None:
        closed = transaction.run(_CLOSE, the_endpoint=endpoint_id, reason=explained(endpoint.disabled_reason))
        return Claimed(endpoint, (), lease) if closed else None
    if max(endpoint.paused_until or 0, endpoint.rests_until or 0) > now:
        return None
    found = transaction.all(_FIND, the_endpoint=endpoint_id, now=now, alone=0, most=most)
    if not found:
        found = transaction.all(_FIND, the_endpoint=endpoint_id, now=now, alone=1, most=1)
    found = _together(transaction, endpoint_id, found, now)
    if not found:
        return None
    ids = [each.id for each in found]
    taken = set(transaction.all(_TAKE, ids=str(ids), until=until, the_lease=lease, now=now))
    if endpoint.kind == APPLICATION:
        allowed = set(transaction.all(_MAY_BE_TOLD, ids=str(ids), now=now))
        refused = sorted(taken - allowed)
        if refused:
            transaction.run(_GIVE_UP, ids=str(refused), reason=NOT_ENTITLED)
        taken &= allowed
    kept = tuple(sorted(each for each in found if each.id in taken))
    if kept and rests_ms:
        transaction.run(_REST, the_endpoint=endpoint_id, until=now + rests_ms)
    return Claimed(endpoint, kept, lease)


def _together(transaction: Transaction, endpoint_id: int, found: list[Delivery], now: int) -> list[Delivery]:
    """What was found, with what else is to be told of the same credentials; without those that are under way."""
    credentials = {each.resource_id for each in found if each.resource_type == CREDENTIAL}
    if not credentials:
        return found
    kept = [each for each in found if each.resource_type != CREDENTIAL]
    opened = transaction.all(_TOGETHER, the_endpoint=endpoint_id, resource_ids=str(sorted(credentials)))
    under_way = {each.resource_id for lease, due_at, each in opened if lease is not None and due_at > now}
    return kept + [each for _, _, each in opened if each.resource_id not in under_way]


def renew(transaction: Transaction, ids: Collection[int], until: int) -> None:
    """Hold what is under way for longer: whoever sends it is alive."""
    transaction.run(_RENEW, ids=str(sorted(ids)), until=until)


def settle(transaction: Transaction, attempt: Attempt, retries: Retries, chances: Sequence[float], now: int) -> Settled:
    """Write down what became of an attempt, and when there is another.

    `chances` are numbers in [0, 1), one for each delivery. What another has taken over meanwhile is only logged.
    """
    claimed, outcome = attempt.claimed, attempt.outcome
    answer = None if outcome.answer is None else outcome.answer[:_LONGEST_ANSWER]
    transaction.run_many(
        _LOG,
        [
            {
                "the_id": each.id,
                "at": attempt.at,
                "took_ms": attempt.took_ms,
                "status": outcome.status,
                "error": outcome.error,
                "answer": answer,
            }
            for each in claimed.deliveries
        ],
    )
    following = _following(transaction, claimed, outcome, retries, chances, now)
    rows = [
        {
            "the_id": each.id,
            "the_lease": claimed.lease,
            "attempts": each.attempts + 1,
            "status": outcome.status,
            "next_at": next_at,
        }
        for each, next_at in zip(claimed.deliveries, following, strict=True)
    ]
    if outcome.error is None:
        awaits = int(attempt.awaits_acknowledgement)
        more = [{"now": now, "awaits": int(awaits and each.resource_type != TEST)} for each in claimed.deliveries]
        transaction.run_many(_ARRIVED, [{**row, **also} for row, also in zip(rows, more, strict=True)])
        transaction.run(_WORKS, the_endpoint=claimed.endpoint.id)
        return Settled()
    settled = _note_failure(transaction, claimed.endpoint, outcome, now)  # locks the endpoint first, as claim() does
    # A second error among others: it may be this one that the endpoint chokes on.
    suspects = outcome.status is not None and len(rows) > 1
    blamed = [int(suspects and each.attempts > 0) for each in claimed.deliveries]
    also = [{**row, "error": outcome.error, "blamed": each} for row, each in zip(rows, blamed, strict=True)]
    transaction.run_many(_FAILED, also)
    _hold_back(transaction, claimed, following)
    return settled


def _following(
    transaction: Transaction, claimed: Claimed, outcome: Outcome, retries: Retries, chances: Sequence[float], now: int
) -> list[int | None]:
    """When each is sent again, if it has to be: what is told of one credential at the same time, the latest of all.

    At once where something else of the same is waiting, and only for these to have arrived.
    """
    stops = outcome.is_final or outcome.is_gone
    following: list[int | None] = []
    for each, chance in zip(claimed.deliveries, chances, strict=True):
        wait = retries.wait_after(each.attempts + 1, chance, outcome.retry_after_ms)
        following.append(None if wait is None or stops or each.resource_type == TEST else now + wait)
    latest: dict[int, int] = {}
    for each, next_at in zip(claimed.deliveries, following, strict=True):
        if each.resource_type == CREDENTIAL and next_at is not None:
            latest[each.resource_id] = max(next_at, latest.get(each.resource_id, 0))
    if latest and outcome.error is None:
        ids = str(sorted(latest))
        for waiting in transaction.all(_WAITING, the_endpoint=claimed.endpoint.id, resource_ids=ids):
            latest[waiting] = now
    return [
        latest[each.resource_id] if each.resource_type == CREDENTIAL and next_at is not None else next_at
        for each, next_at in zip(claimed.deliveries, following, strict=True)
    ]


def _hold_back(transaction: Transaction, claimed: Claimed, following: Sequence[int | None]) -> None:
    """Let what came later of the same credentials wait for what did not arrive."""
    failed = {
        each.resource_id: next_at
        for each, next_at in zip(claimed.deliveries, following, strict=True)
        if each.resource_type == CREDENTIAL and next_at is not None
    }
    if failed:
        endpoint_id = claimed.endpoint.id
        rows = [{"the_endpoint": endpoint_id, "the_resource": each, "next_at": at} for each, at in failed.items()]
        transaction.run_many(_HOLD_BACK, rows)


def _note_failure(transaction: Transaction, endpoint: Endpoint, outcome: Outcome, now: int) -> Settled:
    asked = Retries.believed(outcome.retry_after_ms)
    pause = None if asked is None else now + asked
    since = transaction.one(_FAILS, the_endpoint=endpoint.id, now=now, pause=pause)
    reason = GONE if outcome.is_gone else FAILING if since is not None and must_disable(since, now) else None
    if reason is None or not disable(transaction, endpoint.id, reason, now):
        return Settled()
    return Settled(reason)


def disable(transaction: Transaction, endpoint_id: int, reason: str, now: int) -> bool:
    """Tell an endpoint nothing more; False if that is so already. Its queue is closed by whoever claims from it."""
    return transaction.one(_DISABLE, the_endpoint=endpoint_id, reason=reason, now=now) is not None


def explained(reason: str | None) -> str:
    """Why an endpoint is disabled, as its deliveries say it."""
    return {
        FAILING: "the endpoint is disabled: it has been failing for five days",
        GONE: "the endpoint is disabled: it answered that it is gone",
        REMOVED: "the endpoint was removed",
        NO_SECRET: "the endpoint has no secret yet",
    }.get(reason or "", "the endpoint is disabled")


def length(transaction: Transaction) -> tuple[int, int | None, int | None]:
    """How many deliveries have not come to an end, when the first is due, and since when the oldest is there."""
    counted = transaction.one(_COUNTS)
    return counted or (0, None, None)
