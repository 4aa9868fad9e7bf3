"""The next four weeks of a shift at one of the sites, also of one that is still being painted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from litestar import Request, post
from litestar.response.base import ASGIResponse

from doorward.console.forms import sent
from doorward.console.page import fragment
from doorward.console.preferences import chosen_site
from doorward.console.shifts.forms import body_of, rule_in
from doorward.console.shifts.preview import WEEKS, WeekPreview, first_monday, preview
from doorward.console.shifts.reading import SiteZone, holidays_at, sites_of, zone_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Invalid
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.wire.queries import day_of, id_of

_SPAN: Final = timedelta(weeks=WEEKS)
_FIRST: Final = date(1971, 1, 1)
_LAST: Final = date(2100, 1, 1)


class AskedAhead(NamedTuple):
    """Where, and from which day on; None: at the site that is looked at, from today."""

    site_id: int | None
    first: date | None


@dataclass(frozen=True, slots=True)
class LookingAhead:
    """What the template draws. `weeks` is None where the windows are not yet such that they come to anything."""

    sites: list[SiteZone]
    site: SiteZone | None
    zone: ZoneInfo
    first: date
    weeks: list[WeekPreview] | None

    @property
    def earlier(self) -> date:
        """The first day of the four weeks before."""
        return self.first - _SPAN

    @property
    def later(self) -> date:
        """The first day of the four weeks after."""
        return self.first + _SPAN

    @property
    def last(self) -> date:
        """The last day."""
        return self.later - timedelta(days=1)


def asked_ahead(request: Request[Any, Any, Any], given: Mapping[str, str] | None = None) -> AskedAhead:
    """What the address asks for: `at_site`, `from`; or what a form does. Raises BadRequest."""
    query = request.query_params if given is None else given
    first = day_of(query, "from")
    day = None if first is None else date.fromisoformat(first)
    if day is not None and not _FIRST <= day <= _LAST:
        raise BadRequest(f"The parameter from must be between {_FIRST} and {_LAST}")
    return AskedAhead(id_of(query, "at_site") or chosen_site(request), day)


def ahead_of(
    transaction: Transaction, principal: Principal, asked: AskedAhead, values: Mapping[str, Any], now: int
) -> LookingAhead:
    """Four weeks of what a form holds."""
    sites = sites_of(transaction, principal)
    site = next((each for each in sites if each.id == asked.site_id), sites[0] if sites else None)
    zone = zone_of(site, principal)
    today = local_datetime(now, zone).date()
    first = first_monday(asked.first or today)
    try:
        rule = rule_in(values)
    except Invalid:
        return LookingAhead(sites, site, zone, first, None)
    holidays = holidays_at(transaction, principal.account_id, None if site is None else site.id)
    return LookingAhead(sites, site, zone, first, preview(rule, zone, holidays, first, today))


@post("/shifts/preview", name="console.shifts.preview", scopes=("account.shift.readonly",), page=True, hidden=True)
async def preview_part(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The four weeks of what stands in the form now, saved or not."""
    form = await sent(request)
    body = body_of(form)
    asked = asked_ahead(request, {"at_site": form.text("at_site"), "from": form.text("from")})

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        return {"ahead": ahead_of(transaction, principal, asked, body, now)}

    return await fragment(request, "shifts/preview.html", read)


HANDLERS = (preview_part,)
