"""Which drivers a controller is to run for which channels, as its configuration file says."""

from collections.abc import Callable
from dataclasses import dataclass

from doorward.drivers.base import Driver
from doorward.kit.clock import Clock

SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """A driver that is built when it is needed, and again if it fails."""

    name: str
    channel_ids: frozenset[int]
    build: Callable[[Clock], Driver]


@dataclass(frozen=True, slots=True)
class Plan:
    """All of them. `simulates`: channels that operators call simulated get simulated hardware."""

    units: tuple[PlannedUnit, ...] = ()
    simulates: bool = True


def simulated_driver(clock: Clock) -> Driver:
    """Hardware made of numbers."""
    from doorward.drivers.simulated.driver import SimulatedDriver  # noqa: PLC0415 - as all drivers: where it is needed

    return SimulatedDriver(clock)
