"""What a request handler can reach: the database, the vault, the clock, the settings, and who is asking."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection

from doorward.db.unit_of_work import Database
from doorward.kit.clock import Clock, SystemClock
from doorward.kit.crypto import Vault
from doorward.kit.mail_servers import MailServer
from doorward.oauth.principal import Principal
from doorward.oauth.rates import RateLimiter
from doorward.oauth.usage import UsageCounter

PRINCIPAL: Final = "doorward.principal"
REQUEST_ID: Final = "doorward.request_id"
ALLOWANCE: Final = "doorward.allowance"
"""What is left of the rate limit: an oauth.rates.Allowance, or None."""

WITHOUT_CONTENT: Final = "doorward.without_content"
"""There in the scope of a HEAD, which is served as a GET whose content nobody gets."""
ABORT: Final = "doorward.abort"
"""In the scope: what ends the connection at once, whatever is still to be sent; not there under every server."""

ANY_TOKEN: Final = ("any",)
"""The `scopes` of a route for which any token that holds will do."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What an operator has set about the HTTP edge."""

    public_url: str | None = None
    """Under which address clients reach this server, without a trailing slash; None: whatever they asked for."""
    outbound_allow: tuple[str, ...] = ()
    """Networks (CIDR) that requests to foreign addresses may reach although they are not public."""
    access_log: bool = False
    """Whether each request is a line on standard error."""
    metrics_token: str | None = None
    """What a scraper has to know; None: scraping is for this machine only."""
    mail_server: MailServer | None = None
    """To whom messages are handed; None: there is no e-mail."""


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all requests of one application."""

    database: Database
    vault: Vault
    clock: Clock = field(default_factory=SystemClock)
    usage: UsageCounter = field(default_factory=UsageCounter)
    edge: Edge = field(default_factory=Edge)
    rates: RateLimiter = field(default_factory=lambda: RateLimiter(0))
    """Without a limit unless one is set."""
    long_reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Held by whoever reads much: SQLite has two readers, and one of them stays for everybody else."""


def context_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Context:
    """The application's context."""
    context: Context = connection.app.state.context
    return context


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Who is asking; only for handlers behind the scope guard."""
    return cast(dict[str, Principal], request.scope)[PRINCIPAL]


def require_scopes(principal: Principal, opt: Mapping[str, Any]) -> None:
    """Let pass whom the route's `scopes` and `also_scopes` allow. Raises InsufficientScope or Forbidden."""
    if opt["scopes"] != ANY_TOKEN:
        principal.require(*opt["scopes"])
    for needed in opt.get("also_scopes", ()):
        principal.require(needed)


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """From where the request came; "" if that is not known."""
    return connection.client.host if connection.client else ""


def base_url(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The address of this server as its clients see it, without a trailing slash."""
    configured = context_of(connection).edge.public_url
    return configured or str(connection.base_url).rstrip("/")
