"""What each user sets for their own browser: light or dark, and which site they look at."""

from typing import Any

from litestar import Request, post
from litestar.response.base import ASGIResponse

from doorward.console.forms import sent
from doorward.console.page import go
from doorward.console.preferences import set_site, set_theme
from doorward.signing_in.next_page import local_path
from doorward.wire.context import ANY_TOKEN

_MOST_DIGITS = 18


@post("/theme", name="console.chooseTheme", page=True, scopes=ANY_TOKEN, hidden=True, status_code=303)
async def choose_theme(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Keep whether the console is light or dark."""
    form = await sent(request)
    return _back(request, form.text("next"), set_theme(request, form.text("theme")))


@post("/site", name="console.chooseSite", page=True, scopes=ANY_TOKEN, hidden=True, status_code=303)
async def choose_site(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Keep which site is looked at."""
    form = await sent(request)
    text = form.text("site")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
    return _back(request, form.text("next"), set_site(request, number))


def _back(request: Request[Any, Any, Any], target: str, cookie: tuple[str, str]) -> ASGIResponse:
    answer = go(request, local_path(target) or "/console")
    answer.headers.add(*cookie)
    return answer


HANDLERS = (choose_theme, choose_site)
