"""Refusals of the OAuth endpoints: JSON as RFC 6749, 5.2 has it."""

import re
from typing import Any, Final

from litestar import Request
from litestar.response import Response
from msgspec import Struct, json

from doorward.wire.responses import JSON_TYPE

_NOT_SHOWN: Final = re.compile(r'[^ !#-\[\]-~]|"')


class OAuthError(Struct, frozen=True):
    """Why a token was not given, or something else was refused."""

    error: str
    error_description: str


class OAuthRefusal(Exception):
    """A refusal with a code of RFC 6749 or of those that extend it."""

    def __init__(self, code: str, text: str, status: int = 400, *, challenge: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.challenge = challenge
        """Whether the client has tried HTTP Basic, and is to hear so."""


def refusal_response(_: Request[Any, Any, Any], refusal: OAuthRefusal) -> Response[bytes]:
    """The refusal as HTTP."""
    challenge = 'Basic realm="doorward", charset="UTF-8"' if refusal.challenge else None
    return error_response(refusal.status, refusal.code, refusal.text, challenge)


def error_response(status: int, code: str, text: str, challenge: str | None = None) -> Response[bytes]:
    """An error as HTTP; of the kind that an exception handler has to give."""
    return Response(
        json.encode(OAuthError(code, printable(text))),
        status_code=status,
        media_type=JSON_TYPE,
        headers={} if challenge is None else {"WWW-Authenticate": challenge},
    )


def printable(text: str) -> str:
    """Text with only the characters that an `error_description` may have (RFC 6749, 5.2)."""
    return _NOT_SHOWN.sub("?", text)
