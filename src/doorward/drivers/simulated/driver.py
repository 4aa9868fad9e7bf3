"""The simulated driver: does what hardware does, by the clock it is given, with the faults that hardware has.

Whatever happens at a door is reported at once, unless its reader is slow: then when deliver() is called at the time.
"""

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from doorward.decision.snapshot import Presented
from doorward.drivers.base import (
    Capabilities,
    CommandResult,
    ContactChanged,
    ContactFault,
    CredentialRead,
    DeviceEvent,
    EventGap,
    Feedback,
    Health,
    KeysPressed,
    Mode,
    Offline,
    Online,
    PowerChanged,
    RexFault,
    RexPressed,
    Sink,
    TamperChanged,
)
from doorward.drivers.simulated.hardware import Dark, Output, Shown, SimulatedDoor
from doorward.kit.clock import Clock, steady_time

_WHY_DARK: Final[dict[Dark, str]] = {"power": "it has no power", "line": "its line is cut"}
_ABLE: Final = Capabilities(keypad=True, contact=True, rex=True, tamper=True, feedback=True)
_WITH_CLOCK: Final = replace(_ABLE, clock=True)


class SimulatedDriver:
    """Any number of simulated doors; a channel's door is there as soon as it is asked about."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = steady_time(clock)
        self._doors: dict[int, SimulatedDoor] = {}
        self._sink: Sink | None = None
        self._is_drifting = False
        self._late: list[tuple[int, int, DeviceEvent]] = []
        """What slow readers are still to report: when, in which order, what."""
        self._order = itertools.count()

    @property
    def capabilities(self) -> Capabilities:
        """All that a reader can be. A device whose clock has gone wrong has one."""
        return _WITH_CLOCK if self._is_drifting else _ABLE

    def start(self, sink: Sink) -> None:
        """Begin to report to the sink."""
        self._sink = sink

    def stop(self) -> None:
        """Stop reporting."""
        self._sink = None

    def health(self) -> Health:
        """Which doors can be reached, and why others cannot."""
        doors = self._doors.items()
        problems = (f"channel {channel_id}: {_WHY_DARK[door.dark]}" for channel_id, door in doors if door.dark)
        return Health({channel_id: door.dark is None for channel_id, door in doors}, tuple(problems))

    def recover(self) -> None:
        """There is nothing to begin anew."""

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        """Release the relay for the pulse time; a longer release under way is not cut short."""
        door, now = self._settled(channel_id), self._clock.now()
        if door.dark is None:
            door.released_until = max(door.released_until, self._count() + milliseconds)
            door.note(now, self._count())
        if command_id is not None:
            done, why = door.dark is None, "" if door.dark is None else _WHY_DARK[door.dark]
            self._tell(
                CommandResult(
                    channel_id=channel_id,
                    device_time=now,
                    received_at=now,
                    command_id=command_id,
                    is_done=done,
                    reason=why,
                )
            )

    def set_mode(self, channel_id: int, mode: Mode) -> None:
        """Hold the lock."""
        door = self._settled(channel_id)
        if door.dark is not None:
            return
        door.mode = mode
        if mode == "locked":
            door.released_until = 0
        door.note(self._clock.now(), self._count())

    def feedback(self, channel_id: int, feedback: Feedback) -> None:
        """Light the reader's lamp."""
        door = self.door(channel_id)
        if door.dark is None:
            door.last_feedback = feedback
            door.shown.append(Shown(self._clock.now(), feedback))

    def door(self, channel_id: int) -> SimulatedDoor:
        """The hardware of a channel."""
        return self._doors.setdefault(channel_id, SimulatedDoor())

    def forget(self, channel_id: int) -> None:
        """The channel is gone: its lock is left to itself, and that is locked."""
        self._doors.pop(channel_id, None)

    # What can be seen of a door.

    def is_released(self, channel_id: int) -> bool:
        """Whether the lock would let the door open now."""
        return self.door(channel_id).is_released(self._count())

    def outputs(self, channel_id: int) -> Sequence[Output]:
        """What the lock has done and when, oldest first: `(at, released)`, the first of them a release."""
        return tuple(self._settled(channel_id).outputs)

    def shown(self, channel_id: int) -> Sequence[Shown]:
        """What the reader has shown and when, oldest first."""
        return tuple(self.door(channel_id).shown)

    # What somebody at the door does.

    def present(self, channel_id: int, presented: Presented) -> None:
        """Hold credentials to the reader."""
        now = self._clock.now()
        event = CredentialRead(channel_id=channel_id, device_time=now, received_at=now, presented=presented)
        self._read(event)

    def press_keys(self, channel_id: int, keys: str) -> None:
        """Press keys of the keypad."""
        now = self._clock.now()
        self._read(KeysPressed(channel_id=channel_id, device_time=now, received_at=now, keys=keys))

    def press_rex(self, channel_id: int) -> None:
        """Press the button on the inside, and let it go."""
        self.hold_rex(channel_id, True)
        self.hold_rex(channel_id, False)

    def hold_rex(self, channel_id: int, is_held: bool) -> None:
        """Press the button on the inside and go on pressing, or let it go. No device keeps that for later."""
        door, now = self.door(channel_id), self._clock.now()
        if door.dark is not None:
            door.lost += 1
            return
        if door.is_rex_faulty:
            return  # it is not heard
        self._report(RexPressed(channel_id=channel_id, device_time=now, received_at=now, is_pressed=is_held))

    def move(self, channel_id: int, is_open: bool) -> None:
        """Open the door (also by force) or close it."""
        door = self.door(channel_id)
        if door.is_open != is_open:
            door.is_open = is_open
            if door.is_stuck or door.is_faulty or not self._misses(door):
                self._say_contact(channel_id)

    def tamper(self, channel_id: int, is_tampered: bool) -> None:
        """Open the controller's housing or close it."""
        door = self.door(channel_id)
        if door.is_tampered != is_tampered:
            door.is_tampered = is_tampered
            if not self._misses(door):
                self._say_tamper(channel_id)

    # What goes wrong.

    def slow_reader(self, channel_id: int, milliseconds: int) -> None:
        """The reader takes so long to tell what is held to it or typed; 0: as ever."""
        self.door(channel_id).slow_ms = milliseconds

    def stick_contact(self, channel_id: int, is_stuck: bool) -> None:
        """The contact goes on saying what it says, whatever the door does; or says again what is so."""
        self.door(channel_id).is_stuck = is_stuck
        self._say_contact_if_reached(channel_id)

    def fault_contact(self, channel_id: int, is_faulty: bool) -> None:
        """The contact's line is cut or shorted, which the device notices; or is whole again."""
        door = self.door(channel_id)
        if door.is_faulty != is_faulty:
            door.is_faulty = is_faulty
            if not self._misses(door):
                self._say_fault(channel_id)
                self._say_contact_if_reached(channel_id)

    def fault_rex(self, channel_id: int, is_faulty: bool) -> None:
        """The line of the button on the inside is cut or shorted, which the device notices; or is whole again."""
        door = self.door(channel_id)
        if door.is_rex_faulty != is_faulty:
            door.is_rex_faulty = is_faulty
            if not self._misses(door):
                self._say_rex_fault(channel_id)

    def mains(self, channel_id: int, is_powered: bool) -> None:
        """Mains power fails, so that the device runs on its battery; or is back."""
        now = self._clock.now()
        self._report(PowerChanged(channel_id=channel_id, device_time=now, received_at=now, is_powered=is_powered))

    def drift(self, channel_id: int, milliseconds: int) -> None:
        """The device's clock is ahead by so much from now on (behind, if negative)."""
        self.door(channel_id).drift_ms = milliseconds
        self._is_drifting = any(door.drift_ms for door in self._doors.values())

    def cut_power(self, channel_id: int, keeps_events: bool = False) -> None:
        """The door goes dark: its lock is locked, and the device forgets how it was held.

        What happens meanwhile is lost, or told afterwards by a device that `keeps_events`: it has a battery.
        """
        door = self._settled(channel_id)
        self._darken(channel_id, "power", keeps_events)
        door.mode, door.released_until = "controlled", 0
        door.note(self._clock.now(), self._count())

    def cut_line(self, channel_id: int, keeps_events: bool = False) -> None:
        """The device cannot be reached any more. Its lock stays as it is, and a release under way ends on time."""
        self._darken(channel_id, "line", keeps_events)

    def restore(self, channel_id: int) -> None:
        """Power and line are back: what was kept is told, oldest first; how many events are not; and what is so now."""
        door, now = self._settled(channel_id), self._clock.now()
        if door.dark is None:
            return
        door.dark = None
        self._tell(Online(channel_id=channel_id, device_time=now, received_at=now))
        kept, door.kept = door.kept, []
        lost, door.lost = door.lost, 0
        if lost:
            self._report(EventGap(channel_id=channel_id, device_time=now, received_at=now, lost=lost))
        for event in kept:
            self._tell(replace(event, received_at=now))
        self._say_fault(channel_id)
        self._say_rex_fault(channel_id)
        self._say_contact(channel_id)
        self._say_tamper(channel_id)

    # Time.

    def deliver(self) -> None:
        """Report what slow readers have had the time for by now."""
        now = self._clock.now()
        while self._late and self._late[0][0] <= now:
            _, _, event = heapq.heappop(self._late)
            if event.channel_id in self._doors:
                self._report(replace(event, device_time=now, received_at=now))

    def next_due(self) -> int | None:
        """When deliver() has something to do."""
        return self._late[0][0] if self._late else None

    def _settled(self, channel_id: int) -> SimulatedDoor:
        door = self.door(channel_id)
        door.settle(self._clock.now(), self._count())
        return door

    def _darken(self, channel_id: int, why: Dark, keeps_events: bool) -> None:
        door, now = self.door(channel_id), self._clock.now()
        is_new, door.dark, door.keeps_events = door.dark is None, why, keeps_events
        if is_new:
            self._tell(Offline(channel_id=channel_id, device_time=now, received_at=now, reason=_WHY_DARK[why]))

    def _misses(self, door: SimulatedDoor) -> bool:
        """Whether the device is dark and keeps nothing, so that this is lost."""
        if door.dark is None or door.keeps_events:
            return False
        door.lost += 1
        return True

    def _say_contact(self, channel_id: int) -> None:
        """Report the contact if it says something else than it did."""
        door, now = self.door(channel_id), self._clock.now()
        if door.said_open != door.is_open and not (door.is_stuck or door.is_faulty):
            door.said_open = door.is_open
            self._report(ContactChanged(channel_id=channel_id, device_time=now, received_at=now, is_open=door.is_open))

    def _say_contact_if_reached(self, channel_id: int) -> None:
        if self.door(channel_id).dark is None:
            self._say_contact(channel_id)

    def _say_fault(self, channel_id: int) -> None:
        """Report the contact's line if it is not as it was reported."""
        door, now = self.door(channel_id), self._clock.now()
        if door.said_faulty != door.is_faulty:
            door.said_faulty = faulty = door.is_faulty
            self._report(ContactFault(channel_id=channel_id, device_time=now, received_at=now, is_faulty=faulty))

    def _say_rex_fault(self, channel_id: int) -> None:
        """Report the button's line if it is not as it was reported."""
        door, now = self.door(channel_id), self._clock.now()
        if door.said_rex_faulty != door.is_rex_faulty:
            door.said_rex_faulty = faulty = door.is_rex_faulty
            self._report(RexFault(channel_id=channel_id, device_time=now, received_at=now, is_faulty=faulty))

    def _say_tamper(self, channel_id: int) -> None:
        """Report the housing if it is not as it was reported."""
        door, now = self.door(channel_id), self._clock.now()
        if door.said_tampered != door.is_tampered:
            door.said_tampered = door.is_tampered
            self._report(
                TamperChanged(channel_id=channel_id, device_time=now, received_at=now, is_tampered=door.is_tampered)
            )

    def _read(self, event: DeviceEvent) -> None:
        """Something of the reader, which may be slow. A reader without power reads nothing."""
        door = self.door(event.channel_id)
        if door.dark == "power":
            return
        if door.slow_ms > 0:
            heapq.heappush(self._late, (self._clock.now() + door.slow_ms, next(self._order), event))
        else:
            self._report(event)

    def _report(self, event: DeviceEvent) -> None:
        """Tell, by the device's own clock; or what is dark keeps it or loses it."""
        door = self.door(event.channel_id)
        event = replace(event, device_time=event.device_time + door.drift_ms)
        if door.dark is None:
            self._tell(event)
        elif not self._misses(door):
            door.kept.append(event)

    def _tell(self, event: DeviceEvent) -> None:
        if self._sink is not None:
            self._sink(event)
