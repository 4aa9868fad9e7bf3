"""The page at "/": the console, for whoever may see it."""

from litestar import get
from litestar.response.base import ASGIResponse

from doorward.pages.render import see_other
from doorward.signing_in.next_page import HOME


@get("/", name="welcome", public=True, hidden=True, sync_to_thread=False)
def welcome() -> ASGIResponse:
    """Send a browser on."""
    return see_other(HOME)
