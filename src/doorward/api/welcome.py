"""The page at "/": says what is running here, and where to go on."""

from litestar import get
from litestar.response.base import ASGIResponse

from doorward.pages.render import render


@get("/", name="welcome", public=True, hidden=True, sync_to_thread=False)
def welcome() -> ASGIResponse:
    """Tell a browser what is here."""
    return render("welcome.html")
