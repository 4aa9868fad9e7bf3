"""Whoever tries PINs at a keypad is slowed down: after some wrong ones no PIN is taken there for a while.

Cards go on, and leaving does; nobody can tell from a PIN that is not taken whether it was right (docs/decisions/0033).
"""

from collections.abc import Callable
from typing import Final

import msgspec

from doorward.decision.codes import PIN, EventCode
from doorward.decision.snapshot import Presented
from doorward.decision.verdict import Reason, ReasonCode, Verdict

FREE: Final = 5
"""So many wrong PINs more than right ones are let pass, each time."""
FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 900_000
FORGOTTEN_AFTER_MS: Final = 3_600_000
"""So long after the last wrong PIN all is as if there had been none."""

TAKEN_BACK: Final = 2
"""So many wrong ones are taken back by the right ones of one person within that time: they may be trying others'."""

_WHATEVER_IS_TYPED: Final = frozenset(
    (EventCode.ADMIT_UNLOCKED, EventCode.REJECT_LOCKDOWN, EventCode.REJECT_TAMPER, EventCode.REJECT_OFFLINE)
)
"""What is decided for everybody alike."""


class Guesses:
    """The wrong PINs of one reader. They are counted over time that nobody puts back (kit.clock)."""

    def __init__(self, steady: Callable[[], int] | None = None) -> None:
        """Without `steady` the instants that are given are that time."""
        self._steady = steady
        self._wrong = 0
        self._waits = 0
        """How often it has been waited in a row."""
        self._locked_until = 0
        self._last_wrong_at = 0
        self._taken_back: dict[int, list[int]] = {}
        """By person, when their right PINs took back a wrong one within the last such time: no more than were wrong."""

    def judge(self, presented: Presented, decided: Verdict, at: int) -> Verdict:
        """What comes of it where `decided` is what the rules say."""
        kinds = {each.kind for each in (presented.first, presented.second) if each is not None}
        if PIN not in kinds or decided.event_code in _WHATEVER_IS_TYPED:
            return decided
        now = at if self._steady is None else self._steady()
        if now < self._locked_until:
            return _not_taken(presented, decided, at + self._locked_until - now)
        if _is_wrong(presented, decided):
            return self._note_wrong(decided, now, at)
        if decided.admitted and decided.person_id is not None and self._wrong:
            self._take_back(decided.person_id, now)
        return decided

    def _take_back(self, person_id: int, now: int) -> None:
        """One wrong PIN counts no more. Not any number: who has a PIN could try others for ever, with it in between."""
        since = now - FORGOTTEN_AFTER_MS
        lately = {each: kept for each, at in self._taken_back.items() if (kept := [one for one in at if one > since])}
        if len(lately.get(person_id, ())) < TAKEN_BACK:
            lately.setdefault(person_id, []).append(now)
            self._wrong -= 1
        self._taken_back = lately

    def _note_wrong(self, decided: Verdict, now: int, at: int) -> Verdict:
        if now - self._last_wrong_at >= FORGOTTEN_AFTER_MS:
            self._wrong = self._waits = 0
        self._last_wrong_at = now
        self._wrong += 1
        if self._wrong < FREE:
            return decided
        wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(self._waits, 10))
        self._wrong, self._waits, self._locked_until = 0, self._waits + 1, now + wait
        return msgspec.structs.replace(decided, reasons=(*decided.reasons, _until(at + wait)))


def _is_wrong(presented: Presented, decided: Verdict) -> bool:
    if decided.event_code is EventCode.REJECT_SECOND_FACTOR:
        return presented.second is not None and presented.second.kind == PIN
    return decided.event_code is EventCode.REJECT_PIN


def _not_taken(presented: Presented, decided: Verdict, until: int) -> Verdict:
    """Refused without regard to what it is. Under duress it is said, out of sight, all the same, and of whom."""
    is_second = presented.first.kind != PIN
    return msgspec.structs.replace(
        decided,
        event_code=EventCode.REJECT_SECOND_FACTOR if is_second else EventCode.REJECT_PIN,
        admitted=False,
        person=decided.person if is_second or decided.duress else None,
        reasons=(_until(until),),
    )


def _until(instant: int) -> Reason:
    return Reason(ReasonCode.PINS_NOT_TAKEN, instant=instant)
