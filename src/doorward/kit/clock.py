"""The one place where the time of day comes from. Instants are milliseconds since 1970-01-01T00:00Z."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests hand in their own."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that stands until it is moved; for tests and for "what if" questions."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        """The instant that was set."""
        return self.at

    def advance(self, milliseconds: int) -> None:
        """Move the clock forward."""
        self.at += milliseconds
