"""What every driver gives and takes. Reader drivers (this file's) leave the deciding to the controller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from doorward.decision.snapshot import Presented

Mode = Literal["controlled", "locked", "unlocked"]
"""What the lock does by itself: `locked` and `unlocked` whatever is presented, `controlled` as decided each time.

`locked` also ends a release that is under way, for good.
"""
Feedback = Literal["granted", "denied", "wait"]


@dataclass(frozen=True, slots=True)
class CredentialRead:
    """Something was held to the reader."""

    channel_id: int
    presented: Presented
    device_time: int


@dataclass(frozen=True, slots=True)
class RexPressed:
    """Somebody inside asks to leave."""

    channel_id: int
    device_time: int


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """The door was opened or closed."""

    channel_id: int
    is_open: bool
    device_time: int


@dataclass(frozen=True, slots=True)
class TamperChanged:
    """The housing was opened or closed."""

    channel_id: int
    is_tampered: bool
    device_time: int


DeviceEvent = CredentialRead | RexPressed | ContactChanged | TamperChanged
Sink = Callable[[DeviceEvent], None]


class ReaderDriver(Protocol):
    """A lock, a reader, a door contact and a request-to-exit button of one or more channels."""

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink."""
        ...

    def stop(self) -> None:
        """Stop reporting; the lock stays as it is."""
        ...

    def unlock(self, channel_id: int, milliseconds: int) -> None:
        """Release the lock for a stretch, then lock it again; the device does so by itself."""
        ...

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock open or shut, or leave it to unlock()."""
        ...

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Show the person at the reader what became of it."""
        ...
