"""The page that adds the public holidays of a country: what would be added is shown before."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.holidays.reading import days_at, sites_of
from doorward.console.holidays.views import LIST, year_asked
from doorward.console.lists import with_filters
from doorward.console.page import fragment, go, is_htmx, show
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.shifts.holidays import import_holidays
from doorward.shifts.public_holidays import Country, Found, country_names, find_public_holidays, known_countries
from doorward.wire.changes import perform
from doorward.wire.queries import id_of

_WRITE: Final = ("account.shift",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_FIELDS: Final = ("country", "subdivision", "year", "site_id")


class Previewed(NamedTuple):
    """A day that would be added, or is a holiday there already."""

    day: date
    name: str
    present: bool


@get("/holidays/import", name="console.holidays.import", scopes=_WRITE, **_PAGE)
async def import_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Which country, which part of it, which year, for which site; and what that comes to."""
    query = request.query_params
    values = {name: query.get(name, "") for name in _FIELDS}
    values["year"] = str(year_asked(request))
    countries, names = await asyncio.to_thread(known_countries), await asyncio.to_thread(country_names)
    country = next((each for each in countries if each.code == values["country"].upper()), None)
    body = _body(Sent({name: [value] for name, value in values.items()}))
    found = Found({}, {})
    if values["country"]:
        if country is None or values["subdivision"] not in country.subdivisions:
            body["subdivision"] = None
            values["subdivision"] = ""
        found = await asyncio.to_thread(find_public_holidays, body)
    return await _show(request, Form(values, found.errors), country, found, countries, names)


@post("/holidays/import", name="console.holidays.import.do", scopes=_WRITE, **_PAGE)
async def import_them(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add them; days that are holidays already stay as they are."""
    form = await sent(request)
    body = _body(form)
    public = await asyncio.to_thread(find_public_holidays, body)
    try:
        done = await perform(
            request, lambda tx, by, now: import_holidays(tx, by.account_id, body, now, public=public, by=by)
        )
    except Invalid as error:
        countries, names = await asyncio.to_thread(known_countries), await asyncio.to_thread(country_names)
        return await _show(request, again(form, error), None, Found({}, {}), countries, names)
    said = f"{done.added} {'holiday was' if done.added == 1 else 'holidays were'} added."
    if done.present:
        said += f" {done.present} {'was' if done.present == 1 else 'were'} there already."
    return go(request, with_filters(LIST, {"year": form.text("year")}), said)


def _body(form: Sent) -> dict[str, object]:
    found = form.body(texts=("country", "subdivision"), numbers=("site_id", "year"))
    return {**found, "years": [found.pop("year")]}


async def _show(
    request: Request[Any, Any, Any],
    form: Form,
    country: Country | None,
    found: Found,
    countries: tuple[Country, ...],
    names: Mapping[str, str],
) -> ASGIResponse:
    site_id = id_of({"site_id": str(form.value("site_id"))}, "site_id")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        sites = sites_of(transaction, principal)
        seen = site_id if site_id in {site.id for site in sites} else None
        present = days_at(transaction, principal.account_id, seen) if found.days else set()
        return {
            "sites": sites,
            "days": [Previewed(date.fromisoformat(day), name, day in present) for day, name in found.days.items()],
        }

    values: dict[str, Any] = {
        "form": form,
        "country": country,
        "parts": [(code, code) for code in country.subdivisions] if country else [],
        "countries": sorted(((each.code, names.get(each.code, each.code)) for each in countries), key=lambda it: it[1]),
    }
    if is_htmx(request) and request.method == "GET":
        return await fragment(request, "holidays/import_part.html", read, **values)
    return await show(request, "holidays/import.html", read, status=422 if form.errors else 200, **values)


HANDLERS = (import_page, import_them)
