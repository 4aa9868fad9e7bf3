"""What the output of a lock must be told so that the door does what it should. Pure: time comes in, commands go out.

A release is always a timed operation of the device, never a permanent one: if this process dies in the middle of it,
the lock locks by itself. A device's time is at most 25.5 s, so that a longer release is prolonged on the way; and a
release that does not reach the device in time is given up, for a door must not open late.

Instants are seconds of a clock that never jumps.
"""

import math
from dataclasses import dataclass, field
from typing import Final

from doorward.drivers.base import Mode
from doorward.drivers.osdp.commands import LONGEST_PULSE, SwitchOutput

DELIVERED_WITHIN_S: Final = 1.0
"""A release that the device has not been sent by then is not sent at all."""
_PROLONG_EVERY_S: Final = 10.0
_LONGEST_S: Final = LONGEST_PULSE / 10
_ROUNDING_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a release that somebody wants to know of."""

    command_id: int
    is_done: bool
    reason: str = ""


@dataclass(slots=True)
class LockOutput:
    """One output. `next_command` says what is to be sent now; `done` and `lost` say what became of that."""

    number: int
    mode: Mode | None = None
    """None: nobody has said yet how the lock is to stand, so that it is left as it was found; releases work."""
    results: list[Result] = field(default_factory=list)
    """To be taken away by the caller."""
    _permanent: bool | None = None
    """How the device stands when no timed operation runs, as far as we know."""
    _release_until: float = 0.0
    _armed_until: float = 0.0
    """When the device ends the operation that it has been given."""
    _asked_at: float | None = None
    """When a release was asked for that the device has not confirmed."""
    _waiting: list[int] = field(default_factory=list)

    def unlock(self, milliseconds: int, now: float, command_id: int | None = None) -> None:
        """Release for a stretch; a longer release under way is not cut short."""
        if self.mode == "locked":
            self._answer(command_id, False, "the door is held locked")
            return
        until = now + milliseconds / 1000
        self._release_until = max(self._release_until, until)
        is_released = self._permanent if self.mode == "unlocked" else until <= self._armed_until
        if is_released:
            self._answer(command_id, True)
            return
        self._asked_at = now
        if command_id is not None:
            self._waiting.append(command_id)

    def set_mode(self, mode: Mode) -> None:
        """Hold the lock; `locked` ends a release for good, also if the device has not heard of it yet."""
        self.mode = mode
        if mode == "locked":
            self._give_up("the door was locked")
            # To be told it anew, which ends what the device has under way.
            self._permanent = None
            self._armed_until = 0.0

    def expire(self, now: float) -> None:
        """Give up what did not reach the device in time."""
        if self._asked_at is not None and now - self._asked_at > DELIVERED_WITHIN_S:
            self._give_up("the device did not answer in time")

    def next_command(self, now: float) -> SwitchOutput | None:
        """What to send now, if anything."""
        self.expire(now)
        if self.mode is not None:
            wanted = self.mode == "unlocked"
            if self._permanent is not wanted:
                return SwitchOutput(self.number, "on" if wanted else "off")
        if self.mode in {"locked", "unlocked"} or self._release_until <= now:
            return None
        until = min(self._release_until, now + _LONGEST_S)
        slack = _ROUNDING_S if until == self._release_until else _PROLONG_EVERY_S
        if until - max(self._armed_until, now) <= slack and self._asked_at is None:
            return None
        return SwitchOutput(self.number, "pulse", min(LONGEST_PULSE, max(1, math.ceil((until - now) * 10 - 1e-6))))

    def done(self, command: SwitchOutput, sent_at: float) -> None:
        """The device has confirmed it."""
        if command.switching == "pulse":
            self._armed_until = sent_at + command.tenths / 10
        else:
            self._permanent = command.switching == "on"
            self._armed_until = 0.0
        if command.switching == "pulse" or (command.switching == "on" and self.mode == "unlocked"):
            self._asked_at = None
            for command_id in self._waiting:
                self._answer(command_id, True)
            self._waiting.clear()

    def failed(self, command: SwitchOutput, reason: str) -> None:
        """The device refused it or did not answer: whether it did it is not known."""
        if command.switching != "pulse":
            self._permanent = None
        self._give_up(reason)

    def found(self, now: float) -> None:
        """The device answers again. A release that ended in it meanwhile is not begun anew."""
        if self._armed_until > now:
            return
        # It may have been without power: it is told again how to stand.
        self._permanent = None
        if self._asked_at is None:
            self._release_until = 0.0

    def _give_up(self, reason: str) -> None:
        self._release_until = 0.0
        self._asked_at = None
        for command_id in self._waiting:
            self._answer(command_id, False, reason)
        self._waiting.clear()

    def _answer(self, command_id: int | None, is_done: bool, reason: str = "") -> None:
        if command_id is not None:
            self.results.append(Result(command_id, is_done, reason))
