"""Addresses that an application may be called at: where a browser is sent back to, where webhooks go."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from doorward.kit.text import InvalidText

LONGEST: Final = 2000
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# Of everything else browsers and servers disagree what it is.
# A host as it may stand in a page's Content-Security-Policy, where `;`, `,`, `*` and `'` have a meaning of their own.
_HOST: Final = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]_a-z~%]+", re.IGNORECASE)


def clean_redirect_uri(text: str) -> str:
    """An absolute https URI without fragment, or http on the user's own machine (RFC 6749, 3.1.2; RFC 8252, 7.3).

    Raises InvalidText.
    """
    parts = _parts(text)
    if "#" in text:
        raise InvalidText("must not have a fragment (#…)")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InvalidText("must begin with https:// (http:// only for localhost, 127.0.0.1 and [::1])")
    if not _HOST.fullmatch(parts.netloc):
        raise InvalidText("must have a host of letters, digits, dots and hyphens, or an IPv6 address in brackets")
    return text


def clean_webhook_url(text: str) -> str:
    """An absolute http or https URL without user, password or fragment. Raises InvalidText."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https"):
        raise InvalidText("must begin with https:// or http://")
    if "#" in text:
        raise InvalidText("must not have a fragment (#…)")
    return text


def _parts(text: str) -> SplitResult:
    if len(text) > LONGEST:
        raise InvalidText(f"is too long (at most {LONGEST} characters)")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidText("is not a URL") from None
    if not _PLAIN.fullmatch(text) or not parts.scheme or not parts.hostname or port == 0:
        raise InvalidText("must be an absolute URL such as https://example.com/callback")
    if parts.username is not None or parts.password is not None:
        raise InvalidText("must not have a user or a password")
    return parts
