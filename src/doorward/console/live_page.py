"""The events that a page of the console hears of as they are recorded: the API's stream, for who is signed in."""

from typing import Any

from litestar import Request, get
from litestar.datastructures import State
from litestar.response.base import ASGIResponse

from doorward.events.stream_api import streaming


@get("/live", name="console.live", page=True, scopes=("account.event.access.readonly",), hidden=True)
async def live(request: Request[Any, Any, State]) -> ASGIResponse:
    """Events of all kinds at the doors that the user sees."""
    return await streaming(request, None)


HANDLERS = (live,)
