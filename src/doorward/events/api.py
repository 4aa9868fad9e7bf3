"""Routes and wire shapes of /api/3/events."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.events.codes import ACCESS, ALLOWED, CHANNEL_STATUS
from doorward.events.listing import Order, Wanted, get_event, list_events
from doorward.events.wire import EventBody, event_body
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import EARLIEST
from doorward.oauth.principal import Principal
from doorward.webhooks.acknowledging import EVENTS
from doorward.webhooks.reading import ACKNOWLEDGING, read_and_acknowledge
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import IDS, INSTANT, Docs, Parameter
from doorward.wire.queries import choice_of, id_of, ids_of, path_id, short_page_of, since_of, text_of
from doorward.wire.responses import encoded, page_response

_DAYS_BACK_MS: Final = 90 * 86_400_000


_READ = ("account.event.access.readonly",)
_NAME = {"type": "string", "maxLength": 255}
_LIST = Docs(
    "List events: who was admitted and who was rejected, unless other codes are asked for",
    {200: list[EventBody]},
    parameters=(
        Parameter("event_codes", IDS, "Only these codes; those of remote control (50-63) are not to be had here."),
        Parameter("first_name", _NAME, "Only of people with this first name today, whatever its case and accents."),
        Parameter("last_name", _NAME, "Only of people with this last name today, whatever its case and accents."),
        Parameter("person_id", {"type": "integer", "minimum": 1}, "Only of this person. Ours."),
        Parameter("channels", IDS, "Only of these channels."),
        Parameter("door_controllers", IDS, "Another name for channels."),
        Parameter(
            "since", INSTANT, "Only what happened at or after this instant; the last 90 days if it is not given."
        ),
        Parameter("since_utc", INSTANT, "The same, in UTC if it has no offset. Ours."),
        Parameter("level", {"type": "string", "enum": ["debug"]}, "With the codes 1 to 3 of channels' own state."),
        Parameter("sort", {"type": "string", "enum": ["ASC", "DESC"], "default": "DESC"}, "Oldest or newest first."),
        Parameter("n", {"type": "integer", "minimum": 1, "default": 50}, "Rows of a page; over 1000 counts as 1000."),
        Parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page, from 1."),
    ),
    paged=True,
)
_GET = Docs(
    "Get an event",
    {200: EventBody},
    parameters=ACKNOWLEDGING,
)


@get("/events", name="listEvents", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List events, newest first. Contract operation listEvents."""
    context, principal = context_of(request), principal_of(request)
    page = short_page_of(request.query_params, default=50, largest=1000)
    wanted = _wanted(request.query_params, principal, context.clock.now())

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_events(transaction, principal, wanted, page)
        return encoded([event_body(event) for event in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page, size_name="n")


@get("/events/{event_id:str}", name="getEvent", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], event_id: FromPath[str]) -> ASGIResponse:
    """One event. Contract operation getEvent; it acknowledges the webhooks that told of the event."""
    principal, number = principal_of(request), path_id(event_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(event_body(get_event(transaction, principal, number)))

    return await read_and_acknowledge(request, EVENTS, number, read)


def _wanted(query: Mapping[str, str], principal: Principal, now: int) -> Wanted:
    """What the query asks for. Raises BadRequest."""
    orders: tuple[Order, Order] = ("ASC", "DESC")
    order = choice_of(query, "sort", orders)
    since = since_of(query, principal.zone)
    given = bool(query.get("since") or query.get("since_utc"))
    return Wanted(
        codes=_codes(query),
        since=since if given else max(now - _DAYS_BACK_MS, EARLIEST),
        channel_ids=_channels(query),
        person_id=id_of(query, "person_id"),
        first_name=text_of(query, "first_name"),
        last_name=text_of(query, "last_name"),
        order="ASC" if order == "ASC" else "DESC",
    )


def _codes(query: Mapping[str, str]) -> frozenset[int]:
    asked = ids_of(query, "event_codes")
    wrong = [str(code) for code in asked if code not in ALLOWED]
    if wrong:
        raise BadRequest(f"The following event codes are not valid for this method: {', '.join(wrong)}")
    debug = choice_of(query, "level", ("debug",)) is not None
    return (frozenset(asked) or ACCESS) | (CHANNEL_STATUS if debug else frozenset())


def _channels(query: Mapping[str, str]) -> list[int] | None:
    channel_ids, alias = ids_of(query, "channels"), ids_of(query, "door_controllers")
    if channel_ids and alias and set(channel_ids) != set(alias):
        raise BadRequest("The parameter door_controllers must be the same as channels, which it is another name for")
    return channel_ids or alias or None


router = Router("/api/3", route_handlers=[list_page, get_one])
