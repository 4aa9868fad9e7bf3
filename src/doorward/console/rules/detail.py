"""The page of one rule."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.console.page import show
from doorward.console.rules.reading import doors_of, groups_of
from doorward.console.rules.words import conditions_of, tells_late, words_of
from doorward.console.webhooks.health import health_of, state_of
from doorward.console.webhooks.reading import endpoints_of
from doorward.console.webhooks.views import KINDS
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.notification_rules.service import get_rule
from doorward.notification_rules.targets import POST
from doorward.notification_rules.testing import Tested
from doorward.oauth.principal import Principal
from doorward.webhooks.log import Wanted, list_deliveries

_LATEST: Final = Page(1, 8)


async def show_rule(
    request: Request[Any, Any, Any], number: int, *, tested: Sequence[Tested] = (), refused: str = ""
) -> ASGIResponse:
    """What it is about, whom it tells and whether that works, what it told; and what came of a test."""

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        rule = get_rule(transaction, principal.account_id, number, by=principal)
        doors = {each.id: each.name for each in doors_of(transaction, principal)}
        groups = {each.id: each.name for each in groups_of(transaction, principal)}
        endpoints = [each for each in endpoints_of(transaction, principal.account_id) if each.rule_id == number]
        sees_log = principal.may("account.application.readonly") and not principal.site_limited
        told = Wanted(rule_id=number)
        return {
            "rule": rule,
            "conditions": conditions_of(rule, doors, groups),
            "late_too": tells_late(rule),
            "events": [words_of(code) for code in rule.event_codes],
            "endpoints": [(each, health_of(each, now)) for each in endpoints],
            "posts": any(each.channel == POST for each in endpoints),
            "owners": {each.id: each for each in endpoints},
            "sees_log": sees_log,
            "deliveries": list_deliveries(transaction, principal.account_id, told, _LATEST)[0] if sees_log else [],
        }

    return await show(
        request,
        "rules/detail.html",
        read,
        status=409 if refused else 200,
        tested=tested,
        refused=refused,
        state_of=state_of,
        kinds=KINDS,
    )
