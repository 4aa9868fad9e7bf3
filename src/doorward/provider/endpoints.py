"""Revocation (RFC 7009) and introspection (RFC 7662) of tokens."""

from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidRequestError, UnauthorizedClientError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from doorward.kit import public_ids
from doorward.oauth.known_tokens import KnownToken, find_token, revoke_known
from doorward.provider.server import Client, ProviderRequest, Server


class StoredToken:
    """A token as Authlib asks after it."""

    def __init__(self, token: KnownToken, now: int) -> None:
        self.token = token
        self.now = now

    def check_client(self, client: Client) -> bool:
        """Whether it is this client's."""
        return self.token.application_id == client.application.id

    def is_expired(self) -> bool:
        """Whether it is good for nothing any more, for whatever reason."""
        return not self.token.holds(self.now)

    def is_revoked(self) -> bool:
        """The same."""
        return self.is_expired()


def _find(server: Server, text: str) -> StoredToken | None:
    found = find_token(server.transaction, text)
    return None if found is None else StoredToken(found, server.clock.now())


def _require_token(request: ProviderRequest) -> None:
    if "token" not in request.form:
        raise InvalidRequestError("The parameter token is missing")


class Revocation(RevocationEndpoint):  # type: ignore[misc] # the library has no types
    """As the vendor's contract has it: no hint is wrong, and another client's token is a 403."""

    server: Server

    def check_params(self, request: ProviderRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Raise InvalidRequestError without a token."""
        _require_token(request)

    def authenticate_token(self, request: ProviderRequest, client: Client) -> StoredToken | None:
        """The client's token; None for one that nobody has. Raises UnauthorizedClientError for another client's."""
        self.check_params(request, client)
        found = _find(self.server, request.form["token"])
        if found is not None and not found.check_client(client):
            raise UnauthorizedClientError("You are not authorized to revoke this token", status_code=403)
        return found

    def revoke_token(self, token: StoredToken, request: ProviderRequest) -> None:  # noqa: ARG002 - Authlib's signature
        """Revoke it at once: an access token alone, a refresh token with all that came of the same consent."""
        revoke_known(self.server.transaction, token.token, self.server.clock.now())


class Introspection(IntrospectionEndpoint):  # type: ignore[misc] # the library has no types
    """For the applications of an account, on the tokens of that account."""

    server: Server

    def check_params(self, request: ProviderRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Raise InvalidRequestError without a token."""
        _require_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> StoredToken | None:  # noqa: ARG002 - as above
        """The token, whatever the hint."""
        return _find(self.server, token_string)

    def check_permission(self, token: StoredToken, client: Client, request: ProviderRequest) -> bool:  # noqa: ARG002 - as above
        """Of another account's tokens nothing is told."""
        return token.token.account_id == client.application.account_id

    def introspect_token(self, token: StoredToken) -> dict[str, Any]:
        """RFC 7662, 2.2."""
        known = token.token
        return {
            "active": True,
            "scope": known.scopes,
            "client_id": known.client_id,
            "token_type": "Bearer" if known.kind == "access_token" else known.kind,
            "exp": known.expires_at // 1000,
            "iat": known.created_at // 1000,
            "sub": str(known.user_id),
            "iss": self.server.issuer,
            "account_id": public_ids.encode("account", known.account_id),
        }


ENDPOINTS: Final = (Revocation, Introspection)
