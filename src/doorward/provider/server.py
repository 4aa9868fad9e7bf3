"""Authlib's authorization server within one transaction: it follows the RFCs, the services keep what it decides.

Clients have been authenticated before (see clients.py); what comes from outside has been read strictly (parameters.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
)

from doorward.applications.service import PUBLIC, Application, find_application
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import Clock
from doorward.oauth.scopes import UnknownScope, parse_scopes
from doorward.provider.clients import AuthenticatedClient
from doorward.provider.parameters import Parameters
from doorward.provider.redirect_uris import is_registered, with_parameters
from doorward.provider.refusals import printable

_HERE: Final = "https://doorward.invalid/oauth"
"""Authlib insists on https; whether a proxy speaks it for us is the operator's business."""


@dataclass(slots=True)
class Reply:
    """What an endpoint answers."""

    status: int
    body: Mapping[str, Any]
    location: str | None = None


class Client(ClientMixin):  # type: ignore[misc] # the library has no types
    """An application as Authlib asks after it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def get_client_id(self) -> str:
        """Its public name."""
        return self.application.client_id

    def get_default_redirect_uri(self) -> None:
        """None: every request names its address."""
        return

    def get_allowed_scope(self, scope: str | None) -> str:
        """All that it asks for, by the present names; the user's permissions limit what comes of it."""
        return " ".join(sorted(wanted_scopes(scope)))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether a browser may be sent there."""
        return is_registered(redirect_uri, self.application.redirect_uris)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """A public client has no secret, every other one shows it."""
        return (method == "none") == self.is_public

    def check_response_type(self, response_type: str) -> bool:
        """Codes, for whoever has an address to send them to."""
        return response_type == "code" and bool(self.application.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        """Codes and refreshing for all; a service also in its own name."""
        return grant_type != "client_credentials" or self.application.is_service

    @property
    def is_public(self) -> bool:
        """Whether it can keep no secret."""
        return self.application.kind == PUBLIC


class _Payload(OAuth2Payload):  # type: ignore[misc] # the library has no types
    def __init__(self, parameters: Parameters) -> None:
        self._values = dict(parameters.values)

    @property
    def data(self) -> Mapping[str, str]:
        return self._values

    @property
    def datalist(self) -> Mapping[str, Sequence[str]]:
        return {name: [value] for name, value in self._values.items()}


class ProviderRequest(OAuth2Request):  # type: ignore[misc] # the library has no types
    """A request as Authlib sees it. `arrived` is when it reached this server."""

    def __init__(self, parameters: Parameters, *, method: str = "POST", arrived: int = 0) -> None:
        super().__init__(method, _HERE, headers={})
        self.payload = _Payload(parameters)
        self.arrived = arrived

    @property
    def form(self) -> Mapping[str, str]:
        """The body's parameters."""
        values: Mapping[str, str] = self.payload.data
        return values


class Server(AuthorizationServer):  # type: ignore[misc] # the library has no types
    """One transaction's authorization server; `client` is who has authenticated, if anybody had to."""

    def __init__(
        self, transaction: Transaction, clock: Clock, issuer: str, client: AuthenticatedClient | None = None
    ) -> None:
        super().__init__()
        self.transaction = transaction
        self.clock = clock
        self.issuer = issuer
        self.authenticated = client

    def query_client(self, client_id: str) -> Client | None:
        """The client of this id, if it is there."""
        found = find_application(self.transaction, client_id)
        return None if found is None else Client(found)

    def authenticate_client(
        self,
        request: ProviderRequest,
        methods: Sequence[str],  # noqa: ARG002 - Authlib's signature
        endpoint: str = "token",  # noqa: ARG002 - as above
    ) -> Client:
        """Who has authenticated before this transaction."""
        if self.authenticated is None:
            raise RuntimeError("no client has been authenticated for this request")
        request.auth_method = self.authenticated.method
        return Client(self.authenticated.application)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Refuse a scope that does not exist, and asking for none."""
        wanted_scopes(scope)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Mapping[str, Any] | str, headers: Sequence[tuple[str, str]]) -> Reply:
        """What the edge makes HTTP of."""
        return Reply(status, body if isinstance(body, Mapping) else {}, dict(headers).get("Location"))

    def handle_error_response(self, request: ProviderRequest, error: OAuth2Error) -> Reply:
        """The error in a redirect where there is an address to send it to (RFC 6749, 4.1.2.1), else as JSON (5.2)."""
        body = {
            "error": str(error.error),
            "error_description": printable(str(error.description or "The request was refused")),
        }
        if error.redirect_uri is None:
            return Reply(error.status_code, body)
        return self.redirect(error.redirect_uri, body, request.payload.state)

    def redirect(self, redirect_uri: str, parameters: Mapping[str, str], state: str | None) -> Reply:
        """Back to the client, with its state, and with who answers (RFC 9207)."""
        sent = {**parameters, **({} if state is None else {"state": state}), "iss": self.issuer}
        return Reply(302, {}, with_parameters(redirect_uri, sent))


def wanted_scopes(text: str | None) -> frozenset[str]:
    """The scopes of a request. Raises InvalidScopeError for one that does not exist, and for none at all."""
    try:
        scopes = parse_scopes(text or "")
    except UnknownScope as error:
        raise InvalidScopeError(printable(str(error).capitalize()[:300])) from None
    if not scopes:
        raise InvalidScopeError("At least one scope has to be asked for")
    return scopes
