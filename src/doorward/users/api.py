"""Routes and wire shapes of /api/3/users [ours]."""

from typing import Any, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.kit.timestamps import format_instant, format_optional
from doorward.oauth.principal import Principal
from doorward.users.passwords import prepare
from doorward.users.service import User, create_user, disable_user, get_user, list_users, update_user
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Result
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response

Role = Literal["owner", "admin", "operator", "viewer"]


class UserBody(Struct, frozen=True, gc=False):
    """A user on the wire."""

    id: int
    email: str
    first_name: str
    last_name: str
    role: Role
    site_ids: list[int] | None
    """null: not limited to sites."""
    disabled: bool
    disabled_at: str | None
    two_factor: bool
    created_at: str
    updated_at: str


class CreatedUserBody(UserBody, frozen=True, gc=False):
    """A new user, with the password if it was made here: it cannot be seen again."""

    password: str | None


class UserInput(Struct, frozen=True, omit_defaults=True):
    """What a user is made of."""

    email: str
    role: Role
    first_name: str | None = None
    last_name: str | None = None
    site_ids: list[Id] | None = None
    password: str | None = None


class UserChange(Struct, frozen=True, omit_defaults=True):
    """What of a user is to change."""

    email: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    site_ids: list[Id] | UnsetType | None = UNSET
    password: str | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET


_LIST = Docs("List the users, the disabled ones too", {200: list[UserBody]}, ours=True)
_GET = Docs("Get a user", {200: UserBody}, ours=True)
_CREATE = Docs(
    "Create a user",
    {201: CreatedUserBody},
    body=UserInput,
    ours=True,
    description=(
        "Without a password one is made, and shown in this answer only. Only an owner can make an owner. The token of "
        "an application is refused."
    ),
)
_UPDATE = Docs(
    "Change a user",
    {200: UserBody},
    body=UserChange,
    ours=True,
    errors=(409,),
    description=(
        "`site_ids` null lifts the limit to sites. `disabled` ends all sessions and tokens of the user, or lets them "
        "in again; a new `password` ends them as well, and is for somebody else: your own is changed on the page "
        "/account/security. Only an owner can change an owner; nobody raises their own role; the last owner who can "
        "sign in stays one. With the token of an application you can change names, disable, lower the role and narrow "
        "the sites, no more."
    ),
)
_DELETE = Docs(
    "Disable a user",
    {200: Result},
    ours=True,
    errors=(409,),
    description="Users are kept, for what they did stays known; PUT with `disabled` false lets one in again.",
)


def _fields(found: User) -> dict[str, Any]:
    return {
        "id": found.id,
        "email": found.email,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "role": found.role,
        "site_ids": list(found.site_ids) if found.site_limited else None,
        "disabled": found.disabled_at is not None,
        "disabled_at": format_optional(found.disabled_at),
        "two_factor": found.totp_enabled_at is not None,
        "created_at": format_instant(found.created_at),
        "updated_at": format_instant(found.updated_at),
    }


def _unlimited(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if they are not limited to sites: users are a matter of the whole account. Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal


@get("/users", name="listUsers", scopes=("account.user.readonly",), docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the users, by id."""
    principal = _unlimited(request)

    def read(transaction: Transaction) -> bytes:
        return encoded([UserBody(**_fields(found)) for found in list_users(transaction, principal.account_id)])

    return encoded_response(await context_of(request).database.read(read))


@get("/users/{user_id:str}", name="getUser", scopes=("account.user.readonly",), docs=_GET)
async def get_one(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Get a user."""
    principal, number = _unlimited(request), path_id(user_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(UserBody(**_fields(get_user(transaction, principal.account_id, number))))

    return encoded_response(await context_of(request).database.read(read))


@post("/users", name="createUser", scopes=("account.user",), docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a user; the password is hashed before the transaction begins."""
    _unlimited(request)
    body = await read_json(request)
    secret = await prepare(body, make=True)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = create_user(transaction, principal.account_id, body, secret.password_hash, now, principal)
        return answer(CreatedUserBody(**_fields(made), password=secret.made), 201)

    return await change(request, create_it)


@put("/users/{user_id:str}", name="updateUser", scopes=("account.user",), docs=_UPDATE)
async def update(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a user."""
    _unlimited(request)
    number, body = path_id(user_id), await read_json(request)
    secret = await prepare(body, make=False)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        account_id = principal.account_id
        found = update_user(transaction, account_id, number, body, secret.password_hash, now, principal)
        return answer(UserBody(**_fields(found)))

    return await change(request, update_it)


@delete("/users/{user_id:str}", name="disableUser", scopes=("account.user",), status_code=200, docs=_DELETE)
async def disable(request: Request[Any, Any, Any], user_id: FromPath[str]) -> ASGIResponse:
    """Disable a user."""
    _unlimited(request)
    number = path_id(user_id)

    def disable_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        disable_user(transaction, principal.account_id, number, now, principal)
        return OK

    return await change(request, disable_it)


router = Router("/api/3", route_handlers=[list_all, get_one, create, update, disable])
