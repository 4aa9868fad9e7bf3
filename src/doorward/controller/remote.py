"""Releases that somebody asks for from afar: decided at the door, at the moment, and answered."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import msgspec

from doorward.controller.circumstances import Circumstances
from doorward.controller.desk import moved
from doorward.controller.facts import Fact, FactSink
from doorward.controller.setting import Setting
from doorward.decision.codes import EventCode
from doorward.decision.engine import decide_person, decide_release
from doorward.decision.snapshot import Presence, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.drivers.base import Feedback

_MOST_COMMANDS: Final = 64
"""So many are kept; a device that never answers must not fill the memory."""


class Release(Protocol):
    """Release the lock; the device is to answer the command."""

    def __call__(self, at: int, command_id: int) -> None:
        """At an instant."""
        ...


class Remote:
    """Remote admissions, and what the device says to the releases that come of them.

    Whoever asks has answered for it: one person is enough where the door wants two, and nobody is a first person.
    """

    def __init__(
        self, about: Circumstances, sink: FactSink, release: Release, show: Callable[[Feedback], None]
    ) -> None:
        self._about = about
        self._sink = sink
        self._release = release
        self._show = show
        self._given: dict[int, Verdict] = {}
        self._failed: set[int] = set()

    def admit(
        self,
        request_id: int,
        person_id: int | None,
        presence: Mapping[int, Presence],
        at: int,
        latest: tuple[Snapshot, Setting] | None,
    ) -> Verdict:
        """Decide now, for a person or for nobody in particular."""
        snapshot, setting = latest or (self._about.snapshot, self._about.setting)
        state = self._about.state(presence, setting)
        if self._about.setting.card_lockdown:
            # Either may be the newer: where one of them says that nobody may pass, nobody does.
            state = replace(state, card_lockdown=True)
        if person_id is None:
            verdict = decide_release(snapshot, state, at)
        else:
            verdict = decide_person(snapshot, state, person_id, at)
        if not verdict.admitted:
            return self._answer(request_id, EventCode.REMOTE_ADMISSION_DENIED, verdict)
        if not self._give(request_id, verdict):
            code = EventCode.CONTROLLER_OFFLINE
            failed = msgspec.structs.replace(verdict, event_code=code, admitted=False)
            return self._answer(request_id, code, failed)
        self._sink(Fact(snapshot.channel.id, verdict.event_code, at, verdict, moved_to=moved(verdict)))
        return self._answer(request_id, EventCode.REMOTE_ADMISSION_DONE, verdict)

    def refuse(self, request_id: int, person_id: int | None, at: int) -> Verdict:
        """Deny: whether the door may be released cannot be found out now."""
        snapshot = self._about.snapshot
        person = None if person_id is None else snapshot.directory.people.get(person_id)
        reasons = (Reason(ReasonCode.RULE_FAILED),)
        verdict = Verdict(EventCode.REJECT_UNAUTHORIZED, False, snapshot.channel, at, person, reasons)
        return self._answer(request_id, EventCode.REMOTE_ADMISSION_DENIED, verdict)

    def answered(self, command_id: int, is_done: bool, at: int) -> None:
        """The device says what became of a release. One that failed after the answer was given is said to have."""
        verdict = self._given.pop(command_id, None)
        if is_done:
            return
        self._failed.add(command_id)
        if verdict is not None:
            self._sink(Fact(verdict.channel.id, EventCode.CONTROLLER_OFFLINE, at, verdict))

    def _give(self, command_id: int, verdict: Verdict) -> bool:
        """Tell the device; gives whether it has not failed at once."""
        self._failed = set()
        self._release(verdict.at, command_id)
        if command_id in self._failed:
            return False
        while len(self._given) >= _MOST_COMMANDS:
            del self._given[next(iter(self._given))]
        self._given[command_id] = verdict
        return True

    def _answer(self, request_id: int, code: EventCode, verdict: Verdict) -> Verdict:
        self._show("granted" if verdict.admitted else "denied")
        self._sink(Fact(self._about.snapshot.channel.id, code, verdict.at, verdict, answers=request_id))
        return verdict
