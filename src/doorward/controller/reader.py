"""What is held to the reader and typed at its keypad, put together to what is decided about."""

from doorward.controller.attempts import Attempt, Presences
from doorward.controller.circumstances import Circumstances
from doorward.controller.desk import Desk
from doorward.controller.keypad import Keypad
from doorward.decision.codes import PIN, EventCode
from doorward.decision.snapshot import Credential, Presented
from doorward.decision.verdict import Verdict


class Reader:
    """Makes of cards and keys what is decided about: one credential, or the two factors that a door wants."""

    def __init__(self, desk: Desk, about: Circumstances) -> None:
        self._desk = desk
        self._about = about
        self._keypad = Keypad()
        self._first: Attempt | None = None
        self._presence: Presences = {}
        """Where people were when somebody began to type: an entry can end by time alone."""

    def read(self, credential: Credential, when: int, presence: Presences, at: int) -> Verdict:
        """Something was held to the reader, which also ends what is being typed. `when`: by the device's report."""
        self._end_entry(presence, at)
        return self._one(credential, when, presence, at)

    def press(self, keys: str, when: int, presence: Presences, at: int) -> Verdict | None:
        """Keys of the keypad; gives what came of an entry that is complete with them."""
        self._presence = presence
        if self._keypad.is_over(at):
            self._end_entry(presence, at)
        verdict = None
        for typed in self._keypad.press(keys, when):
            verdict = self._one(Credential(PIN, typed.value), typed.at, presence, at)
        return verdict

    def tick(self, at: int) -> None:
        """End what time has ended: an entry after its last key, the waiting for a second factor."""
        first = self._first
        is_over = first is not None and first.is_over(at, self._second_factor_ms)
        if is_over or self._keypad.is_over(at):
            self._end_entry(self._presence, at)
        if first is not None and is_over and self._first is first:
            self.give_up(at)

    def give_up(self, at: int) -> None:
        """Wait no longer."""
        first, self._first = self._first, None
        if first is not None:
            self._desk.give_up(first, at)

    def due(self) -> int | None:
        """When tick() has something to do."""
        over_at = None if self._first is None else self._first.since + self._second_factor_ms + 1
        return min((due for due in (over_at, self._keypad.due()) if due is not None), default=None)

    @property
    def _second_factor_ms(self) -> int:
        return self._about.snapshot.channel.second_factor_ms

    def _end_entry(self, presence: Presences, at: int) -> None:
        typed = self._keypad.take()
        if typed is not None:
            self._one(Credential(PIN, typed.value), typed.at, presence, at)

    def _one(self, credential: Credential, when: int, presence: Presences, at: int) -> Verdict:
        """One credential, which may be the second of two factors."""
        first = self._first
        told = False
        if first is not None and (credential.kind == PIN) != (first.presented.first.kind == PIN):
            self._first = None
            both = Presented(first.presented.first, credential, when - first.since)
            verdict = self._desk.judge(both, presence, at)
            return self._desk.conclude(both, verdict, presence, at, told=first.verdict.duress)
        if first is not None and credential == first.presented.first:
            self._first, told = None, first.verdict.duress  # once more: the time for the second begins anew
        self.give_up(at)
        alone = Presented(credential)
        verdict = self._desk.judge(alone, presence, at)
        if verdict.event_code is not EventCode.SECOND_FACTOR_LATE:
            return self._desk.conclude(alone, verdict, presence, at, told=told)
        self._first = Attempt(alone, when, verdict)
        self._desk.let_wait(self._first, at, told=told)
        return verdict
