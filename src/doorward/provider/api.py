"""The token endpoints: POST /oauth/token, /oauth/revoke and /oauth/introspect, GET /oauth/token/info."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Literal

from litestar import Request, Router, get, post
from litestar.response import Response
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.audit.service import Actor, acting
from doorward.db.unit_of_work import Transaction, require
from doorward.kit import public_ids
from doorward.kit.errors import Unauthorized
from doorward.oauth.known_tokens import access_token_of
from doorward.provider.clients import AuthenticatedClient, authenticate
from doorward.provider.endpoints import Introspection, Revocation
from doorward.provider.grants import register_grants
from doorward.provider.parameters import Parameters, read_form
from doorward.provider.refusals import OAuthError, OAuthRefusal, error_response, refusal_response
from doorward.provider.server import ProviderRequest, Reply, Server
from doorward.wire.context import (
    ANY_TOKEN,
    REQUEST_ID,
    base_url,
    client_address,
    context_of,
    principal_of,
)
from doorward.wire.docs import Docs
from doorward.wire.responses import json_response

_FORM: Final = "application/x-www-form-urlencoded"
_NEEDED: Final = {
    "authorization_code": ("code", "redirect_uri"),
    "refresh_token": ("refresh_token",),
    "client_credentials": (),
}
_TWINS_ARRIVE_WITHIN_S: Final = 0.05
"""How long the refresh of a public client waits, so that one sent at the same time is seen as such (decision 0011)."""


class TokenForm(Struct, frozen=True):
    """What a grant needs: see RFC 6749."""

    grant_type: Literal["authorization_code", "refresh_token", "client_credentials"]
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    redirect_uri: str | UnsetType = UNSET
    code_verifier: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET


class TokenAnswer(Struct, frozen=True):
    """Tokens; `created_at` in Unix seconds. A service gets no refresh token."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    created_at: int
    refresh_token: str | UnsetType = UNSET


class KnownTokenForm(Struct, frozen=True):
    """An access token or a refresh token, and the client unless HTTP Basic says who asks."""

    token: str
    token_type_hint: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET


class Nothing(Struct, frozen=True):
    """An empty object."""


class InfoApplication(Struct, frozen=True):
    """An application by its client id."""

    uid: str


class TokenInfo(Struct, frozen=True):
    """The token that the request came with; `expires_in` in seconds, `created_at` in Unix seconds."""

    resource_owner_id: int
    account_id: str
    scope: list[str]
    expires_in: int
    application: InfoApplication
    created_at: int


class Introspected(Struct, frozen=True):
    """What RFC 7662 has of a token; only `active` of one that is not."""

    active: bool
    scope: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    token_type: Literal["Bearer", "refresh_token"] | UnsetType = UNSET
    exp: int | UnsetType = UNSET
    iat: int | UnsetType = UNSET
    sub: str | UnsetType = UNSET
    iss: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET


