"""GET /.well-known/oauth-authorization-server (RFC 8414): what a client library needs to know to find its way."""

from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.oauth.scopes import ALL_SCOPES
from doorward.wire.context import base_url
from doorward.wire.docs import Docs
from doorward.wire.responses import json_response

_WITH_SECRET: Final = ["client_secret_basic", "client_secret_post"]


class ServerMetadata(Struct, frozen=True):
    """Addresses and abilities, as RFC 8414, 2 and RFC 9207, 3 name them."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool


@get(
    "/.well-known/oauth-authorization-server",
    name="getServerMetadata",
    public=True,
    sync_to_thread=False,
    docs=Docs("Where the OAuth 2.0 endpoints are, and what they can do", {200: ServerMetadata}, ours=True, tag="oauth"),
)
def server_metadata(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Describe the provider."""
    issuer = base_url(request)
    return json_response(
        ServerMetadata(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/oauth/authorize",
            token_endpoint=f"{issuer}/oauth/token",
            revocation_endpoint=f"{issuer}/oauth/revoke",
            introspection_endpoint=f"{issuer}/oauth/introspect",
            scopes_supported=sorted(ALL_SCOPES),
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
            code_challenge_methods_supported=["S256"],
            token_endpoint_auth_methods_supported=[*_WITH_SECRET, "none"],
            revocation_endpoint_auth_methods_supported=[*_WITH_SECRET, "none"],
            introspection_endpoint_auth_methods_supported=_WITH_SECRET,
            authorization_response_iss_parameter_supported=True,
        )
    )
