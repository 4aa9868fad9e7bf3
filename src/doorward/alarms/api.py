"""Routes of /api/3/alarms, all ours: what is wrong at doors, and who sees to it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, Router, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.alarms import service
from doorward.alarms.alarm import Alarm
from doorward.alarms.kinds import STATES, Kind
from doorward.alarms.listing import Wanted, details_of, get_alarm, list_alarms
from doorward.alarms.wire import AlarmBody, AlarmDetails, NoteBody, alarm_body, details_body, note_body
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json, read_optional_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import IDS, SINCE, Docs, Id, Parameter
from doorward.wire.queries import choices_of, id_of, ids_of, path_id, short_page_of, since_of
from doorward.wire.responses import encoded, encoded_response, page_response

_KINDS: Final = tuple(kind.value for kind in Kind)
_PER_PAGE: Final = 100
_MOST_PER_PAGE: Final = 1000
_READ: Final = ("account.event.access.readonly",)
_ACT: Final = (service.ACT,)


class NoteToIt(Struct, frozen=True):
    """What there is to say about it, if anything."""

    note: str | None = None


class NoteInput(Struct, frozen=True):
    """What is to be remembered about an alarm."""

    text: str


class AssigneeInput(Struct, frozen=True):
    """Which user is to see to it; null: nobody in particular."""

    assignee_id: Id | None


def _words(words: tuple[str, ...]) -> Mapping[str, object]:
    return {"type": "array", "items": {"type": "string", "enum": list(words)}}


_LIST: Final = Docs(
    "List alarms, newest first",
    {200: list[AlarmBody]},
    parameters=(
        Parameter("state", _words(STATES), "Only in these states."),
        Parameter("kind", _words(_KINDS), "Only of these kinds."),
        Parameter("channels", IDS, "Only of these channels."),
        Parameter("site_ids", IDS, "Only of channels at these sites."),
        Parameter("assignee", {"type": "integer", "minimum": 1}, "Only those that this user is to see to."),
        *SINCE,
        Parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page, from 1."),
        Parameter(
            "n",
            {"type": "integer", "minimum": 1, "default": _PER_PAGE},
            f"Rows of a page; over {_MOST_PER_PAGE} counts as {_MOST_PER_PAGE}.",
        ),
    ),
    paged=True,
    ours=True,
    description="A door has one alarm of each kind that is not closed: what happens there again counts up.",
)
_GET: Final = Docs("Show an alarm with its notes and events", {200: AlarmDetails}, ours=True)
_SECOND: Final = "If somebody was quicker, the answer is 409 with the alarm as it is."
_ACKNOWLEDGE: Final = Docs(
    "Acknowledge an alarm: somebody sees to it",
    {200: AlarmBody, 409: AlarmBody},
    body=NoteToIt,
    body_required=False,
    ours=True,
    description=_SECOND,
)
_CLOSE: Final = Docs(
    "Close an alarm: it has been seen to",
    {200: AlarmBody, 409: AlarmBody},
    body=NoteToIt,
    body_required=False,
    ours=True,
    description=f"One that is open is acknowledged with that. {_SECOND}",
)
_NOTE: Final = Docs("Write something down about an alarm", {201: NoteBody}, body=NoteInput, ours=True)
_ASSIGN: Final = Docs(
    "Say who is to see to an alarm",
    {200: AlarmBody, 409: AlarmBody},
    body=AssigneeInput,
    ours=True,
    description="A user who can sign in, sees the door and may act on alarms. 409 with the alarm if it is closed.",
)


@get("/alarms", name="listAlarms", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List alarms."""
    context, principal = context_of(request), principal_of(request)
    page = short_page_of(request.query_params, default=_PER_PAGE, largest=_MOST_PER_PAGE)
    wanted = _wanted(request.query_params, principal)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_alarms(transaction, principal.account_id, wanted, page, by=principal)
        return encoded([alarm_body(each) for each in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page, size_name="n")


@get("/alarms/{alarm_id:str}", name="getAlarm", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """One alarm."""
    context, principal, number = context_of(request), principal_of(request), path_id(alarm_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(details_body(details_of(transaction, principal.account_id, number, by=principal)))

    return encoded_response(await context.database.read(read))


@post(
    "/alarms/{alarm_id:str}/acknowledge",
    name="acknowledgeAlarm",
    scopes=_ACT,
    also_scopes=_READ,
    status_code=200,
    docs=_ACKNOWLEDGE,
)
async def acknowledge(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Acknowledge an alarm."""
    return await _act(request, path_id(alarm_id), await read_optional_json(request), service.acknowledge)


@post(
    "/alarms/{alarm_id:str}/close",
    name="closeAlarm",
    scopes=_ACT,
    also_scopes=_READ,
    status_code=200,
    docs=_CLOSE,
)
async def close(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Close an alarm."""
    return await _act(request, path_id(alarm_id), await read_optional_json(request), service.close)


@put("/alarms/{alarm_id:str}", name="assignAlarm", scopes=_ACT, also_scopes=_READ, docs=_ASSIGN)
async def assign(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Assign an alarm."""
    return await _act(request, path_id(alarm_id), await read_json(request), service.assign)


@post("/alarms/{alarm_id:str}/notes", name="noteAlarm", scopes=_ACT, also_scopes=_READ, docs=_NOTE)
async def note(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Note something about an alarm."""
    number, body = path_id(alarm_id), await read_json(request)

    def note_it(transaction: Transaction, by: Principal, now: int) -> Answer:
        made = service.add_note(transaction, by.account_id, number, body, now, by=by)
        return answer(note_body(made), 201)

    return await change(request, note_it)


async def _act(
    request: Request[Any, Any, Any], alarm_id: int, body: object, action: Callable[..., Alarm]
) -> ASGIResponse:
    """Do something about an alarm, and answer with it, also where somebody has been quicker."""

    def act(transaction: Transaction, by: Principal, now: int) -> Answer:
        status = 200
        try:
            action(transaction, by.account_id, alarm_id, body, now, by=by)
        except service.AlreadyDone:
            status = 409
        return answer(alarm_body(get_alarm(transaction, by.account_id, alarm_id, by=by)), status)

    return await change(request, act)


def _wanted(query: Mapping[str, str], principal: Principal) -> Wanted:
    """What the query asks for. Raises BadRequest."""
    given = bool(query.get("since") or query.get("since_utc"))
    return Wanted(
        states=choices_of(query, "state", STATES) or None,
        kinds=choices_of(query, "kind", _KINDS) or None,
        channel_ids=ids_of(query, "channels") or None,
        site_ids=ids_of(query, "site_ids") or None,
        assignee_id=id_of(query, "assignee"),
        since=since_of(query, principal.zone) if given else None,
    )


router = Router("/api/3", route_handlers=[list_page, get_one, acknowledge, close, assign, note])
