"""When what did not arrive is sent again: a value, without a clock (behaviour.md, "Notification rules, webhooks")."""

from dataclasses import dataclass
from typing import Final

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE

LONGEST_RETRY_AFTER_MS: Final = _HOUR
FAILING_LONGEST_MS: Final = 5 * 24 * _HOUR
"""An endpoint that has answered nothing well for so long is told nothing more."""


@dataclass(frozen=True, slots=True)
class Retries:
    """The waits between attempts, in milliseconds: as many attempts as there are waits follow the first."""

    waits_ms: tuple[int, ...] = (
        *(5 * _SECOND, 30 * _SECOND, 2 * _MINUTE, 10 * _MINUTE),
        *(1 * _HOUR, 6 * _HOUR, 24 * _HOUR),
    )
    jitter: float = 0.1
    """By which part of it a wait may be longer, so that what failed together does not come back together."""

    def wait_after(self, attempts: int, chance: float, asked_ms: int | None = None) -> int | None:
        """How long to wait when so many attempts have been made; None: there is no other.

        `chance` is a number in [0, 1). `asked_ms` is for how long the endpoint wants to be left alone (Retry-After);
        it makes the wait longer, never shorter, and an hour is the most that is believed.
        """
        if not 0 < attempts <= len(self.waits_ms):
            return None
        wait = self.waits_ms[attempts - 1]
        return max(wait + int(wait * self.jitter * chance), self.believed(asked_ms) or 0)

    @staticmethod
    def believed(asked_ms: int | None) -> int | None:
        """How much of a Retry-After counts; None: there was none."""
        return None if asked_ms is None else min(max(asked_ms, 0), LONGEST_RETRY_AFTER_MS)


def must_disable(failing_since: int, now: int) -> bool:
    """Whether an endpoint that fails now, and has done so since then, is told nothing more."""
    return now - failing_since >= FAILING_LONGEST_MS