@post(
    "/token",
    name="getAccessToken",
    public=True,
    status_code=200,
    docs=Docs(
        "Get an access token",
        {200: TokenAnswer, 400: OAuthError, 401: OAuthError},
        body=TokenForm,
        body_type=_FORM,
        errors=(429,),
        description="The client authenticates by HTTP Basic or with client_id and client_secret in the body.",
    ),
)
async def token(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Exchange a code, use a refresh token, or let a service in."""
    form = await read_form(request)
    # Not before the body is there: else one could be first by opening the connection early, and sending it late.
    arrived = context_of(request).clock.now()
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise OAuthRefusal("invalid_request", "The parameter grant_type is missing")
    if grant_type not in _NEEDED:
        raise OAuthRefusal("unsupported_grant_type", f"There is no grant of this type; known are {', '.join(_NEEDED)}")
    for name in _NEEDED[grant_type]:
        if form.get(name) is None:
            raise OAuthRefusal("invalid_request", f"The parameter {name} is missing")
    client = await authenticate(request, form)
    if grant_type == "refresh_token" and client.method == "none":
        await asyncio.sleep(_TWINS_ARRIVE_WITHIN_S)
    asked = ProviderRequest(form, arrived=arrived)
    return await _answer(request, client, lambda server: register_grants(server).create_token_response(asked))


@post(
    "/revoke",
    name="revokeToken",
    public=True,
    status_code=200,
    docs=Docs(
        "Revoke a token",
        {200: Nothing, 400: OAuthError, 403: OAuthError},
        body=KnownTokenForm,
        body_type=_FORM,
        errors=(429,),
        description="A refresh token goes with all that came of the same consent. One that is unknown is no error.",
    ),
)
async def revoke(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Revoke one of the client's tokens (RFC 7009)."""
    form = await read_form(request)
    try:
        client = await authenticate(request, form)
    except OAuthRefusal as refusal:
        if refusal.code != "invalid_client":
            raise
        raise OAuthRefusal("unauthorized_client", refusal.text, 403) from None
    return await _endpoint(request, client, form, Revocation)


@post(
    "/introspect",
    name="introspectToken",
    public=True,
    status_code=200,
    docs=Docs(
        "Say what a token is good for",
        {200: Introspected, 400: OAuthError, 401: OAuthError},
        body=KnownTokenForm,
        body_type=_FORM,
        errors=(429,),
        ours=True,
    ),
)
async def introspect(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Tell a client with a secret about a token of its account (RFC 7662)."""
    form = await read_form(request)
    client = await authenticate(request, form)
    if client.method == "none":
        raise OAuthRefusal("invalid_client", "Client authentication failed: a public client cannot ask this", 401)
    return await _endpoint(request, client, form, Introspection)


def _token_refused(_: Request[Any, Any, Any], error: Unauthorized) -> Response[bytes]:
    """As the contract has it for this operation alone."""
    challenge = 'Bearer realm="doorward"'
    if error.challenge is not None:
        challenge += f', error="{error.challenge}", error_description="{error.text}"'
    return error_response(401, "invalid_token", error.text, challenge)


@get(
    "/token/info",
    name="getTokenInfo",
    scopes=ANY_TOKEN,
    exception_handlers={Unauthorized: _token_refused},
    docs=Docs("What the token of this request is good for", {200: TokenInfo, 401: OAuthError}),
)
async def token_info(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Tell the bearer about the token."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()
    token_id = require(principal.token_id)
    found = require(await context.database.read(lambda transaction: access_token_of(transaction, token_id)))
    return json_response(
        TokenInfo(
            found.user_id,
            public_ids.encode("account", found.account_id),
            found.scopes.split(),
            max(0, found.expires_at - now) // 1000,
            InfoApplication(found.client_id),
            found.created_at // 1000,
        )
    )


async def _endpoint(
    request: Request[Any, Any, Any],
    client: AuthenticatedClient,
    form: Parameters,
    kind: type[Revocation] | type[Introspection],
) -> ASGIResponse:
    asked = ProviderRequest(form)

    def work(server: Server) -> Reply:
        server.register_endpoint(kind)
        reply: Reply = server.create_endpoint_response(kind.ENDPOINT_NAME, asked)
        return reply

    return await _answer(request, client, work)


async def _answer(
    request: Request[Any, Any, Any], client: AuthenticatedClient, work: Callable[[Server], Reply]
) -> ASGIResponse:
    """Do the work in one write, in the name of the client. An error that is answered keeps what was written."""
    context, issuer = context_of(request), base_url(request)
    request_id = request.scope.get(REQUEST_ID)
    actor = Actor(
        "system", None, client.application.id, str(request_id) if request_id else None, client_address(request)
    )

    def write(transaction: Transaction) -> Reply:
        with acting(actor):
            return work(Server(transaction, context.clock, issuer, client))

    reply = await context.database.write(write)
    return json_response(reply.body, reply.status, [("Pragma", "no-cache")])


router = Router(
    "/oauth",
    route_handlers=[token, revoke, introspect, token_info],
    exception_handlers={OAuthRefusal: refusal_response},
)
