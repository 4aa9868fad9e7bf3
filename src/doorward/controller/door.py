"""The logic of one door, the same for all drivers: present, decide, release, notice what the door does.

It holds no clock and no database: instants come in with what happened, facts go out to a sink.
"""

from collections.abc import Callable, Mapping
from typing import Final

from doorward.controller.boards import verdict_of
from doorward.controller.circumstances import Circumstances
from doorward.controller.contact import Contact
from doorward.controller.desk import Desk
from doorward.controller.exit_button import ExitButton
from doorward.controller.facts import Fact, FactSink
from doorward.controller.guesses import Guesses
from doorward.controller.keypad import Keypad
from doorward.controller.memory import Cause, DoorMemory
from doorward.controller.presented import normal, normal_presented
from doorward.controller.reader import Reader
from doorward.controller.releases import Releases
from doorward.controller.remote import Remote
from doorward.controller.reports import Reports
from doorward.controller.setting import Setting
from doorward.controller.standing import Standing
from doorward.decision.codes import PIN, EventCode
from doorward.decision.engine import is_unlocked
from doorward.decision.snapshot import Credential, DoorState, Presence, Presented, Snapshot
from doorward.decision.verdict import Verdict
from doorward.drivers.base import (
    CommandResult,
    ContactChanged,
    ContactFault,
    CredentialRead,
    DeviceDecision,
    DeviceEvent,
    Driver,
    EventGap,
    KeysPressed,
    Offline,
    Online,
    OutputChanged,
    PowerChanged,
    RexFault,
    RexPressed,
    TamperChanged,
)

__all__ = ["Door", "DoorMemory", "Fact", "FactSink", "Setting"]

_NOTHING_KNOWN: Final = DoorMemory()
_OLDEST_READ_MS: Final = 10_000
"""What was held to a reader longer ago releases nothing any more: a door never opens late (docs/decisions/0015)."""


