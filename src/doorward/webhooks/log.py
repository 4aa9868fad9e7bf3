"""The log of deliveries: what was told to whom, what came of it, and to send it again."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, null, select, update

from doorward.audit import service as audit
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.pages import Page
from doorward.webhooks.queue import PENDING, TEST, Claimed
from doorward.webhooks.sending import Delivery, Endpoint
from doorward.webhooks.tables import deliveries, delivery_attempts, endpoints
from doorward.webhooks.telling import CREATE, TOPIC

KEPT_MS: Final = 30 * 86_400_000
_FORGOTTEN_AT_ONCE: Final = 5_000
_MOST_ATTEMPTS: Final = 100


class Logged(NamedTuple):
    """A delivery as the log shows it. Instants are milliseconds UTC."""

    id: int
    endpoint_id: int
    application_id: int | None
    rule_id: int | None
    channel: str
    resource_type: str
    action: str
    resource_id: int
    parent_id: int | None
    state: str
    attempts: int
    status: int | None
    error: str | None
    created_at: int
    sent_at: int | None
    received_at: int | None
    acknowledged_at: int | None
    due_at: int | None
    lease: str | None


class LoggedAttempt(NamedTuple):
    """One attempt at a delivery."""

    at: int
    took_ms: int
    status: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries are asked for; None: of any. `since` and `until` are of when they were noted, in ms UTC."""

    application_id: int | None = None
    rule_id: int | None = None
    failed: bool | None = None
    state: str | None = None
    since: int | None = None
    until: int | None = None
    """Those at this instant are not among them."""
    resource_type: str | None = None


_OF_ENDPOINT: Final = ("application_id", "rule_id", "channel")
_COLUMNS: Final = tuple((endpoints if name in _OF_ENDPOINT else deliveries).c[name] for name in Logged._fields)
_JOINED: Final = deliveries.join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
_MINE: Final = deliveries.c.account_id == bindparam("account_id")
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    # By the endpoint's own id, so that the index of its deliveries gives them in order.
    "application_id": deliveries.c.endpoint_id
    == select(endpoints.c.id).where(endpoints.c.application_id == bindparam("application_id")).scalar_subquery(),
    "rule_id": deliveries.c.endpoint_id.in_(select(endpoints.c.id).where(endpoints.c.rule_id == bindparam("rule_id"))),
    "failed": deliveries.c.error.is_not(None),
    "state": deliveries.c.state == bindparam("state"),
    "since": deliveries.c.created_at >= bindparam("since"),
    "until": deliveries.c.created_at < bindparam("until"),
    "resource_type": deliveries.c.resource_type == bindparam("resource_type"),
}


def _one() -> Select[Any]:
    return select(*_COLUMNS).select_from(_JOINED).where(_MINE, deliveries.c.id == bindparam("the_id"))


_ONE: Final = Query(_one(), Logged)
_TO_CHANGE: Final = Query(_one().with_for_update(of=deliveries, key_share=True), Logged)
_ENDPOINT_IS_DISABLED: Final = Query(
    select(endpoints.c.disabled_at).where(endpoints.c.id == bindparam("the_endpoint")), lambda at: at is not None
)
_ATTEMPTS: Final = Query(
    select(*(delivery_attempts.c[name] for name in LoggedAttempt._fields))
    .where(delivery_attempts.c.delivery_id == bindparam("the_id"))
    .order_by(delivery_attempts.c.id.desc())
    .limit(_MOST_ATTEMPTS),
    LoggedAttempt,
)
_SEND_AGAIN: Final = Query[None](
    update(deliveries)
    .where(deliveries.c.id == bindparam("the_id"))
    .values(
        state=PENDING,
        attempts=0,
        due_at=bindparam("now"),
        is_alone=0,
        received_at=null(),
        acknowledged_at=null(),
        error=null(),
        status=null(),
    )
)
_ADD_TEST: Final = Query(
    insert(deliveries)
    .values(
        {
            name: bindparam(name, type_=deliveries.c[name].type)
            for name in (
                *("account_id", "endpoint_id", "resource_type", "action", "resource_id", "due_at", "lease"),
                *("sent_at", "created_at"),
            )
        }
    )
    .returning(deliveries.c.id),
    number,
)
_OLDEST: Final = Query(select(deliveries.c.id).order_by(deliveries.c.id).limit(_FORGOTTEN_AT_ONCE), number)
_FORGET: Final = Query[None](
    delete(deliveries).where(
        one_of(deliveries.c.id, "ids"), deliveries.c.due_at.is_(None), deliveries.c.created_at < bindparam("before")
    )
)


