"""What a door may want beyond one credential: a second factor, a second person; and whether a PIN was a duress PIN."""

from typing import Final

import msgspec

from doorward.decision.codes import DURESS, PIN, EventCode
from doorward.decision.snapshot import Credential, DoorState, Person, Presented, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict

_SECOND_PERSON_MISSING: Final = (Reason(ReasonCode.SECOND_PERSON_MISSING),)
_SECOND_PERSON: Final = Reason(ReasonCode.SECOND_PERSON)


def with_second_factor(snapshot: Snapshot, presented: Presented, person: Person, admitted: Verdict) -> Verdict:
    """Rule 9: a PIN after a card (or pass), or a card after a PIN, of the same person and in time."""
    channel, at, second, kind = snapshot.channel, admitted.at, presented.second, admitted.kind
    pin_first = kind == PIN
    enrolled = {PIN if each == DURESS else each for each in person.kinds}
    if not any((each == PIN) != pin_first and each in channel.accepts for each in enrolled):
        code, why = EventCode.SECOND_FACTOR_MISSING, ReasonCode.SECOND_FACTOR_MISSING
    elif second is None or not 0 <= presented.gap_ms <= channel.second_factor_ms:
        code, why = EventCode.SECOND_FACTOR_LATE, ReasonCode.SECOND_FACTOR_LATE
    elif (second.kind == PIN) == pin_first or not _is_theirs(snapshot, second, person):
        code, why = EventCode.REJECT_SECOND_FACTOR, ReasonCode.SECOND_FACTOR_WRONG
    else:
        reasons = (*admitted.reasons, Reason(ReasonCode.SECOND_FACTOR_RIGHT, None, second.kind))
        return Verdict(EventCode.ADMIT_TWO_FACTORS, True, channel, at, person, reasons, kind)
    return Verdict(code, False, channel, at, person, (Reason(why),), kind)


def _is_theirs(snapshot: Snapshot, credential: Credential, person: Person) -> bool:
    """A duress PIN is one's own as a PIN is; as itself no reader reports it, and nothing is to be had by it."""
    kind = credential.kind
    holder = snapshot.directory.holder(kind, credential.value)
    return kind != DURESS and kind in snapshot.channel.accepts and holder is not None and holder.id == person.id


def with_second_person(state: DoorState, person: Person, admitted: Verdict) -> Verdict:
    """Two people at once: whoever may pass does so only together with somebody else who may, and came before."""
    channel, at, first = admitted.channel, admitted.at, state.waiting
    if first is None or first.person_id == person.id or not 0 <= at - first.since <= channel.two_person_ms:
        return Verdict(EventCode.REJECT_TIMEOUT, False, channel, at, person, _SECOND_PERSON_MISSING, admitted.kind)
    return msgspec.structs.replace(admitted, reasons=(*admitted.reasons, _SECOND_PERSON))


def under_duress(snapshot: Snapshot, presented: Presented, verdict: Verdict) -> Verdict:
    """The verdict, which says so if one of the PINs presented is the person's duress PIN, whatever came of it."""
    person, directory = verdict.person, snapshot.directory
    if person is None:
        return verdict
    for credential in (presented.first, presented.second):
        if credential is None or credential.kind != PIN:
            continue
        holder, enrolled = directory.holder(PIN, credential.value), directory.find(PIN, credential.value)
        if holder is not None and holder.id == person.id and (enrolled is None or enrolled.id != person.id):
            return msgspec.structs.replace(verdict, duress=True)
    return verdict
