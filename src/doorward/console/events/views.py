"""The pages of /console/events."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.events.around import around
from doorward.console.events.export import EXPORT_HANDLERS
from doorward.console.events.filters import Cursor, Filters, filters_of
from doorward.console.events.its_alarm import alarm_of
from doorward.console.events.kinds import GROUPS
from doorward.console.events.proof import proof_of
from doorward.console.events.reading import Found, number_of_events, page_of_events
from doorward.console.events.shown import Shown, shown
from doorward.console.forms import Form
from doorward.console.page import fragment, show
from doorward.console.sites_and_doors import SitesAndDoors, sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.events.listing import StoredEvent, get_event
from doorward.oauth.principal import Principal
from doorward.wire.queries import path_id

READ: Final = ("account.event.access.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "scopes": READ}
_LIST: Final = "/console/events"
_SIZE: Final = 50


@get("/events", name="console.events", **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What happened, newest first, and live where that is on the page."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return _page(request, transaction, principal)

    return await show(request, "events/list.html", read)


@get("/events/rows", name="console.events.rows", **_PAGE)
async def rows_part(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The rows of the same page alone, for the live list."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return _page(request, transaction, principal)

    return await fragment(request, "events/rows.html", read)


@get("/events/total", name="console.events.total", **_PAGE)
async def total_part(request: Request[Any, Any, Any]) -> ASGIResponse:
    """How many there are of what the filters let through: told once the page is there, which waits for no count."""

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        places = sites_and_doors(transaction, principal)
        filters = filters_of(request, places)
        return {"total": number_of_events(transaction, principal, filters, places)}

    return await fragment(request, "events/total.html", read)


@get("/events/{event_id:str}", name="console.event", **_PAGE)
async def event_page(request: Request[Any, Any, Any], event_id: FromPath[str]) -> ASGIResponse:
    """All that is on record of an event, and what else happened at the door."""
    number = path_id(event_id)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        event = get_event(transaction, principal.account_id, number, by=principal)
        places = sites_and_doors(transaction, principal)
        row = shown(event, places)
        return {
            "row": row,
            "alarm": alarm_of(transaction, principal.account_id, event, [reason.code for reason in row.reasons]),
            "proof": proof_of(transaction, principal.account_id, number),
            "around": [shown(each, places) for each in around(transaction, event)],
        }

    return await show(request, "events/event.html", read)


def _page(request: Request[Any, Any, Any], transaction: Transaction, principal: Principal) -> Mapping[str, object]:
    places = sites_and_doors(transaction, principal)
    filters = filters_of(request, places)
    found = page_of_events(transaction, principal, filters, places, _SIZE)
    return {
        "rows": _rows(found, places),
        "filters": filters,
        "form": _form(filters),
        "groups": GROUPS,
        "places": places,
        "people": found.people,
        "older": _beside(filters, found.events[-1:], "before") if found.has_older else None,
        "newer": _beside(filters, found.events[:1], "after") if found.has_newer else None,
        "newest": filters.address(_LIST),
        "total": filters.address("/console/events/total"),
        "tail": _tail(filters, found),
        "exports": [(kind, filters.address("/console/events/export", format=kind)) for kind in ("csv", "jsonl")],
        "zones": places.zones(filters.site),
    }


def _rows(found: Found, places: SitesAndDoors) -> list[Shown]:
    return [shown(event, places) for event in found.events]


def _form(filters: Filters) -> Form:
    values = {
        **filters.written,
        "name": filters.name,
        "site": filters.site.id if filters.site else None,
        "channel_id": filters.channel_id,
        "kind": filters.groups,
    }
    return Form(values, filters.errors)


def _beside(filters: Filters, edge: list[StoredEvent], direction: str) -> str | None:
    """The address of the page before or after this one."""
    if not edge:
        return None
    return filters.address(_LIST, **{direction: Cursor(edge[0].occurred_at, edge[0].id)})


def _tail(filters: Filters, found: Found) -> Mapping[str, object] | None:
    """Which events of the stream belong on top of the list; None: none do."""
    if not filters.is_first_page or filters.errors:
        return None
    return {
        "codes": sorted(filters.codes),
        "channels": None if filters.channel_ids is None else sorted(filters.channel_ids),
        "people": None if found.people is None else [person.id for person in found.people],
        "rows": filters.address("/console/events/rows"),
    }


HANDLERS = (list_page, rows_part, total_part, *EXPORT_HANDLERS, event_page)
