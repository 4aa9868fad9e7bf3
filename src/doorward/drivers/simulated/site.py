"""A site in a time of its own: what is to happen happens at its instant, and doors are looked at when they are due."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock, FixedClock

_NEVER: Final = 1 << 62


class Ticking(Protocol):
    """Something that has to do with time, as the logic of a door has."""

    def next_due(self, at: int) -> int | None:
        """When tick() has something to do next."""
        ...

    def tick(self, at: int) -> None:
        """Do what time demands."""
        ...


class SimulatedSite:
    """Doors made of numbers, their faults, and a clock that jumps to the next instant at which something happens.

    Two runs of the same script are the same, to the millisecond.
    """

    def __init__(self, at: int, driver: Callable[[Clock], SimulatedDriver] = SimulatedDriver) -> None:
        self.clock = FixedClock(at)
        self.driver = driver(self.clock)
        self._script: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()

    @property
    def now(self) -> int:
        """What time it is."""
        return self.clock.now()

    def at(self, instant: int, action: Callable[[], object]) -> None:
        """Let something happen at an instant; of several at one, in the order in which they were written down."""
        heapq.heappush(self._script, (max(instant, self.now), next(self._order), action))

    def after(self, milliseconds: int, action: Callable[[], object]) -> None:
        """Let something happen so long from now."""
        self.at(self.now + milliseconds, action)

    def run(self, until: int, ticking: Sequence[Ticking]) -> None:
        """Let it become `until`. At each instant doors first do what time demands, then what is to happen happens."""
        self._do_all(ticking)
        while self.now < until:
            self.clock.at = min(self._next(ticking), until)
            self._do_all(ticking)

    def _do_all(self, ticking: Sequence[Ticking]) -> None:
        for each in ticking:
            each.tick(self.now)
        self.driver.deliver()
        while self._script and self._script[0][0] <= self.now:
            heapq.heappop(self._script)[2]()

    def _next(self, ticking: Sequence[Ticking]) -> int:
        """The next instant at which anything happens: later than now, whatever anybody says."""
        due = [each.next_due(self.now) for each in ticking]
        due += [self.driver.next_due(), self._script[0][0] if self._script else None]
        return min((max(instant, self.now + 1) for instant in due if instant is not None), default=_NEVER)
