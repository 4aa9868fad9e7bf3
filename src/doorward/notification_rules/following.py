"""What rules do when something is recorded: they note, in the same transaction, what is to be told to whom.

Three statements at most, whatever the number of events and rules: two to judge, and one that is run for each rule that
is about something.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, insert, literal, select

from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.following import Recorded
from doorward.events.tables import events
from doorward.notification_rules.judging import judge
from doorward.notification_rules.matching import Happened
from doorward.webhooks.tables import deliveries, endpoints
from doorward.webhooks.telling import CREATE, EVENT, TOPIC

# An endpoint that is being removed is waited for, and then told nothing: else its deliveries would lead to nowhere, and
# the database would refuse them, and with them what has happened.
_TELL: Final = Query[None](
    insert(deliveries).from_select(
        ["account_id", "endpoint_id", "resource_type", "action", "resource_id", "created_at", "due_at"],
        select(
            endpoints.c.account_id,
            endpoints.c.id,
            literal(EVENT),
            literal(CREATE),
            events.c.id,
            bindparam("now", type_=deliveries.c.created_at.type),
            bindparam("now", type_=deliveries.c.due_at.type),
        )
        .select_from(endpoints.join(events, events.c.account_id == endpoints.c.account_id))
        .where(
            endpoints.c.rule_id == bindparam("the_rule"),
            endpoints.c.disabled_at.is_(None),
            one_of(events.c.id, "event_ids"),
        )
        .order_by(events.c.id, endpoints.c.id)
        .with_for_update(read=True, key_share=True, of=endpoints),
    )
)


def follow_events(transaction: Transaction, recorded: Sequence[Recorded], now: int) -> None:
    """See events.following.Follow."""
    happened = {
        each.id: Happened(
            int(each.event.event_code),
            each.event.channel_id,
            each.event.person_id,
            each.event.occurred_at,
            now,
            each.event.is_replayed,
        )
        for each in recorded
    }
    told = judge(transaction, recorded[0].event.account_id, happened, now)
    if told:
        rows = [{"the_rule": rule_id, "event_ids": str(ids), "now": now} for rule_id, ids in told.items()]
        transaction.run_many(_TELL, rows)
        transaction.signal(TOPIC)
