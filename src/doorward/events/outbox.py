"""Deliveries for what is recorded: one for each event and each application of the account that listens."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, insert, select

from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.following import Recorded
from doorward.events.tables import events, outbox
from doorward.oauth.tables import applications

_TELL_APPLICATIONS: Final = Query[None](
    insert(outbox).from_select(
        ["account_id", "application_id", "event_id", "created_at"],
        select(
            applications.c.account_id,
            applications.c.id,
            events.c.id,
            bindparam("now", type_=outbox.c.created_at.type),
        )
        .join(events, events.c.account_id == applications.c.account_id)
        .where(
            applications.c.account_id == bindparam("account_id"),
            applications.c.webhook_url.is_not(None),
            applications.c.removed_at.is_(None),
            one_of(events.c.id, "event_ids"),
        )
        .order_by(events.c.id),
    )
)


def enqueue(transaction: Transaction, recorded: Sequence[Recorded], now: int) -> None:
    """Note what is to be told of events of one account."""
    account_id = recorded[0].event.account_id
    event_ids = str([each.id for each in recorded])
    transaction.run(_TELL_APPLICATIONS, account_id=account_id, event_ids=event_ids, now=now)
