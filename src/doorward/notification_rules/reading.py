"""From a body that anybody may have written to a rule: every complaint names its field."""

from typing import Any, Final

from sqlalchemy import select

from doorward.applications.redirects import LONGEST, clean_webhook_url
from doorward.channels.tables import channels
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.groups.tables import groups
from doorward.kit.email_addresses import clean_mailbox, email_key
from doorward.kit.errors import Forbidden
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText, clean
from doorward.notification_rules.hours import written
from doorward.notification_rules.rule import (
    CALL_BACK,
    CONSOLE,
    DOOR_CONTROLLER,
    EMAIL,
    KINDS,
    PERSON_GROUP,
    REPLAYED,
    TIME_OF_DAY,
    Action,
    Condition,
    NotificationRule,
)
from doorward.oauth.principal import Principal
from doorward.shifts.windows import read_windows
from doorward.sites.sight import VISIBLE, visible_to

MOST_ACTIONS: Final = 10
MOST_ADDRESSES: Final = 20
MOST_HOURS: Final = 50
_CODES: Final = frozenset(int(code) for code in EventCode)
_VISIBLE_CHANNELS: Final = Query(select(channels.c.id).where(VISIBLE), number)
_CHANNELS: Final = Owned(channels)
_GROUPS: Final = Owned(groups)


def visible_channels(transaction: Transaction, by: Principal) -> frozenset[str]:
    """The ids, as conditions have them, of the channels that a user sees."""
    return frozenset(map(str, transaction.all(_VISIBLE_CHANNELS, **visible_to(by))))


def read_rule(
    transaction: Transaction, fields: StructuredFields, before: NotificationRule, by: Principal | None
) -> NotificationRule:
    """The rule as the body wants it; of what it was before, only `active` may be left out.

    Raises Invalid, or Forbidden for a rule on all channels and a user who is limited to sites.
    """
    name = fields.name("name", required=True) or ""
    active = fields.flag("active", before=before.active)
    codes = _read_codes(fields)
    actions = _read_actions(fields)
    channel_ids = _read_channels(transaction, fields, before.account_id, by)
    group_ids = fields.identities("match_group_ids") or []
    _GROUPS.check(transaction, before.account_id, fields, "match_group_ids", group_ids)
    hours = read_windows(fields, required=False, name="match_times", most=MOST_HOURS)
    late_too = fields.flag("include_replayed", before=False)
    fields.check()
    if by is not None and by.site_limited and not channel_ids:
        raise Forbidden
    conditions = [
        *(Condition(DOOR_CONTROLLER, str(channel_id)) for channel_id in channel_ids),
        *(Condition(PERSON_GROUP, str(group_id)) for group_id in group_ids),
        *dict.fromkeys(Condition(TIME_OF_DAY, written(window)) for window in hours),
        *([Condition(REPLAYED, "true")] if late_too else []),
    ]
    return before._replace(name=name, active=active, conditions=tuple(conditions), event_codes=codes, actions=actions)


def _read_codes(fields: StructuredFields) -> tuple[int, ...]:
    codes = fields.identities("match_event_codes")
    if not codes and "match_event_codes" not in fields.errors:
        fields.complain("match_event_codes", REQUIRED if codes is None else "must name at least one event code")
    unknown = [str(code) for code in codes or () if code not in _CODES]
    if unknown:
        fields.complain("match_event_codes", f"are no event codes: {', '.join(unknown)}")
    return tuple(codes or ())


def _read_channels(
    transaction: Transaction, fields: StructuredFields, account_id: int, by: Principal | None
) -> list[int]:
    channel_ids = fields.identities("match_controller_ids") or []
    missing = set(_CHANNELS.missing(transaction, account_id, channel_ids))
    if by is not None and by.site_limited and channel_ids:
        visible = visible_channels(transaction, by)
        missing.update(channel_id for channel_id in channel_ids if str(channel_id) not in visible)
    if missing:
        named = ", ".join(str(channel_id) for channel_id in channel_ids if channel_id in missing)
        fields.complain("match_controller_ids", f"Not found for this account: {named}")
    return channel_ids


def _read_actions(fields: StructuredFields) -> tuple[Action, ...]:
    """`call_back_url`, as the contract has it, and those of `actions`; at least one."""
    found = [Action(CALL_BACK, url)] if (url := _read_url(fields)) else []
    entries = fields.entries("actions", most=MOST_ACTIONS)
    for place, entry in enumerate(entries or (), start=1):
        try:
            found.append(_action(entry))
        except InvalidText as error:
            fields.complain("actions", f"action {place}: {error}")
    actions = tuple(dict.fromkeys(found))
    if sum(action.type == EMAIL for action in actions) > 1:
        fields.complain("actions", "must have at most one of the kind email, which may have several addresses")
    if len(actions) > MOST_ACTIONS:
        fields.complain("actions", f"has too many entries (at most {MOST_ACTIONS}, call_back_url among them)")
    if not actions and not fields.errors.keys() & {"call_back_url", "actions"}:
        fields.complain("call_back_url" if entries is None else "actions", REQUIRED)
    return actions


def _read_url(fields: StructuredFields) -> str | None:
    text = fields.line("call_back_url", limit=LONGEST)
    if text is None:
        return None
    try:
        return clean_webhook_url(text)
    except InvalidText as error:
        fields.complain("call_back_url", str(error))
        return None


def _action(entry: object) -> Action:
    """One entry of `actions`. Raises InvalidText."""
    if not isinstance(entry, dict):
        raise InvalidText('must be an object such as {"kind": "post", "url": "https://example.com/hook"}')
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidText(f"kind must be one of: {', '.join(KINDS)}")
    number = KINDS[kind]
    if number == EMAIL:
        return Action(number, ", ".join(_addresses(entry.get("addresses"))))
    return Action(number, "" if number == CONSOLE else _url(entry.get("url")))


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidText("url must be text")
    try:
        return clean_webhook_url(clean(value.strip(), LONGEST))
    except InvalidText as error:
        raise InvalidText(f"url {error}") from None


def _addresses(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise InvalidText("addresses must be a list of at least one e-mail address")
    if len(value) > MOST_ADDRESSES:
        raise InvalidText(f"addresses has too many entries (at most {MOST_ADDRESSES})")
    found: dict[str, str] = {}
    for each in value:
        try:
            address = clean_mailbox(clean(each))
        except InvalidText as error:
            raise InvalidText(f"addresses: {each[:100]!r} {error}") from None
        found.setdefault(email_key(address), address)
    return list(found.values())
