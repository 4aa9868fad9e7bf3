"""The matrix of roles and doors: each cell is a box to tick, which is posted by itself."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.choosing.doors import by_site, doors_of
from doorward.console.forms import sent
from doorward.console.lists import asked_page, paging_of, with_filters
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.preferences import chosen_site
from doorward.console.roles.reading import page_of_roles, pairs_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, DoorwardError, Forbidden, Invalid, NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.roles.service import get_role, update_role
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_WRITE: Final = ("account.role",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
MOST_ROLES: Final = 25
MOST_DOORS: Final = 24


async def show_matrix(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Some of the roles against some of the doors; `page` goes through the roles, `doors` through the doors."""
    asked = Page(asked_page(request).number, MOST_ROLES)
    part, site_id = _part(request.query_params.get("doors", "1")), chosen_site(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        all_doors = doors_of(transaction, principal, site_id)
        doors = all_doors[(part - 1) * MOST_DOORS : part * MOST_DOORS]
        roles, total = page_of_roles(transaction, principal, asked)
        pairs = pairs_of(transaction, [role.id for role in roles], [door.id for door in doors])
        return {
            "roles": roles,
            "doors": doors,
            "sites": by_site(doors),
            "pairs": pairs,
            "paging": paging_of(request, asked, total),
            "door_paging": _DoorPaging(request, part, len(all_doors)),
        }

    return await show(request, "roles/matrix.html", read)


class _DoorPaging:
    """Where one is among the doors: links to those before and after."""

    def __init__(self, request: Request[Any, Any, Any], part: int, total: int) -> None:
        filters = {name: value for name, value in request.query_params.items() if name != "doors"}
        self.first = min((part - 1) * MOST_DOORS + 1, total)
        self.last = min(part * MOST_DOORS, total)
        self.total = total
        path = request.url.path
        self.before = with_filters(path, {**filters, "doors": part - 1}) if part > 1 else None
        self.after = with_filters(path, {**filters, "doors": part + 1}) if self.last < total else None


def _part(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text)):
        raise BadRequest("The parameter doors must be a whole number from 1")
    return int(text)


@post("/roles/{role_id:str}/doors/{channel_id:str}", name="console.role.door", scopes=_WRITE, **_PAGE)
async def toggle(request: Request[Any, Any, Any], role_id: FromPath[str], channel_id: FromPath[str]) -> ASGIResponse:
    """Let a role name a door, with `on`, or not."""
    form, number, door_id = await sent(request), path_id(role_id), path_id(channel_id)
    on = form.text("on") == "1"

    def toggle_it(transaction: Transaction, by: Principal, now: int) -> str:
        door = next((each for each in doors_of(transaction, by) if each.id == door_id), None)
        if door is None:
            raise NotFound
        role = get_role(transaction, by.account_id, number, now, by=by)
        wanted = {*role.channel_ids, door_id} if on else {*role.channel_ids} - {door_id}
        update_role(transaction, by.account_id, number, {"channel_ids": sorted(wanted)}, now, by=by)
        return f"{role.name} opens {door.name} now." if on else f"{role.name} no longer opens {door.name}."

    try:
        said = await perform(request, toggle_it)
    except Invalid as error:
        raise _as_said(error) from None
    if is_htmx(request):
        return await fragment(request, "roles/nothing.html", said=said)
    return go(request, "/console/roles?view=matrix", said)


def _as_said(error: Invalid) -> DoorwardError:
    """There is no field that the words could stand at."""
    return Forbidden("; ".join(message for messages in error.errors.values() for message in messages))


HANDLERS = (toggle,)
