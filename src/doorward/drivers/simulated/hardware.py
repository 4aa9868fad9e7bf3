"""One simulated door: its lock, contact and reader, as they are, whatever anybody knows of them."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from doorward.drivers.base import DeviceEvent, Feedback, Mode

_REMEMBERED: Final = 1_000
"""So many of the last changes of a lock and of a reader's lamp are remembered."""

Dark = Literal["power", "line"]
"""Why a device cannot be reached: it has no power, so that its lock is locked; or the line is cut, and it goes on."""


class Output(NamedTuple):
    """The lock's relay has changed: from this instant the door could be opened, or could not."""

    at: int
    released: bool


class Shown(NamedTuple):
    """What the reader has shown, and when."""

    at: int
    feedback: Feedback


@dataclass(slots=True)
class SimulatedDoor:
    """The state of one door's hardware."""

    mode: Mode = "controlled"
    released_until: int = 0
    """By the device's own count, which is no time of day and is never put back."""
    is_open: bool = False
    is_tampered: bool = False
    last_feedback: Feedback | None = None
    outputs: deque[Output] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    shown: deque[Shown] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    # What is wrong with it.
    dark: Dark | None = None
    keeps_events: bool = False
    slow_ms: int = 0
    drift_ms: int = 0
    is_stuck: bool = False
    is_faulty: bool = False
    is_rex_faulty: bool = False
    # What it has reported, and could not report.
    said_open: bool = False
    said_faulty: bool = False
    said_rex_faulty: bool = False
    said_tampered: bool = False
    kept: list[DeviceEvent] = field(default_factory=list)
    lost: int = 0

    def is_released(self, count: int) -> bool:
        """Whether the lock would let the door open."""
        return self.mode == "unlocked" or (self.mode != "locked" and count < self.released_until)

    def settle(self, at: int, count: int) -> None:
        """Write down what the lock has done by itself by now: a release ends at its own instant."""
        if self._was_released and self.mode == "controlled" and self.released_until <= count:
            self.outputs.append(Output(at - (count - self.released_until), False))

    def note(self, at: int, count: int) -> None:
        """Write down what the lock does by what it has just been told."""
        if self.is_released(count) != self._was_released:
            self.outputs.append(Output(at, not self._was_released))

    @property
    def _was_released(self) -> bool:
        return bool(self.outputs) and self.outputs[-1].released
