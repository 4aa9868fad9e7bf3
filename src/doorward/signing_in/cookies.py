"""The cookies of the pages: who is signed in, and whose a form is that somebody fills in before that."""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from doorward.wire.context import base_url

_SESSION: Final = "doorward"
_FORM: Final = "doorward-form"
_LONGEST: Final = 128


def is_https(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether browsers reach this server by https: as configured, else as this request came."""
    return connection.scope["scheme"] == "https" or urlsplit(base_url(connection)).scheme == "https"


def session_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The session's cookie, if the browser sent one that could be one."""
    return _read(connection, _SESSION)


def form_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The cookie that forms before the sign-in are tied to."""
    return _read(connection, _FORM)


def set_session_cookie(connection: ASGIConnection[Any, Any, Any, Any], value: str) -> tuple[str, str]:
    """The header that gives the browser its session."""
    return _header(connection, _SESSION, value)


def set_form_cookie(connection: ASGIConnection[Any, Any, Any, Any], value: str) -> tuple[str, str]:
    """The header that ties the forms before the sign-in to this browser."""
    return _header(connection, _FORM, value)


def drop_session_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[str, str]:
    """The header that takes the session away again."""
    return _header(connection, _SESSION, "", "; Max-Age=0")


def _name(connection: ASGIConnection[Any, Any, Any, Any], name: str) -> str:
    # With this prefix a browser takes it from this host alone, by https alone (RFC 6265bis, 4.1.3.2): no neighbour
    # under the same domain can put his own in its place.
    return f"__Host-{name}" if is_https(connection) else name


def _read(connection: ASGIConnection[Any, Any, Any, Any], name: str) -> str | None:
    value = connection.cookies.get(_name(connection, name))
    return value if value and len(value) <= _LONGEST else None


def _header(connection: ASGIConnection[Any, Any, Any, Any], name: str, value: str, more: str = "") -> tuple[str, str]:
    secure = "; Secure" if is_https(connection) else ""
    return "Set-Cookie", f"{_name(connection, name)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"
