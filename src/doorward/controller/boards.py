"""What a board has decided by itself, as an event: the code that its own word for it comes closest to."""

from typing import Final

from doorward.controller.presented import normal, recordable
from doorward.decision.codes import ADMIT_CODES, PIN, EventCode
from doorward.decision.snapshot import Person, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from doorward.drivers.base import DeviceDecision

_LONGEST_WORD: Final = 120

_REFUSED: Final = (
    (("passed back", "passback"), EventCode.REJECT_PASSED_BACK),
    (("pin", "password"), EventCode.REJECT_SECOND_FACTOR),
    (("more cards", "first card"), EventCode.REJECT_TIMEOUT),
    (("shut", "lock"), EventCode.REJECT_LOCKDOWN),
    (("hours", "time"), EventCode.REJECT_OUT_OF_HOURS),
)
"""What is in the board's word, in lower case; the first that fits. Whatever else it says: not authorized."""


def verdict_of(event: DeviceDecision, snapshot: Snapshot, at: int) -> Verdict:
    """The board's decision as a verdict, about the person whose credential it is as far as known here."""
    credential = None if event.credential is None else normal(event.credential)
    person = None if credential is None else snapshot.directory.holder(credential.kind, credential.value)
    kind = None if credential is None else credential.kind
    word = recordable(event.reason[:_LONGEST_WORD])
    code = _admitting(kind, word) if event.admitted else _refusing(kind, person, word)
    reasons = (Reason(ReasonCode.DECIDED_BY_BOARD, text=word),)
    return Verdict(code, event.admitted, snapshot.channel, at, person, reasons, kind)


def _admitting(kind: str | None, word: str | None) -> EventCode:
    if kind is None and "passcode" in (word or "").lower():
        return EventCode.ADMIT_PIN
    return ADMIT_CODES.get(kind or "", EventCode.ADMIT_MANUAL)


def _refusing(kind: str | None, person: Person | None, word: str | None) -> EventCode:
    if person is None:
        return EventCode.REJECT_PIN if kind == PIN else EventCode.REJECT_CARD
    said = (word or "").lower()
    for words, code in _REFUSED:
        if any(each in said for each in words):
            return code
    return EventCode.REJECT_UNAUTHORIZED
