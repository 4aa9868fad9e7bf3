"""The pages of /console/rules: the list, the form, and what is done to a rule."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.once import Secret, show_once
from doorward.console.page import go, show
from doorward.console.rules.detail import show_rule
from doorward.console.rules.forms import body_of_form, body_of_rule, rows_of, values_of
from doorward.console.rules.reading import doors_of, groups_of
from doorward.console.rules.words import DAYS, EVENT_KINDS, action_words, summary, words_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid
from doorward.notification_rules.rule import NotificationRule
from doorward.notification_rules.senders import senders_of_rules
from doorward.notification_rules.service import (
    create_rule,
    delete_rule,
    get_rule,
    list_rules,
    rotate_secret,
    update_rule,
)
from doorward.notification_rules.testing import Begun, begin_tests, send_tests
from doorward.oauth.principal import Principal
from doorward.webhooks.dispatching import Dispatcher
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_READ: Final = ("account.notification_rule.readonly",)
_WRITE: Final = ("account.notification_rule",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = "/console/rules"
_LISTS: Final = ("match_event_codes", "match_controller_ids", "match_group_ids")


@get("/rules", name="console.rules", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The rules that the user sees."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"rules": [each.concealed() for each in list_rules(transaction, principal.account_id, by=principal)]}

    return await show(request, "rules/list.html", read, summary=summary, action_words=action_words)


@get("/rules/new", name="console.rules.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    return await _form(request, None, Form({"active": True}))


@post("/rules/new", name="console.rules.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a rule."""
    form, vault = await sent(request), context_of(request).vault
    body = body_of_form(form)
    try:
        made = await perform(request, lambda tx, by, now: create_rule(tx, vault, by.account_id, body, now, by=by))
    except (Invalid, Conflict) as error:
        return await _form(request, None, again(form, error, lists=_LISTS), form)
    return go(request, f"{_LIST}/{made.id}", f"{made.name} was added. Send a test to see whether it arrives.")


@get("/rules/{rule_id:str}", name="console.rule", scopes=_READ, **_PAGE)
async def detail_page(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """One rule."""
    return await show_rule(request, path_id(rule_id))


@get("/rules/{rule_id:str}/edit", name="console.rule.edit", scopes=_WRITE, **_PAGE)
async def edit_page(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """The form of a rule."""
    return await _form(request, path_id(rule_id), None)


@post("/rules/{rule_id:str}/edit", name="console.rule.update", scopes=_WRITE, **_PAGE)
async def update(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Make another rule of it."""
    form, number = await sent(request), path_id(rule_id)
    try:
        changed = await _update(request, number, body_of_form(form))
    except Invalid as error:
        return await _form(request, number, again(form, error, lists=_LISTS), form)
    return go(request, f"{_LIST}/{number}", f"{changed.name} was saved.")


@post("/rules/{rule_id:str}/enable", name="console.rule.enable", scopes=_WRITE, **_PAGE)
async def enable(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Let a rule tell again, also where it had given up."""
    await sent(request)
    return await _switch(request, path_id(rule_id), active=True)


@post("/rules/{rule_id:str}/disable", name="console.rule.disable", scopes=_WRITE, **_PAGE)
async def disable(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Let a rule tell nothing more."""
    await sent(request)
    return await _switch(request, path_id(rule_id), active=False)


@post("/rules/{rule_id:str}/delete", name="console.rule.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Delete a rule."""
    await sent(request)
    number = path_id(rule_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_rule(transaction, by.account_id, number, by=by).name
        delete_rule(transaction, by.account_id, number, now, by=by)
        return name

    return go(request, _LIST, f"{await perform(request, delete_it)} was deleted.")


@post("/rules/{rule_id:str}/secret", name="console.rule.secret", scopes=_WRITE, **_PAGE)
async def rotate(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """A new secret for what the rule posts, shown in this answer only."""
    await sent(request)
    vault, number = context_of(request).vault, path_id(rule_id)
    try:
        secret = await perform(request, lambda tx, by, now: rotate_secret(tx, vault, by.account_id, number, now, by=by))
    except Conflict as error:
        return await show_rule(request, number, refused=error.text)
    shown = [Secret("rule-secret", "Signing secret", secret, "With it the receiver checks that a message is ours.")]
    return await show_once(
        request,
        "A new signing secret",
        shown,
        back=f"{_LIST}/{number}",
        back_label="Go to the rule",
        text="The one before, if there was one, is good for another day.",
    )


@post("/rules/{rule_id:str}/test", name="console.rule.test", scopes=_WRITE, **_PAGE)
async def test(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Do each of its actions once, and say what came of it."""
    await sent(request)
    number, context = path_id(rule_id), context_of(request)
    edge = context.edge
    senders = senders_of_rules(context.database, context.vault, context.clock, edge.outbound_allow, edge.mail_server)
    dispatcher = Dispatcher(context.database, context.clock, senders)

    def begin(transaction: Transaction, by: Principal, now: int) -> list[Begun]:
        return begin_tests(transaction, by.account_id, number, dispatcher.next_test_lease, now, by=by)

    begun = await perform(request, begin)
    return await show_rule(request, number, tested=await send_tests(dispatcher, begun))


async def _switch(request: Request[Any, Any, Any], number: int, *, active: bool) -> ASGIResponse:
    changed = await _update(request, number, {}, active=active)
    return go(request, f"{_LIST}/{number}", f"{changed.name} is {'on' if active else 'off'}.")


async def _update(
    request: Request[Any, Any, Any], number: int, body: dict[str, object], *, active: bool | None = None
) -> NotificationRule:
    """Make of the rule what the body says; with `active`, the same rule switched on or off."""
    vault = context_of(request).vault

    def update_it(transaction: Transaction, by: Principal, now: int) -> NotificationRule:
        wanted = body
        if active is not None:
            found = get_rule(transaction, by.account_id, number, by=by)
            wanted = {**body_of_rule(found), "active": active}
        return update_rule(transaction, vault, by.account_id, number, wanted, now, by=by)

    return await perform(request, update_it)


async def _form(
    request: Request[Any, Any, Any], number: int | None, form: Form | None, given: Sent | None = None
) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        rule = None if number is None else get_rule(transaction, principal.account_id, number, by=principal)
        shown = form or Form({} if rule is None else values_of(rule))
        return {
            "rule": rule,
            "form": shown,
            "rows": rows_of(shown.values, given),
            "doors": [(each.id, f"{each.name}, {each.site}") for each in doors_of(transaction, principal)],
            "groups": [(each.id, each.name) for each in groups_of(transaction, principal)],
        }

    return await show(
        request,
        "rules/form.html",
        read,
        status=422 if form and form.errors else 200,
        event_kinds=EVENT_KINDS,
        words_of=words_of,
        days=DAYS,
        has_mail=context_of(request).edge.mail_server is not None,
    )


HANDLERS = (list_page, new_page, create, detail_page, edit_page, update, enable, disable, remove, rotate, test)
