"""Note what is to be told to applications, in the transaction in which it happens.

The cost is a fixed number of statements, and one for an account whose applications want no webhooks. Who has nothing
due is not woken: the topic is signalled only if something was noted.
"""

import json
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, case, func, insert, literal, not_, or_, select, update

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.oauth.tables import applications
from doorward.webhooks.entitled import MAY_READ_CREDENTIALS, MAY_READ_EVENT
from doorward.webhooks.tables import APPLICATION, deliveries, endpoints

TOPIC: Final = "deliveries"
"""What a transaction signals when something has become due."""

EVENT: Final = "Event"
PERIMETER_EVENT: Final = "PerimeterEvent"
CREDENTIAL: Final = "PersonCredential"
CREATE: Final = "CREATE"
UPDATE: Final = "UPDATE"
DESTROY: Final = "DESTROY"

REPLAYED_WITHIN_MS: Final = 5 * 60_000
"""What a door tells so much later is on record, and no more than that."""

_IS_PERIMETER: Final = or_(events.c.event_code.between(30, 39), events.c.event_code.between(90, 93))
_IS_ABOUT_DOORS: Final = events.c.event_code < 100
_IS_STALE: Final = and_(events.c.is_replayed == 1, events.c.occurred_at < events.c.received_at - REPLAYED_WITHIN_MS)
_LISTENS: Final = and_(
    endpoints.c.account_id == bindparam("account_id"),
    endpoints.c.kind == APPLICATION,
    endpoints.c.disabled_at.is_(None),
)

_TELL_OF_EVENTS: Final = Query[None](
    insert(deliveries).from_select(
        ["account_id", "endpoint_id", "resource_type", "action", "resource_id", "created_at", "due_at"],
        select(
            endpoints.c.account_id,
            endpoints.c.id,
            case((_IS_PERIMETER, literal(PERIMETER_EVENT)), else_=literal(EVENT)),
            literal(CREATE),
            events.c.id,
            bindparam("now", type_=deliveries.c.created_at.type),
            bindparam("now", type_=deliveries.c.due_at.type),
        )
        .select_from(
            endpoints.join(applications, applications.c.id == endpoints.c.application_id).join(
                events, events.c.account_id == endpoints.c.account_id
            )
        )
        .where(_LISTENS, one_of(events.c.id, "event_ids"), _IS_ABOUT_DOORS, not_(_IS_STALE), MAY_READ_EVENT)
        .order_by(events.c.id, endpoints.c.id),
    )
)
_LISTENING_TO_CREDENTIALS: Final = Query(
    select(endpoints.c.id)
    .select_from(endpoints.join(applications, applications.c.id == endpoints.c.application_id))
    .where(_LISTENS, MAY_READ_CREDENTIALS)
    .order_by(endpoints.c.id),
    number,
)
# What has arrived and waits only to be acknowledged goes along with what is told now of the same thing, before it.
_TELL_AGAIN: Final = Query[None](
    update(deliveries)
    .where(
        one_of(deliveries.c.endpoint_id, "endpoint_ids"),
        one_of(deliveries.c.resource_id, "resource_ids"),
        deliveries.c.resource_type == CREDENTIAL,
        deliveries.c.due_at > bindparam("now"),
        deliveries.c.lease.is_(None),
        deliveries.c.state == "delivered",
        deliveries.c.error.is_(None),
    )
    .values(due_at=bindparam("now"))
)
_earlier = deliveries.alias("earlier")
_OF_THE_SAME: Final = and_(
    _earlier.c.endpoint_id == bindparam("endpoint_id"),
    _earlier.c.resource_id == bindparam("resource_id"),
    _earlier.c.resource_type == bindparam("resource_type"),
    _earlier.c.due_at.is_not(None),
)
# What is told of a thing waits for what has not arrived yet of the same.
_ADD: Final = Query[None](
    insert(deliveries).values(
        {
            **{
                name: bindparam(name, type_=deliveries.c[name].type)
                for name in (
                    *("account_id", "endpoint_id", "resource_type", "action", "resource_id", "parent_id"),
                    *("content", "created_at"),
                )
            },
            "due_at": func.coalesce(
                select(func.max(_earlier.c.due_at)).where(_OF_THE_SAME, _earlier.c.lease.is_(None)).scalar_subquery(),
                bindparam("created_at", type_=deliveries.c.due_at.type),
            ),
            "is_alone": func.coalesce(select(func.max(_earlier.c.is_alone)).where(_OF_THE_SAME).scalar_subquery(), 0),
        }
    )
)


class ToTell(NamedTuple):
    """Something to tell to one endpoint."""

    endpoint_id: int
    resource_type: str
    action: str
    resource_id: int
    parent_id: int | None = None
    content: str | None = None


def tell(transaction: Transaction, account_id: int, what: Sequence[ToTell], now: int) -> None:
    """Note what is to be told. What is told of one thing to one endpoint arrives there in this order."""
    if not what:
        return
    transaction.run_many(_ADD, [{**each._asdict(), "account_id": account_id, "created_at": now} for each in what])
    transaction.signal(TOPIC)


def tell_of_events(transaction: Transaction, account_id: int, event_ids: Sequence[int], now: int) -> None:
    """Note that the account's applications are to be told of events which this transaction records."""
    if transaction.run(_TELL_OF_EVENTS, account_id=account_id, event_ids=str(list(event_ids)), now=now):
        transaction.signal(TOPIC)


def tell_of_credentials(
    transaction: Transaction, account_id: int, action: str, of_people: Collection[tuple[int, int]], now: int
) -> None:
    """Note that the account's applications are to be told of credentials, as (its id, its person's id)."""
    if not of_people:
        return
    listening = transaction.all(_LISTENING_TO_CREDENTIALS, account_id=account_id, now=now)
    if not listening:
        return
    if action != CREATE:
        ids = json.dumps([credential_id for credential_id, _ in of_people])
        transaction.run(_TELL_AGAIN, endpoint_ids=str(listening), resource_ids=ids, now=now)
    what = [
        ToTell(endpoint_id, CREDENTIAL, action, credential_id, person_id)
        for credential_id, person_id in of_people
        for endpoint_id in listening
    ]
    tell(transaction, account_id, what, now)
