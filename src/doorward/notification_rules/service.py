"""Notification rules: which events of which channels are told to which URL (contract, NotificationRule)."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, select

from doorward.applications.redirects import clean_webhook_url
from doorward.audit import service as audit
from doorward.channels.tables import channels
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.decision.codes import EventCode
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.notification_rules.tables import notification_rules
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to

RULE: Final = "notification_rule"
DOOR_CONTROLLER: Final = "door_controller_id"
CALL_BACK: Final = 0
_CODES: Final = frozenset(int(code) for code in EventCode)
_LONGEST_URL: Final = 2000


class Condition(NamedTuple):
    """What an event must be about: `value` is a channel's id as text."""

    type: str
    value: str


class Action(NamedTuple):
    """What is done: `data` is the URL that is called back."""

    type: int
    data: str


class NotificationRule(NamedTuple):
    """A rule: any of its conditions, or none at all, and any of its codes, and every one of its actions is done."""

    id: int
    account_id: int
    name: str
    active: bool
    conditions: tuple[Condition, ...]
    event_codes: tuple[int, ...]
    actions: tuple[Action, ...]
    created_at: int
    updated_at: int


_RULES: Final = Rows(notification_rules, NotificationRule)
_OF_ACCOUNT: Final = notification_rules.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, notification_rules.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_RULES.columns).where(_OF_ACCOUNT).order_by(notification_rules.c.id), _RULES.of)
_ONE: Final = Query(select(*_RULES.columns).where(_THIS_ONE), _RULES.of)
_TO_CHANGE: Final = Query(select(*_RULES.columns).where(_THIS_ONE).with_for_update(), _RULES.of)
_REMOVE: Final = Query[None](delete(notification_rules).where(notification_rules.c.id == bindparam("the_id")))
_VISIBLE_CHANNELS: Final = Query(select(channels.c.id).where(VISIBLE), number)
_CHANNELS: Final = Owned(channels)


def create_rule(transaction: Transaction, by: Principal, body: object, now: int) -> NotificationRule:
    """A new rule: `name`, `call_back_url`, `match_event_codes`, and optionally `match_controller_ids`, `active`.

    Raises Invalid, or Forbidden for a rule on all channels and a user who is limited to sites.
    """
    fields = StructuredFields(body)
    nothing = NotificationRule(0, by.account_id, "", True, (), (), (), now, now)
    wanted = _read(transaction, fields, nothing, by)
    wanted = wanted._replace(id=require(transaction.one(_RULES.add, **_RULES.params(wanted))))
    audit.created(transaction, by.account_id, RULE, wanted, now)
    return wanted


def update_rule(transaction: Transaction, by: Principal, rule_id: int, body: object, now: int) -> NotificationRule:
    """Make another rule of it: only `active`, if it is not given, stays. Raises NotFound, or as create_rule() does."""
    fields = StructuredFields(body)
    found = _visible(transaction, by, transaction.one(_TO_CHANGE, account_id=by.account_id, the_id=rule_id))
    wanted = _read(transaction, fields, found, by)._replace(updated_at=now)
    transaction.run(_RULES.change, the_id=rule_id, **_RULES.params(wanted))
    audit.changed(transaction, by.account_id, RULE, found, wanted, now)
    return wanted


def delete_rule(transaction: Transaction, by: Principal, rule_id: int, now: int) -> None:
    """Remove a rule. Raises NotFound."""
    found = _visible(transaction, by, transaction.one(_TO_CHANGE, account_id=by.account_id, the_id=rule_id))
    transaction.run(_REMOVE, the_id=rule_id)
    audit.deleted(transaction, by.account_id, RULE, found, now)


def get_rule(transaction: Transaction, by: Principal, rule_id: int) -> NotificationRule:
    """One rule. Raises NotFound."""
    return _visible(transaction, by, transaction.one(_ONE, account_id=by.account_id, the_id=rule_id))


def list_rules(transaction: Transaction, by: Principal) -> list[NotificationRule]:
    """The account's rules, by id; a user who is limited to sites sees those on channels there alone."""
    found = transaction.all(_ALL, account_id=by.account_id)
    if not by.site_limited:
        return found
    visible = _visible_channels(transaction, by)
    return [rule for rule in found if _within(rule, visible)]


def _visible_channels(transaction: Transaction, by: Principal) -> frozenset[str]:
    return frozenset(map(str, transaction.all(_VISIBLE_CHANNELS, **visible_to(by))))


def _within(rule: NotificationRule, visible: frozenset[str]) -> bool:
    return bool(rule.conditions) and all(condition.value in visible for condition in rule.conditions)


def _visible(transaction: Transaction, by: Principal, rule: NotificationRule | None) -> NotificationRule:
    if rule is None or (by.site_limited and not _within(rule, _visible_channels(transaction, by))):
        raise NotFound
    return rule


def _read(
    transaction: Transaction, fields: StructuredFields, before: NotificationRule, by: Principal
) -> NotificationRule:
    """The rule as the body wants it. Raises Invalid or Forbidden."""
    name = fields.name("name", required=True) or ""
    active = fields.flag("active", before=before.active)
    url = _read_url(fields)
    codes = _read_codes(fields)
    channel_ids = _read_channels(transaction, fields, by)
    fields.check()
    if by.site_limited and not channel_ids:
        raise Forbidden
    conditions = tuple(Condition(DOOR_CONTROLLER, str(channel_id)) for channel_id in channel_ids)
    return before._replace(
        name=name, active=active, conditions=conditions, event_codes=codes, actions=(Action(CALL_BACK, url),)
    )


def _read_url(fields: StructuredFields) -> str:
    text = fields.line("call_back_url", limit=_LONGEST_URL)
    if text is None:
        if "call_back_url" not in fields.errors:
            fields.complain("call_back_url", REQUIRED)
        return ""
    try:
        return clean_webhook_url(text)
    except InvalidText as error:
        fields.complain("call_back_url", str(error))
        return ""


def _read_codes(fields: StructuredFields) -> tuple[int, ...]:
    codes = fields.identities("match_event_codes")
    if not codes and "match_event_codes" not in fields.errors:
        fields.complain("match_event_codes", REQUIRED if codes is None else "must name at least one event code")
    unknown = [str(code) for code in codes or () if code not in _CODES]
    if unknown:
        fields.complain("match_event_codes", f"are no event codes: {', '.join(unknown)}")
    return tuple(codes or ())


def _read_channels(transaction: Transaction, fields: StructuredFields, by: Principal) -> list[int]:
    channel_ids = fields.identities("match_controller_ids") or []
    missing = set(_CHANNELS.missing(transaction, by.account_id, channel_ids))
    if by.site_limited and channel_ids:
        visible = _visible_channels(transaction, by)
        missing.update(channel_id for channel_id in channel_ids if str(channel_id) not in visible)
    if missing:
        named = ", ".join(str(channel_id) for channel_id in channel_ids if channel_id in missing)
        fields.complain("match_controller_ids", f"Not found for this account: {named}")
    return channel_ids
