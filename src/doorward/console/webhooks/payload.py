"""What a delivery says to whom it is sent, as text for people to read."""

import json
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault
from doorward.notification_rules.digest import digest_of
from doorward.notification_rules.owners import TO_OWNERS
from doorward.notification_rules.senders import told_event
from doorward.notification_rules.targets import CHAT, POST
from doorward.notification_rules.wording import chat_message, message
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.log import Logged
from doorward.webhooks.sending import Delivery, Endpoint
from doorward.webhooks.tables import deliveries, endpoints

_HIDDEN: Final = "(hidden)"


class _Kept(NamedTuple):
    """To whom a delivery goes, and what a rule wants said by it."""

    endpoint: Endpoint
    content: str | None


_KEPT: Final = Query(
    select(*(endpoints.c[name] for name in Endpoint._fields), deliveries.c.content)
    .join(deliveries, deliveries.c.endpoint_id == endpoints.c.id)
    .where(deliveries.c.account_id == bindparam("account_id"), deliveries.c.id == bindparam("the_id")),
    lambda *row: _Kept(Endpoint(*row[:-1]), row[-1]),
)


def payload_of(
    transaction: Transaction, vault: Vault, clock: Clock, base_url: str, account_id: int, delivery: Logged
) -> str | None:
    """What is sent, as of now: JSON, or the text of a mail. None where there is nothing left to be told.

    Without the token that acknowledges it, which is the receiver's.
    """
    kept = transaction.one(_KEPT, account_id=account_id, the_id=delivery.id)
    if kept is None:
        return None
    endpoint = kept.endpoint
    what = Delivery(
        delivery.id,
        account_id,
        delivery.endpoint_id,
        delivery.resource_type,
        delivery.action,
        delivery.resource_id,
        delivery.parent_id,
        kept.content,
        delivery.attempts,
        delivery.created_at,
    )
    if endpoint.channel == WEBHOOK:
        return _of_webhook(vault, clock, base_url, what)
    if endpoint.channel == TO_OWNERS:
        return str(msgspec.json.decode(kept.content or "{}").get("text", ""))
    return _of_rule(transaction, endpoint, what, clock.now())


def _of_webhook(vault: Vault, clock: Clock, base_url: str, delivery: Delivery) -> str:
    told = ApplicationWebhook(vault, clock, lambda: base_url).told(delivery)
    shown = json.dumps([msgspec.to_builtins(told)], indent=2, ensure_ascii=False)
    return shown.replace(told.ack_token, _HIDDEN)


def _of_rule(transaction: Transaction, endpoint: Endpoint, delivery: Delivery, now: int) -> str | None:
    digest = digest_of(transaction, endpoint, [delivery], now)
    if digest is None:
        return None
    if endpoint.channel == POST:
        return _pretty(msgspec.to_builtins(told_event(digest, digest.happened[0])))
    if endpoint.channel == CHAT:
        return _pretty(chat_message(digest.rule_name, digest.happened))
    said = message(digest.rule_name, digest.account_name, digest.happened)
    return f"{said.subject}\n\n{said.text}"


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
