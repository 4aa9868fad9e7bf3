"""Routes and wire shapes of /api/3/notification_rules."""

from typing import Annotated, Any, Final, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.db.unit_of_work import Transaction
from doorward.events.codes import name_of
from doorward.kit.timestamps import format_instant
from doorward.notification_rules.reading import MOST_ACTIONS, MOST_ADDRESSES, MOST_HOURS
from doorward.notification_rules.rule import (
    CALL_BACK,
    CONSOLE,
    DOOR_CONTROLLER,
    EMAIL,
    PERSON_GROUP,
    REPLAYED,
    SLACK,
    TIME_OF_DAY,
    NotificationRule,
)
from doorward.notification_rules.senders import senders_of_rules
from doorward.notification_rules.service import (
    create_rule,
    delete_rule,
    get_rule,
    list_rules,
    rotate_secret,
    update_rule,
)
from doorward.notification_rules.testing import Begun, begin_tests, send_tests, untold
from doorward.oauth.principal import Principal
from doorward.shifts.api import WindowInput
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.endpoints import OVERLAP_MS
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


class ActionInput(Struct, frozen=True, omit_defaults=True):
    """What is to be done: `post` and `slack` have a URL, `email` has addresses, `console` has neither."""

    kind: Literal["post", "email", "slack", "console"]
    url: Annotated[str, Meta(extra_json_schema={"format": "uri"})] | None = None
    addresses: Annotated[list[str], Meta(max_length=MOST_ADDRESSES)] | None = None


class NotificationRuleInput(Struct, frozen=True, omit_defaults=True):
    """What a rule is made of; without conditions it is about every channel, anybody, at any time.

    One of `call_back_url` and `actions` has to be given; the contract knows the former only.
    """

    name: str
    match_event_codes: Annotated[list[int], Meta(min_length=1)]
    call_back_url: Annotated[str, Meta(extra_json_schema={"format": "uri"})] | None = None
    actions: Annotated[list[ActionInput], Meta(max_length=MOST_ACTIONS)] | None = None
    active: bool = True
    match_controller_ids: list[Id] | None = None
    match_group_ids: list[Id] | None = None
    match_times: Annotated[list[WindowInput], Meta(max_length=MOST_HOURS)] | None = None
    include_replayed: bool = False


class ActionTest(Struct, frozen=True):
    """What came of the test of one action; `delivered` is null if it is not known yet."""

    kind: str
    delivery_id: int | None
    delivered: bool | None
    status: int | None
    error: str | None
    took_ms: int | None


class RuleSecret(Struct, frozen=True):
    """The secret by which what a rule posts is signed, and until when the one before it is good."""

    secret: str
    previous_until: str


_CONDITION_WORDS: Final = {
    DOOR_CONTROLLER: "Door Controller",
    PERSON_GROUP: "People Group",
    TIME_OF_DAY: "Time of Day",
    REPLAYED: "Told Late, Too",
}
_ACTION_WORDS: Final = {CALL_BACK: "Callback URL", EMAIL: "E-mail", SLACK: "Slack", CONSOLE: "Console"}

_READ = ("account.notification_rule.readonly",)
_WRITE = ("account.notification_rule",)
_LIST = Docs("List notification rules", {200: list[NotificationRuleBody]})
_GET = Docs("Get a notification rule", {200: NotificationRuleBody})
_CREATE = Docs("Create a notification rule", {200: NotificationRuleBody}, body=NotificationRuleInput, errors=(409,))
_UPDATE = Docs("Replace a notification rule", {200: NotificationRuleBody}, body=NotificationRuleInput)
_DELETE = Docs("Delete a notification rule", {200: Result})
_TEST = Docs(
    "Do each action of a notification rule now, and say what came of it",
    {200: list[ActionTest]},
    ours=True,
    description="Once, and what is told says that nothing has happened; operators are shown nothing.",
)
_ROTATE = Docs(
    "Replace the secret of a notification rule",
    {200: RuleSecret},
    errors=(409,),
    ours=True,
    description="What the rule posts is signed with it as webhooks are. It is shown this once.",
)


def _body(rule: NotificationRule, by: Principal) -> NotificationRuleBody:
    actions = rule.actions if by.may(*_WRITE) else rule.concealed().actions
    return NotificationRuleBody(
        rule.id,
        rule.name,
        rule.active,
        [ConditionBody(each.type, _CONDITION_WORDS[each.type], each.value) for each in rule.conditions],
        [EventMatch(code, name_of(code)) for code in rule.event_codes],
        [ActionBody(each.type, _ACTION_WORDS[each.type], each.data) for each in actions],
    )


@get("/notification_rules", name="listNotificationRules", scopes=_READ, docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List notification rules, oldest first. Contract operation listNotificationRules."""
    context, principal = context_of(request), principal_of(request)

    def read(transaction: Transaction) -> bytes:
        found = list_rules(transaction, principal.account_id, by=principal)
        return encoded([_body(rule, principal) for rule in found])

    return encoded_response(await context.database.read(read))


@get("/notification_rules/{rule_id:str}", name="getNotificationRule", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """One notification rule. Contract operation getNotificationRule."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(rule_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(get_rule(transaction, principal.account_id, number, by=principal), principal))

    return encoded_response(await context.database.read(read))


@post("/notification_rules", name="createNotificationRule", scopes=_WRITE, status_code=200, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a notification rule. Contract operation createNotificationRule."""
    vault, body = context_of(request).vault, await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_rule(transaction, vault, principal.account_id, body, now, by=principal), principal))

    return await change(request, create_it)


@put("/notification_rules/{rule_id:str}", name="updateNotificationRule", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Replace a notification rule. Contract operation updateNotificationRule."""
    vault, number, body = context_of(request).vault, path_id(rule_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        changed = update_rule(transaction, vault, principal.account_id, number, body, now, by=principal)
        return answer(_body(changed, principal))

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
        delete_rule(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


@post("/notification_rules/{rule_id:str}/test", name="testNotificationRule", scopes=_WRITE, status_code=200, docs=_TEST)
async def test(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Do each of its actions once, for a test, and wait for what comes of it."""
    number, context = path_id(rule_id), context_of(request)
    edge = context.edge
    senders = senders_of_rules(context.database, context.vault, context.clock, edge.outbound_allow, edge.mail_server)
    dispatcher = Dispatcher(context.database, context.clock, senders)
    tests: list[Begun] = []

    def begin(transaction: Transaction, principal: Principal, now: int) -> Answer:
        tests[:] = begin_tests(transaction, principal.account_id, number, dispatcher.next_test_lease, now, by=principal)
        return answer([ActionTest(*each) for each in untold(tests)])

    answered = await change(request, begin)
    if not tests:  # somebody has asked for it before, by the same idempotency key
        return answered
    return encoded_response(encoded([ActionTest(*each) for each in await send_tests(dispatcher, tests)]))


@post(
    "/notification_rules/{rule_id:str}/rotate_secret", name="rotateNotificationRuleSecret", scopes=_WRITE, docs=_ROTATE
)
async def rotate(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> ASGIResponse:
    """Sign with a new secret from now on."""
    vault, number = context_of(request).vault, path_id(rule_id)

    def rotate_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        secret = rotate_secret(transaction, vault, principal.account_id, number, now, by=principal)
        return answer(RuleSecret(secret, format_instant(now + OVERLAP_MS)))

    return await change(request, rotate_it)


router = Router("/api/3", route_handlers=[list_all, get_one, create, update, remove, test, rotate])
