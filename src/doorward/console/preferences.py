"""What a browser keeps of how its user likes the console: light or dark, which site, and what was just done."""

import base64
import binascii
from typing import Any, Final

from litestar.connection import ASGIConnection

from doorward.signing_in.cookies import is_https

_THEME: Final = "doorward-theme"
_SITE: Final = "doorward-site"
_DONE: Final = "doorward-done"
_YEAR_S: Final = 31_536_000
_LONGEST_DONE: Final = 400
_MOST_DIGITS: Final = 18
THEMES: Final = ("light", "dark")


def theme_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """What was chosen of THEMES; "" for what the device prefers."""
    found = connection.cookies.get(_THEME, "")
    return found if found in THEMES else ""


def set_theme(connection: ASGIConnection[Any, Any, Any, Any], theme: str) -> tuple[str, str]:
    """The header that keeps the choice; any other word forgets it."""
    return _header(connection, _THEME, theme if theme in THEMES else "", _YEAR_S if theme in THEMES else 0)


def chosen_site(connection: ASGIConnection[Any, Any, Any, Any]) -> int | None:
    """The site that the user looks at: `site` in the address before the one that is kept; None: all.

    Whether there is such a site for the user has to be looked up.
    """
    text = connection.query_params.get("site", connection.cookies.get(_SITE, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def set_site(connection: ASGIConnection[Any, Any, Any, Any], site_id: int | None) -> tuple[str, str]:
    """The header that keeps the choice."""
    return _header(connection, _SITE, "" if site_id is None else str(site_id), 0 if site_id is None else _YEAR_S)


def done_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """What was just done, as set_done() has kept it."""
    try:
        return base64.urlsafe_b64decode(connection.cookies.get(_DONE, "").encode()).decode() or None
    except (ValueError, binascii.Error):
        return None


def set_done(connection: ASGIConnection[Any, Any, Any, Any], text: str) -> tuple[str, str]:
    """The header that has the next page say what was done; with "", it is forgotten."""
    value = base64.urlsafe_b64encode(text[:_LONGEST_DONE].encode()).decode()
    return _header(connection, _DONE, value, 60 if text else 0)


def _header(connection: ASGIConnection[Any, Any, Any, Any], name: str, value: str, seconds: int) -> tuple[str, str]:
    secure = "; Secure" if is_https(connection) else ""
    return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
