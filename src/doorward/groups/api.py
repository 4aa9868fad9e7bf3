"""Routes and wire shapes of /api/3/groups."""

from typing import Any

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.db.unit_of_work import Transaction
from doorward.groups.members import Member, page_of_members
from doorward.groups.service import Group, create_group, delete_group, get_group, list_plain_groups, update_group
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Result, paging
from doorward.wire.queries import page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response


class GroupBody(Struct, frozen=True, gc=False):
    """A group on the wire (contract, Group)."""

    id: int
    name: str
    notes: str | None
    global_across_sites: bool
    created_at: str
    updated_at: str


class GroupWithLinks(Struct, frozen=True, gc=False):
    """A group with its roles, and how many people are in it."""

    id: int
    name: str
    notes: str | None
    global_across_sites: bool
    created_at: str
    updated_at: str
    role_ids: list[int]
    people_count: int


class GroupMember(Struct, frozen=True, gc=False):
    """Somebody in a group."""

    id: int
    first_name: str
    last_name: str
    system_id: str | None


class GroupInput(Struct, frozen=True, omit_defaults=True):
    """What a group is made of."""

    name: str
    notes: str | None = None
    global_across_sites: bool = False
    role_ids: list[Id] | None = None
    person_ids: list[Id] | None = None


class GroupChange(Struct, frozen=True, omit_defaults=True):
    """What is to change of a group; lists replace."""

    name: str | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET
    global_across_sites: bool | UnsetType = UNSET
    role_ids: list[Id] | UnsetType | None = UNSET
    person_ids: list[Id] | UnsetType | None = UNSET


_READ = ("account.group.readonly",)
_WRITE = ("account.group",)
_LIST = Docs("List groups, ordered by name", {200: list[GroupBody]})
_GET = Docs("Get a group with its roles", {200: GroupWithLinks}, ours=True)
_PEOPLE = Docs("List the people of a group", {200: list[GroupMember]}, parameters=paging(), paged=True, ours=True)
_CREATE = Docs("Create a group", {201: GroupWithLinks}, body=GroupInput, ours=True)
_UPDATE = Docs("Change what is given of a group", {200: GroupWithLinks}, body=GroupChange, ours=True)
_DELETE = Docs("Delete a group; its people stay", {200: Result}, ours=True)


def _plain(group: Group) -> GroupBody:
    return GroupBody(
        group.id,
        group.name,
        group.notes,
        group.global_across_sites,
        format_instant(group.created_at),
        format_instant(group.updated_at),
    )


def _body(group: Group) -> GroupWithLinks:
    return GroupWithLinks(
        group.id,
        group.name,
        group.notes,
        group.global_across_sites,
        format_instant(group.created_at),
        format_instant(group.updated_at),
        list(group.role_ids),
        group.people_count,
    )


def _member(person: Member) -> GroupMember:
    return GroupMember(person.id, person.first_name, person.last_name, person.system_id)


@get("/groups", name="listGroups", scopes=_READ, docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List groups, ordered by name. Contract operation listGroups."""
    context, principal = context_of(request), principal_of(request)
    found = await context.database.read(
        lambda transaction: encoded([_plain(group) for group in list_plain_groups(transaction, principal.account_id)])
    )
    return encoded_response(found)


@get("/groups/{group_id:str}", name="getGroup", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """One group, with its roles."""
    context, principal = context_of(request), principal_of(request)
    number = path_id(group_id)
    found = await context.database.read(
        lambda transaction: encoded(_body(get_group(transaction, principal.account_id, number, by=principal)))
    )
    return encoded_response(found)


@get(
    "/groups/{group_id:str}/people",
    name="listGroupPeople",
    scopes=_READ,
    also_scopes=("account.person.readonly",),
    docs=_PEOPLE,
)
async def list_people(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """List the people of a group, by id."""
    context, principal = context_of(request), principal_of(request)
    number, page = path_id(group_id), page_of(request.query_params)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = page_of_members(transaction, principal.account_id, number, page)
        return encoded([_member(person) for person in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@post("/groups", name="createGroup", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a group."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_group(transaction, principal.account_id, body, now, by=principal)), 201)

    return await change(request, create_it)


@put("/groups/{group_id:str}", name="updateGroup", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a group."""
    number, body = path_id(group_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(update_group(transaction, principal.account_id, number, body, now, by=principal)))

    return await change(request, update_it)


@delete("/groups/{group_id:str}", name="deleteGroup", scopes=_WRITE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], group_id: FromPath[str]) -> ASGIResponse:
    """Delete a group; its people stay."""
    number = path_id(group_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_group(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_all, get_one, list_people, create, update, remove])
