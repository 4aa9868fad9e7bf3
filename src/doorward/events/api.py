"""Routes of /api/3/events and /api/3/event_log."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.events.filters import CODES, FILTERS, codes_of, logged_codes_of, wanted_of
from doorward.events.listing import StoredEvent, Wanted, get_event, list_events, usual_since
from doorward.events.wire import EventBody, LoggedEventBody, event_body, logged_body
from doorward.webhooks.acknowledging import EVENTS
from doorward.webhooks.reading import ACKNOWLEDGING, read_and_acknowledge
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import IDS, INSTANT, Docs, Parameter
from doorward.wire.queries import boolean, ids_of, instant_of, path_id, short_page_of
from doorward.wire.responses import encoded, encoded_response, page_response

Body = TypeVar("Body")

_READ = ("account.event.access.readonly",)
_PAGE: Final = (
    Parameter("sort", {"type": "string", "enum": ["ASC", "DESC"], "default": "DESC"}, "Oldest or newest first."),
    Parameter("n", {"type": "integer", "minimum": 1, "default": 50}, "Rows of a page; over 1000 counts as 1000."),
    Parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page, from 1."),
)
_LIST = Docs(
    "List events: who was admitted and who was rejected, unless other codes are asked for",
    {200: list[EventBody]},
    parameters=(CODES, *FILTERS, *_PAGE),
    paged=True,
)
_GET = Docs(
    "Get an event",
    {200: EventBody},
    parameters=ACKNOWLEDGING,
)
_LOG = Docs(
    "List all that is on record: events of every code, with their reasons and how they came to be known",
    {200: list[LoggedEventBody]},
    parameters=(
        Parameter("event_codes", IDS, "Only these codes, of all that there are; of any if it is not given."),
        *FILTERS,
        *_PAGE,
        Parameter("until", INSTANT, "Only what happened before this instant; local time without an offset."),
        Parameter("replayed", {"type": "boolean"}, "Only what was told later, or only what was told at once."),
        Parameter("site_ids", IDS, "Only of the channels that are at these sites today."),
    ),
    paged=True,
    ours=True,
    tag="events",
)
_GET_LOGGED = Docs("Get an event with all that is on record of it", {200: LoggedEventBody}, ours=True, tag="events")


@get("/events", name="listEvents", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List events, newest first. Contract operation listEvents."""
    query, now = request.query_params, context_of(request).clock.now()
    wanted = wanted_of(query, principal_of(request).zone, codes_of(query), since=usual_since(now))
    return await _page(request, wanted, event_body)


@get("/events/{event_id:str}", name="getEvent", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], event_id: FromPath[str]) -> ASGIResponse:
    """One event. Contract operation getEvent; it acknowledges the webhooks that told of the event."""
    principal, number = principal_of(request), path_id(event_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(event_body(get_event(transaction, principal.account_id, number, by=principal)))

    return await read_and_acknowledge(request, EVENTS, number, read)


@get("/event_log", name="listEventLog", scopes=_READ, docs=_LOG)
async def list_log(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List events of every code, newest first."""
    query, zone, now = request.query_params, principal_of(request).zone, context_of(request).clock.now()
    until = instant_of(query, "until", zone)
    wanted = wanted_of(query, zone, logged_codes_of(query), since=usual_since(now if until is None else until))
    replayed = boolean(query, "replayed") if query.get("replayed") else None
    wanted = replace(wanted, until=until, replayed=replayed, site_ids=ids_of(query, "site_ids") or None)
    return await _page(request, wanted, logged_body)


@get("/event_log/{event_id:str}", name="getLoggedEvent", scopes=_READ, docs=_GET_LOGGED)
async def get_logged(request: Request[Any, Any, Any], event_id: FromPath[str]) -> ASGIResponse:
    """One event, of whatever code."""
    context, principal, number = context_of(request), principal_of(request), path_id(event_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(logged_body(get_event(transaction, principal.account_id, number, by=principal)))

    return encoded_response(await context.database.read(read))


async def _page(request: Request[Any, Any, Any], wanted: Wanted, shape: Callable[[StoredEvent], Body]) -> ASGIResponse:
    context, principal = context_of(request), principal_of(request)
    page = short_page_of(request.query_params, default=50, largest=1000)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_events(transaction, principal.account_id, wanted, page, by=principal)
        return encoded([shape(event) for event in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page, size_name="n")


router = Router("/api/3", route_handlers=[list_page, get_one, list_log, get_logged])
