"""Routes and wire shapes of /api/3/roles."""

from typing import Any

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.roles import service
from doorward.roles.listing import Role, list_roles
from doorward.roles.service import create_role, delete_role, get_role, update_role
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Result
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response


class RoleWithLinks(Struct, frozen=True, gc=False):
    """A role with the channels that it names and who holds it; a reservation's role says whose it is."""

    id: int
    name: str
    shift_id: int | None
    notes: str | None
    created_at: str
    updated_at: str
    reservation_id: int | None
    channel_ids: list[int]
    group_ids: list[int]
    person_ids: list[int]


class RoleInput(Struct, frozen=True, omit_defaults=True):
    """What a role is made of; without a shift it grants at any time."""

    name: str
    notes: str | None = None
    shift_id: Id | None = None
    channel_ids: list[Id] | None = None
    group_ids: list[Id] | None = None
    person_ids: list[Id] | None = None


class RoleChange(Struct, frozen=True, omit_defaults=True):
    """What is to change of a role; lists replace."""

    name: str | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET
    shift_id: Id | UnsetType | None = UNSET
    channel_ids: list[Id] | UnsetType | None = UNSET
    group_ids: list[Id] | UnsetType | None = UNSET
    person_ids: list[Id] | UnsetType | None = UNSET


_READ = ("account.role.readonly",)
_WRITE = ("account.role",)
_LIST = Docs("List roles, ordered by name", {200: list[Role]})
_GET = Docs("Get a role with what it links", {200: RoleWithLinks}, ours=True)
_CREATE = Docs("Create a role", {201: RoleWithLinks}, body=RoleInput, ours=True)
_UPDATE = Docs("Change what is given of a role", {200: RoleWithLinks}, body=RoleChange, errors=(409,), ours=True)
_DELETE = Docs("Delete a role; whoever holds it loses what it grants, at once", {200: Result}, errors=(409,), ours=True)


def _body(role: service.Role) -> RoleWithLinks:
    return RoleWithLinks(
        role.id,
        role.name,
        role.shift_id,
        role.notes,
        format_instant(role.created_at),
        format_instant(role.updated_at),
        role.reservation_id,
        list(role.channel_ids),
        list(role.group_ids),
        list(role.person_ids),
    )


@get("/roles", name="listRoles", scopes=_READ, docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List roles, ordered by name. Contract operation listRoles."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()
    found = await context.database.read(
        lambda transaction: encoded(
            list_roles(
                transaction,
                account_id=principal.account_id,
                user_id=principal.user_id,
                site_limited=principal.site_limited,
                now=now,
            )
        )
    )
    return encoded_response(found)


@get("/roles/{role_id:str}", name="getRole", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """One role, with what it links."""
    context, principal = context_of(request), principal_of(request)
    number, now = path_id(role_id), context.clock.now()
    found = await context.database.read(
        lambda transaction: encoded(_body(get_role(transaction, principal.account_id, number, now, by=principal)))
    )
    return encoded_response(found)


@post("/roles", name="createRole", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a role."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_role(transaction, principal.account_id, body, now, by=principal)), 201)

    return await change(request, create_it)


@put("/roles/{role_id:str}", name="updateRole", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a role."""
    number, body = path_id(role_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(update_role(transaction, principal.account_id, number, body, now, by=principal)))

    return await change(request, update_it)


@delete("/roles/{role_id:str}", name="deleteRole", scopes=_WRITE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], role_id: FromPath[str]) -> ASGIResponse:
    """Delete a role from whoever holds it."""
    number = path_id(role_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_role(transaction, principal.account_id, number, now, by=principal)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_all, get_one, create, update, remove])
