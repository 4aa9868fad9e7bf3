"""The grants: what Authlib asks of whoever keeps codes, refresh tokens and users.

Tokens are stored as they are made (only their digests are), so that Authlib's own step of saving them is empty.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.rfc6749 import (
    AccessDeniedError,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
    grants,
)
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge

from doorward.applications.service import get_application, secret_hash_of
from doorward.oauth.codes import Code, add_code, present_code, use_code
from doorward.oauth.families import Grant, add_family, note_consent, standing
from doorward.oauth.refreshing import RefreshToken, add_refresh_token, present_refresh_token, use_refresh_token
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.service_users import service_user
from doorward.oauth.tokens import ACCESS_TOKEN_SECONDS, create_token
from doorward.provider.server import Client, ProviderRequest, Server, wanted_scopes

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

Issued = dict[str, Any]
"""A token answer, in the order of RFC 6749, 5.1."""


def register_grants(server: Server) -> Server:
    """The server, able to do all that there is."""
    server.register_grant(CodeGrant, [S256()])
    server.register_grant(RefreshGrant)
    server.register_grant(ServiceGrant)
    return server


def issue(
    server: Server, grant: Grant, family_id: int | None, refresh_scopes: str | None, *, parent_id: int | None = None
) -> Issued:
    """A new access token and, with `refresh_scopes`, a refresh token for these, which follows `parent_id`."""
    now = server.clock.now()
    access_token = create_token(server.transaction, **grant._asdict(), now=now, family_id=family_id)
    issued: Issued = {"access_token": access_token, "token_type": "Bearer", "expires_in": ACCESS_TOKEN_SECONDS}
    if family_id is not None and refresh_scopes is not None:
        issued["refresh_token"] = add_refresh_token(
            server.transaction, family_id, refresh_scopes, now, parent_id=parent_id
        )
    return {**issued, "scope": grant.scopes, "created_at": now // 1000}


class StoredCode:
    """A code as Authlib asks after it."""

    code_challenge_method = "S256"

    def __init__(self, code: Code) -> None:
        self.code = code
        self.code_challenge = code.code_challenge

    def get_redirect_uri(self) -> str:
        """Where it was sent, which has to be repeated exactly."""
        return self.code.redirect_uri

    def get_scope(self) -> str:
        """What was consented to."""
        return self.code.scopes


class StoredRefreshToken:
    """A refresh token as Authlib asks after it."""

    def __init__(self, token: RefreshToken) -> None:
        self.token = token

    def check_client(self, client: Client) -> bool:
        """Whether it is this client's."""
        return self.token.application_id == client.application.id

    def get_scope(self) -> str:
        """What new access tokens may have."""
        return self.token.scopes


