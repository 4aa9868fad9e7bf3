"""Routes of /api/3/webhook_deliveries [ours]: the log of what was told to applications and by rules."""

from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.oauth.principal import Principal
from doorward.webhooks.log import Wanted, get_delivery, list_deliveries, resend
from doorward.webhooks.queue import ACKNOWLEDGED, DELIVERED, GIVEN_UP, PENDING
from doorward.webhooks.wire import DeliveryBody, DeliveryWithAttempts, delivery_body, with_attempts
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import INSTANT, Docs, Parameter, paging
from doorward.wire.queries import boolean, choice_of, id_of, instant_of, page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

STATES: Final = (PENDING, DELIVERED, ACKNOWLEDGED, GIVEN_UP)
_READ: Final = ("account.application.readonly",)
_WRITE: Final = ("account.application",)
_LIST = Docs(
    "List what was told to applications and by rules, newest first",
    {200: list[DeliveryBody]},
    parameters=(
        Parameter("app", {"type": "integer", "minimum": 1}, "Only what was told to this application."),
        Parameter("rule", {"type": "integer", "minimum": 1}, "Only what was told by this notification rule."),
        Parameter("failed", {"type": "boolean"}, "Only that whose last attempt failed, or that was given up."),
        Parameter("state", {"type": "string", "enum": list(STATES)}, "Only what is in this state."),
        Parameter("since", INSTANT, "Only what was noted at or after this instant; local time without an offset."),
        *paging(),
    ),
    paged=True,
    ours=True,
    description="Kept for a month. Not for users who are limited to sites.",
)
_GET = Docs("Get a delivery with its attempts", {200: DeliveryWithAttempts}, ours=True)
_RESEND = Docs(
    "Send a delivery again",
    {200: DeliveryBody},
    ours=True,
    errors=(409,),
    description="With all attempts that a new one has. 409 while its endpoint is disabled, or it is being sent.",
)


def _unlimited(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if they are not limited to sites: integrations are the whole account's. Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal


@get("/webhook_deliveries", name="listWebhookDeliveries", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List deliveries."""
    principal, query = _unlimited(request), request.query_params
    page = page_of(query)
    wanted = Wanted(
        application_id=id_of(query, "app"),
        rule_id=id_of(query, "rule"),
        failed=boolean(query, "failed") or None,
        state=choice_of(query, "state", STATES),
        since=instant_of(query, "since", principal.zone),
    )

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_deliveries(transaction, principal.account_id, wanted, page)
        return encoded([delivery_body(each) for each in found]), total

    rows, total = await context_of(request).database.read(read)
    return page_response(request, rows, total, page)


@get("/webhook_deliveries/{delivery_id:str}", name="getWebhookDelivery", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], delivery_id: FromPath[str]) -> ASGIResponse:
    """One delivery with its attempts."""
    principal, number = _unlimited(request), path_id(delivery_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(with_attempts(*get_delivery(transaction, principal.account_id, number)))

    return encoded_response(await context_of(request).database.read(read))


@post(
    "/webhook_deliveries/{delivery_id:str}/resend",
    name="resendWebhookDelivery",
    scopes=_WRITE,
    status_code=200,
    docs=_RESEND,
)
async def send_again(request: Request[Any, Any, Any], delivery_id: FromPath[str]) -> ASGIResponse:
    """Send a delivery again."""
    _unlimited(request)
    number = path_id(delivery_id)

    def send(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(delivery_body(resend(transaction, principal.account_id, number, now)))

    return await change(request, send)


router = Router("/api/3", route_handlers=[list_page, get_one, send_again])
