"""Acknowledge that a webhook has arrived: by its token, or by reading what it told of (docs/decisions/0029).

A token names its delivery and proves by a keyed digest that it was made here: nothing of it has to be kept.
"""

import hmac
from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, bindparam, case, null, or_, select, update

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import Vault
from doorward.oauth.principal import Principal
from doorward.webhooks.queue import ACKNOWLEDGED
from doorward.webhooks.tables import deliveries, endpoints
from doorward.webhooks.telling import CREDENTIAL, EVENT, PERIMETER_EVENT

EVENTS: Final = (EVENT, PERIMETER_EVENT)
CREDENTIALS: Final = (CREDENTIAL,)

_CONTEXT: Final = "acknowledgement of a delivery"
_LARGEST_ID: Final = 2**63 - 1
_LONGEST_ID: Final = 19

_IS_ASKED: Final = and_(
    deliveries.c.resource_id == bindparam("the_resource"),
    or_(deliveries.c.resource_type == bindparam("the_type"), deliveries.c.resource_type == bindparam("another_type")),
    deliveries.c.acknowledged_at.is_(None),
    deliveries.c.sent_at.is_not(None),
)
_OF_TOKEN: Final = Query(
    select(deliveries.c.id, deliveries.c.endpoint_id).where(
        deliveries.c.id == bindparam("the_id"), deliveries.c.account_id == bindparam("account_id"), _IS_ASKED
    ),
    lambda delivery_id, endpoint_id: (int(delivery_id), int(endpoint_id)),
)
_BEFORE: Final = Query(
    select(deliveries.c.id).where(
        deliveries.c.endpoint_id == bindparam("the_endpoint"),
        deliveries.c.id < bindparam("the_id"),
        deliveries.c.due_at.is_not(None),
        _IS_ASKED,
    ),
    number,
)
_OF_APPLICATION: Final = Query(
    select(deliveries.c.id)
    .select_from(deliveries.join(endpoints, endpoints.c.id == deliveries.c.endpoint_id))
    .where(
        endpoints.c.application_id == bindparam("the_application"),
        endpoints.c.account_id == bindparam("account_id"),
        deliveries.c.due_at.is_not(None),
        _IS_ASKED,
    ),
    number,
)
_has_arrived = deliveries.c.received_at.is_not(None)
# One that is under way, or was not answered well, is acknowledged and still has to arrive.
_ACKNOWLEDGE: Final = Query[None](
    update(deliveries)
    .where(one_of(deliveries.c.id, "ids"), deliveries.c.acknowledged_at.is_(None))
    .values(
        acknowledged_at=bindparam("now"),
        state=case((_has_arrived, ACKNOWLEDGED), else_=deliveries.c.state),
        error=case((_has_arrived, null()), else_=deliveries.c.error),
        due_at=case((_has_arrived, null()), else_=deliveries.c.due_at),
    )
)


def ack_token(vault: Vault, delivery_id: int) -> str:
    """The token of a delivery: whoever has it has got the delivery."""
    return f"{delivery_id}-{vault.blind_index(_CONTEXT, str(delivery_id))}"


def acknowledged_by(
    transaction: Transaction,
    vault: Vault,
    principal: Principal,
    resource_types: Sequence[str],
    resource_id: int,
    token: str | None,
) -> list[int]:
    """The deliveries that a GET of their resource acknowledges, if there are any.

    With a token that one, and what was told of the same thing before, whichever application of the account asks.
    Without, what the application that asks was sent.
    """
    asked = {
        "account_id": principal.account_id,
        "the_resource": resource_id,
        "the_type": resource_types[0],
        "another_type": resource_types[-1],
    }
    found: list[int] = []
    delivery_id = _delivery_of(vault, token) if token else None
    if delivery_id is not None:
        for _, endpoint_id in transaction.all(_OF_TOKEN, the_id=delivery_id, **asked):
            found.append(delivery_id)
            found += transaction.all(_BEFORE, the_endpoint=endpoint_id, the_id=delivery_id, **asked)
    if not principal.is_own:
        found += transaction.all(_OF_APPLICATION, the_application=principal.application_id, **asked)
    return sorted(set(found))


def acknowledge(transaction: Transaction, delivery_ids: Sequence[int], now: int) -> None:
    """Note that deliveries have arrived and were understood: they are not sent again."""
    transaction.run(_ACKNOWLEDGE, ids=str(list(delivery_ids)), now=now)


def _delivery_of(vault: Vault, token: str) -> int | None:
    """Which delivery a token is of; None for one that was not made here."""
    number_of, _, _ = token.partition("-")
    if not (number_of.isascii() and number_of.isdigit() and len(number_of) <= _LONGEST_ID):
        return None
    delivery_id = int(number_of)
    genuine = hmac.compare_digest(ack_token(vault, delivery_id).encode(), token.encode("utf-8", "surrogatepass"))
    return delivery_id if genuine and delivery_id <= _LARGEST_ID else None
