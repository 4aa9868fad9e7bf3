"""Routes and wire shapes of /api/3/events."""

from typing import Any, Final

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.events.filters import FILTERS, wanted_of
from doorward.events.listing import get_event, list_events
from doorward.events.wire import EventBody, event_body
from doorward.kit.timestamps import EARLIEST
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Parameter
from doorward.wire.queries import path_id, short_page_of
from doorward.wire.responses import encoded, encoded_response, page_response

_DAYS_BACK_MS: Final = 90 * 86_400_000


_READ = ("account.event.access.readonly",)
_LIST = Docs(
    "List events: who was admitted and who was rejected, unless other codes are asked for",
    {200: list[EventBody]},
    parameters=(
        *FILTERS,
        Parameter("sort", {"type": "string", "enum": ["ASC", "DESC"], "default": "DESC"}, "Oldest or newest first."),
        Parameter("n", {"type": "integer", "minimum": 1, "default": 50}, "Rows of a page; over 1000 counts as 1000."),
        Parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page, from 1."),
    ),
    paged=True,
)
_GET = Docs(
    "Get an event",
    {200: EventBody},
    parameters=(
        Parameter("callback", {"type": "string"}, "The webhook that told of the event."),
        Parameter("ack_token", {"type": "string"}, "Acknowledges that the event was told."),
    ),
)


@get("/events", name="listEvents", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List events, newest first. Contract operation listEvents."""
    context, principal = context_of(request), principal_of(request)
    page = short_page_of(request.query_params, default=50, largest=1000)
    wanted = wanted_of(request.query_params, principal.zone, since=max(context.clock.now() - _DAYS_BACK_MS, EARLIEST))

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_events(transaction, principal, wanted, page)
        return encoded([event_body(event) for event in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page, size_name="n")


@get("/events/{event_id:str}", name="getEvent", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], event_id: FromPath[str]) -> ASGIResponse:
    """One event. Contract operation getEvent; `callback` and `ack_token` are taken as they come."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(event_id)
    found = await context.database.read(
        lambda transaction: encoded(event_body(get_event(transaction, principal, number)))
    )
    return encoded_response(found)


router = Router("/api/3", route_handlers=[list_page, get_one])
