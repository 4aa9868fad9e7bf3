"""What is to be said of deliveries: their events as they are on record now, and the rule by which they are told.

Read when it is said and not when it happened: what was erased meanwhile is not told any more.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.accounts.tables import accounts
from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent
from doorward.events.tables import events
from doorward.notification_rules.tables import notification_rules
from doorward.notification_rules.wording import Told
from doorward.sites.tables import sites
from doorward.webhooks.queue import TEST
from doorward.webhooks.sending import Delivery, Endpoint

NOTHING_LEFT: Final = "there is nothing left to be told: the rule or the events are no longer on record"


class Digest(NamedTuple):
    """A rule and what it is to say."""

    rule_id: int
    rule_name: str
    account_name: str
    happened: tuple[Told, ...]


class _Rule(NamedTuple):
    id: int
    name: str
    account_name: str
    zone: str


_RULE: Final = Query(
    select(notification_rules.c.id, notification_rules.c.name, accounts.c.name, accounts.c.time_zone)
    .join(accounts, accounts.c.id == notification_rules.c.account_id)
    .where(
        notification_rules.c.account_id == bindparam("account_id"), notification_rules.c.id == bindparam("the_rule")
    ),
    _Rule,
)


def _told(zone: str, place: str | None, *event: object) -> Told:
    return Told(StoredEvent(*event), zone, place)  # type: ignore[arg-type]  # the columns are selected by its fields


_EVENTS: Final = Query(
    select(
        func.coalesce(sites.c.time_zone, accounts.c.time_zone),
        sites.c.name,
        *(events.c[name] for name in StoredEvent._fields),
    )
    .select_from(
        events.join(accounts, accounts.c.id == events.c.account_id)
        .outerjoin(channels, channels.c.id == events.c.channel_id)
        .outerjoin(sites, sites.c.id == channels.c.site_id)
    )
    .where(events.c.account_id == bindparam("account_id"), one_of(events.c.id, "event_ids"))
    .order_by(events.c.id),
    _told,
)


def digest_of(transaction: Transaction, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Digest | None:
    """What is to be said, in the order in which it was recorded; None: nothing of it is on record."""
    rule = transaction.one(_RULE, account_id=endpoint.account_id, the_rule=endpoint.rule_id)
    if rule is None:
        return None
    event_ids = [each.resource_id for each in deliveries if each.resource_type != TEST]
    found = transaction.all(_EVENTS, account_id=endpoint.account_id, event_ids=str(event_ids)) if event_ids else []
    tests = [_test(rule, now) for each in deliveries if each.resource_type == TEST]
    happened = (*found, *tests)
    return Digest(rule.id, rule.name, rule.account_name, happened) if happened else None


def _test(rule: _Rule, now: int) -> Told:
    """An event that has not happened."""
    event = StoredEvent(0, 0, None, None, None, None, None, now, now, "[]", None, None, 0)
    return Told(event, rule.zone, said="This is a test: nothing has happened")
