"""Where to go after signing in: to one of our own pages, never elsewhere (RFC 9700, 4.11)."""

import re
from typing import Final
from urllib.parse import urlencode

HOME: Final = "/console"
OWN: Final = "/account/security"
"""A user's own page."""
_LONGEST: Final = 8000
# Visible ASCII without a backslash, which browsers read as a slash; a second slash would make it a host's name.
_LOCAL: Final = re.compile(r"/(?:[A-Za-z0-9][!-\[\]-~]*)?")


def local_path(text: str | None) -> str | None:
    """The path and query, if it is one of this server; else None."""
    if not text or len(text) > _LONGEST or not _LOCAL.fullmatch(text):
        return None
    return text


def with_next(page: str, target: str | None) -> str:
    """The address of a page that is to go on to the target."""
    return page if target is None else f"{page}?{urlencode({'next': target})}"