class S256(CodeChallenge):  # type: ignore[misc] # the library has no types
    """PKCE with S256 only: who reads a `plain` challenge knows the verifier (RFC 9700, 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]
    CODE_CHALLENGE_METHODS: Final = {
        "S256": lambda verifier, challenge: hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
    }

    def validate_code_challenge(self, grant: "CodeGrant", redirect_uri: str) -> None:  # noqa: ARG002 - a hook's signature
        """Raise InvalidRequestError for a challenge that is missing or no S256 one."""
        challenge = grant.request.payload.data.get("code_challenge")
        method = grant.request.payload.data.get("code_challenge_method")
        if challenge is None:
            if method is not None:
                raise InvalidRequestError("The parameter code_challenge is missing")
            if grant.client.is_public:
                raise InvalidRequestError("A public client has to send a code_challenge (PKCE)")
            return
        # Without a method, RFC 7636 says, it would be "plain".
        if method != "S256":
            raise InvalidRequestError("The parameter code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(challenge):
            raise InvalidRequestError("The parameter code_challenge is not base64url of a SHA-256 digest")


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc] # the library has no types
    """RFC 6749, 4.1."""

    request: ProviderRequest
    server: Server

    def create_authorization_response(self, redirect_uri: str, grant_user: int | None) -> tuple[int, str, Any]:
        """A code for the user who has consented; None has denied."""
        application = self.client.application
        if grant_user is None or not standing(self.server.transaction, application.id, grant_user):
            raise AccessDeniedError("The user has denied access", redirect_uri=redirect_uri)
        now = self.server.clock.now()
        grant = Grant(application.account_id, application.id, grant_user, self.request.scope)
        challenge = self.request.payload.data.get("code_challenge")
        code = add_code(self.server.transaction, grant, redirect_uri=redirect_uri, code_challenge=challenge, now=now)
        note_consent(self.server.transaction, grant, now)
        reply = self.server.redirect(redirect_uri, {"code": code}, self.request.payload.state)
        return reply.status, "", [("Location", reply.location)]

    def query_authorization_code(self, code: str, client: Client) -> StoredCode | None:
        """The code, if it may be exchanged; trying one twice kills what it gave."""
        found = present_code(self.server.transaction, code, client.application.id, self.server.clock.now())
        return None if found is None else StoredCode(found)

    def authenticate_user(self, authorization_code: StoredCode) -> int | None:
        """The user, if they are still let in."""
        code = authorization_code.code
        return code.user_id if standing(self.server.transaction, code.application_id, code.user_id) else None

    def generate_token(self, *, scope: str, **_: object) -> Issued:
        """The first tokens of a new family."""
        code = self.request.authorization_code.code
        family_id = add_family(self.server.transaction, code.grant, self.server.clock.now())
        self.request.authorization_code.code = code._replace(family_id=family_id)
        return issue(self.server, code.grant, family_id, scope)

    def save_token(self, token: Issued) -> None:
        """It is stored."""

    def delete_authorization_code(self, authorization_code: StoredCode) -> None:
        """Keep the code as used, with what it gave."""
        code = authorization_code.code
        if code.family_id is not None:
            use_code(self.server.transaction, code.id, code.family_id, self.server.clock.now())


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc] # the library has no types
    """RFC 6749, 6, with rotation (docs/decisions/0011)."""

    request: ProviderRequest
    server: Server
    INCLUDE_NEW_REFRESH_TOKEN: Final = True

    def authenticate_refresh_token(self, refresh_token: str) -> StoredRefreshToken | None:
        """The refresh token, if it may be used; one that is in two hands kills its family."""
        found = present_refresh_token(
            self.server.transaction,
            refresh_token,
            self.client.application.id,
            arrived=self.request.arrived,
            now=self.server.clock.now(),
        )
        return None if found is None else StoredRefreshToken(found)

    def _validate_token_scope(self, token: StoredRefreshToken) -> None:
        asked = self.request.payload.scope
        if asked and not wanted_scopes(asked) <= set(token.token.scopes.split()):
            raise InvalidScopeError("A scope was asked for that has not been granted")

    def authenticate_user(self, refresh_token: StoredRefreshToken) -> int:
        """The user; that they are still let in has been seen."""
        return refresh_token.token.user_id

    def issue_token(self, user: int, refresh_token: StoredRefreshToken) -> Issued:  # noqa: ARG002 - Authlib's signature
        """The next tokens of the family. Only the access token is narrowed by a scope that was asked for."""
        token, asked = refresh_token.token, self.request.payload.scope
        scopes = " ".join(sorted(wanted_scopes(asked))) if asked else token.scopes
        grant = token.grant._replace(scopes=scopes)
        return issue(self.server, grant, token.family_id, token.scopes, parent_id=token.id)

    def save_token(self, token: Issued) -> None:
        """It is stored."""

    def revoke_old_credential(self, refresh_token: StoredRefreshToken) -> None:
        """The rotation takes effect now."""
        use_refresh_token(self.server.transaction, refresh_token.token.id, self.server.clock.now())


class ServiceGrant(grants.ClientCredentialsGrant):  # type: ignore[misc] # the library has no types
    """RFC 6749, 4.4: a service acts in the name of the user whom it was given."""

    request: ProviderRequest
    server: Server

    def generate_token(self, *, scope: str | None, **_: object) -> Mapping[str, Any]:
        """An access token of no family, so that it cannot be refreshed; of no more scopes than the service may have."""
        transaction, application = self.server.transaction, self.client.application
        user_id = service_user(transaction, application.id)
        if user_id is None:
            raise UnauthorizedClientError("The user in whose name the application acts is disabled")
        # As it is now that service_user() holds it: to verify the secret has taken a while.
        shown = self.server.authenticated
        if shown is None or shown.secret_hash != secret_hash_of(transaction, application.id):
            raise InvalidClientError("Client authentication failed", status_code=401)
        wanted, allowed = wanted_scopes(scope), get_application(transaction, application.account_id, application.id)
        ceiling = ALL_SCOPES if allowed.service_scopes is None else frozenset(allowed.service_scopes.split())
        beyond = wanted - ceiling
        if beyond:
            raise InvalidScopeError(f"The application may not have: {' '.join(sorted(beyond))}")
        grant = Grant(application.account_id, application.id, user_id, " ".join(sorted(wanted)))
        return issue(self.server, grant, None, None)

    def save_token(self, token: Issued) -> None:
        """It is stored."""
