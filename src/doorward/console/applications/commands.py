"""What is done to an application: new secrets, the end of all access, its webhook's test and return."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.applications.client_secrets import make_client_secret
from doorward.applications.service import revoke_application, rotate_secret
from doorward.applications.webhooks import enable_webhook, rotate_webhook_secret, webhook_to_test
from doorward.console.applications.detail import show_application
from doorward.console.applications.views import webhook_secret
from doorward.console.forms import sent
from doorward.console.moments import counted
from doorward.console.once import Secret, show_once
from doorward.console.page import go
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict
from doorward.oauth.principal import Principal
from doorward.webhooks.application_webhook import ApplicationWebhook
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.endpoints import WEBHOOK
from doorward.webhooks.log import begin_test
from doorward.webhooks.queue import Claimed
from doorward.wire.changes import perform
from doorward.wire.context import base_url, context_of
from doorward.wire.queries import path_id

_WRITE: Final = ("account.application",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/applications"
_BACK: Final = "Go to the application"


@post("/applications/{application_id:str}/rotate", name="console.application.rotate", scopes=_WRITE, **_PAGE)
async def rotate(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """A new client secret."""
    whole_account(request)
    await sent(request)
    number, secret = path_id(application_id), await make_client_secret()
    try:
        await perform(
            request, lambda tx, by, now: rotate_secret(tx, by.account_id, number, secret.secret_hash, now, by)
        )
    except Conflict as error:
        return await show_application(request, number, refused=error.text)
    shown = [Secret("client-secret", "Client secret", secret.secret, "The one before is good no longer.")]
    return await show_once(request, "A new client secret", shown, back=f"{_LIST}/{number}", back_label=_BACK)


@post("/applications/{application_id:str}/revoke", name="console.application.revoke", scopes=_WRITE, **_PAGE)
async def revoke(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """The end of all that it holds."""
    whole_account(request)
    await sent(request)
    number = path_id(application_id)
    revoked = await perform(request, lambda tx, by, now: revoke_application(tx, by.account_id, number, now, by))
    return go(request, f"{_LIST}/{number}", f"All its access has ended: {counted(revoked, 'access token')} revoked.")


@post(
    "/applications/{application_id:str}/webhook-secret",
    name="console.application.webhookSecret",
    scopes=_WRITE,
    **_PAGE,
)
async def rotate_webhook(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """A new secret that webhooks are signed with."""
    whole_account(request)
    form, vault, number = await sent(request), context_of(request).vault, path_id(application_id)
    at_once = bool(form.text("at_once"))

    def rotate_it(transaction: Transaction, by: Principal, now: int) -> str:
        return rotate_webhook_secret(transaction, vault, by.account_id, number, now, by, at_once=at_once).secret

    try:
        secret = await perform(request, rotate_it)
    except Conflict as error:
        return await show_application(request, number, refused=error.text)
    text = "The one before is good no longer." if at_once else "The one before is good for another day."
    shown = [webhook_secret(secret)]
    back = f"{_LIST}/{number}"
    return await show_once(request, "A new webhook secret", shown, back=back, back_label=_BACK, text=text)


@post(
    "/applications/{application_id:str}/webhook-enable",
    name="console.application.webhookEnable",
    scopes=_WRITE,
    **_PAGE,
)
async def enable(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Tell it again."""
    whole_account(request)
    await sent(request)
    number = path_id(application_id)
    try:
        await perform(request, lambda tx, by, now: enable_webhook(tx, by.account_id, number, now, by))
    except Conflict as error:
        return await show_application(request, number, refused=error.text)
    return go(request, f"{_LIST}/{number}", "Its webhook is on again. What it has missed can be sent again by the log.")


@post("/applications/{application_id:str}/webhook-test", name="console.application.webhookTest", scopes=_WRITE, **_PAGE)
async def test(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Send a test and say what came of it."""
    whole_account(request)
    await sent(request)
    number, context, address = path_id(application_id), context_of(request), base_url(request)
    sender = ApplicationWebhook(context.vault, context.clock, lambda: address, context.edge.outbound_allow)
    dispatcher = Dispatcher(context.database, context.clock, {WEBHOOK: sender})
    lease, until = dispatcher.next_test_lease()

    def begin(transaction: Transaction, by: Principal, now: int) -> Claimed:
        endpoint = webhook_to_test(transaction, by.account_id, number, by)
        return begin_test(transaction, endpoint, lease, now, until)

    try:
        claimed = await perform(request, begin)
    except Conflict as error:
        return await show_application(request, number, refused=error.text)
    return await show_application(request, number, tested=await dispatcher.send(claimed))


HANDLERS = (rotate, revoke, rotate_webhook, enable, test)
