"""Refusals as pages of the console; for a part of a page, as a word beside it."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.response import Response
from litestar.types import ExceptionHandlersMap

from doorward.console.page import error_page, is_htmx, protection
from doorward.kit.errors import (
    BadRequest,
    Conflict,
    DoorwardError,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from doorward.signing_in.current import SESSION, SignInNeeded
from doorward.signing_in.next_page import local_path, with_next
from doorward.wire.bodies import UnsupportedMediaType

_USUAL: Final = "That did not work"
_PAGES: Final[Mapping[type[DoorwardError], tuple[int, str]]] = {
    BadRequest: (400, _USUAL),
    Forbidden: (403, "That is not allowed"),
    NotFound: (404, "There is no such page"),
    Conflict: (409, "That is not possible now"),
    Invalid: (422, _USUAL),
    TooManyRequests: (429, "Too many attempts"),
}


def _sign_in(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # After something was sent, the page that sent it is not to be opened by its address.
    target = with_next("/sign-in", local_path(path) if request.method in ("GET", "HEAD") else "/console")
    if is_htmx(request):
        # The script follows this header whatever the status.
        return Response("", status_code=401, headers={"HX-Redirect": with_next("/sign-in", "/console")})
    return Response("", status_code=303, headers={"Location": target, **dict(protection(""))})


def _refusal(request: Request[Any, Any, Any], error: DoorwardError) -> Response[Any]:
    if isinstance(error, Unauthorized) or SESSION not in request.scope:
        return _sign_in(request, error)
    status, heading = next((page for kind, page in _PAGES.items() if isinstance(error, kind)), (400, _USUAL))
    headers = [("Retry-After", str(error.retry_in))] if isinstance(error, TooManyRequests) else []
    return error_page(request, status, heading, error.text, headers)


def _unsupported(request: Request[Any, Any, Any], _: UnsupportedMediaType) -> Response[Any]:
    return error_page(request, 415, _USUAL, "The form could not be read")


def _framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        raise error
    if SESSION not in request.scope:
        return _sign_in(request, error)
    text = "What was sent is too large" if error.status_code == 413 else "The page could not be shown"
    return error_page(request, error.status_code, _USUAL, text)


CONSOLE_ERRORS: Final[ExceptionHandlersMap] = {
    SignInNeeded: _sign_in,
    DoorwardError: _refusal,
    UnsupportedMediaType: _unsupported,
    HTTPException: _framework,
}
"""How errors look in the console; those beyond (the database away, a bug) are answered like everywhere else."""
