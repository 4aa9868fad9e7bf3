"""Routes about the record of events itself: for how long it is kept."""

from typing import Any, Final

from litestar import Request, Router, get, put
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.db.unit_of_work import Transaction
from doorward.events.retention import Retention, get_retention, set_retention
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.responses import encoded, encoded_response


class RetentionBody(Struct, frozen=True):
    """For how many days events are kept, counted from when they were recorded; null: for ever."""

    days: int | None


_GET: Final = Docs("See for how long events are kept", {200: RetentionBody}, ours=True, tag="events")
_SET: Final = Docs(
    "Set for how long events are kept",
    {200: RetentionBody},
    body=RetentionBody,
    ours=True,
    tag="events",
    description="Older events are removed within an hour, and cannot be had back. That they go is an event itself, "
    "and the record that is left still proves that nobody has changed it.",
)


def _body(found: Retention) -> RetentionBody:
    return RetentionBody(found.event_retention_days)


@get("/event_log/retention", name="getEventRetention", scopes=("account.event.access.readonly",), docs=_GET)
async def show_retention(request: Request[Any, Any, Any]) -> ASGIResponse:
    """See for how long events are kept."""
    account_id = principal_of(request).account_id
    found = await context_of(request).database.read(lambda tx: encoded(_body(get_retention(tx, account_id))))
    return encoded_response(found)


@put("/event_log/retention", name="setEventRetention", scopes=("account.settings",), docs=_SET)
async def change_retention(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Set for how long events are kept."""
    body = await read_json(request)

    def set_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(set_retention(transaction, principal.account_id, body, now, by=principal)))

    return await change(request, set_it)


router = Router("/api/3", route_handlers=[show_retention, change_retention])
