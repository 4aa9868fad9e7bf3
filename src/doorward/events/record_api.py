"""Routes about the record of events itself: for how long it is kept, and all of it as a file."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from litestar import Request, Router, get, put
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.exporting import FORMATS, MEDIA_TYPES, STEP, Format, Wanted, head, part, seen_by, stretch
from doorward.events.retention import Retention, get_retention, set_retention
from doorward.kit.errors import BadRequest
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again
from doorward.wire.bodies import read_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import IDS, INSTANT, Docs, Other, Parameter
from doorward.wire.queries import choice_of, ids_of, instant_of
from doorward.wire.responses import encoded, encoded_response, file_response


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


_EXPORT: Final = Docs(
    "Export the record of events, in its order, as a file",
    {200: Other(MEDIA_TYPES["csv"], (MEDIA_TYPES["jsonl"],))},
    parameters=(
        Parameter("format", {"type": "string", "enum": list(FORMATS), "default": "csv"}, "CSV, or JSON Lines."),
        Parameter("since", INSTANT, "Only what happened at or after this instant; local time without an offset."),
        Parameter("until", INSTANT, "Only what happened before this instant."),
        Parameter("event_codes", IDS, "Only these codes, of all that there are."),
        Parameter("channels", IDS, "Only of these channels."),
    ),
    ours=True,
    tag="events",
    description="All that was on record when it was asked for, however long: it is sent as it is read. In CSV, a cell "
    "that a spreadsheet would calculate begins with an apostrophe. `chain` is that of the record up to the event.",
)
_READ: Final = ("account.event.access.readonly",)
_CODES: Final = frozenset(EventCode)


def _body(found: Retention) -> RetentionBody:
    return RetentionBody(found.event_retention_days)


@get("/event_log/retention", name="getEventRetention", scopes=_READ, docs=_GET)
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


@get("/event_log/export", name="exportEvents", scopes=_READ, docs=_EXPORT)
async def export(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The record as a file."""
    context, principal, query = context_of(request), principal_of(request), request.query_params
    kind: Format = "jsonl" if choice_of(query, "format", FORMATS) == "jsonl" else "csv"
    asked = _wanted(query, principal)
    database, account_id = context.database, principal.account_id
    there = await database.read(lambda transaction: stretch(transaction, account_id))

    async def parts() -> AsyncIterator[bytes]:
        yield head(kind)
        for after in range(there.after, there.to, STEP):

            def read(transaction: Transaction, after: int = after) -> bytes:
                # It may take minutes: who may no longer have it gets no more, and sees that it is not whole.
                holder = authenticate_again(transaction, principal, context.clock.now())
                holder.require(*_READ)
                return part(transaction, account_id, seen_by(transaction, asked, holder), kind, after, there.to)

            if lines := await database.read(read):
                yield lines

    return file_response(parts(), MEDIA_TYPES[kind], f"events.{kind}")


def _wanted(query: Mapping[str, str], principal: Principal) -> Wanted:
    """What the query asks for. Raises BadRequest."""
    codes, channel_ids = ids_of(query, "event_codes"), ids_of(query, "channels")
    unknown = [str(code) for code in codes if code not in _CODES]
    if unknown:
        raise BadRequest(f"The following event codes are not valid for this method: {', '.join(unknown)}")
    return Wanted(
        frozenset(codes) or None,
        frozenset(channel_ids) or None,
        instant_of(query, "since", principal.zone),
        instant_of(query, "until", principal.zone),
    )


router = Router("/api/3", route_handlers=[show_retention, change_retention, export])
