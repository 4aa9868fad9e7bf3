"""What time it is at the door, and what time the server says it is.

The door goes by the controller's own clock (behaviour.md, "Events"). That clock may be wrong when the controller
starts, as without a battery it is, and it may be put right at any moment: both are noticed and told (38).
"""

import time
from collections.abc import Callable
from typing import Final

from doorward.kit.clock import Clock

SKEW_MS: Final = 10_000
"""A clock that is further from the server's than this is wrong."""
_STEP_MS: Final = 2_000
"""What the clock goes by otherwise than time does is a step from here on; less is what keeps clocks right."""
_LONGEST_ROUND_TRIP_MS: Final = 5_000


def monotonic_ms() -> int:
    """Milliseconds that nobody puts back, since some moment."""
    return int(time.monotonic() * 1000)


class DoorClock:
    """The controller's clock. It is not believed to be earlier at a start than what has happened there before.

    Then it goes on from there, until it is put right: by a step, or by the server agreeing with the machine's clock.
    """

    def __init__(self, machine: Clock, monotonic: Callable[[], int] = monotonic_ms) -> None:
        self._machine = machine
        self._monotonic = monotonic
        self._last = machine.now(), monotonic()
        self._ahead = 0
        self._stepped = 0

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        machine, monotonic = self._machine.now(), self._monotonic()
        step = (machine - self._last[0]) - (monotonic - self._last[1])
        self._last = machine, monotonic
        if abs(step) > _STEP_MS:
            self._stepped += step - self._ahead
            self._ahead = 0
        return machine + self._ahead

    def monotonic(self) -> int:
        """Milliseconds since some moment, whatever becomes of the clock."""
        return self._monotonic()

    def not_before(self, at: int) -> int:
        """It has been `at` already. Gives by how much the machine's clock is behind that, 0 if it need not be so."""
        behind = at - self.now()
        if behind <= SKEW_MS:
            return 0
        self._ahead += behind
        return behind

    def agree(self, at: int) -> None:
        """The server says what time it is: where the machine's clock agrees, it is believed again."""
        if self._ahead and abs(self._machine.now() - at) <= SKEW_MS:
            self._stepped -= self._ahead
            self._ahead = 0

    def take_step(self) -> int:
        """By how much it has been put forward (or back, less than 0) since this was asked last."""
        self.now()
        stepped, self._stepped = self._stepped, 0
        return stepped


class ServerTime:
    """The server's clock, as far as it can be told from what it says and how long that takes."""

    def __init__(self, monotonic: Callable[[], int] = monotonic_ms) -> None:
        self._monotonic = monotonic
        self._heard: tuple[int, int] | None = None
        self._uncertainty = 0
        self._is_wrong = False

    def heard(self, at: int, asked_at: int) -> None:
        """The server's clock said `at`, after it had been asked at an instant of monotonic time."""
        now = self._monotonic()
        took = now - asked_at
        if 0 <= took <= _LONGEST_ROUND_TRIP_MS:
            self._heard = at + took // 2, now
            self._uncertainty = took // 2

    def now(self) -> int | None:
        """What it says by now; None if that is not known."""
        if self._heard is None:
            return None
        at, heard_at = self._heard
        return at + self._monotonic() - heard_at

    def skew(self, own: int) -> int | None:
        """By how much one's own clock is ahead of it."""
        now = self.now()
        return None if now is None else own - now

    def has_gone_wrong(self, own: int) -> bool:
        """Whether one's own clock has turned out to be wrong just now: once, until it is right again."""
        skew = self.skew(own)
        before = self._is_wrong
        if skew is not None:
            limit = SKEW_MS if before else SKEW_MS + self._uncertainty
            self._is_wrong = abs(skew) > limit
        return self._is_wrong and not before
