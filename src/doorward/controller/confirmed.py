"""Since when it is known that what a door goes by was right: by the door's clock, and by time that nobody puts back.

The limit of staleness counts from there (behaviour.md, "Who may open a door"). A clock that is put back while the
server cannot be reached gains nothing: what has gone by is counted beside it. Over a restart, the clock does not go
back behind the latest instant that is on the disk (clock.DoorClock.not_before).
"""

from typing import Final

_DRIFT_MS: Final = 2_000
"""By so much clocks may differ in how fast they go."""
_STEP_MS: Final = 1_000


class Confirmed:
    """Of one door; instants are of its clock, `monotonic` are milliseconds since some moment."""

    def __init__(self, at: int) -> None:
        self._said_at = at
        self._counted_since: int | None = None
        self.at = at
        """The instant, moved back with a clock that is put back."""

    def confirm(self, at: int, now: int) -> None:
        """What the door goes by was right at an instant; what is known of a later one already stays."""
        at = min(at, now)
        if at > self.at or self.at > now:
            self._said_at = self.at = at
            self._counted_since = None

    def count(self, now: int, monotonic: int) -> None:
        """See how much time has gone by since then; to be called often."""
        if self._counted_since is None:
            self._counted_since = monotonic - max(0, now - self._said_at)
        gained = self._said_at - (now - (monotonic - self._counted_since))
        # In steps, so that a clock which goes a little wrong does not change it all the time.
        self.at = self._said_at - (gained // _STEP_MS * _STEP_MS if gained > _DRIFT_MS else 0)
