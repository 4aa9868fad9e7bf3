"""What describes the API to programs and to people: /openapi.json, and a page that needs nothing from elsewhere."""

from typing import Any, Final

from litestar import Litestar, Request, get
from litestar.response.base import ASGIResponse

from doorward.api.openapi import document, documented_routes
from doorward.api.reference_page import STYLES, page_of
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.wire.context import base_url
from doorward.wire.docs import HTML, Docs
from doorward.wire.responses import encoded, encoded_response

DOCUMENT: Final = "openapi_document"
_JSON = Docs("This API, as an OpenAPI 3.1 document", {200: dict[str, Any]}, ours=True, tag="operations")
_PAGE = Docs("This API, to read", {200: HTML}, ours=True, tag="operations")


def describe(app: Litestar) -> None:
    """Make the document, once, and keep it in the application's state."""
    app.state[DOCUMENT] = document(documented_routes(app), scope_words=SCOPE_WORDS)


@get("/openapi.json", name="openapi", public=True, docs=_JSON, sync_to_thread=True)
def openapi(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The document, for the address that was asked."""
    return encoded_response(encoded(_document(request)))


@get("/docs", name="reference", public=True, docs=_PAGE, sync_to_thread=True)
def reference(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The reference, as a page."""
    return page_of(_document(request))


@get("/assets/reference.css", name="reference styles", public=True, hidden=True, sync_to_thread=False)
def reference_styles() -> ASGIResponse:
    """The reference's own styles."""
    headers = [("Cache-Control", "public, max-age=86400"), ("X-Content-Type-Options", "nosniff")]
    return ASGIResponse(body=STYLES, media_type="text/css; charset=utf-8", headers=headers)


def _document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = request.app.state[DOCUMENT]
    return {**found, "servers": [{"url": base_url(request)}]}
