"""Routes of /api/3/people/{person_id}/credentials and /api/3/credentials."""

from typing import Any, Final

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.credentials.enrolled import all_of_account, page_of_account
from doorward.credentials.service import (
    AlreadyEnrolled,
    create_credential,
    delete_credential,
    get_credential,
    list_credentials_of,
    update_credential,
)
from doorward.credentials.sight import sight_of
from doorward.credentials.wire import (
    HIDDEN_PINS,
    CredentialBody,
    CredentialInput,
    CredentialUpdateInput,
    credential_body,
    credential_number,
)
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.webhooks.acknowledging import CREDENTIALS
from doorward.webhooks.reading import ACKNOWLEDGING, read_and_acknowledge
from doorward.wire.bodies import read_json, unwrapped
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import TEXT, Docs, paging
from doorward.wire.queries import page_of, path_id
from doorward.wire.responses import encoded, page_response

_WRAPPER: Final = "person_credential"
_DELETED: Final = Answer(200, b"Credential deleted", "text/plain")
_TAG: Final = "credentials"

_LIST: Final = Docs(
    "List a person's credentials",
    {200: list[CredentialBody]},
    parameters=paging(),
    paged=True,
    tag=_TAG,
    description=HIDDEN_PINS,
)
_LIST_ALL: Final = Docs(
    "List everybody's credentials, oldest first",
    {200: list[CredentialBody]},
    parameters=paging(),
    paged=True,
    tag=_TAG,
    description=HIDDEN_PINS,
)
_CREATE: Final = Docs(
    "Give a person a credential",
    {201: CredentialBody, 409: CredentialBody},
    body=CredentialInput,
    tag=_TAG,
    description="A second one of the same type is answered with 409 and the one that the person has.",
)
_GET: Final = Docs(
    "Show a credential",
    {200: CredentialBody},
    parameters=ACKNOWLEDGING,
    tag=_TAG,
    description=HIDDEN_PINS,
)
_UPDATE: Final = Docs("Change a credential's value", {201: CredentialBody}, body=CredentialUpdateInput, tag=_TAG)
_DELETE: Final = Docs(
    "Take a credential away",
    {200: TEXT, 202: TEXT},
    tag=_TAG,
    description="Done at once and answered with 200; 202 is kept for what a telephone has to give back first.",
)


@get(
    "/people/{person_id:str}/credentials", name="listPersonCredentials", scopes=("account.person.readonly",), docs=_LIST
)
async def list_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """List a person's credentials. Contract operation listPersonCredentials."""
    context, principal, number = context_of(request), principal_of(request), path_id(person_id)
    page, now = page_of(request.query_params), context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        sight = sight_of(transaction, principal, now)
        found = list_credentials_of(transaction, context.vault, principal.account_id, number, sight)
        shown = found[page.offset : page.offset + page.limit]
        return encoded([credential_body(each) for each in shown]), len(found)

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@get("/credentials", name="listAllCredentials", scopes=("account.person.readonly",), docs=_LIST_ALL)
async def list_everybodys(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List everybody's credentials. Contract operation listAllCredentials."""
    context, principal = context_of(request), principal_of(request)
    page, now = page_of(request.query_params), context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        sight = sight_of(transaction, principal, now)
        if page.paged:
            found, total = page_of_account(transaction, context.vault, principal.account_id, page, sight)
            return encoded([credential_body(each) for each in found]), total
        # In parts, so that other threads get their turn between two of them.
        parts, total = bytearray(b"["), 0
        for part in all_of_account(transaction, context.vault, principal.account_id, sight):
            parts += b"," * bool(total) + encoded([credential_body(each) for each in part])[1:-1]
            total += len(part)
        return bytes(parts + b"]"), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@post("/people/{person_id:str}/credentials", name="createCredential", scopes=("account.person",), docs=_CREATE)
async def create(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Give a person a credential. Contract operation createCredential."""
    vault, number = context_of(request).vault, path_id(person_id)
    body = unwrapped(await read_json(request), _WRAPPER)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        try:
            made = create_credential(transaction, vault, principal.account_id, number, body, now, by=principal)
        except AlreadyEnrolled as conflict:
            return answer(credential_body(conflict.existing), 409)
        return answer(credential_body(made), 201)

    return await change(request, create_it)


@get(
    "/people/{person_id:str}/credentials/{credential_id:str}",
    name="getCredential",
    scopes=("account.person.readonly",),
    docs=_GET,
)
async def show(request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]) -> ASGIResponse:
    """Show a credential. Contract operation getCredential; it acknowledges the webhooks that told of it."""
    context, principal = context_of(request), principal_of(request)
    person, number, now = path_id(person_id), credential_number(credential_id), context.clock.now()

    def read(transaction: Transaction) -> bytes:
        sight = sight_of(transaction, principal, now)
        found = get_credential(transaction, context.vault, principal.account_id, person, number, sight)
        return encoded(credential_body(found))

    return await read_and_acknowledge(request, CREDENTIALS, number, read)


@put(
    "/people/{person_id:str}/credentials/{credential_id:str}",
    name="updateCredential",
    scopes=("account.person",),
    docs=_UPDATE,
)
async def update(
    request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]
) -> ASGIResponse:
    """Change a credential's value; answered with 201. Contract operation updateCredential."""
    vault, person, number = context_of(request).vault, path_id(person_id), credential_number(credential_id)
    body = unwrapped(await read_json(request), _WRAPPER)

    def change_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        changed = update_credential(transaction, vault, principal.account_id, person, number, body, now, by=principal)
        return answer(credential_body(changed), 201)

    return await change(request, change_it)


@delete(
    "/people/{person_id:str}/credentials/{credential_id:str}",
    name="deleteCredential",
    scopes=("account.person",),
    status_code=200,
    docs=_DELETE,
)
async def remove(
    request: Request[Any, Any, Any], person_id: FromPath[str], credential_id: FromPath[str]
) -> ASGIResponse:
    """Take a credential away; answered with text. Contract operation deleteCredential."""
    person, number = path_id(person_id), credential_number(credential_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_credential(transaction, principal.account_id, person, number, now, by=principal)
        return _DELETED

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[list_page, list_everybodys, create, show, update, remove])
