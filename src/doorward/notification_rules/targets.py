"""Where a rule's actions lead: an endpoint for each, which keeps its queue and its log while the rule changes."""

from typing import Final

from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict
from doorward.notification_rules.rule import CALL_BACK, CONSOLE, EMAIL, SLACK, Action, NotificationRule
from doorward.webhooks import endpoints
from doorward.webhooks.sending import Endpoint

POST: Final = "post"
MAIL: Final = "email"
CHAT: Final = "slack"
IN_CONSOLE: Final = "console"

_CHANNELS: Final = {CALL_BACK: POST, EMAIL: MAIL, SLACK: CHAT, CONSOLE: IN_CONSOLE}
"""How each kind of action is told: by which sender."""


def lead_to(transaction: Transaction, vault: Vault, rule: NotificationRule, now: int) -> None:
    """Let the rule's actions lead where it says.

    What leads nowhere new stays as it is, and is told again if it had failed for too long. All that is posted is signed
    with one secret of the rule.
    """
    there = endpoints.of_rule(transaction, rule.id)
    secret = next((each.secret for each in there if each.channel == POST), None)
    left = list(there)
    for action in rule.actions:
        channel = _CHANNELS[action.type]
        found = _take(left, channel, action)
        if found is None:
            if channel == POST and secret is None:
                secret = endpoints.new_secret(vault, rule.account_id)[1]
            signed_with = secret if channel == POST else None
            endpoints.add_for_rule(transaction, rule.account_id, rule.id, channel, action.data, now, signed_with)
            continue
        if found.target != action.data:
            endpoints.set_target(transaction, found, action.data, now)
        if found.disabled_at is not None or found.target != action.data:
            endpoints.enable(transaction, found, now)
    for each in left:
        endpoints.remove_endpoint(transaction, each)


def _take(left: list[Endpoint], channel: str, action: Action) -> Endpoint | None:
    """The endpoint that an action had before. There is one for mail, whoever gets it: it has its minute between two."""
    for each in left:
        if each.channel == channel and (each.target == action.data or channel == MAIL):
            left.remove(each)
            return each
    return None


def rotate_rule_secret(transaction: Transaction, vault: Vault, rule: NotificationRule, now: int) -> str:
    """A new secret for all that the rule posts, to be seen once; the one before it is good for another day.

    Raises Conflict where the rule posts nothing.
    """
    posting = [each for each in endpoints.of_rule(transaction, rule.id) if each.channel == POST]
    if not posting:
        raise Conflict("The rule posts nothing that could be signed")
    secret, sealed = endpoints.new_secret(vault, rule.account_id)
    for each in posting:
        endpoints.set_secret(transaction, each, sealed, now)
    return secret


def endpoints_of(transaction: Transaction, rule: NotificationRule) -> list[Endpoint]:
    """Where the rule's actions lead, in the order in which they were added. For use within a write."""
    return endpoints.of_rule(transaction, rule.id)
