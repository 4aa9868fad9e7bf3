"""Routes and wire shapes of /api/3/notification_rules."""

from typing import Annotated, Any, Final

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.codes import name_of
from doorward.notification_rules.service import (
    NotificationRule,
    create_rule,
    delete_rule,
    get_rule,
    list_rules,
    update_rule,
)
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Result
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response


class ConditionBody(Struct, frozen=True, gc=False):
    """What an event must be about."""

    type: str
    type_description: str
    value: str


class EventMatch(Struct, frozen=True, gc=False):
    """An event code, with its name in words."""

    code: int
    name: str


class ActionBody(Struct, frozen=True, gc=False):
    """What is done."""

    type: int
    type_description: str
    data: str


class NotificationRuleBody(Struct, frozen=True, gc=False):
    """A notification rule on the wire (contract, NotificationRule)."""

    id: int
    name: str
    active: bool
    conditions: list[ConditionBody]
    events: Annotated[list[EventMatch], Meta(min_length=1)]
    actions: Annotated[list[ActionBody], Meta(min_length=1)]


class NotificationRuleInput(Struct, frozen=True, omit_defaults=True):
    """What a rule is made of; without `match_controller_ids` it is about every channel."""

    name: str
    call_back_url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    match_event_codes: Annotated[list[int], Meta(min_length=1)]
    active: bool = True
    match_controller_ids: list[Id] | None = None


_CONDITION_WORDS: Final = {"door_controller_id": "Door Controller"}
_ACTION_WORDS: Final = {0: "Callback URL"}

_READ = ("account.notification_rule.readonly",)
_WRITE = ("account.notification_rule",)
_LIST = Docs("List notification rules", {200: list[NotificationRuleBody]})
_GET = Docs("Get a notification rule", {200: NotificationRuleBody})
_CREATE = Docs("Create a notification rule", {200: NotificationRuleBody}, body=NotificationRuleInput)
_UPDATE = Docs("Replace a notification rule", {200: NotificationRuleBody}, body=NotificationRuleInput)
_DELETE = Docs("Delete a notification rule", {200: Result})


def _body(rule: NotificationRule) -> NotificationRuleBody:
    return NotificationRuleBody(
        rule.id,
        rule.name,
        rule.active,
        [ConditionBody(each.type, _CONDITION_WORDS[each.type], each.value) for each in rule.conditions],
        [EventMatch(code, name_of(EventCode(code))) for code in rule.event_codes],
        [ActionBody(each.type, _ACTION_WORDS[each.type], each.data) for each in rule.actions],
    )


@get("/notification_rules", name="listNotificationRules", scopes=_READ, docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List notification rules, oldest first. Contract operation listNotificationRules."""
    context, principal = context_of(request), principal_of(request)
    found = await context.database.read(
        lambda transaction: encoded([_body(rule) for rule in list_rules(transaction, principal)])
    )
    return encoded_response(found)


@get("/notification_rules/{rule_id:str}", name="getNotificationRule", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """One notification rule. Contract operation getNotificationRule."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(rule_id)
    found = await context.database.read(lambda transaction: encoded(_body(get_rule(transaction, principal, number))))
    return encoded_response(found)


@post("/notification_rules", name="createNotificationRule", scopes=_WRITE, status_code=200, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a notification rule. Contract operation createNotificationRule."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_rule(transaction, principal, body, now)))

    return await change(request, create_it)


@put("/notification_rules/{rule_id:str}", name="updateNotificationRule", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Replace a notification rule. Contract operation updateNotificationRule."""
    number, body = path_id(rule_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(update_rule(transaction, principal, number, body, now)))

    return await change(request, update_it)


@delete(
    "/notification_rules/{rule_id:str}",
    name="deleteNotificationRule",
    scopes=_WRITE,
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Delete a notification rule. Contract operation deleteNotificationRule."""
    number = path_id(rule_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_rule(transaction, principal, number, now)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_all, get_one, create, update, remove])
