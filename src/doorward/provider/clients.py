"""Client authentication at the token endpoints: a secret by HTTP Basic or in the body; none for a public client.

Argon2 is slow on purpose. It runs on a thread, outside any transaction; a few at once, so that guesses cannot take the
processor from everybody else; and not at all for who has just guessed wrong too often.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from litestar import Request

from doorward.applications.service import PUBLIC, Application, find_application, secret_hash_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import TooManyRequests
from doorward.oauth.hashing import matches
from doorward.provider.parameters import Parameters
from doorward.provider.refusals import OAuthRefusal
from doorward.wire.context import client_address, context_of

_AT_ONCE: Final = 2
_MOST_WAITING: Final = 64
_MOST_FAILURES: Final = 10
_WITHIN_MS: Final = 60_000
_MOST_KNOWN: Final = 10_000
_LONGEST: Final = 1024


class Credentials(NamedTuple):
    """What a client says it is, and how."""

    client_id: str
    secret: str | None
    basic: bool

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, basic={self.basic!r})"

    @property
    def method(self) -> str:
        """The method as RFC 7591, 2 names it."""
        if self.secret is None:
            return "none"
        return "client_secret_basic" if self.basic else "client_secret_post"


@dataclass(frozen=True, slots=True)
class AuthenticatedClient:
    """A client that is what it says, and how it has shown that."""

    application: Application
    method: str
    secret_hash: str | None = field(default=None, repr=False)
    """Of the secret that it has shown."""


@dataclass(slots=True)
class _Failures:
    began_at: int
    count: int = 0


@dataclass(slots=True)
class ClientGate:
    """Bounds what guessing secrets can cost. One for each served application."""

    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _waiting: int = 0
    _failures: dict[tuple[str, str], _Failures] = field(default_factory=dict)

    async def matches(self, client_id: str, address: str, secret_hash: str, secret: str, now: int) -> bool:
        """Whether the secret is the client's. Raises TooManyRequests."""
        key = (client_id, address)
        if self._waiting >= _MOST_WAITING:
            raise TooManyRequests(1)
        self._waiting += 1
        try:
            async with self._slots:
                self._check(key, now)
                matched = await matches(secret_hash, secret)
        finally:
            self._waiting -= 1
        if matched:
            self._failures.pop(key, None)
        else:
            if len(self._failures) >= _MOST_KNOWN:
                self._failures.clear()
            self._failures.setdefault(key, _Failures(now)).count += 1
        return matched

    def _check(self, key: tuple[str, str], now: int) -> None:
        failures = self._failures.get(key)
        if failures is None:
            return
        if now - failures.began_at >= _WITHIN_MS:
            del self._failures[key]
        elif failures.count >= _MOST_FAILURES:
            raise TooManyRequests(max(1, (failures.began_at + _WITHIN_MS - now) // 1000))


def gate_of(request: Request[Any, Any, Any]) -> ClientGate:
    """The gate of the application that serves the request."""
    gate: ClientGate | None = request.app.state.get("client_gate")
    if gate is None:
        gate = request.app.state["client_gate"] = ClientGate()
    return gate


async def authenticate(request: Request[Any, Any, Any], form: Parameters) -> AuthenticatedClient:
    """The client that asks. Raises OAuthRefusal (`invalid_client`, or `invalid_request`) or TooManyRequests."""
    given = _credentials(request.headers.get("authorization"), form)
    context = context_of(request)

    def find(transaction: Transaction) -> tuple[Application, str | None] | None:
        application = find_application(transaction, given.client_id)
        return None if application is None else (application, secret_hash_of(transaction, application.id))

    found = await context.database.read(find)
    if found is None:
        raise _invalid(given.basic)
    application, secret_hash = found
    if given.secret is None:
        if application.kind != PUBLIC:
            raise _invalid(given.basic)
    elif secret_hash is None or not await gate_of(request).matches(
        given.client_id, client_address(request), secret_hash, given.secret, context.clock.now()
    ):
        raise _invalid(given.basic)
    return AuthenticatedClient(application, given.method, None if given.secret is None else secret_hash)


def _credentials(header: str | None, form: Parameters) -> Credentials:
    in_body, secret = form.get("client_id"), form.get("client_secret")
    if header is None:
        if in_body is None:
            raise OAuthRefusal("invalid_client", "Client authentication failed: no client_id was sent", 401)
        return Credentials(in_body, secret, basic=False)
    client_id, basic_secret = _basic(header)
    if secret is not None:
        raise OAuthRefusal("invalid_request", "The client has authenticated in more than one way")
    if in_body not in (None, client_id):
        raise OAuthRefusal("invalid_request", "The client_id in the body is not the one that authenticates")
    return Credentials(client_id, basic_secret or None, basic=True)  # a public client's libraries send the colon


def _basic(header: str) -> tuple[str, str]:
    """Client id and secret of HTTP Basic, in plain or URL-safe base64, with or without padding."""
    scheme, _, encoded = header.strip().partition(" ")
    encoded = encoded.strip().rstrip("=").replace("-", "+").replace("_", "/")
    if scheme.lower() == "basic" and len(encoded) <= 2 * _LONGEST:
        try:
            decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
            client_id, colon, secret = decoded.partition(b":")
            # RFC 6749, 2.3.1: both are form-encoded first. Ours have no character that this would change.
            texts = [unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8") for part in (client_id, secret)]
        except (binascii.Error, ValueError):
            raise _invalid(basic=True) from None
        if colon and texts[0] and all(text.isprintable() and len(text) <= _LONGEST for text in texts):
            return texts[0], texts[1]
    raise _invalid(basic=True)


def _invalid(basic: bool) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", "Client authentication failed", 401, challenge=basic)
