"""Notification rules: which events are told to whom (contract, NotificationRule; conditions and actions of our own).

Who asks is a Principal, or None for the command line of the machine itself.
"""

from typing import Final

from sqlalchemy import and_, bindparam, delete, func, select

from doorward.audit import service as audit
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.notification_rules.reading import read_rule, visible_channels
from doorward.notification_rules.rule import DOOR_CONTROLLER, RULE, NotificationRule
from doorward.notification_rules.tables import notification_rules
from doorward.notification_rules.targets import lead_to, rotate_rule_secret
from doorward.oauth.principal import Principal

MOST_RULES: Final = 100
"""Of one account: all are looked at whenever something happens."""

_RULES: Final = Rows(notification_rules, NotificationRule)
_OF_ACCOUNT: Final = notification_rules.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, notification_rules.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_RULES.columns).where(_OF_ACCOUNT).order_by(notification_rules.c.id), _RULES.of)
_COUNT: Final = Query(select(func.count()).select_from(notification_rules).where(_OF_ACCOUNT), number)
_ONE: Final = Query(select(*_RULES.columns).where(_THIS_ONE), _RULES.of)
_TO_CHANGE: Final = Query(select(*_RULES.columns).where(_THIS_ONE).with_for_update(), _RULES.of)
_REMOVE: Final = Query[None](delete(notification_rules).where(notification_rules.c.id == bindparam("the_id")))


def create_rule(
    transaction: Transaction, vault: Vault, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> NotificationRule:
    """A new rule: `name`, `match_event_codes`, `call_back_url` or `actions`, and what else read_rule() knows.

    Raises Invalid, Forbidden for a rule on all channels and a user who is limited to sites, or Conflict where the
    account has too many.
    """
    nothing = NotificationRule(0, account_id, "", True, (), (), (), now, now)
    wanted = read_rule(transaction, StructuredFields(body), nothing, by)
    transaction.serialize(f"notification rules {account_id}")
    if require(transaction.one(_COUNT, account_id=account_id)) >= MOST_RULES:
        raise Conflict(f"The account has {MOST_RULES} notification rules, which is the most that it may have")
    wanted = wanted._replace(id=require(transaction.one(_RULES.add, **_RULES.params(wanted))))
    lead_to(transaction, vault, wanted, now)
    audit.created(transaction, account_id, RULE, wanted.concealed(), now)
    return wanted


def update_rule(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    rule_id: int,
    body: object,
    now: int,
    *,
    by: Principal | None = None,
) -> NotificationRule:
    """Make another rule of it: only `active`, if it is not given, stays. Raises NotFound, Invalid or Forbidden.

    What it does not do any more it does not do with what was to be told, either.
    """
    found = rule_to_change(transaction, account_id, rule_id, by)
    wanted = read_rule(transaction, StructuredFields(body), found, by)._replace(updated_at=now)
    transaction.run(_RULES.change, the_id=rule_id, **_RULES.params(wanted))
    lead_to(transaction, vault, wanted, now)
    audit.changed(transaction, account_id, RULE, found.concealed(), wanted.concealed(), now)
    return wanted


def delete_rule(
    transaction: Transaction, account_id: int, rule_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a rule. Raises NotFound."""
    found = rule_to_change(transaction, account_id, rule_id, by)
    transaction.run(_REMOVE, the_id=rule_id)
    audit.deleted(transaction, account_id, RULE, found.concealed(), now)


def rotate_secret(
    transaction: Transaction, vault: Vault, account_id: int, rule_id: int, now: int, *, by: Principal | None = None
) -> str:
    """A new secret by which all that the rule posts is signed, to be seen once; the old one is good for another day.

    Raises NotFound, or Conflict where it posts nothing.
    """
    found = rule_to_change(transaction, account_id, rule_id, by)
    secret = rotate_rule_secret(transaction, vault, found, now)
    audit.record(transaction, account_id, audit.CHANGED, RULE, rule_id, now, after={"secret": "rotated"})
    return secret


def get_rule(
    transaction: Transaction, account_id: int, rule_id: int, *, by: Principal | None = None
) -> NotificationRule:
    """One rule. Raises NotFound."""
    return _visible(transaction, by, transaction.one(_ONE, account_id=account_id, the_id=rule_id))


def list_rules(transaction: Transaction, account_id: int, *, by: Principal | None = None) -> list[NotificationRule]:
    """The account's rules, by id; a user who is limited to sites sees those on channels there alone."""
    found = transaction.all(_ALL, account_id=account_id)
    if by is None or not by.site_limited:
        return found
    visible = visible_channels(transaction, by)
    return [rule for rule in found if _within(rule, visible)]


def _within(rule: NotificationRule, visible: frozenset[str]) -> bool:
    channel_ids = rule.values(DOOR_CONTROLLER)
    return bool(channel_ids) and visible.issuperset(channel_ids)


def rule_to_change(transaction: Transaction, account_id: int, rule_id: int, by: Principal | None) -> NotificationRule:
    """One rule within a write: it stays as it is until the commit. Raises NotFound."""
    return _visible(transaction, by, transaction.one(_TO_CHANGE, account_id=account_id, the_id=rule_id))


def _visible(transaction: Transaction, by: Principal | None, rule: NotificationRule | None) -> NotificationRule:
    if rule is None:
        raise NotFound
    if by is not None and by.site_limited and not _within(rule, visible_channels(transaction, by)):
        raise NotFound
    return rule
