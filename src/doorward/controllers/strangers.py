"""Connections that have not proven who they are: few at a time, fewer of one network; one line in the log for many."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import structlog

from doorward.link.handshake import HandshakeFailed

_log = structlog.get_logger("doorward.link")

MOST: Final = 100
MOST_OF_ONE: Final = 20
"""So many of one network: it is not to keep everybody else out. A proof takes milliseconds, and is tried again."""
_IPV6_NETWORK: Final = 64
"""So much of an IPv6 address is one house's, who may choose the rest for each connection."""
_SAY_EVERY_S: Final = 10.0


class Strangers:
    """Used from one event loop."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        """`most`: so many may be at the door at a time; `most_of_one`: from the same network."""
        self.turned_away_count = 0
        """How many have not been let in, of whatever kind."""
        self._most = most
        self._most_of_one = most_of_one
        self._waiting: Counter[str] = Counter()
        """By network."""
        self._unsaid = 0
        self._said_at = float("-inf")

    @contextmanager
    def at_the_door(self, address: str) -> Iterator[None]:
        """While somebody proves who they are. Raises HandshakeFailed if too many do, or too many from there."""
        network = _network_of(address)
        if self._waiting[network] >= self._most_of_one:
            raise HandshakeFailed("too many connections of one address are proving themselves at a time")
        if self._waiting.total() >= self._most:
            raise HandshakeFailed("too many connections at a time are proving themselves")
        self._waiting[network] += 1
        try:
            yield
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]

    def turned_away(self, address: str, why: str) -> None:
        """Somebody could not prove who they are; what they sent is not said."""
        self.turned_away_count += 1
        self._unsaid += 1
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY_S:
            _log.warning("connections to the link were turned away", number=self._unsaid, address=address, reason=why)
            self._said_at, self._unsaid = now, 0


def _network_of(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)
