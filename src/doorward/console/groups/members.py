"""Who is in a group: found page by page or by name, put in and taken out one by one, as a change of that person."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.choosing.people import FoundPerson, find_members, find_others
from doorward.console.forms import sent
from doorward.console.lists import Paging, asked_page, paging_of
from doorward.console.page import fragment, go, show
from doorward.db.unit_of_work import Transaction
from doorward.groups.members import Member, members_on
from doorward.groups.service import Group, get_group
from doorward.kit.errors import DoorwardError, Forbidden, Invalid
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.service import hold_person, update_person
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

SIZE: Final = 25
_MOST_FOUND: Final = 25
_READ: Final = ("account.group.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_READ_MEMBERS: Final[Mapping[str, Any]] = {**_PAGE, "also_scopes": ("account.person.readonly",)}
_WRITE: Final = ("account.person",)


class Members(NamedTuple):
    """Some of a group's people: a page of all, by their numbers, or the first of a name."""

    people: Sequence[Member | FoundPerson]
    paging: Paging | None


def members_of(
    transaction: Transaction, request: Request[Any, Any, Any], group: Group, text: str, page: Page
) -> Members:
    """Those of a group that the page shows."""
    if text.strip():
        return Members(find_members(transaction, group.account_id, group.id, text, _MOST_FOUND), None)
    asked = Page(page.number, SIZE)
    found = members_on(transaction, group.id, asked)
    paging = paging_of(request, asked, group.people_count)
    others = tuple((name, value) for name, value in paging.others if name != "q")
    return Members(found, Paging(asked, group.people_count, f"/console/groups/{group.id}", others))


@get("/groups/{group_id:str}/members", name="console.group.members", scopes=_READ, **_READ_MEMBERS)
async def members_part(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """The people of a group whose name begins so."""
    number, text = path_id(group_id), request.query_params.get("q", "")
    asked = asked_page(request)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        group = get_group(transaction, principal.account_id, number, by=principal)
        return {"group": group, "members": members_of(transaction, request, group, text, asked)}

    return await fragment(request, "groups/members.html", read, text=text)


@get("/groups/{group_id:str}/add", name="console.group.add", scopes=_WRITE, **_PAGE)
async def add_page(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """People who are not in the group, to be found by name."""
    number, text = path_id(group_id), request.query_params.get("q", "")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {
            "group": get_group(transaction, principal.account_id, number, by=principal),
            "people": find_others(transaction, principal.account_id, number, text, _MOST_FOUND),
        }

    if request.headers.get("hx-target") == "found-people":
        return await fragment(request, "groups/others.html", read, text=text)
    return await show(request, "groups/add.html", read, text=text)


@post("/groups/{group_id:str}/members/{person_id:str}", name="console.group.join", scopes=_WRITE, **_PAGE)
async def join(request: Request[Any, Any, Any], group_id: FromPath[str], person_id: FromPath[str]) -> ASGIResponse:
    """Put somebody in the group."""
    form = await sent(request)
    group, name = await _regroup(request, path_id(group_id), path_id(person_id), join_it=True)
    target = f"/console/groups/{group_id}" if form.text("then") == "group" else f"/console/groups/{group_id}/add"
    return go(request, target, f"{name} is in {group} now.")


@post("/groups/{group_id:str}/members/{person_id:str}/remove", name="console.group.leave", scopes=_WRITE, **_PAGE)
async def leave(request: Request[Any, Any, Any], group_id: FromPath[str], person_id: FromPath[str]) -> ASGIResponse:
    """Take somebody out of the group."""
    await sent(request)
    group, name = await _regroup(request, path_id(group_id), path_id(person_id), join_it=False)
    return go(request, f"/console/groups/{group_id}", f"{name} is no longer in {group}.")


async def _regroup(request: Request[Any, Any, Any], group_id: int, person_id: int, *, join_it: bool) -> tuple[str, str]:
    """Give the names of the group and of the person. Raises NotFound or Forbidden."""
    vault = context_of(request).vault

    def regroup(transaction: Transaction, by: Principal, now: int) -> tuple[str, str]:
        group = get_group(transaction, by.account_id, group_id, by=by)
        person = hold_person(transaction, by.account_id, person_id)
        wanted = _with(person.group_ids, group_id) if join_it else _without(person.group_ids, group_id)
        body = {"group_ids": wanted}
        update_person(transaction, vault, by.account_id, person_id, body, now, by=by)
        return group.name, f"{person.first_name} {person.last_name}".strip()

    try:
        return await perform(request, regroup)
    except Invalid as error:
        raise _as_said(error) from None


def _with(ids: Collection[int], added: int) -> list[int]:
    return sorted({*ids, added})


def _without(ids: Collection[int], removed: int) -> list[int]:
    return sorted({*ids} - {removed})


def _as_said(error: Invalid) -> DoorwardError:
    """There is no field that the words could stand at: the group's roles are beyond what the user may give."""
    return Forbidden("; ".join(message for messages in error.errors.values() for message in messages))


HANDLERS = (members_part, add_page, join, leave)
