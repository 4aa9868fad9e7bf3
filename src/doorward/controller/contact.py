"""The door contact: opened with leave or by force, held open, faulty; and what ends the alarm."""

from collections.abc import Callable
from typing import Final

from doorward.controller.memory import DoorMemory
from doorward.controller.setting import Setting
from doorward.decision.codes import EventCode

WARN_EVERY_MS: Final = 5_000
"""How often the reader warns of a door that is held open, from the warning until it is closed."""

Say = Callable[[EventCode, int], None]


class Contact:
    """What is known of whether the door is open, and what is wrong with that."""

    def __init__(self, say: Say, warn: Callable[[], None], memory: DoorMemory) -> None:
        self._say = say
        self._warn = warn
        self.is_open = memory.is_open
        self.is_faulty = memory.contact_faulty
        self.open_since = memory.open_since
        """From when it counts how long the door is held open: later than it was opened if somebody passed since."""
        self._alarm = memory.alarm if memory.alarm is not EventCode.CONTACT_FAULT else None
        self._warns_at: int | None = None

    @property
    def alarm(self) -> EventCode | None:
        """Forced or held open until it is closed; at fault until the line is whole again."""
        return self._alarm or (EventCode.CONTACT_FAULT if self.is_faulty else None)

    def moved(self, is_open: bool, at: int, *, with_leave: bool) -> None:
        """The door has been opened or closed."""
        if is_open == self.is_open:
            return
        self.is_open = is_open
        self._warns_at = None
        if is_open:
            self.open_since = at
            self._alarm = None if with_leave else EventCode.DOOR_FORCED
            self._say(self._alarm or EventCode.DOOR_OPENED, at)
            return
        self._say(EventCode.DOOR_CLOSED, at)
        if self._alarm is not None:
            self._alarm = None
            self._say(EventCode.DOOR_NORMAL, at)

    def fault(self, is_faulty: bool, at: int) -> None:
        """The line is cut or shorted, so that whether the door is open is not known; or it is whole again."""
        if is_faulty == self.is_faulty:
            return
        self.is_faulty = is_faulty
        self._say(EventCode.CONTACT_FAULT if is_faulty else EventCode.DOOR_NORMAL, at)
        self.count_anew(at)

    def count_anew(self, at: int) -> None:
        """Somebody may pass an open door from now on: it is not held open by those before them."""
        self.open_since = at
        self._warns_at = None

    def tick(self, at: int, setting: Setting, *, is_unlocked: bool) -> None:
        """Notice a door that is held open, and warn before. An unlocked door may stand open."""
        if not self.is_open or self.is_faulty or is_unlocked:
            return
        self.open_since = min(self.open_since, at)  # the clock may have been put back
        if self._alarm is None and at >= self._alarm_at(setting):
            self._alarm = EventCode.DOOR_HELD_OPEN
            self._say(EventCode.DOOR_HELD_OPEN, at)
        warns_at = self._next_warning(setting)
        if warns_at is not None and at >= warns_at:
            self._warns_at = at + WARN_EVERY_MS
            self._warn()

    def due(self, setting: Setting, *, is_unlocked: bool) -> int | None:
        """When tick() has something to do."""
        if not self.is_open or self.is_faulty or is_unlocked:
            return None
        alarm_at = self._alarm_at(setting) if self._alarm is None else None
        return min((due for due in (alarm_at, self._next_warning(setting)) if due is not None), default=None)

    def _alarm_at(self, setting: Setting) -> int:
        return self.open_since + setting.held_open_ms

    def _next_warning(self, setting: Setting) -> int | None:
        if setting.held_open_warning_ms <= 0 or self._alarm is EventCode.DOOR_FORCED:
            return None
        return self._alarm_at(setting) - setting.held_open_warning_ms if self._warns_at is None else self._warns_at
