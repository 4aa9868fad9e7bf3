"""What a request handler can reach: the database, the clock, and who is asking."""

from dataclasses import dataclass, field
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection

from doorward.db.unit_of_work import Database
from doorward.kit.clock import Clock, SystemClock
from doorward.oauth.principal import Principal
from doorward.oauth.usage import UsageCounter

PRINCIPAL: Final = "doorward.principal"
REQUEST_ID: Final = "doorward.request_id"


@dataclass(frozen=True, slots=True)
class Context:
    """Shared by all requests of one application."""

    database: Database
    clock: Clock = field(default_factory=SystemClock)
    usage: UsageCounter = field(default_factory=UsageCounter)


def context_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Context:
    """The application's context."""
    context: Context = connection.app.state.context
    return context


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Who is asking; only for handlers behind the scope guard."""
    return cast(dict[str, Principal], request.scope)[PRINCIPAL]
