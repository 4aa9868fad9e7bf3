"""The simulated driver: does what hardware does, by the clock it is given."""

from dataclasses import dataclass

from doorward.decision.snapshot import Presented
from doorward.drivers.base import (
    Capabilities,
    CommandResult,
    ContactChanged,
    CredentialRead,
    DeviceEvent,
    Feedback,
    Health,
    Mode,
    RexPressed,
    Sink,
    TamperChanged,
)
from doorward.kit.clock import Clock


@dataclass(slots=True)
class SimulatedDoor:
    """The state of one door's hardware."""

    mode: Mode = "controlled"
    released_until: int = 0
    is_open: bool = False
    is_tampered: bool = False
    last_feedback: Feedback | None = None


class SimulatedDriver:
    """Any number of simulated doors; a channel's door is there as soon as it is asked about."""

    capabilities = Capabilities(keypad=True, contact=True, rex=True, tamper=True, feedback=True)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._doors: dict[int, SimulatedDoor] = {}
        self._sink: Sink | None = None

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink."""
        self._sink = sink

    def stop(self) -> None:
        """Stop reporting."""
        self._sink = None

    def health(self) -> Health:
        """Doors made of numbers are well."""
        return Health(dict.fromkeys(self._doors, True))

    def recover(self) -> None:
        """There is nothing to begin anew."""

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the relay for the pulse time; a longer release under way is not cut short."""
        door, now = self.door(channel_id), self._clock.now()
        door.released_until = max(door.released_until, now + milliseconds)
        if command_id is not None:
            self._report(CommandResult(channel_id=channel_id, device_time=now, command_id=command_id, is_done=True))

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock."""
        door = self.door(channel_id)
        door.mode = mode
        if mode == "locked":
            door.released_until = 0

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Light the reader's lamp."""
        self.door(channel_id).last_feedback = feedback

    def door(self, channel_id: int) -> SimulatedDoor:
        """The hardware of a channel."""
        return self._doors.setdefault(channel_id, SimulatedDoor())

    def forget(self, channel_id: int) -> None:
        """The channel is gone: its lock is left to itself, and that is locked."""
        self._doors.pop(channel_id, None)

    def is_released(self, channel_id: int) -> bool:
        """Whether the lock would let the door open now."""
        door = self.door(channel_id)
        return door.mode == "unlocked" or (door.mode != "locked" and self._clock.now() < door.released_until)

    # What somebody at the door does.

    def present(self, channel_id: int, presented: Presented) -> None:
        """Hold credentials to the reader."""
        self._report(CredentialRead(channel_id=channel_id, presented=presented, device_time=self._clock.now()))

    def press_rex(self, channel_id: int) -> None:
        """Press the button on the inside."""
        self._report(RexPressed(channel_id=channel_id, device_time=self._clock.now()))

    def move(self, channel_id: int, is_open: bool) -> None:
        """Open the door (also by force) or close it."""
        door = self.door(channel_id)
        if door.is_open != is_open:
            door.is_open = is_open
            self._report(ContactChanged(channel_id=channel_id, is_open=is_open, device_time=self._clock.now()))

    def tamper(self, channel_id: int, is_tampered: bool) -> None:
        """Open the controller's housing or close it."""
        door = self.door(channel_id)
        if door.is_tampered != is_tampered:
            door.is_tampered = is_tampered
            self._report(TamperChanged(channel_id=channel_id, is_tampered=is_tampered, device_time=self._clock.now()))

    def _report(self, event: DeviceEvent) -> None:
        if self._sink is not None:
            self._sink(event)
