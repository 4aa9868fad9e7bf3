"""What pages load: one stylesheet and one icon, both from here."""

from typing import Final

from litestar import Router, get
from litestar.response.base import ASGIResponse

from doorward.pages.render import ICON, STYLESHEET

_HEADERS: Final = [
    ("Cache-Control", "public, max-age=86400"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]


@get("/assets/doorward.css", name="stylesheet", public=True, hidden=True, sync_to_thread=False)
def stylesheet() -> ASGIResponse:
    """The stylesheet of all pages."""
    return ASGIResponse(body=STYLESHEET, media_type="text/css", headers=_HEADERS)


@get("/assets/doorward.svg", name="icon", public=True, hidden=True, sync_to_thread=False)
def icon() -> ASGIResponse:
    """The icon in the browser's tab."""
    return ASGIResponse(body=ICON, media_type="image/svg+xml", headers=_HEADERS)


router = Router("/", route_handlers=[stylesheet, icon])
