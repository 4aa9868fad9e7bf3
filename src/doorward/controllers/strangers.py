"""Connections that have not proven who they are: few at a time, and one line in the log for many."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from doorward.link.handshake import HandshakeFailed

_log = structlog.get_logger("doorward.link")

MOST: Final = 100
_SAY_EVERY_S: Final = 10.0


class Strangers:
    """Used from one event loop."""

    def __init__(self, most: int = MOST) -> None:
        """`most`: so many may be at the door at a time."""
        self.turned_away_count = 0
        """How many have not been let in, of whatever kind."""
        self._most = most
        self._waiting = 0
        self._unsaid = 0
        self._said_at = float("-inf")

    @contextmanager
    def at_the_door(self) -> Iterator[None]:
        """While somebody proves who they are. Raises HandshakeFailed if too many do."""
        if self._waiting >= self._most:
            raise HandshakeFailed("too many connections at a time are proving themselves")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def turned_away(self, address: str, why: str) -> None:
        """Somebody could not prove who they are; what they sent is not said."""
        self.turned_away_count += 1
        self._unsaid += 1
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY_S:
            _log.warning("connections to the link were turned away", number=self._unsaid, address=address, reason=why)
            self._said_at, self._unsaid = now, 0
