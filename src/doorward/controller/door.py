"""The logic of one door, the same for all drivers: present, decide, release, notice what the door does.

It holds no clock and no database: instants come in with what happened, facts go out to a sink.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from doorward.decision.codes import PIN, EventCode
from doorward.decision.engine import decide, decide_exit, decide_person, decide_release, is_unlocked
from doorward.decision.snapshot import Credential, DoorState, Presence, Presented, Snapshot
from doorward.decision.values import normal_value
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.drivers.base import Driver, Mode
from doorward.kit.text import InvalidText, clean

_OPENING_GRACE_MS: Final = 1_000
"""A door pushed at the last moment of the release is seen to open a little later."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What operators have set at the door; instants and durations in milliseconds."""

    pulse_ms: int
    held_open_ms: int
    unlocked: bool = False
    unlocked_until: int | None = None
    card_lockdown: bool = False
    rex_lockdown: bool = False
    aux_lockdown: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened at a door, to be recorded."""

    channel_id: int
    code: EventCode
    at: int
    verdict: Verdict | None = None
    credential: str | None = None
    """The number of the card that was presented; never a PIN."""
    moved_to: Presence | None = None
    """Where the person went by this admission, if the door leads from one area to another."""
    answers: int | None = None
    """The request for a remote admission that this is the answer to (50: admitted, 51: denied)."""


_ByShift = Literal["locked", "unlocked", "suppressed"]
"""What its auto-unlock shift does to a door; suppressed: it would unlock it if the door were not locked down."""

_Cause = Literal["exit", "aux", "other"]
"""What released the lock: each has its own lockdown, which also ends the release."""

FactSink = Callable[[Fact], None]


class Door:
    """One door. Told of its configuration by update(), of the world by the other methods."""

    def __init__(self, driver: Driver, sink: FactSink, snapshot: Snapshot, setting: Setting) -> None:
        self._driver = driver
        self._sink = sink
        self.snapshot = snapshot
        self.setting = setting
        self.is_open = False
        self.tampered = False
        self.alarm: EventCode | None = None
        self._opened_at = 0
        self._may_open_until = 0
        self._released: dict[_Cause, int] = {}
        """Until when, by each cause."""
        self._mode: Mode = "controlled"
        self._by_shift: _ByShift | None = None

    @property
    def id(self) -> int:
        """The channel's id."""
        return self.snapshot.channel.id

    def state(self, presence: Mapping[int, Presence]) -> DoorState:
        """The door's state as the engine takes it."""
        return self._state(self.setting, presence)

    def _state(self, setting: Setting, presence: Mapping[int, Presence]) -> DoorState:
        return DoorState(
            tampered=self.tampered,
            card_lockdown=setting.card_lockdown,
            aux_lockdown=setting.aux_lockdown,
            rex_lockdown=setting.rex_lockdown,
            unlocked=setting.unlocked,
            unlocked_until=setting.unlocked_until,
            presence=presence,
        )

    def update(self, snapshot: Snapshot, setting: Setting, at: int) -> None:
        """Take over a new configuration. What it locks down is locked at once, also in the middle of a release."""
        self.snapshot = snapshot
        self.setting = setting
        self.tick(at)

    def present(self, presented: Presented, presence: Mapping[int, Presence], at: int) -> Verdict:
        """Somebody holds something to the reader: decide, release the lock if admitted, and say what happened."""
        presented = _normal(presented)
        verdict = decide(self.snapshot, self.state(presence), presented, at)
        if verdict.admitted:
            self._release(at, "aux" if verdict.event_code is EventCode.ADMIT_AUX else "other")
        self._driver.feedback(self.id, "granted" if verdict.admitted else "denied")
        credential = None if presented.first.kind == PIN else _recordable(presented.first.value)
        self._sink(Fact(self.id, verdict.event_code, at, verdict, credential, self._moved(verdict, at)))
        return verdict

    def admit(
        self,
        request_id: int,
        person_id: int | None,
        presence: Mapping[int, Presence],
        at: int,
        latest: tuple[Snapshot, Setting] | None = None,
    ) -> Verdict:
        """Somebody asks from afar for the door to be released, for a person or for nobody in particular: decide now.

        `latest`: the configuration at this moment, which may not have reached the door yet; it is decided by that.
        """
        snapshot, setting = latest or (self.snapshot, self.setting)
        state = self._state(setting, presence)
        if self.setting.card_lockdown:
            # Either may be the newer: where one of them says that nobody may pass, nobody does.
            state = replace(state, card_lockdown=True)
        if person_id is None:
            verdict = decide_release(snapshot, state, at)
        else:
            verdict = decide_person(snapshot, state, person_id, at)
        code = EventCode.REMOTE_ADMISSION_DENIED
        if verdict.admitted:
            self._release(at, "other")
            self._sink(Fact(self.id, verdict.event_code, at, verdict, moved_to=self._moved(verdict, at)))
            code = EventCode.REMOTE_ADMISSION_DONE
        return self._answer(request_id, code, verdict)

    def refuse(self, request_id: int, person_id: int | None, at: int) -> Verdict:
        """Deny who asks from afar: whether the door may be released cannot be found out now."""
        person = None if person_id is None else self.snapshot.directory.people.get(person_id)
        reasons = (Reason(ReasonCode.RULE_FAILED),)
        verdict = Verdict(EventCode.REJECT_UNAUTHORIZED, False, self.snapshot.channel, at, person, reasons)
        return self._answer(request_id, EventCode.REMOTE_ADMISSION_DENIED, verdict)

    def press_rex(self, at: int) -> Verdict:
        """Somebody inside asks to leave."""
        verdict = decide_exit(self.snapshot, self.state({}), at)
        self._sink(Fact(self.id, EventCode.REX_PRESSED, at, verdict if not verdict.admitted else None))
        if verdict.admitted:
            self._release(at, "exit")
            self._sink(Fact(self.id, verdict.event_code, at, verdict))
        return verdict

    def contact(self, is_open: bool, at: int) -> None:
        """The door has been opened or closed; opened without leave is an alarm."""
        if is_open == self.is_open:
            return
        self.is_open = is_open
        if is_open:
            self._opened_at = at
            unlocked = is_unlocked(self.snapshot, self.state({}), at)
            if unlocked or at <= self._may_open_until:
                self._sink(Fact(self.id, EventCode.DOOR_OPENED, at))
            else:
                self.alarm = EventCode.DOOR_FORCED
                self._sink(Fact(self.id, EventCode.DOOR_FORCED, at))
            return
        self._sink(Fact(self.id, EventCode.DOOR_CLOSED, at))
        if self.alarm is not None:
            self.alarm = None
            self._sink(Fact(self.id, EventCode.DOOR_NORMAL, at))

    def tamper(self, is_tampered: bool, at: int) -> None:
        """The housing has been opened or closed."""
        if is_tampered == self.tampered:
            return
        self.tampered = is_tampered
        self._sink(Fact(self.id, EventCode.TAMPER_DETECTED if is_tampered else EventCode.TAMPER_CLEARED, at))
        self.tick(at)

    def tick(self, at: int) -> None:
        """Do what time demands: hold the lock as its mode says, notice a door held open. Call it about every second."""
        state = self.state({})
        unlocked = is_unlocked(self.snapshot, state, at)
        self._follow_shift(state, at)
        mode: Mode = "unlocked" if unlocked else "controlled"
        if mode != self._mode:
            self._mode = mode
            self._driver.set_mode(self.id, mode)
            if not unlocked and state.unlocked_until is not None and state.unlocked_until <= at:
                self._sink(Fact(self.id, EventCode.RELOCKED_ON_TIME, at))
        self._end_releases(state, at)
        held_for = at - self._opened_at
        if self.is_open and self.alarm is None and not unlocked and held_for >= self.setting.held_open_ms:
            self.alarm = EventCode.DOOR_HELD_OPEN
            self._sink(Fact(self.id, EventCode.DOOR_HELD_OPEN, at))

    def _follow_shift(self, state: DoorState, at: int) -> None:
        """Say what the auto-unlock shift has begun or ceased to do; how it was found is nothing that has happened."""
        before, now = self._by_shift, self._effect_of_shift(state, at)
        self._by_shift = now
        if before is None or now == before:
            return
        if now == "unlocked":
            self._sink(Fact(self.id, EventCode.AUTO_UNLOCK_BEGAN, at))
        elif now == "suppressed":
            self._sink(Fact(self.id, EventCode.AUTO_UNLOCK_SUPPRESSED, at))
        elif before == "unlocked":
            self._sink(Fact(self.id, EventCode.AUTO_UNLOCK_ENDED, at))

    def _effect_of_shift(self, state: DoorState, at: int) -> _ByShift:
        shift = self.snapshot.channel.auto_unlock
        try:
            runs = shift is not None and shift.open_at(at)
        except Exception:  # noqa: BLE001 - as in the engine: a rule that raises leaves the door locked
            runs = False
        if not runs:
            return "locked"
        return "suppressed" if state.tampered or state.card_lockdown else "unlocked"

    def _release(self, at: int, cause: _Cause) -> None:
        pulse_ms = self.setting.pulse_ms
        self._driver.unlock(self.id, pulse_ms)
        self._released = {known: until for known, until in self._released.items() if until > at}
        # As the hardware does: a longer release under way is not cut short.
        self._released[cause] = max(self._released.get(cause, 0), at + pulse_ms)
        self._may_open_until = max(self._released.values()) + _OPENING_GRACE_MS

    def _end_releases(self, state: DoorState, at: int) -> None:
        """Lock the door where what released it is locked down by now; a release that may go on is taken up again."""
        barred = {
            "exit": state.rex_lockdown,
            "aux": state.tampered or state.aux_lockdown,
            "other": state.tampered or state.card_lockdown,
        }
        under_way = {cause: until for cause, until in self._released.items() if until > at}
        remaining = {cause: until for cause, until in under_way.items() if not barred[cause]}
        if remaining == under_way:
            return
        self._released = remaining
        self._driver.set_mode(self.id, "locked")
        self._driver.set_mode(self.id, self._mode)
        if remaining:
            until = max(remaining.values())
            self._driver.unlock(self.id, until - at)
            self._may_open_until = until + _OPENING_GRACE_MS
        else:
            self._may_open_until = at

    def _answer(self, request_id: int, code: EventCode, verdict: Verdict) -> Verdict:
        self._driver.feedback(self.id, "granted" if verdict.admitted else "denied")
        self._sink(Fact(self.id, code, verdict.at, verdict, answers=request_id))
        return verdict

    def _moved(self, verdict: Verdict, at: int) -> Presence | None:
        channel = self.snapshot.channel
        if not verdict.admitted or verdict.person is None or channel.area_from == channel.area_to:
            return None
        return Presence(channel.area_to, at)


def _recordable(value: str) -> str | None:
    """What a reader reported, if it can be kept: a reader may report anything."""
    try:
        return clean(value)
    except InvalidText:
        return None


def _normal(presented: Presented) -> Presented:
    second = presented.second
    return Presented(_normal_one(presented.first), None if second is None else _normal_one(second), presented.gap_ms)


def _normal_one(credential: Credential) -> Credential:
    """What has no normal form is left as it is: nobody has it."""
    kind, value = credential
    return Credential(kind, normal_value(kind, value) or value)
