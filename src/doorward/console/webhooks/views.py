"""The pages of /console/webhooks: where things are told to, the log of what was told, and one delivery."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import sent
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.webhooks.health import health_of, is_there, state_of
from doorward.console.webhooks.payload import payload_of
from doorward.console.webhooks.reading import endpoints_of
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.webhooks.log import Wanted, get_delivery, list_deliveries, resend
from doorward.webhooks.queue import ACKNOWLEDGED, DELIVERED, GIVEN_UP, PENDING, TEST
from doorward.webhooks.telling import CREDENTIAL, EVENT, PERIMETER_EVENT
from doorward.webhooks.wire import shown_id
from doorward.wire.changes import perform
from doorward.wire.context import base_url, context_of, principal_of
from doorward.wire.queries import boolean, choice_of, id_of, instant_of, path_id

_READ: Final = ("account.application.readonly",)
_WRITE: Final = ("account.application",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LOG: Final = "/console/webhooks/deliveries"
_LATEST_FAILURES: Final = Page(1, 5)
STATES: Final = {
    PENDING: "Waiting or retrying",
    DELIVERED: "Delivered",
    ACKNOWLEDGED: "Acknowledged",
    GIVEN_UP: "Given up",
}
KINDS: Final = {
    EVENT: "Event",
    PERIMETER_EVENT: "Perimeter event",
    CREDENTIAL: "Credential of a person",
    TEST: "Test",
    "DisabledEndpoint": "Something was switched off",
}


@get("/webhooks", name="console.webhooks", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """All endpoints and how they do, with the latest failures."""
    whole_account(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = endpoints_of(transaction, principal.account_id)
        failed, _ = list_deliveries(transaction, principal.account_id, Wanted(failed=True), _LATEST_FAILURES)
        rows = [(each, health_of(each, now)) for each in found if is_there(each)]
        return {"rows": rows, "failed": failed, "owners": {each.id: each for each in found}}

    return await show(request, "webhooks/list.html", read, state_of=state_of, kinds=KINDS)


@get("/webhooks/deliveries", name="console.webhooks.deliveries", scopes=_READ, **_PAGE)
async def log_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The log, with its filters in the address."""
    whole_account(request)
    asked, query = asked_page(request), request.query_params
    zone = principal_of(request).zone
    wanted = Wanted(
        application_id=id_of(query, "app"),
        rule_id=id_of(query, "rule"),
        failed=boolean(query, "failed") or None,
        state=choice_of(query, "state", tuple(STATES)),
        since=instant_of(query, "since", zone),
        until=instant_of(query, "until", zone),
        resource_type=choice_of(query, "kind", tuple(KINDS)),
    )

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = list_deliveries(transaction, principal.account_id, wanted, asked)
        owners = endpoints_of(transaction, principal.account_id)
        return {
            "deliveries": found,
            "paging": paging_of(request, asked, total),
            "owners": {each.id: each for each in owners},
            "applications": {each.application_id: each.owner for each in owners if each.application_id},
            "rules": {each.rule_id: each.owner for each in owners if each.rule_id},
        }

    asking = {name: query.get(name, "") for name in ("app", "rule", "failed", "state", "since", "until", "kind")}
    return await show(request, "webhooks/log.html", read, asking=asking, state_of=state_of, states=STATES, kinds=KINDS)


@get("/webhooks/deliveries/{delivery_id:str}", name="console.webhooks.delivery", scopes=_READ, **_PAGE)
async def delivery_page(request: Request[Any, Any, Any], delivery_id: FromPath[str]) -> ASGIResponse:
    """One delivery with its attempts and what it says."""
    whole_account(request)
    return await _delivery(request, path_id(delivery_id))


@post("/webhooks/deliveries/{delivery_id:str}/resend", name="console.webhooks.resend", scopes=_WRITE, **_PAGE)
async def send_again(request: Request[Any, Any, Any], delivery_id: FromPath[str]) -> ASGIResponse:
    """Send a delivery again."""
    whole_account(request)
    await sent(request)
    number = path_id(delivery_id)
    try:
        await perform(request, lambda tx, by, now: resend(tx, by.account_id, number, now))
    except Conflict as error:
        return await _delivery(request, number, refused=error.text)
    return go(request, f"{_LOG}/{number}", "It is being sent again.")


async def _delivery(request: Request[Any, Any, Any], number: int, *, refused: str = "") -> ASGIResponse:
    context, address = context_of(request), base_url(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, attempts = get_delivery(transaction, principal.account_id, number)
        owners = endpoints_of(transaction, principal.account_id)
        payload = payload_of(transaction, context.vault, context.clock, address, principal.account_id, found)
        return {
            "delivery": found,
            "attempts": attempts,
            "endpoint": next(each for each in owners if each.id == found.endpoint_id),
            "payload": payload,
            "state": state_of(found),
            "what": KINDS.get(found.resource_type, found.resource_type),
            "shown_id": shown_id(found.resource_type, found.resource_id),
        }

    return await show(request, "webhooks/delivery.html", read, status=409 if refused else 200, refused=refused)


HANDLERS = (list_page, log_page, delivery_page, send_again)
