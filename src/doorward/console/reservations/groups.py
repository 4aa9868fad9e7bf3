"""/console/reservations/groups: a person in groups for a stretch of any length."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import Form, again, sent
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.reservations.asked import HERE
from doorward.console.reservations.making import FIELDS, body_of, found_people, whole
from doorward.console.reservations.reading import (
    group_reservation_with_id,
    group_reservations_with_ids,
    person_with_id,
)
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.service import (
    create_group_reservation,
    delete_group_reservation,
    list_group_reservations,
)
from doorward.groups.service import list_plain_groups
from doorward.kit.errors import Invalid
from doorward.kit.timestamps import EARLIEST
from doorward.oauth.principal import Principal
from doorward.signing_in.next_page import local_path
from doorward.wire.changes import perform
from doorward.wire.context import principal_of
from doorward.wire.queries import ids_of, path_id

_READ: Final = ("account.group_reservation.readonly",)
_WRITE: Final = ("account.group_reservation",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_LIST: Final = f"{HERE}/groups"


@get("/reservations/groups", name="console.group_reservations", scopes=_READ, **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Present and future group reservations, as the API lists them."""
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found, total = list_group_reservations(transaction, principal, asked, EARLIEST, now)
        shown = group_reservations_with_ids(transaction, principal, [each.id for each in found])
        return {"bookings": shown, "paging": paging_of(request, asked, total)}

    return await show(request, "reservations/groups.html", read)


@get("/reservations/groups/new", name="console.group_reservations.new", scopes=_WRITE, **_PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form, or one with what the address says: person_id, group_id, start_time, end_time."""
    query = request.query_params
    values: dict[str, Any] = {name: query.get(name, "")[:100] for name in FIELDS}
    values["group_ids"] = ids_of(query, "group_id")
    return await _form(request, Form(values))


@post("/reservations/groups/new", name="console.group_reservations.create", scopes=_WRITE, **_PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a person to groups for a stretch; or only look for the person, where no script does."""
    form = await sent(request)
    if "find" in form:
        return await _form(request, again(form, Invalid({}), lists=("group_ids",)))
    body = body_of(form, "group_ids")

    def create_it(transaction: Transaction, by: Principal, now: int) -> tuple[int, str]:
        made = create_group_reservation(transaction, by, body, now)
        person = person_with_id(transaction, by, made.person_id)
        return made.id, "Somebody" if person is None else person.name

    try:
        number, name = await perform(request, create_it)
    except Invalid as error:
        return await _form(request, again(form, error, lists=("group_ids",)))
    done = f"The group reservation for {name} was added."
    return go(request, local_path(form.text("next")) or f"{_LIST}/{number}", done)


@get("/reservations/groups/{group_reservation_id:str}", name="console.group_reservation", scopes=_READ, **_PAGE)
async def page(request: Request[Any, Any, Any], group_reservation_id: FromPath[str]) -> ASGIResponse:
    """One group reservation."""
    return await _page(request, path_id(group_reservation_id))


@post(
    "/reservations/groups/{group_reservation_id:str}/delete",
    name="console.group_reservation.delete",
    scopes=_WRITE,
    **_PAGE,
)
async def remove(request: Request[Any, Any, Any], group_reservation_id: FromPath[str]) -> ASGIResponse:
    """Delete one that has not begun; end one that has."""
    number = path_id(group_reservation_id)
    form = await sent(request)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> tuple[str, bool]:
        found = group_reservation_with_id(transaction, by, number)
        delete_group_reservation(transaction, by, number, now)
        return found.person, found.start <= now

    try:
        name, has_begun = await perform(request, delete_it)
    except Invalid as error:
        return await _page(request, number, again(form, error))
    if has_begun:
        return go(request, f"{_LIST}/{number}", f"The group reservation for {name} has ended.")
    return go(request, _LIST, f"The group reservation for {name} was deleted.")


async def _page(request: Request[Any, Any, Any], number: int, form: Form | None = None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = group_reservation_with_id(transaction, principal, number)
        state = "over" if found.end <= now else "now" if found.start <= now else "ahead"
        return {"booking": found, "state": state}

    status = 422 if form is not None else 200
    return await show(request, "reservations/group.html", read, status=status, form=form or Form())


async def _form(request: Request[Any, Any, Any], form: Form) -> ASGIResponse:
    chosen, name = whole(form.value("person_id")), str(form.value("person_name"))

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {
            "group_choices": [(group.id, group.name) for group in list_plain_groups(transaction, principal.account_id)],
            **found_people(transaction, principal, name, chosen),
        }

    status = 422 if form.errors else 200
    values: dict[str, Any] = {
        "form": form,
        "chosen": chosen,
        "next_page": local_path(str(form.value("next"))) or "",
        "zone_of_times": principal_of(request).zone.key,
    }
    if is_htmx(request):
        return await fragment(request, "reservations/group_form.html", read, status=status, **values)
    return await show(request, "reservations/group_new.html", read, status=status, **values)


HANDLERS = (list_page, new_page, create, page, remove)
