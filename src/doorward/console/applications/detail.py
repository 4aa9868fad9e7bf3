"""The page of one application."""

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.applications.service import get_application
from doorward.applications.usage import grants_of
from doorward.console.applications.forms import KIND_WORDS, is_built_in, kind_of
from doorward.console.applications.reading import DAYS, chart_of, days_of, operations_of
from doorward.console.page import show
from doorward.console.webhooks.health import health_of, is_there, state_of
from doorward.console.webhooks.reading import endpoints_of
from doorward.console.webhooks.views import KINDS
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.webhooks.dispatching import Sent
from doorward.webhooks.log import Wanted, list_deliveries

_LATEST = Page(1, 5)


async def show_application(
    request: Request[Any, Any, Any], number: int, *, tested: Sent | None = None, refused: str = ""
) -> ASGIResponse:
    """What it is, what it was used for, who let it in, how its webhook does; and what came of a test of that."""

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = get_application(transaction, principal.account_id, number)
        days = days_of(transaction, number, now)
        endpoints = endpoints_of(transaction, principal.account_id)
        webhook = next((each for each in endpoints if each.application_id == number and is_there(each)), None)
        told = Wanted(application_id=number)
        return {
            "application": found,
            "kind": KIND_WORDS[kind_of(found)],
            "built_in": is_built_in(found),
            "days": days,
            "chart": chart_of(days),
            "uses": sum(each.uses for each in days),
            "operations": operations_of(transaction, number, now),
            "grants": grants_of(transaction, number, now),
            "webhook": webhook,
            "health": None if webhook is None else health_of(webhook, now),
            "owners": {each.id: each for each in endpoints},
            "deliveries": list_deliveries(transaction, principal.account_id, told, _LATEST)[0] if webhook else [],
        }

    return await show(
        request,
        "applications/detail.html",
        read,
        status=409 if refused else 200,
        tested=tested,
        refused=refused,
        state_of=state_of,
        kinds=KINDS,
        scope_words=SCOPE_WORDS,
        days_shown=DAYS,
    )
