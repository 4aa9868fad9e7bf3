"""The same event at many channels, with two statements whatever their number: what is urgent does not count doors."""

import json
from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, insert, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.tables import events
from doorward.webhooks.telling import tell_of_events

_ADD: Final = Query(
    insert(events)
    .from_select(
        ["account_id", "event_code", "channel_id", "channel_name", "reasons", "occurred_at", "received_at"],
        select(
            channels.c.account_id,
            bindparam("code", type_=events.c.event_code.type),
            channels.c.id,
            channels.c.name,
            bindparam("reasons", type_=events.c.reasons.type),
            bindparam("at", type_=events.c.occurred_at.type),
            bindparam("now", type_=events.c.received_at.type),
        )
        .where(channels.c.account_id == bindparam("account_id"), one_of(channels.c.id, "channel_ids"))
        .order_by(channels.c.id),
    )
    .returning(events.c.id),
    number,
)


def record_at(
    transaction: Transaction,
    account_id: int,
    code: EventCode,
    channel_ids: Collection[int],
    at: int,
    now: int,
    *,
    reasons: tuple[tuple[str, str], ...] = (),
) -> None:
    """Append the event for each of the account's channels, with a delivery for each application that listens."""
    if not channel_ids:
        return
    told = json.dumps([{"code": reason, "text": sentence} for reason, sentence in reasons])
    event_ids = transaction.all(
        _ADD,
        account_id=account_id,
        code=int(code),
        channel_ids=str(sorted(channel_ids)),
        reasons=told,
        at=at,
        now=now,
    )
    tell_of_events(transaction, account_id, event_ids, now)
