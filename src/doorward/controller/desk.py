"""Where it is decided who is let in: by the rules, and then at the lock, at the reader and on record."""

from collections.abc import Callable
from typing import Final

import msgspec

from doorward.controller.attempts import Attempt, Presences
from doorward.controller.circumstances import Circumstances
from doorward.controller.facts import Fact, FactSink
from doorward.controller.guesses import Guesses
from doorward.controller.memory import Cause
from doorward.controller.presented import number_of
from doorward.decision.codes import EventCode
from doorward.decision.engine import awaits_first_person, decide
from doorward.decision.snapshot import Presence, Presented, Waiting
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.drivers.base import Driver

_BY_CREDENTIAL: Final = frozenset(
    (
        EventCode.ADMIT_CARD,
        EventCode.ADMIT_PIN,
        EventCode.ADMIT_AUX,
        EventCode.ADMIT_APPLE,
        EventCode.ADMIT_GOOGLE,
        EventCode.ADMIT_TWO_FACTORS,
    )
)
"""Admissions of somebody whom the rules let in: not of whoever walks through an unlocked door."""


class Desk:
    """Decides, lets in or refuses, and says so. It keeps the first of two people who are let in only together."""

    def __init__(
        self,
        driver: Driver,
        about: Circumstances,
        sink: FactSink,
        release: Callable[[Cause, int], None],
        follow: Callable[[int], None],
        guesses: Guesses,
    ) -> None:
        """`release`: the lock, for a while. `follow`: hold it as it is to be held at an instant."""
        self._guesses = guesses
        self._driver = driver
        self._about = about
        self._sink = sink
        self._release = release
        self._follow = follow
        self._first: Attempt | None = None

    def decide(self, presented: Presented, presence: Presences, at: int, waiting: Waiting | None = None) -> Verdict:
        """What the rules say at this instant; nothing happens."""
        return decide(self._about.snapshot, self._about.state(presence, waiting=waiting), presented, at)

    def judge(self, presented: Presented, presence: Presences, at: int) -> Verdict:
        """What comes of what has just been presented: by the rules, and by how many wrong PINs there were before."""
        return self._guesses.judge(presented, self.decide(presented, presence, at), at)

    def conclude(
        self, presented: Presented, verdict: Verdict, presence: Presences, at: int, *, told: bool = False
    ) -> Verdict:
        """It is decided: let in or refuse. `told`: that it is under duress has been said.

        Gives the verdict; of the first of two people that of a refusal, which is on record once it is one.
        """
        if verdict.event_code is EventCode.REJECT_TIMEOUT:
            self._await_second(Attempt(presented, at, verdict), told=told)
            return verdict
        first = self._first
        if first is None or not _is_second(verdict):
            self._settle([(presented, verdict, told)])
            return verdict
        # Both must be allowed to pass now; the first was so when they came.
        self._forget_first()
        again = self.decide(first.presented, presence, at, Waiting(verdict.person_id or 0, at))
        if _is_second(again):
            self._settle([(first.presented, again, first.verdict.duress), (presented, verdict, told)])
            return verdict
        self._settle([(first.presented, again, first.verdict.duress)])
        return self.conclude(presented, self.decide(presented, presence, at), presence, at, told=told)

    def refuse_late(self, presented: Presented, presence: Presences, at: int) -> Verdict:
        """It was presented too long ago: nobody stands there any more for whom the door might be released."""
        verdict = self.decide(presented, presence, at)
        if verdict.admitted or verdict.event_code in (EventCode.REJECT_TIMEOUT, EventCode.SECOND_FACTOR_LATE):
            late = (Reason(ReasonCode.REPORTED_LATE),)
            verdict = msgspec.structs.replace(
                verdict, event_code=EventCode.REJECT_TIMEOUT, admitted=False, reasons=late
            )
        self._record(presented, verdict, told=False)
        return verdict

    def note(self, presented: Presented | None, verdict: Verdict) -> None:
        """A board has decided and acted by itself: it is only to be recorded."""
        if presented is not None:
            self._record(presented, verdict, told=False)
        else:
            self._sink(Fact(verdict.channel.id, verdict.event_code, verdict.at, verdict, moved_to=moved(verdict)))
        self._note_first_person([verdict])

    def let_wait(self, attempt: Attempt, at: int, *, told: bool) -> None:
        """Show at the reader that something more is wanted; and say, out of sight, that it is under duress."""
        self._driver.feedback(self._about.snapshot.channel.id, "wait")
        if attempt.verdict.duress and not told:
            self._say_duress(attempt.verdict, at)

    def give_up(self, attempt: Attempt, at: int) -> None:
        """Nothing more has come: it is a refusal."""
        self._driver.feedback(self._about.snapshot.channel.id, "denied")
        self._record(attempt.presented, attempt.given_up(at), told=attempt.verdict.duress)

    def give_up_first(self, at: int) -> None:
        """Wait no longer for a second person."""
        first = self._first
        self._forget_first()
        if first is not None:
            self.give_up(first, at)

    def tick(self, at: int) -> None:
        """End the waiting for a second person when its time is over."""
        if self._first is not None and self._first.is_over(at, self._about.snapshot.channel.two_person_ms):
            self.give_up_first(at)

    def due(self) -> int | None:
        """When tick() has something to do."""
        return None if self._first is None else self._first.since + self._about.snapshot.channel.two_person_ms + 1

    def _await_second(self, attempt: Attempt, *, told: bool) -> None:
        """Somebody may pass, but not alone. Who waits already goes on waiting: once more is not a second person."""
        first, person_id, at = self._first, attempt.verdict.person_id, attempt.since
        if first is not None and first.verdict.person_id == person_id:
            told = told or first.verdict.duress
            verdict = msgspec.structs.replace(first.verdict, duress=first.verdict.duress or attempt.verdict.duress)
            self._first = Attempt(first.presented, first.since, verdict)
        else:
            self.give_up_first(at)
            self._first = attempt
            self._about.waiting = Waiting(person_id or 0, at)
        self.let_wait(attempt, at, told=told)

    def _forget_first(self) -> None:
        self._first = self._about.waiting = None

    def _settle(self, decided: list[tuple[Presented, Verdict, bool]]) -> None:
        """Let in or refuse; of two people who are let in together the lock is released once."""
        admitted = [verdict for _, verdict, _ in decided if verdict.admitted]
        codes = {verdict.event_code for verdict in admitted}
        if codes == {EventCode.ADMIT_UNLOCKED}:
            # Anybody may be let in by that, but not for longer than the door stands unlocked.
            self._follow(admitted[-1].at)
        elif admitted:
            self._release("aux" if codes == {EventCode.ADMIT_AUX} else "other", admitted[-1].at)
        self._driver.feedback(self._about.snapshot.channel.id, "granted" if admitted else "denied")
        for presented, verdict, told in decided:
            self._record(presented, verdict, told=told)
        self._note_first_person(admitted)

    def _note_first_person(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            at, about = verdict.at, self._about
            if verdict.event_code in _BY_CREDENTIAL and awaits_first_person(about.snapshot, about.state({}), at):
                about.first_person_at = at
                self._follow(at)

    def _record(self, presented: Presented, verdict: Verdict, *, told: bool) -> None:
        channel_id, at = self._about.snapshot.channel.id, verdict.at
        self._sink(Fact(channel_id, verdict.event_code, at, verdict, number_of(presented), moved(verdict)))
        if verdict.duress and not told:
            self._say_duress(verdict, at)

    def _say_duress(self, verdict: Verdict, at: int) -> None:
        self._sink(Fact(self._about.snapshot.channel.id, EventCode.DURESS, at, verdict))


def moved(verdict: Verdict) -> Presence | None:
    """Where the person is by an admission: where the door leads, from the moment at which they may open it.

    Whether they went is known at few doors, and where a contact is stuck it would never be: then the same card would
    let in one after the other. Whoever turned back is out of step until somebody says where they are.
    """
    channel = verdict.channel
    if not verdict.admitted or verdict.person is None or channel.area_from == channel.area_to:
        return None
    return Presence(channel.area_to, verdict.at)


def _is_second(verdict: Verdict) -> bool:
    return verdict.admitted and any(reason.code is ReasonCode.SECOND_PERSON for reason in verdict.reasons)
