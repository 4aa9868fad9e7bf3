"""The pages of /console/applications: the list, the form, and one application."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.applications.client_secrets import make_client_secret
from doorward.applications.service import (
    PUBLIC,
    create_application,
    get_application,
    list_applications,
    remove_application,
    update_application,
)
from doorward.console.applications.detail import show_application
from doorward.console.applications.forms import (
    KIND_WORDS,
    SERVER,
    body_of_change,
    body_of_new,
    is_built_in,
    kind_of,
    kinds_for,
    values_of,
)
from doorward.console.applications.reading import DAYS, used_lately
from doorward.console.forms import Form, again, sent
from doorward.console.once import Secret, show_once
from doorward.console.page import go, show
from doorward.console.webhooks.health import health_of, is_there
from doorward.console.webhooks.reading import endpoints_of
from doorward.console.whole_account import whole_account
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.webhooks.endpoints import set_webhook_url
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_READ: Final = ("account.application.readonly",)
_WRITE: Final = ("account.application",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/applications"


@get("/applications", name="console.applications", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The account's applications with their use and their webhooks."""
    whole_account(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        endpoints = endpoints_of(transaction, principal.account_id)
        return {
            "applications": list_applications(transaction, principal.account_id),
            "used": used_lately(transaction, principal.account_id, now),
            "webhooks": {each.application_id: health_of(each, now) for each in endpoints if is_there(each)},
        }

    return await show(
        request, "applications/list.html", read, days=DAYS, kind_of=kind_of, kind_words=KIND_WORDS, built_in=is_built_in
    )


@get("/applications/new", name="console.applications.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    whole_account(request)
    return await _new(request, Form({"kind": SERVER}))


@post("/applications/new", name="console.applications.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add an application; its secrets are shown in this answer only."""
    whole_account(request)
    form, vault = await sent(request), context_of(request).vault
    body, secret = body_of_new(form), await make_client_secret()

    def create_it(transaction: Transaction, by: Principal, now: int) -> tuple[int, str, list[Secret]]:
        made = create_application(transaction, by.account_id, body, secret.secret_hash, now, by)
        signed_with = set_webhook_url(transaction, vault, by.account_id, made.id, made.webhook_url, now)
        shown = [Secret("client-id", "Client id", made.client_id, "It can be seen again at any time.")]
        if made.kind != PUBLIC:
            shown.append(Secret("client-secret", "Client secret", secret.secret))
        if signed_with is not None:
            shown.append(webhook_secret(signed_with))
        return made.id, made.name, shown

    try:
        number, name, shown = await perform(request, create_it)
    except Invalid as error:
        return await _new(request, again(form, error))
    return await show_once(request, f"{name} was added", shown, back=f"{_LIST}/{number}", back_label=f"Go to {name}")


@get("/applications/{application_id:str}", name="console.application", scopes=_READ, **_PAGE)
async def detail_page(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """One application."""
    whole_account(request)
    return await show_application(request, path_id(application_id))


@get("/applications/{application_id:str}/edit", name="console.application.edit", scopes=_WRITE, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """The form of an application."""
    whole_account(request)
    return await _edit(request, None, path_id(application_id))


@post("/applications/{application_id:str}/edit", name="console.application.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Change an application; a webhook where there was none has a secret, shown in this answer only."""
    whole_account(request)
    form, number, vault = await sent(request), path_id(application_id), context_of(request).vault
    body = body_of_change(form)

    def update_it(transaction: Transaction, by: Principal, now: int) -> tuple[str, str | None]:
        found = update_application(transaction, by.account_id, number, body, now, by)
        secret = set_webhook_url(transaction, vault, by.account_id, found.id, found.webhook_url, now)
        return found.name, secret

    try:
        name, secret = await perform(request, update_it)
    except Invalid as error:
        return await _edit(request, again(form, error), number)
    target = f"{_LIST}/{number}"
    if secret is None:
        return go(request, target, f"{name} was saved.")
    return await show_once(
        request, f"{name} was saved", [webhook_secret(secret)], back=target, back_label=f"Go to {name}"
    )


@post("/applications/{application_id:str}/delete", name="console.application.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Remove an application with all that it holds."""
    whole_account(request)
    await sent(request)
    number = path_id(application_id)

    def remove_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_application(transaction, by.account_id, number).name
        remove_application(transaction, by.account_id, number, now, by)
        return name

    name = await perform(request, remove_it)
    return go(request, _LIST, f"{name} was deleted. It has no access any more.")


def webhook_secret(secret: str) -> Secret:
    """The secret that webhooks are signed with, to be shown."""
    return Secret("webhook-secret", "Webhook secret", secret, "With it the receiver checks that a message is ours.")


async def _new(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    def read(_: Transaction, principal: Principal, __: int) -> Mapping[str, object]:
        return {"kinds": kinds_for(principal)}

    status = 422 if form.errors else 200
    return await show(request, "applications/form.html", read, status=status, form=form, application=None)


async def _edit(request: Request[Any, Any, Any], form: Form | None, number: int) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found = get_application(transaction, principal.account_id, number)
        return {"application": found, "form": form or Form(values_of(found)), "kinds": []}

    return await show(request, "applications/form.html", read, status=422 if form else 200)


HANDLERS = (list_page, new_page, create, detail_page, edit_page, update, remove)
