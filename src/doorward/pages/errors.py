"""Refusals as pages: for routes that people look at. Give PAGE_ERRORS to their Router as `exception_handlers`."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.response import Response
from litestar.types import ExceptionHandlersMap

from doorward.kit.errors import BadRequest, DoorwardError, Forbidden, NotFound, TooManyRequests
from doorward.pages.render import page_text, protection
from doorward.wire.bodies import UnsupportedMediaType

_USUAL: Final = "That did not work"
_PAGES: Final[Mapping[type[DoorwardError], tuple[int, str]]] = {
    BadRequest: (400, _USUAL),
    Forbidden: (403, "That is not allowed"),
    NotFound: (404, "There is no such page"),
    TooManyRequests: (429, "Too many attempts"),
}


def _page(status: int, heading: str, text: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(
        page_text("error.html", heading=heading, text=text),
        status_code=status,
        media_type="text/html",
        headers={**dict(protection()), **(headers or {})},
    )


def _refusal(_: Request[Any, Any, Any], error: DoorwardError) -> Response[str]:
    status, heading = next((page for kind, page in _PAGES.items() if isinstance(error, kind)), (400, _USUAL))
    headers = {"Retry-After": str(error.retry_in)} if isinstance(error, TooManyRequests) else {}
    return _page(status, heading, error.text, headers)


def _unsupported(_: Request[Any, Any, Any], __: UnsupportedMediaType) -> Response[str]:
    return _page(415, _USUAL, "The form could not be read")


def _framework(_: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    if error.status_code >= 500:
        raise error
    return _page(
        error.status_code,
        _USUAL,
        "The form is too large" if error.status_code == 413 else "The page could not be shown",
    )


PAGE_ERRORS: Final[ExceptionHandlersMap] = {
    DoorwardError: _refusal,
    UnsupportedMediaType: _unsupported,
    HTTPException: _framework,
}
"""Errors beyond these (the database away, a bug) are answered like everywhere else."""
