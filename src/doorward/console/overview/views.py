"""The page /console and its parts."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from sqlalchemy import bindparam, select

from doorward.alarms.kinds import OPEN
from doorward.alarms.listing import Shown, Wanted, list_alarms
from doorward.alarms.service import ACT, acknowledge
from doorward.console.doors import reading
from doorward.console.doors.history import recent_events
from doorward.console.doors.parts import LOOKS, PAGE, READ
from doorward.console.doors.reading import Door, page_of_doors
from doorward.console.forms import sent
from doorward.console.lists import with_filters
from doorward.console.moments import counted
from doorward.console.overview.numbers import chart_of, count_today, day_of
from doorward.console.overview.reading import areas_now, health_now
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.preferences import chosen_site
from doorward.console.start import first_run
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import TooManyRequests
from doorward.kit.pages import Page
from doorward.kit.timestamps import find_zone
from doorward.oauth.principal import Principal
from doorward.sites.sight import SITE_VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.sync.service import push
from doorward.wire.changes import perform
from doorward.wire.queries import id_of, path_id

_HOME: Final = "/console"
_TILES: Final = 24
_LINES: Final = 15
_ALARMS: Final = 5
_REPORTS: Final = "account.reports.readonly"
_SITE: Final = Query(
    select(sites.c.id, sites.c.time_zone).where(
        sites.c.id == bindparam("the_site"),
        SITE_VISIBLE,
    ),
    lambda the_id, zone: (int(the_id), zone),
)


class _NothingYet(Exception):
    """There is no door, and whoever asks may make the first."""


@get("/", name="console.overview", scopes=READ, **PAGE)
async def overview(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What is so at this moment, at the chosen site or at all."""
    chosen = chosen_site(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        doors, total = page_of_doors(transaction, principal, reading.Wanted(chosen), Page(1, _TILES), now)
        if not total and chosen is None and first_run.wanted(transaction, principal):
            raise _NothingYet
        site_id = _seen(chosen, doors)
        return {
            "doors": doors,
            "total": total,
            "health": health_now(transaction, principal, site_id, now),
            **_live(transaction, principal, site_id),
        }

    of_site = {"site": request.query_params.get("site")}
    try:
        return await show(
            request,
            "overview/overview.html",
            read,
            after=None,
            live_address=with_filters(f"{_HOME}/overview/live", of_site),
            numbers_address=with_filters(f"{_HOME}/overview/numbers", of_site),
            **LOOKS,
        )
    except _NothingYet:
        return go(request, first_run.PATH)


@get("/overview/live", name="console.overview.live", scopes=READ, **PAGE)
async def live(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The parts that follow what happens: events, alarms, who is in."""
    chosen, after = chosen_site(request), id_of(request.query_params, "after") or 0

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        site_id = None if chosen is None else _site(transaction, principal, chosen)[0]
        return _live(transaction, principal, site_id)

    return await fragment(request, "overview/live.html", read, after=after, **LOOKS)


@get("/overview/numbers", name="console.overview.numbers", scopes=(_REPORTS,), **PAGE)
async def numbers(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Today against the usual day."""
    chosen = chosen_site(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        site_id, name = (None, None) if chosen is None else _site(transaction, principal, chosen)
        zone = principal.zone if name is None else find_zone(name)
        day = day_of(count_today(transaction, principal, site_id, zone, now), zone, now)
        return {"day": day, "chart": chart_of(day), "its_zone": zone}

    return await fragment(request, "overview/numbers.html", read)


@post("/overview/alarms/{alarm_id:str}", name="console.overview.acknowledge", scopes=(ACT,), **PAGE)
async def acknowledge_alarm(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Say that one sees to an alarm."""
    await sent(request)
    number, chosen = path_id(alarm_id), chosen_site(request)
    await perform(request, lambda tx, by, now: acknowledge(tx, by.account_id, number, {}, now, by=by))
    if not is_htmx(request):
        return go(request, _HOME, "The alarm was acknowledged.")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        site_id = None if chosen is None else _site(transaction, principal, chosen)[0]
        return {"alarms": _alarms(transaction, principal, site_id)}

    return await fragment(request, "overview/alarms.html", read, said="The alarm was acknowledged.", **LOOKS)


@post("/overview/sync", name="console.overview.sync", scopes=("account.sync",), **PAGE)
async def bring_up_to_date(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Bring all doors up to date now."""
    await sent(request)
    try:
        await perform(request, push)
    except TooManyRequests as error:
        return go(request, _HOME, f"That was asked for just now. Please wait {counted(error.retry_in, 'second')}.")
    return go(request, _HOME, "The doors are being brought up to date.")


def _live(transaction: Transaction, principal: Principal, site_id: int | None) -> Mapping[str, object]:
    return {
        "events": recent_events(transaction, principal, site_id, _LINES),
        "alarms": _alarms(transaction, principal, site_id),
        "areas": areas_now(transaction, principal, site_id) if principal.may(_REPORTS) else [],
    }


def _alarms(transaction: Transaction, principal: Principal, site_id: int | None) -> list[Shown]:
    wanted = Wanted(states=[OPEN], site_ids=None if site_id is None else [site_id])
    # One more than is shown tells that there are more; a page that is not full needs not be counted.
    return list_alarms(transaction, principal.account_id, wanted, Page(1, _ALARMS + 1), by=principal)[0]


def _seen(chosen: int | None, doors: list[Door]) -> int | None:
    """The chosen site, unless the user does not see it: then doors are shown of all sites."""
    return None if doors and doors[0].channel.site_id != chosen else chosen


def _site(transaction: Transaction, principal: Principal, chosen: int) -> tuple[int | None, str | None]:
    """The chosen site and its own zone; nothing of one that the user does not see."""
    return transaction.one(_SITE, the_site=chosen, **visible_to(principal)) or (None, None)


HANDLERS = (overview, live, numbers, acknowledge_alarm, bring_up_to_date)
