"""Reservations made and deleted: the form, as a page and within the calendar, and the search for a person in it."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, Sent, again, sent
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.preferences import chosen_site
from doorward.console.reservations.asked import HERE
from doorward.console.reservations.reading import Door, doors_at, people_named, person_with_id, reservation_with_id
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.oauth.principal import Principal
from doorward.reservations.service import create_reservation, delete_reservation
from doorward.signing_in.next_page import local_path
from doorward.wire.changes import perform
from doorward.wire.context import principal_of
from doorward.wire.queries import ids_of, path_id, text_of

_WRITE: Final = ("account.reservation",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_MOST_DIGITS: Final = 18
FIELDS: Final = ("person_id", "start_time", "end_time", "next")


@get("/reservations/people", name="console.reservations.people", scopes=("account.person.readonly",), **_PAGE)
async def find_people(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The people whom a form offers, with the one who is chosen."""
    query = request.query_params
    chosen, name = whole(query.get("person_id", "")), text_of(query, "person_name", limit=100) or ""
    return await fragment(
        request, "reservations/people.html", lambda tx, by, _: found_people(tx, by, name, chosen), chosen=chosen
    )


@get("/reservations/new", name="console.reservations.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form, or one with what the address says: person_id, channel_id, start_time, end_time."""
    query = request.query_params
    values: dict[str, Any] = {name: query.get(name, "")[:100] for name in FIELDS}
    values["channel_ids"] = ids_of(query, "channel_id")
    return await _form(request, Form(values))


@post("/reservations/new", name="console.reservations.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Reserve doors for a person; or only look for the person, where no script does."""
    form = await sent(request)
    if "find" in form:
        return await _form(request, again(form, Invalid({}), lists=("channel_ids",)))
    body = body_of(form, "channel_ids")

    def create_it(transaction: Transaction, by: Principal, now: int) -> tuple[int, str]:
        made = create_reservation(transaction, by, body, now)
        person = person_with_id(transaction, by, made.person_id)
        return made.id, "Somebody" if person is None else person.name

    try:
        number, name = await perform(request, create_it)
    except Invalid as error:
        return await _form(request, again(form, error, lists=("channel_ids",)))
    return go(request, local_path(form.text("next")) or f"{HERE}/{number}", f"The reservation for {name} was added.")


@post("/reservations/{reservation_id:str}/delete", name="console.reservation.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """Delete a reservation: its access ends at once."""
    number = path_id(reservation_id)
    await sent(request)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        found = reservation_with_id(transaction, by, number, now)
        delete_reservation(transaction, by, number, now)
        return found.booking.person

    name = await perform(request, delete_it)
    return go(request, HERE, f"The reservation for {name} was deleted.")


async def _form(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    chosen, name = whole(form.value("person_id")), str(form.value("person_name"))
    site_id = chosen_site(request) or 0

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        doors = doors_at(transaction, principal, site_id)
        if not doors and site_id:
            doors = doors_at(transaction, principal, 0)
        return {"doors": _choices(doors), **found_people(transaction, principal, name, chosen)}

    status = 422 if form.errors else 200
    values: dict[str, Any] = {
        "form": form,
        "chosen": chosen,
        "next_page": local_path(str(form.value("next"))) or "",
        "zone_of_times": principal_of(request).zone.key,
    }
    if is_htmx(request):
        return await fragment(request, "reservations/form.html", read, status=status, **values)
    return await show(request, "reservations/new.html", read, status=status, **values)


def _choices(doors: list[Door]) -> list[tuple[int, str]]:
    """Each with the name of its site where there are several."""
    several = len({door.site_id for door in doors}) > 1
    return [(door.id, f"{door.name}, {door.site}" if several else door.name) for door in doors]


def found_people(transaction: Transaction, principal: Principal, name: str, chosen: int) -> Mapping[str, object]:
    """Whom a form offers: the one who is chosen, then those whose name has the text."""
    if not principal.may("account.person.readonly"):
        return {"people": []}
    first = person_with_id(transaction, principal, chosen)
    others = people_named(transaction, principal, name) if name or first is None else []
    return {"people": [*([first] if first else []), *(each for each in others if first is None or each.id != first.id)]}


def whole(text: object) -> int:
    """An id that was written, 0 for none."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else 0


def body_of(form: Sent, list_name: str) -> dict[str, object]:
    """What the API would be sent."""
    return form.body(texts=("start_time", "end_time"), numbers=("person_id",), ids=(list_name,))


HANDLERS = (find_people, new_page, create, remove)
