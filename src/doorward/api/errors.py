"""Errors as HTTP answers: always JSON, never a stack trace (behaviour.md, "HTTP")."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.response import Response
from litestar.types import ExceptionHandlersMap

from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.kit.errors import (
    BadRequest,
    Conflict,
    DoorwardError,
    Forbidden,
    InsufficientScope,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from doorward.wire.bodies import UnsupportedMediaType
from doorward.wire.context import REQUEST_ID

_log = structlog.get_logger("doorward.api")

_STATUS: Final[Mapping[type[DoorwardError], int]] = {
    BadRequest: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    TooManyRequests: 429,
}
_FRAMEWORK: Final = {
    400: ("bad_request", BadRequest.text),
    404: (NotFound.code, NotFound.text),
    405: ("method_not_allowed", "The method is not allowed for this resource"),
    413: ("payload_too_large", "The request body is too large"),
}
_GONE: Final = "client disconnected prematurely"
"""What the framework says of a client that left in the middle of its body: nobody's error, and nobody hears of it."""


def error_response(
    status: int,
    code: str,
    text: str,
    *,
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response[dict[str, object]]:
    """The body that every error has."""
    body: dict[str, object] = {"error": code, "error_description": text, **more}
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _refusal(_: Request[Any, Any, Any], error: DoorwardError) -> Response[dict[str, object]]:
    status = next(number for kind, number in _STATUS.items() if isinstance(error, kind))
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = _challenge(error.challenge, error.text)
    elif isinstance(error, InsufficientScope):
        scopes = " ".join(error.scopes)
        headers["WWW-Authenticate"] = (
            f'Bearer realm="doorward", error="insufficient_scope", scope="{scopes}", '
            'error_description="The access token lacks the scope"'
        )
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_in)
        if error.limit is not None:
            headers |= {"RateLimit-Limit": str(error.limit), "RateLimit-Remaining": "0"}
            headers["RateLimit-Reset"] = str(error.retry_in)
    more: dict[str, object] = {"errors": error.errors} if isinstance(error, Invalid) else {}
    return error_response(status, error.code, error.text, headers=headers, **more)


def _challenge(code: str | None, text: str) -> str:
    """RFC 6750, 3: without any credentials the challenge names no error."""
    if code is None:
        return 'Bearer realm="doorward"'
    return f'Bearer realm="doorward", error="{code}", error_description="{text}"'


def _unsupported(_: Request[Any, Any, Any], error: UnsupportedMediaType) -> Response[dict[str, object]]:
    wanted = str(error) or "application/json"
    return error_response(415, "unsupported_media_type", f"The request body must be {wanted}")


def _framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, object]]:
    if error.status_code >= 500 and error.detail == _GONE:
        return error_response(400, BadRequest.code, "The request was not sent to its end")
    if error.status_code >= 500:
        return _unexpected(request, error)
    code, text = _FRAMEWORK.get(error.status_code, _FRAMEWORK[400])
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return error_response(error.status_code, code, text, headers=headers)


def _unavailable(request: Request[Any, Any, Any], error: DatabaseUnavailable) -> Response[dict[str, object]]:
    _log.error(
        "database unavailable",
        request_id=request.scope.get(REQUEST_ID),
        reason=str(error),
    )
    return error_response(
        503,
        "service_unavailable",
        "The service is unavailable for the moment",
        headers={"Retry-After": "5"},
        request_id=request.scope.get(REQUEST_ID),
    )


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    request_id = request.scope.get(REQUEST_ID)
    _log.error(
        "unexpected error",
        request_id=request_id,
        path=request.scope["path"],
        exc_info=error,
    )
    return error_response(
        500,
        "internal_server_error",
        "An unexpected error occurred",
        request_id=request_id,
    )


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    DoorwardError: _refusal,
    UnsupportedMediaType: _unsupported,
    HTTPException: _framework,
    DatabaseUnavailable: _unavailable,
    Exception: _unexpected,
}
