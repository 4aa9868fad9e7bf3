"""Whether this process lives, and whether it can serve."""

import asyncio
from typing import Any, Final, Literal

from litestar import Request, get
from litestar.response.base import ASGIResponse
from msgspec import Struct
from sqlalchemy import literal, select

from doorward.db.query import Query, number
from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.wire.context import context_of
from doorward.wire.docs import Docs
from doorward.wire.responses import json_response

_PATIENCE_S: Final = 2.0
_ASK: Final = Query(select(literal(1)), number)


class Health(Struct, frozen=True):
    """How it is."""

    status: Literal["ok", "ready", "unavailable"]


_HEALTH = Docs("Whether the process lives", {200: Health}, ours=True, tag="operations")
_READY = Docs("Whether the database can be asked", {200: Health, 503: Health}, ours=True, tag="operations")


@get("/healthz", name="health", public=True, docs=_HEALTH, sync_to_thread=False)
def health() -> ASGIResponse:
    """The event loop turns, or there would be no answer."""
    return json_response(Health("ok"))


@get("/readyz", name="ready", public=True, docs=_READY)
async def ready(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The database answers within two seconds."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await context_of(request).database.read(lambda transaction: transaction.one(_ASK))
    except (DatabaseUnavailable, TimeoutError):
        return json_response(Health("unavailable"), status=503, headers=[("Retry-After", "5")])
    return json_response(Health("ready"))
