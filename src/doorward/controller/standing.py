"""Whether the lock stands open for everybody: by unlock mode, or by the auto-unlock shift; and what is said of it."""

from collections.abc import Callable
from typing import Final

from doorward.controller.memory import ByShift, DoorMemory
from doorward.decision.codes import EventCode
from doorward.decision.engine import awaits_first_person, is_unlocked
from doorward.decision.shifts import Timetable
from doorward.decision.snapshot import Channel, DoorState, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.drivers.base import Driver, Mode

Say = Callable[[EventCode, int, Verdict | None], None]

_LOOK_AGAIN_MS: Final = 86_400_000
"""A shift that does not change within a year is looked at again after a day."""


class Standing:
    """The mode in which the hardware is held."""

    def __init__(self, driver: Driver, channel_id: int, say: Say, memory: DoorMemory) -> None:
        self._driver = driver
        self._channel_id = channel_id
        self._say = say
        self._told: Mode | None = None
        """What the hardware has been told; None: nothing that it can be relied upon to know."""
        self.is_new = True
        """Nothing has been told to it since the controller was started."""
        self.by_shift = memory.by_shift
        self.relocks_at = memory.relocks_at
        self._looked: tuple[Timetable, int, int | None] | None = None

    @property
    def mode(self) -> Mode:
        """As the hardware is held."""
        return self._told or "controlled"

    def tell_again(self) -> None:
        """The hardware may have forgotten what it was told."""
        self._told = None

    def follow(self, snapshot: Snapshot, state: DoorState, at: int) -> bool:
        """Hold the lock as it is to be at this instant; gives whether it has been locked by that."""
        unlocked = is_unlocked(snapshot, state, at)
        self._follow_shift(snapshot, state, at)
        before, now = self._told, _mode(unlocked)
        if now != before:
            if self.is_new and now == "controlled" and not self._driver.capabilities.decides_locally:
                # A release that somebody here began before is none that we could end: it is ended now. Not at a board,
                # whose exit button would stay dead if this process ended while the board is held shut.
                self._driver.set_mode(self._channel_id, "locked")
            self.is_new, self._told = False, now
            self._driver.set_mode(self._channel_id, now)
        self._follow_relocking(state, at, is_unlocked=unlocked)
        return before == "unlocked" and not unlocked

    def due(self, snapshot: Snapshot, at: int) -> int | None:
        """When follow() may have something to do, beside what is told to the door."""
        found = [due for due in (self.relocks_at, self._shift_changes_at(snapshot.channel, at)) if due is not None]
        return min(found, default=None)

    def _follow_relocking(self, state: DoorState, at: int, *, is_unlocked: bool) -> None:
        """Say that unlock mode has ended by itself, if that has locked the door; how it was found is nothing new."""
        until = state.unlocked_until if state.unlocked else None
        if until is not None and at < until:
            self.relocks_at = until
            return
        over, self.relocks_at = self.relocks_at, None
        if over is not None and over <= at and not is_unlocked:
            self._say(EventCode.RELOCKED_ON_TIME, at, None)

    def _follow_shift(self, snapshot: Snapshot, state: DoorState, at: int) -> None:
        """Say what the auto-unlock shift has begun or ceased to do; how it was found is nothing that has happened."""
        before, now = self.by_shift, _effect_of_shift(snapshot, state, at)
        self.by_shift = now
        if before is None or now == before:
            return
        if now == "unlocked":
            self._say(EventCode.AUTO_UNLOCK_BEGAN, at, None)
        elif before == "unlocked" and now != "suppressed":
            self._say(EventCode.AUTO_UNLOCK_ENDED, at, None)
        elif now in ("suppressed", "awaited"):
            why = _why_not(state, now)
            self._say(
                EventCode.AUTO_UNLOCK_SUPPRESSED,
                at,
                Verdict(EventCode.AUTO_UNLOCK_SUPPRESSED, False, snapshot.channel, at, None, (Reason(why),)),
            )

    def _shift_changes_at(self, channel: Channel, at: int) -> int | None:
        shift = channel.auto_unlock
        if shift is None:
            return None
        looked = self._looked
        if looked is None or looked[0] is not shift or not looked[1] <= at < (looked[2] or looked[1] + _LOOK_AGAIN_MS):
            try:
                changes_at = shift.next_change(at)
            except Exception:  # noqa: BLE001 - as in the engine: a rule that raises leaves the door locked
                changes_at = None
            self._looked = looked = (shift, at, changes_at)
        return looked[2]


def _mode(unlocked: bool) -> Mode:
    return "unlocked" if unlocked else "controlled"


def _effect_of_shift(snapshot: Snapshot, state: DoorState, at: int) -> ByShift:
    shift = snapshot.channel.auto_unlock
    try:
        runs = shift is not None and shift.open_at(at)
    except Exception:  # noqa: BLE001 - as in the engine: a rule that raises leaves the door locked
        runs = False
    if not runs:
        return "locked"
    if state.tampered or state.card_lockdown:
        return "suppressed"
    return "awaited" if awaits_first_person(snapshot, state, at) else "unlocked"


def _why_not(state: DoorState, effect: ByShift) -> ReasonCode:
    if effect == "awaited":
        return ReasonCode.FIRST_PERSON_MISSING
    return ReasonCode.TAMPERED if state.tampered else ReasonCode.CARD_LOCKDOWN
