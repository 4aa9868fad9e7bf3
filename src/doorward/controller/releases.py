"""What releases a lock for a while: until when, what ends it early, and how long the door may then be opened."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from doorward.controller.memory import Cause
from doorward.drivers.base import Driver, Mode

OPENING_GRACE_MS: Final = 1_000
"""A door pushed at the last moment of the release is seen to open a little later."""
RELOCK_GRACE_MS: Final = 1_000
"""A door that has just begun to open still needs its strike free."""
_RENEW_BEFORE_MS: Final = 1_000
"""A release that is longer than the hardware can be told at once is told anew so long before its part ends."""
_SHORTEST_PART_MS: Final = 100


class Releases:
    """The releases of one lock. The hardware ends them by itself; here it is known what they are.

    They are counted by time that nobody puts back (`steady`): a clock that is set begins none again, and none lasts
    longer for it. Only from when until when the door may be opened without an alarm is by the time of day, as events
    are.
    """

    def __init__(
        self,
        driver: Driver,
        channel_id: int,
        leave: Mapping[Cause, tuple[int, int]] = MappingProxyType({}),
        steady: Callable[[], int] | None = None,
    ) -> None:
        """Without `steady` the instants that are given are that time."""
        self._driver = driver
        self._channel_id = channel_id
        self._steady = steady
        self._until: dict[Cause, int] = {}
        """Until when, by each cause; as the two that follow in steady time."""
        self._told_until = 0
        self._relocks_at: int | None = None
        self._is_online = True
        self._is_end_unheard = False
        """A release was to end while the hardware did not answer."""
        self._output_since: int | None = None
        self.leave = dict(leave)
        """From when until when the door may be opened, by each cause."""

    def begin(self, cause: Cause, at: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the lock."""
        self._relocks_at = None
        now = self._now(at)
        self._until = self._under_way(now)
        # As the hardware does: a longer release under way is not cut short.
        self._until[cause] = max(self._until.get(cause, 0), now + milliseconds)
        self.give_leave(cause, at, at + self._until[cause] - now)
        self._tell(now, now + milliseconds, command_id)

    def give_leave(self, cause: Cause, since: int, until: int) -> None:
        """Let the door be opened without an alarm: here or by the board that decides, somebody has been admitted."""
        until += OPENING_GRACE_MS
        before = self.leave.get(cause)
        if before is not None and before[0] <= since <= before[1]:
            since, until = before[0], max(before[1], until)
        self.leave[cause] = (since, until)

    def has_leave(self, at: int) -> bool:
        """Whether somebody may open the door at an instant."""
        return any(since <= at <= until for since, until in self.leave.values())

    def output(self, is_released: bool, at: int, milliseconds: int) -> None:
        """The board says that it has released its lock by itself, for about so long, or has locked it again."""
        since, self._output_since = self._output_since, at if is_released else None
        if is_released:
            self.give_leave("other", at, at + milliseconds)
        elif since is not None:
            self.give_leave("other", since, at)

    def opened(self, at: int) -> None:
        """The door has been opened and is to lock again: soon, but not before the strike is free.

        A board that decides by itself is left to end its release: to end it for the board is to hold it shut for a
        moment, also to its exit button, and for good if this process ended in that moment.
        """
        if self._driver.capabilities.decides_locally:
            return
        self._relocks_at = self._now(at) + RELOCK_GRACE_MS

    def bar(self, barred: Collection[Cause], at: int, mode: Mode) -> None:
        """Lock the door where what released it is locked down by now; a release that may go on is taken up again."""
        self._end_leave(barred, at)
        now = self._now(at)
        under_way = self._under_way(now)
        remaining = {cause: until for cause, until in under_way.items() if cause not in barred}
        if remaining == under_way:
            return
        self._end(mode)
        if remaining:
            self._until = remaining
            self._tell(now, max(remaining.values()))

    def tick(self, at: int, mode: Mode) -> None:
        """Do what time demands: lock a door that has been opened, go on with a release longer than the hardware's."""
        now = self._now(at)
        if self._relocks_at is not None and now >= self._relocks_at:
            self._relocks_at = None
            if mode != "unlocked" and self._under_way(now):
                self._end_leave(list(self.leave), at)
                self._end(mode)
        if (renew_at := self._renew_at()) is not None and renew_at <= now:
            until = max(self._until.values())
            if until > now:
                self._tell(now, until)

    def presence(self, is_online: bool) -> None:
        """The hardware answers, or does not any more: what it has been told of a release is all that it does of it.

        It may have forgotten even that. So nothing is gone on with; and what was to end while it did not hear ends now.
        """
        self._until = {cause: min(until, self._told_until) for cause, until in self._until.items()}
        self._is_online = is_online
        if is_online and self._is_end_unheard:
            self._is_end_unheard = False
            # The mode follows, as it does for whatever is back.
            self._driver.set_mode(self._channel_id, "locked")

    def due(self, at: int) -> int | None:
        """When tick() has something to do, by what is known at an instant."""
        found = [due for due in (self._relocks_at, self._renew_at()) if due is not None]
        return at + min(found) - self._now(at) if found else None

    def _now(self, at: int) -> int:
        return at if self._steady is None else self._steady()

    def _under_way(self, now: int) -> dict[Cause, int]:
        return {cause: until for cause, until in self._until.items() if until > now}

    def _renew_at(self) -> int | None:
        if max(self._until.values(), default=0) <= self._told_until:
            return None
        longest = self._longest_ms
        return None if longest is None else self._told_until - min(_RENEW_BEFORE_MS, longest // 2)

    @property
    def _longest_ms(self) -> int | None:
        longest = self._driver.capabilities.max_pulse_s
        return None if longest is None else max(_SHORTEST_PART_MS, int(longest * 1000))

    def _tell(self, now: int, until: int, command_id: int | None = None) -> None:
        """Tell the hardware, as long as it can hold the lock released without hearing from us."""
        milliseconds = until - now
        if self._longest_ms is not None:
            milliseconds = min(milliseconds, self._longest_ms)
        self._told_until = max(self._told_until, now + milliseconds)
        self._driver.unlock(self._channel_id, milliseconds, command_id)

    def _end_leave(self, causes: Collection[Cause], at: int) -> None:
        for cause in causes:
            if cause in self.leave:
                since, until = self.leave[cause]
                self.leave[cause] = (since, min(until, at))

    def _end(self, mode: Mode) -> None:
        """Lock, for good: a pulse that the hardware holds is over with it."""
        self._until = {}
        self._told_until = 0
        self._relocks_at = None
        self._is_end_unheard = not self._is_online
        self._driver.set_mode(self._channel_id, "locked")
        self._driver.set_mode(self._channel_id, mode)