class Door:
    """One door. Told of its configuration by update(), of the world by handle(), of the time by tick()."""

    def __init__(
        self,
        driver: Driver,
        sink: FactSink,
        snapshot: Snapshot,
        setting: Setting,
        memory: DoorMemory | None = None,
        steady: Callable[[], int] | None = None,
    ) -> None:
        """`memory`: what the door knew when its controller ended. `steady`: time that nobody puts back (kit.clock).

        Without it the instants that the door is given are taken for that.
        """
        known = memory or _NOTHING_KNOWN
        self._driver = driver
        self._sink = sink
        self._id = snapshot.channel.id
        self._about = about = Circumstances(
            snapshot,
            setting,
            tampered=known.tampered,
            first_person_at=known.first_person_at,
            unlocking_over=known.unlocking_over,
        )
        self._releases = Releases(driver, self._id, known.leave, steady)
        self._contact = Contact(self._say, lambda: driver.feedback(self._id, "warning"), known)
        self._standing = Standing(driver, self._id, self._say, known)
        self._desk = Desk(driver, about, sink, self._release, self.tick, Guesses(steady))
        self._reader = Reader(self._desk, about)
        self._remote = Remote(about, sink, self._release_by, lambda shown: driver.feedback(self._id, shown))
        self._button = ExitButton(about, sink, self._release, is_faulty=known.exit_button_faulty)
        self._reports = Reports(self._say, known)

    @property
    def id(self) -> int:
        """The channel's id."""
        return self._id

    @property
    def snapshot(self) -> Snapshot:
        """What the door decides by."""
        return self._about.snapshot

    @property
    def setting(self) -> Setting:
        """What operators have set."""
        return self._about.setting

    @property
    def is_open(self) -> bool:
        """Whether the door stands open, as its contact said last."""
        return self._contact.is_open

    @property
    def alarm(self) -> EventCode | None:
        """33 forced or 34 held open, until it is closed; 37 while its contact or its exit button is at fault."""
        return self._contact.alarm or (EventCode.CONTACT_FAULT if self._button.is_faulty else None)

    @property
    def tampered(self) -> bool:
        """Whether the housing is open."""
        return self._about.tampered

    @property
    def confirmed_at(self) -> int | None:
        """When the server last confirmed the snapshot; None while the server itself decides."""
        return self._about.confirmed_at

    @confirmed_at.setter
    def confirmed_at(self, at: int | None) -> None:
        self._about.confirmed_at = at

    def state(self, presence: Mapping[int, Presence]) -> DoorState:
        """The door's state as the engine takes it."""
        return self._about.state(presence)

    def memory(self) -> DoorMemory:
        """What the door must know when it is started again; a value, so that one can see whether it has changed."""
        contact, standing, reports = self._contact, self._standing, self._reports
        return DoorMemory(
            first_person_at=self._about.first_person_at,
            by_shift=standing.by_shift,
            relocks_at=standing.relocks_at,
            unlocking_over=self._about.unlocking_over,
            is_open=contact.is_open,
            open_since=contact.open_since,
            alarm=contact.alarm,
            contact_faulty=contact.is_faulty,
            exit_button_faulty=self._button.is_faulty,
            leave=dict(self._releases.leave),
            tampered=self._about.tampered,
            online=reports.online,
            powered=reports.powered,
        )

    def update(self, snapshot: Snapshot, setting: Setting, at: int) -> None:
        """Take over a new configuration. What it locks down is locked at once, also in the middle of a release."""
        self._about.take(snapshot, setting)
        self.tick(at)

    def handle(self, event: DeviceEvent, presence: Mapping[int, Presence], at: int) -> Verdict | None:
        """Whatever a device reports, at the instant `at` by the controller's clock; gives the verdict if there is one.

        Where more is wanted (a second factor, a second person) that is the refusal that comes of it if nothing follows.
        """
        when = self._when(event, at)
        self._tick(at, min(when, at))
        match event:
            case CredentialRead():
                return self._read(event.presented, when, presence, at)
            case KeysPressed():
                return self._typed(event.keys, when, presence, at)
            case DeviceDecision():
                return self._decided(event, when)
            case RexPressed() | RexFault() | ContactChanged() | ContactFault() | OutputChanged():
                self._hear_of_door(event, when, at)
            case _:
                self._hear_of_device(event, when, at)
        return None

    def present(self, presented: Presented, presence: Mapping[int, Presence], at: int) -> Verdict:
        """Somebody has presented all that they have: decide, release the lock if admitted, and say what happened."""
        self._desk.tick(at)
        presented = normal_presented(presented)
        return self._desk.conclude(presented, self._desk.judge(presented, presence, at), presence, at)

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
        return self._remote.admit(request_id, person_id, presence, at, latest)

    def refuse(self, request_id: int, person_id: int | None, at: int) -> Verdict:
        """Deny who asks from afar: whether the door may be released cannot be found out now."""
        return self._remote.refuse(request_id, person_id, at)

    def press_rex(self, at: int) -> Verdict:
        """Somebody inside asks to leave."""
        return self._button.press(at)

    def contact(self, is_open: bool, at: int) -> None:
        """The door has been opened or closed; opened without leave is an alarm."""
        self._move(is_open, at, with_leave=self._may_open(at))

    def tamper(self, is_tampered: bool, at: int) -> None:
        """The housing has been opened or closed."""
        if is_tampered == self.tampered:
            return
        self._about.tampered = is_tampered
        self._say(EventCode.TAMPER_DETECTED if is_tampered else EventCode.TAMPER_CLEARED, at)
        self.tick(at)

    def tick(self, at: int) -> None:
        """Do what time demands: hold the lock as its mode says, end what has waited too long, notice a door held open.

        Call it at next_due(), or about four times a second.
        """
        self._tick(at, at)

    def _tick(self, at: int, told_until: int) -> None:
        """`told_until`: up to when it is known what the door has done. What is told late may be that it was closed."""
        self._about.see_time(at)
        state = self.state({})
        if self._standing.follow(self.snapshot, state, at):
            self._releases.give_leave("other", at, at)
            self._contact.count_anew(at)
        barred: list[Cause] = ["exit"] if state.rex_lockdown else []
        if state.tampered or state.aux_lockdown:
            barred.append("aux")
        if state.tampered or state.card_lockdown:
            barred.append("other")
        self._releases.bar(barred, at, self._standing.mode)
        self._releases.tick(at, self._standing.mode)
        self._reader.tick(at)
        self._desk.tick(at)
        self._contact.tick(told_until, self.setting, is_unlocked=self._standing.mode == "unlocked")
        self._button.tick(at)

    def next_due(self, at: int) -> int | None:
        """The next instant at which tick() may have something to do, by what is known at `at`; None: none so far."""
        found = (
            self._standing.due(self.snapshot, at),
            self._releases.due(at),
            self._reader.due(),
            self._desk.due(),
            self._contact.due(self.setting, is_unlocked=self._standing.mode == "unlocked"),
            self._button.due(),
        )
        return min((due for due in found if due is not None), default=None)

    def give_up(self, at: int) -> None:
        """Wait no longer for second factors and people; what is refused by that has been said when it returns."""
        self._reader.give_up(at)
        self._desk.give_up_first(at)

    # What devices report.

    def _when(self, event: DeviceEvent, at: int) -> int:
        """When it happened. A board's record has the board's time; else a device's own clock is not relied upon."""
        able = self._driver.capabilities
        if able.decides_locally:
            return event.device_time
        return at if able.clock else min(event.device_time, at)

    def _read(self, presented: Presented, when: int, presence: Mapping[int, Presence], at: int) -> Verdict:
        presented = normal_presented(presented)
        if at - when > _OLDEST_READ_MS:
            return self._desk.refuse_late(presented, presence, at)
        if presented.second is None:
            return self._reader.read(presented.first, when, presence, at)
        return self._desk.conclude(presented, self._desk.judge(presented, presence, at), presence, at)

    def _typed(self, keys: str, when: int, presence: Mapping[int, Presence], at: int) -> Verdict | None:
        if at - when <= _OLDEST_READ_MS:
            return self._reader.press(keys, when, presence, at)
        verdict = None
        for typed in Keypad().press(keys, when):
            verdict = self._desk.refuse_late(Presented(Credential(PIN, typed.value)), presence, at)
        return verdict

    def _decided(self, event: DeviceDecision, when: int) -> Verdict:
        verdict = verdict_of(event, self.snapshot, when)
        if verdict.admitted:
            self._releases.give_leave("other", when, when + self.setting.pulse_ms)
            self._passes(when)
        credential = event.credential
        self._desk.note(None if credential is None else Presented(normal(credential)), verdict)
        return verdict

    def _hear_of_door(
        self, event: RexPressed | RexFault | ContactChanged | ContactFault | OutputChanged, when: int, at: int
    ) -> None:
        decides = self._driver.capabilities.decides_locally
        match event:
            case RexPressed() if decides:
                # It has released its lock by itself, and perhaps long ago.
                if event.is_pressed:
                    self._say(EventCode.REX_PRESSED, when)
                    self._releases.give_leave("exit", when, when + self.setting.pulse_ms)
            case RexPressed():
                self._button.hold(event.is_pressed, when)
                if event.is_pressed:
                    self.press_rex(when)
            case ContactChanged():
                # A board tells of its own admissions by its own clock, and knows nothing of the instants of ours.
                with_leave = self._may_open(when) or (decides and self._may_open(at))
                self._move(event.is_open, when, with_leave=with_leave)
            case RexFault():
                self._button.fault(event.is_faulty, when)
            case ContactFault():
                self._contact.fault(event.is_faulty, when)
            case OutputChanged() if decides:
                self._releases.output(event.is_released, when, self.setting.pulse_ms)

    def _hear_of_device(self, event: DeviceEvent, when: int, at: int) -> None:
        match event:
            case TamperChanged():
                self.tamper(event.is_tampered, when)
            case PowerChanged():
                self._reports.power(event.is_powered, when, is_event=event.cursor is not None)
            case Online() | Offline():
                self._online(isinstance(event, Online), when, at)
            case CommandResult():
                self._remote.answered(event.command_id, event.is_done, at)
            case EventGap():
                self._reports.gap(self.snapshot.channel, event.lost, when)

    def _online(self, is_online: bool, when: int, at: int) -> None:
        """A device that is back may have forgotten how its lock is to be held; what it was told to release is over."""
        self._reports.presence(is_online, when)
        self._releases.presence(is_online)
        if is_online:
            self._standing.tell_again()
            self.tick(at)

    # What the door's parts do.

    def _release(self, cause: Cause, at: int, command_id: int | None = None) -> None:
        if self._standing.is_new:
            self.tick(at)
        self._releases.begin(cause, at, self.setting.pulse_ms, command_id)
        self._passes(at)

    def _release_by(self, at: int, command_id: int) -> None:
        self._release("other", at, command_id)

    def _may_open(self, at: int) -> bool:
        return self._releases.has_leave(at) or is_unlocked(self.snapshot, self.state({}), at)

    def _move(self, is_open: bool, at: int, *, with_leave: bool) -> None:
        self._contact.moved(is_open, at, with_leave=with_leave)
        if is_open and self.setting.relock_on_open:
            self._releases.opened(at)

    def _passes(self, at: int) -> None:
        if self._contact.is_open:
            self._contact.count_anew(at)

    def _say(self, code: EventCode, at: int, verdict: Verdict | None = None) -> None:
        self._sink(Fact(self._id, code, at, verdict))
