"""Routes and wire shapes of /api/3/personal_tokens [ours]."""

from typing import Annotated, Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, Struct, UnsetType

from doorward.applications.personal_tokens import (
    LONGEST_DAYS,
    MOST_TOKENS,
    PersonalToken,
    create_personal_token,
    list_personal_tokens,
    revoke_personal_token,
)
from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import ANY_TOKEN, context_of, principal_of
from doorward.wire.docs import Docs, Result
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response


class PersonalTokenBody(Struct, frozen=True, gc=False):
    """A personal token on the wire, without the token itself."""

    id: int
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str


class CreatedPersonalToken(PersonalTokenBody, frozen=True, gc=False):
    """A new personal token with its text, which cannot be seen again."""

    token: str


class PersonalTokenInput(Struct, frozen=True, omit_defaults=True):
    """What a personal token is made of."""

    name: str
    scopes: list[str] | str
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS)] | UnsetType | None = UNSET


_LIST = Docs("List your own personal tokens", {200: list[PersonalTokenBody]}, ours=True)
_CREATE = Docs(
    "Make a personal token",
    {201: CreatedPersonalToken},
    body=PersonalTokenInput,
    ours=True,
    description=(
        "It acts in your name, with scopes that are among those of the token you ask with, for 90 days unless you say "
        "otherwise; `expires_in_days` null is ten years. Neither an application's token nor a personal token makes "
        f"any: ask with one of the command line. You can have {MOST_TOKENS} that hold."
    ),
)
_DELETE = Docs("Revoke one of your own personal tokens, at once", {200: Result}, ours=True)


def _fields(found: PersonalToken) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "scopes": found.scopes.split(),
        "created_at": format_instant(found.created_at),
        "expires_at": format_instant(found.expires_at),
    }


@post("/personal_tokens", name="createPersonalToken", scopes=ANY_TOKEN, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a personal token."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made, text = create_personal_token(transaction, principal, body, now)
        return answer(CreatedPersonalToken(**_fields(made), token=text), 201)

    return await change(request, create_it)


@get("/personal_tokens", name="listPersonalTokens", scopes=ANY_TOKEN, docs=_LIST)
async def list_own(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the personal tokens of who asks."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        found = list_personal_tokens(transaction, principal, now)
        return encoded([PersonalTokenBody(**_fields(token)) for token in found])

    return encoded_response(await context.database.read(read))


@delete(
    "/personal_tokens/{token_id:str}",
    name="deletePersonalToken",
    scopes=ANY_TOKEN,
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], token_id: FromPath[str]) -> ASGIResponse:
    """Revoke a personal token of who asks."""
    number = path_id(token_id)

    def revoke_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        revoke_personal_token(transaction, principal, number, now)
        return OK

    return await change(request, revoke_it)


router = Router("/api/3", route_handlers=[create, list_own, remove])