def list_deliveries(transaction: Transaction, account_id: int, wanted: Wanted, page: Page) -> tuple[list[Logged], int]:
    """A page of an account's deliveries, newest first, and how many there are in all."""
    asked = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    params: dict[str, Any] = {"account_id": account_id, **asked}
    kinds = frozenset(asked)
    found = transaction.all(_page(kinds), limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_count(kinds), **params) or 0


def get_delivery(transaction: Transaction, account_id: int, delivery_id: int) -> tuple[Logged, list[LoggedAttempt]]:
    """One delivery with its last attempts, oldest first. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=delivery_id)
    if found is None:
        raise NotFound
    return found, transaction.all(_ATTEMPTS, the_id=delivery_id)[::-1]


def resend(transaction: Transaction, account_id: int, delivery_id: int, now: int) -> Logged:
    """Send a delivery again, as if it had just been noted; what was tried before stays in the log.

    Raises NotFound, or Conflict while its endpoint is disabled or it is being sent.
    """
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=delivery_id)
    if found is None:
        raise NotFound
    if transaction.one(_ENDPOINT_IS_DISABLED, the_endpoint=found.endpoint_id):
        raise Conflict("Its endpoint is disabled")
    if found.due_at is not None and found.due_at > now and found.lease is not None:
        raise Conflict("It is being sent just now")
    transaction.run(_SEND_AGAIN, the_id=delivery_id, now=now)
    transaction.signal(TOPIC)
    audit.record(transaction, account_id, audit.CHANGED, "webhook_delivery", delivery_id, now, after={"sent": "again"})
    return require(transaction.one(_ONE, account_id=account_id, the_id=delivery_id))


def begin_test(transaction: Transaction, endpoint: Endpoint, lease: str, now: int, until: int) -> Claimed:
    """Note something that is sent only to see whether it arrives, and take it. Raises Conflict while disabled."""
    if endpoint.disabled_at is not None:
        raise Conflict("The endpoint is disabled")
    values = (endpoint.account_id, endpoint.id, TEST, CREATE, 0, until, lease, now, now)
    names = ("account_id", "endpoint_id", "resource_type", "action", "resource_id", "due_at", "lease", "sent_at")
    delivery_id = require(transaction.one(_ADD_TEST, **dict(zip((*names, "created_at"), values, strict=True))))
    made = Delivery(delivery_id, endpoint.account_id, endpoint.id, TEST, CREATE, 0, None, None, 0, now)
    return Claimed(endpoint, (made,), lease)


def forget_old(transaction: Transaction, now: int) -> int:
    """Remove some of the deliveries that came to an end and are older than a month; gives their number."""
    oldest = transaction.all(_OLDEST)
    return transaction.run(_FORGET, ids=str(oldest), before=now - KEPT_MS) if oldest else 0


# A statement for each set of conditions, so that each is planned for what it asks.
@lru_cache(maxsize=128)
def _page(kinds: frozenset[str]) -> Query[Logged]:
    return Query(
        select(*_COLUMNS)
        .select_from(_JOINED)
        .where(*_where(kinds))
        .order_by(deliveries.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        Logged,
    )


@lru_cache(maxsize=128)
def _count(kinds: frozenset[str]) -> Query[int]:
    return Query(select(func.count()).select_from(deliveries).where(*_where(kinds)), number)


def _where(kinds: frozenset[str]) -> list[ColumnElement[bool]]:
    return [_MINE, *(_CONDITIONS[name] for name in sorted(kinds))]
