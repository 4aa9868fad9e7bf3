"""Which addresses a browser may be sent back to, and how."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

# The port may be another each time: an application on the user's machine takes one that is free (RFC 8252, 7.3).
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{0,4})?((?:[/?][^#]*)?)")

_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")


def is_registered(asked: str, registered: Iterable[str]) -> bool:
    """Whether the address is one of those registered, character for character; loopback ports aside."""
    loopback = _LOOPBACK.fullmatch(asked)
    for known in registered:
        if asked == known:
            return True
        other = _LOOPBACK.fullmatch(known)
        if loopback and other and loopback.groups() == other.groups() and _has_port(asked):
            return True
    return False


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The address with parameters added; what it has in its query stays as it is (RFC 6749, 3.1.2)."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"


def host_of(uri: str) -> str:
    """The host, and the port if it has one of its own, as people read it."""
    return urlsplit(uri).netloc


def form_action_of(uri: str) -> Sequence[str]:
    """What a page's Content-Security-Policy has to allow for a form to lead there, beside 'self'."""
    parts = urlsplit(uri)
    # An IPv6 address cannot be written there (CSP 3, 2.3.1, "host-source"), and what else a host may not hold must not.
    return (f"{parts.scheme}://{parts.netloc}",) if _HOST.fullmatch(parts.netloc) else (f"{parts.scheme}:",)


def _has_port(uri: str) -> bool:
    try:
        return (urlsplit(uri).port or 1) > 0
    except ValueError:
        return False
