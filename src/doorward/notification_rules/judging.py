"""Which rules are about which events, asked in the transaction that records them: with two statements at most."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.notification_rules.circumstances import surroundings
from doorward.notification_rules.matching import Happened, concerns, suits, wanted_by
from doorward.notification_rules.tables import notification_rules


class _Active(NamedTuple):
    """A rule that is active, as it is stored."""

    id: int
    conditions: str
    event_codes: str


_ACTIVE: Final = Query(
    select(notification_rules.c.id, notification_rules.c.conditions, notification_rules.c.event_codes)
    .where(notification_rules.c.account_id == bindparam("account_id"), notification_rules.c.active == 1)
    .order_by(notification_rules.c.id),
    _Active,
)


def judge(
    transaction: Transaction, account_id: int, happened: Mapping[int, Happened], now: int
) -> dict[int, list[int]]:
    """For each rule of the account that is about any of the events, by their ids, those that it is about, in order."""
    codes = {event.code for event in happened.values()}
    wanted_of = {
        rule.id: wanted
        for rule in transaction.all(_ACTIVE, account_id=account_id)
        if not (wanted := wanted_by(rule.conditions, rule.event_codes)).codes.isdisjoint(codes)
    }
    concerned = {
        rule_id: found
        for rule_id, wanted in wanted_of.items()
        if (found := [event_id for event_id, event in happened.items() if concerns(wanted, event)])
    }
    doubtful = [rule_id for rule_id in concerned if wanted_of[rule_id].is_circumstantial]
    if doubtful:
        asked = {event_id: happened[event_id] for rule_id in doubtful for event_id in concerned[rule_id]}
        holidays_too = any(wanted_of[rule_id].counts_holidays for rule_id in doubtful)
        around = surroundings(transaction, account_id, asked.values(), now, holidays_too=holidays_too)
        circumstances = {event_id: around.of(event) for event_id, event in asked.items()}
        for rule_id in doubtful:
            wanted = wanted_of[rule_id]
            concerned[rule_id] = [
                event_id
                for event_id in concerned[rule_id]
                if suits(wanted, happened[event_id], circumstances[event_id])
            ]
    return {rule_id: event_ids for rule_id, event_ids in concerned.items() if event_ids}
