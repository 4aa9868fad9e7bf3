"""Routes of /api/3/credential_types."""

from typing import Annotated, Any, Final, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, Struct, UnsetType

from doorward.credentials.types import CredentialType, create_type, delete_type, get_type, list_types, update_type
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Result, paging
from doorward.wire.queries import page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

Kind = Literal["card", "pin", "aux", "apple", "google", "duress"]
Code = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class TypeBody(Struct, frozen=True, gc=False):
    """A credential type on the contract's list: these fields in this order."""

    id: Id
    label: str
    slug: str
    code: int | None


class OurTypeBody(Struct, frozen=True, gc=False):
    """A credential type with its kind: as which a reader reports it."""

    id: Id
    label: str
    slug: str
    code: int | None
    kind: str


class TypeInput(Struct, frozen=True, omit_defaults=True):
    """A credential type as created; without a `slug` it is made from the label."""

    label: str
    kind: Kind
    slug: str | None = None
    code: Code | None = None


class TypeUpdateInput(Struct, frozen=True, omit_defaults=True):
    """What is to change of a credential type."""

    label: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    code: Code | UnsetType | None = UNSET


_READ: Final = ("account.credential_type.readonly",)
_WRITE: Final = ("account.credential_type",)

_LIST: Final = Docs("List credential types", {200: list[TypeBody]}, parameters=paging(), paged=True)
_CREATE: Final = Docs("Create a credential type", {201: OurTypeBody}, body=TypeInput, ours=True)
_GET: Final = Docs("Show a credential type", {200: OurTypeBody}, ours=True)
_UPDATE: Final = Docs("Change a credential type; never its kind", {200: OurTypeBody}, body=TypeUpdateInput, ours=True)
_DELETE: Final = Docs("Delete a credential type that nobody has", {200: Result}, errors=(409,), ours=True)


@get("/credential_types", name="listCredentialTypes", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List credential types. Contract operation listCredentialTypes."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found = list_types(transaction, principal.account_id)
        shown = found[page.offset : page.offset + page.limit]
        return encoded([TypeBody(each.id, each.label, each.slug, each.code) for each in shown]), len(found)

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@post("/credential_types", name="createCredentialType", scopes=_WRITE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a credential type."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        _require_whole_account(principal)
        return answer(_body(create_type(transaction, principal.account_id, body, now)), 201)

    return await change(request, create_it)


@get("/credential_types/{credential_type_id:str}", name="getCredentialType", scopes=_READ, docs=_GET)
async def show(request: Request[Any, Any, Any], credential_type_id: FromPath[str]) -> ASGIResponse:
    """Show a credential type."""
    context, principal, number = context_of(request), principal_of(request), path_id(credential_type_id)
    found = await context.database.read(lambda transaction: get_type(transaction, principal.account_id, number))
    return encoded_response(encoded(_body(found)))


@put("/credential_types/{credential_type_id:str}", name="updateCredentialType", scopes=_WRITE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], credential_type_id: FromPath[str]) -> ASGIResponse:
    """Change a credential type."""
    number = path_id(credential_type_id)
    body = await read_json(request)

    def change_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        _require_whole_account(principal)
        return answer(_body(update_type(transaction, principal.account_id, number, body, now)))

    return await change(request, change_it)


@delete(
    "/credential_types/{credential_type_id:str}",
    name="deleteCredentialType",
    scopes=_WRITE,
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], credential_type_id: FromPath[str]) -> ASGIResponse:
    """Delete a credential type."""
    number = path_id(credential_type_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        _require_whole_account(principal)
        delete_type(transaction, principal.account_id, number, now)
        return OK

    return await change(request, delete_it)


def _body(found: CredentialType) -> OurTypeBody:
    return OurTypeBody(found.id, found.label, found.slug, found.code, found.kind)


def _require_whole_account(principal: Principal) -> None:
    """Types are the whole account's: a user who is limited to sites does not change them."""
    if principal.site_limited:
        raise Forbidden


router = Router("/api/3", route_handlers=[list_page, create, show, update, remove])
