"""The route of /api/3/events/stream: events as they are recorded, as Server-Sent Events (HTML Living Standard, 9.2)."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Final, cast

from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from doorward.events.filters import CODES, FILTERS, codes_of, wanted_of
from doorward.events.stream import MOST_OF_ACCOUNT, MOST_OF_TOKEN, READ, Listener, Streams
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import EARLIEST
from doorward.wire.context import ABORT, WITHOUT_CONTENT, principal_of
from doorward.wire.docs import Docs, Other, Parameter

_MOST_DIGITS: Final = 18
_BEGINNING: Final = b"retry: 2000\n"
"""Sent at once, so that whoever is in between passes on the head; a client that is cut off comes back in 2 s."""
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # The first is for what looks at it, the second for nginx: nothing may be held back on the way, or packed.
    (b"cache-control", b"no-transform"),
    (b"x-accel-buffering", b"no"),
)
_SINCE: Final = "Only what happened at or after this instant, however late it is told."
_POSITION: Final = {"type": "integer", "minimum": 0}
_STREAM: Final = Docs(
    "Follow events as they are recorded",
    {200: Other("text/event-stream")},
    parameters=(
        CODES,
        *(each._replace(text=_SINCE) if each.name == "since" else each for each in FILTERS),
        Parameter("last_event_id", _POSITION, "For clients that cannot send the header Last-Event-ID."),
        Parameter(
            "Last-Event-ID",
            _POSITION,
            "Go on after the message with this id, with all that has been recorded since; 0: from the beginning. "
            "Without it, what is recorded from now on is told.",
            location="header",
        ),
    ),
    ours=True,
    description="Server-Sent Events. Each message is an event of the list, and its id the event's position in the "
    "account's record: 1, 2, 3 … in the order in which events were recorded. A client that comes back with the last "
    "id that it has seen misses nothing and gets nothing twice. Comments such as `: after 17`, one at first and one "
    "whenever nothing else was told for 15 seconds, say how far the stream has come. When the token ends, the stream "
    f"ends with a message of the type `end` that says why. A token may have {MOST_OF_TOKEN} streams open, an account "
    f"{MOST_OF_ACCOUNT:,}.",
)


class _EventStream(ASGIResponse):
    """An answer that goes on for as long as the listener listens."""

    def __init__(self, streams: Streams, listener: Listener) -> None:
        super().__init__()
        self._streams = streams
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side has enough."""
        listener = self._listener
        try:
            # Not the framework's own head: that says how long the answer is.
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
            if WITHOUT_CONTENT in scope:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            listener.cut = cast(dict[str, Any], scope).get(ABORT, listener.cut)
            gone = asyncio.create_task(_until_gone(receive, listener))
            try:
                await self._send(send)
            finally:
                gone.cancel()
                with suppress(asyncio.CancelledError):
                    await gone
        finally:
            self._streams.close(listener)

    async def _send(self, send: Send) -> None:
        listener, streams, now = self._listener, self._streams, asyncio.get_running_loop().time
        chunk = _BEGINNING + listener.whereabouts()
        while chunk:
            listener.taken_at, listener.is_taking = now(), True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            listener.is_taking = False
            chunk = await streams.next(listener)
        await send({"type": "http.response.body", "body": _ending(listener), "more_body": False})


def _ending(listener: Listener) -> bytes:
    if listener.ended is None:
        return b""
    reason = {"error": listener.ended.code, "error_description": listener.ended.text}
    return b"event: end\ndata: %s\n\n" % json.dumps(reason).encode()


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()


@get("/events/stream", name="streamEvents", scopes=READ, docs=_STREAM)
async def stream(request: Request[Any, Any, State]) -> ASGIResponse:
    """Follow events as they are recorded. Ours."""
    return await streaming(request, codes_of(request.query_params))


async def streaming(request: Request[Any, Any, State], codes: frozenset[int] | None) -> ASGIResponse:
    """The events of some codes, or of all, for as long as whoever asks listens. Raises as Streams.open() does."""
    principal = principal_of(request)
    wanted = wanted_of(request.query_params, principal.zone, codes, since=EARLIEST)
    after = _after(request)
    streams: Streams = request.app.state.streams
    return _EventStream(streams, await streams.open(principal, wanted, after))


def _after(request: Request[Any, Any, Any]) -> int | None:
    """The position after which to begin; the header is what a client that comes back sends by itself.

    Raises BadRequest.
    """
    text = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadRequest("The parameter last_event_id must be the id of a message of this stream")
    return int(text)


router = Router("/api/3", route_handlers=[stream])
