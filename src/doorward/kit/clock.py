"""The one place where the time of day comes from. Instants are milliseconds since 1970-01-01T00:00Z."""

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the time; tests hand in their own."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        ...


@runtime_checkable
class Steady(Protocol):
    """A clock that also counts what nobody puts back: how long something lasts is measured by that."""

    def steady(self) -> int:
        """Milliseconds since some moment."""
        ...


def steady_time(clock: Clock) -> Callable[[], int]:
    """What a clock counts stretches of time by. One that has nothing but the time of day is never put back itself."""
    return clock.steady if isinstance(clock, Steady) else clock.now


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        return time.time_ns() // 1_000_000

    def steady(self) -> int:
        """Milliseconds since some moment, whatever is done to the clock."""
        return time.monotonic_ns() // 1_000_000


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
