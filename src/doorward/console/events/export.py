"""The events that a page asks for as a file: the API's export, for who is signed in."""

from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request, get
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from doorward.console.events.filters import Filters, filters_of
from doorward.console.events.reading import people_of
from doorward.console.page import file_headers
from doorward.console.sites_and_doors import sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.events.exporting import FORMATS, MEDIA_TYPES, STEP, Format, Stretch, Wanted, head, part, seen_by, stretch
from doorward.kit.errors import BadRequest
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import choice_of

_READ: Final = ("account.event.access.readonly",)


@get("/events/export", name="console.events.export", page=True, hidden=True, scopes=_READ)
async def export(request: Request[Any, Any, Any]) -> ASGIResponse:
    """All events of the same filters, in the order of the record, as CSV or JSON Lines."""
    context, principal = context_of(request), principal_of(request)
    kind: Format = "jsonl" if choice_of(request.query_params, "format", FORMATS) == "jsonl" else "csv"

    def read(transaction: Transaction) -> tuple[Wanted, Stretch]:
        return _wanted(transaction, principal, request), stretch(transaction, principal.account_id)

    asked, there = await context.database.read(read)

    async def parts() -> AsyncIterator[bytes]:
        yield head(kind)
        for after in range(there.after, there.to, STEP):

            def lines_of(transaction: Transaction, after: int = after) -> bytes:
                # It may take minutes: who has signed out gets no more, and sees that it is not whole.
                holder = authenticate_again(transaction, principal, context.clock.now())
                holder.require(*_READ)
                seen = seen_by(transaction, asked, holder)
                return part(transaction, principal.account_id, seen, kind, after, there.to)

            if lines := await context.database.read(lines_of):
                yield lines

    return ASGIStreamingResponse(iterator=parts(), media_type=MEDIA_TYPES[kind], headers=file_headers(f"events.{kind}"))


def _wanted(transaction: Transaction, principal: Principal, request: Request[Any, Any, Any]) -> Wanted:
    """Raises BadRequest."""
    filters: Filters = filters_of(request, sites_and_doors(transaction, principal))
    if filters.errors:
        raise BadRequest("The times that the events are asked for cannot be read")
    found = people_of(transaction, principal.account_id, filters)
    return Wanted(
        filters.codes,
        None if filters.channel_ids is None else frozenset(filters.channel_ids),
        filters.since,
        filters.until,
        None if found is None else frozenset(person.id for person in found),
    )


EXPORT_HANDLERS: Final = (export,)
