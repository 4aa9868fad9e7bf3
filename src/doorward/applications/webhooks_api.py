"""Routes of /api/3/applications/{application_id}/webhook… [ours]: how its webhook does, its secret, a test."""

from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.applications.webhooks import enable_webhook, get_webhook, rotate_webhook_secret, webhook_to_test
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import format_optional
from doorward.oauth.principal import Principal
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher, Sent
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.log import begin_test
from doorward.webhooks.queue import Claimed
from doorward.webhooks.sending import Endpoint
from doorward.wire.bodies import read_optional_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import base_url, context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response


class WebhookBody(Struct, frozen=True, gc=False):
    """Where an application's webhooks go, and how that works."""

    url: str
    failing_since: str | None
    paused_until: str | None
    """It asked to be left alone until then."""
    disabled_at: str | None
    disabled_reason: str | None
    """failing, gone, no_secret"""
    previous_secret_until: str | None
    """Until when the secret before the present one is good, too."""


class WebhookSecretInput(Struct, frozen=True, omit_defaults=True):
    """How a secret is replaced; `at_once`: the one before is good no longer, such as one that has leaked."""

    at_once: bool = False


class WebhookSecret(Struct, frozen=True, gc=False):
    """A new secret, which cannot be seen again."""

    webhook_secret: str
    previous_secret_until: str | None


class WebhookTest(Struct, frozen=True, gc=False):
    """What came of a test; `delivered` is null if it is not known yet."""

    delivery_id: int
    delivered: bool | None
    status: int | None
    error: str | None
    took_ms: int | None


_READ: Final = ("account.application.readonly",)
_WRITE: Final = ("account.application",)
_GET = Docs("Get how an application's webhook does", {200: WebhookBody}, ours=True)
_ROTATE = Docs(
    "Replace the secret that webhooks are signed with",
    {200: WebhookSecret},
    body=WebhookSecretInput,
    body_required=False,
    ours=True,
    errors=(409,),
    description="For a day what is refused with the new secret is sent again with the one before it.",
)
_ENABLE = Docs(
    "Tell an application again that was disabled",
    {200: WebhookBody},
    ours=True,
    errors=(409,),
    description="What it has missed it is not told; deliveries of the log can be sent again.",
)
_TEST = Docs(
    "Send something to the application's webhook now, and say what came of it",
    {200: WebhookTest},
    ours=True,
    errors=(409,),
    description="Signed as everything is, with the resource type Test; once, and nobody has to acknowledge it.",
)


def _body(found: Endpoint) -> WebhookBody:
    return WebhookBody(
        found.target,
        format_optional(found.failing_since),
        format_optional(found.paused_until),
        format_optional(found.disabled_at),
        found.disabled_reason,
        format_optional(found.previous_until),
    )


def _unlimited(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if they are not limited to sites: integrations are the whole account's. Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal


@get("/applications/{application_id:str}/webhook", name="getApplicationWebhook", scopes=_READ, docs=_GET)
async def show(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """How an application's webhook does."""
    principal, number = _unlimited(request), path_id(application_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(get_webhook(transaction, principal.account_id, number)))

    return encoded_response(await context_of(request).database.read(read))


@post(
    "/applications/{application_id:str}/webhook_secret",
    name="rotateWebhookSecret",
    scopes=_WRITE,
    status_code=200,
    docs=_ROTATE,
)
async def rotate(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Replace the secret of an application's webhook."""
    _unlimited(request)
    vault, number = context_of(request).vault, path_id(application_id)
    fields = StructuredFields(await read_optional_json(request))
    at_once = fields.flag("at_once", before=False)
    fields.check()

    def rotate_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = rotate_webhook_secret(transaction, vault, principal.account_id, number, now, principal, at_once=at_once)
        return answer(WebhookSecret(made.secret, format_optional(made.previous_until)))

    return await change(request, rotate_it)


@post(
    "/applications/{application_id:str}/webhook_enable",
    name="enableApplicationWebhook",
    scopes=_WRITE,
    status_code=200,
    docs=_ENABLE,
)
async def enable(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Tell an application again."""
    _unlimited(request)
    number = path_id(application_id)

    def enable_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(enable_webhook(transaction, principal.account_id, number, now, principal)))

    return await change(request, enable_it)


@post(
    "/applications/{application_id:str}/webhook_test",
    name="testApplicationWebhook",
    scopes=_WRITE,
    status_code=200,
    docs=_TEST,
)
async def test(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Send a test and wait for what comes of it."""
    _unlimited(request)
    number, context, address = path_id(application_id), context_of(request), base_url(request)
    sender = ApplicationWebhook(context.vault, context.clock, lambda: address, context.edge.outbound_allow)
    dispatcher = Dispatcher(context.database, context.clock, {WEBHOOK: sender})
    lease, until = dispatcher.next_test_lease()
    begun: list[Claimed] = []

    def begin(transaction: Transaction, principal: Principal, now: int) -> Answer:
        endpoint = webhook_to_test(transaction, principal.account_id, number, principal)
        begun[:] = [begin_test(transaction, endpoint, lease, now, until)]
        return answer(_result(begun[0], None))

    answered = await change(request, begin)
    if not begun:  # somebody has asked for it before, by the same idempotency key
        return answered
    return encoded_response(encoded(_result(begun[0], await dispatcher.send(begun[0]))))


def _result(claimed: Claimed, sent: Sent | None) -> WebhookTest:
    delivery_id = claimed.deliveries[0].id
    if sent is None:
        return WebhookTest(delivery_id, None, None, None, None)
    outcome = sent.outcome
    return WebhookTest(delivery_id, outcome.error is None, outcome.status, outcome.error, sent.took_ms)


router = Router("/api/3", route_handlers=[show, rotate, enable, test])
