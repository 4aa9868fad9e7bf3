"""Who may open a door: behaviour.md, "Who may open a door", rule by rule and in its order.

Pure: the same snapshot, state, presented credential and instant give the same verdict, on the server and at the door.
Total: whatever is handed in, a verdict comes out; a rule that raises denies, and never keeps anybody in.
"""

from doorward.decision.codes import ADMIT_CODES, AUX, PIN, EventCode
from doorward.decision.snapshot import DoorState, Person, Presented, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict

_MINUTE_MS = 60_000

_TAMPERED = (Reason(ReasonCode.TAMPERED),)
_CARD_LOCKDOWN = (Reason(ReasonCode.CARD_LOCKDOWN),)
_AUX_LOCKDOWN = (Reason(ReasonCode.AUX_LOCKDOWN),)
_AUTO_UNLOCK = (Reason(ReasonCode.AUTO_UNLOCK),)
_LEAVING = (Reason(ReasonCode.LEAVING),)
_REX_LOCKDOWN = (Reason(ReasonCode.REX_LOCKDOWN),)
_RULE_FAILED = (Reason(ReasonCode.RULE_FAILED),)
_DELETED = Reason(ReasonCode.PERSON_DELETED)
_DISABLED = Reason(ReasonCode.PERSON_DISABLED)
_NO_ROLE_HERE = Reason(ReasonCode.NO_ROLE_HERE)

_UNKNOWN = {kind: EventCode.REJECT_PIN if kind == PIN else EventCode.REJECT_CARD for kind in ADMIT_CODES}


def decide(snapshot: Snapshot, state: DoorState, presented: Presented, at: int) -> Verdict:
    """Decide about a presented credential at the instant `at` (milliseconds UTC). Never raises."""
    try:
        return _decide(snapshot, state, presented, at)
    except Exception:  # noqa: BLE001 - whatever a rule raises, the door denies and says so
        return _failed(snapshot, at)


def decide_person(snapshot: Snapshot, state: DoorState, person_id: int, at: int) -> Verdict:
    """Decide whether a person may pass when no credential is involved (remote admission, "may they?"). Never raises.

    An admission has the code 15, by application.
    """
    try:
        channel = snapshot.channel
        person = snapshot.directory.people.get(person_id)
        barred = _barred(snapshot, state, None, person, at)
        if barred is not None:
            return barred
        if person is None:
            reasons = (Reason(ReasonCode.PERSON_UNKNOWN),)
            return Verdict(EventCode.REJECT_UNAUTHORIZED, False, channel, at, None, reasons)
        reason = _refusal(person, at)
        if reason is not None:
            return Verdict(EventCode.REJECT_UNAUTHORIZED, False, channel, at, person, (reason,))
        return _by_roles(snapshot, state, person, None, at)
    except Exception:  # noqa: BLE001 - as above
        return _failed(snapshot, at)


def decide_exit(snapshot: Snapshot, state: DoorState, at: int) -> Verdict:
    """Decide about the request-to-exit button: released (13) unless REX is locked down (30). Never raises.

    Nothing else is looked at: leaving stays possible when tampered with, stale or locked down for cards.
    """
    if state.rex_lockdown:
        return Verdict(EventCode.REX_PRESSED, False, snapshot.channel, at, None, _REX_LOCKDOWN)
    return Verdict(EventCode.ADMIT_REX, True, snapshot.channel, at, None, _LEAVING)


def is_unlocked(snapshot: Snapshot, state: DoorState, at: int) -> bool:
    """Whether the door stands unlocked for everybody: unlock mode or auto-unlock, unless locked down or tampered with."""
    return not (state.tampered or state.card_lockdown) and _open_to_all(snapshot, state, at) is not None


def _failed(snapshot: Snapshot, at: int) -> Verdict:
    return Verdict(EventCode.REJECT_UNAUTHORIZED, False, snapshot.channel, at, None, _RULE_FAILED)


def _decide(snapshot: Snapshot, state: DoorState, presented: Presented, at: int) -> Verdict:
    channel = snapshot.channel
    kind, value = presented.first
    person = snapshot.directory.find(kind, value)
    barred = _barred(snapshot, state, kind, person, at)
    if barred is not None:
        return barred
    if person is None:
        code = _UNKNOWN.get(kind, EventCode.REJECT_CARD)
        return Verdict(code, False, channel, at, None, (Reason(ReasonCode.UNKNOWN_CREDENTIAL, None, kind),), kind)
    if kind not in channel.accepts:
        reasons = (Reason(ReasonCode.TYPE_NOT_ACCEPTED, None, kind),)
        return Verdict(EventCode.REJECT_INVALID_TYPE, False, channel, at, person, reasons, kind)
    reason = _refusal(person, at)
    if reason is not None:
        return Verdict(EventCode.REJECT_UNAUTHORIZED, False, channel, at, person, (reason,), kind)
    verdict = _by_roles(snapshot, state, person, kind, at)
    if channel.two_factor and verdict.admitted:
        return _second_factor(snapshot, presented, verdict)
    return verdict


def _barred(
    snapshot: Snapshot, state: DoorState, kind: str | None, person: Person | None, at: int
) -> Verdict | None:
    """Rules 1 and 2, and staleness: what holds for everybody, before it matters who it is.

    A stale door keeps the mode it was set to (no lock moves because contact was lost) but admits nobody by name.
    """
    channel = snapshot.channel
    if state.tampered:
        return Verdict(EventCode.REJECT_TAMPER, False, channel, at, person, _TAMPERED, kind)
    if kind == AUX:
        if state.aux_lockdown:
            return Verdict(EventCode.REJECT_LOCKDOWN, False, channel, at, person, _AUX_LOCKDOWN, kind)
    elif state.card_lockdown:
        return Verdict(EventCode.REJECT_LOCKDOWN, False, channel, at, person, _CARD_LOCKDOWN, kind)
    if state.unlocked or channel.auto_unlock is not None:
        reasons = _open_to_all(snapshot, state, at)
        if reasons is not None and not state.card_lockdown:
            return Verdict(EventCode.ADMIT_UNLOCKED, True, channel, at, person, reasons, kind)
    if channel.staleness_ms is not None and state.confirmed_at is not None:
        if at - state.confirmed_at > channel.staleness_ms:
            reasons = (Reason(ReasonCode.STALE, instant=state.confirmed_at),)
            return Verdict(EventCode.REJECT_OFFLINE, False, channel, at, person, reasons, kind)
    return None


def _open_to_all(snapshot: Snapshot, state: DoorState, at: int) -> tuple[Reason, ...] | None:
    if state.unlocked and (state.unlocked_until is None or at < state.unlocked_until):
        return (Reason(ReasonCode.UNLOCK_MODE, instant=state.unlocked_until),)
    auto_unlock = snapshot.channel.auto_unlock
    if auto_unlock is not None and auto_unlock.open_at(at):
        return _AUTO_UNLOCK
    return None


def _refusal(person: Person, at: int) -> Reason | None:
    """Rule 5: why the person is admitted nowhere, if so."""
    if person.status != "active":
        return _DELETED if person.status == "deleted" else _DISABLED
    if person.valid_from is not None and at < person.valid_from:
        return Reason(ReasonCode.NOT_YET_VALID, instant=person.valid_from)
    if person.valid_to is not None and at >= person.valid_to:
        return Reason(ReasonCode.NO_LONGER_VALID, instant=person.valid_to)
    return None


def _by_roles(snapshot: Snapshot, state: DoorState, person: Person, kind: str | None, at: int) -> Verdict:
    """Rules 6 to 8: the roles that name this channel, their shifts, anti-passback; admit (rule 10) if none refuses."""
    channel, grants = snapshot.channel, snapshot.grants
    here = grants.keys() & person.roles
    if not here:
        return Verdict(EventCode.REJECT_UNAUTHORIZED, False, channel, at, person, (_NO_ROLE_HERE,), kind)
    for role_id in here if len(here) == 1 else sorted(here):
        grant = grants[role_id]
        if grant.shift is None or grant.shift.open_at(at):
            break
    else:
        reasons = tuple(Reason(ReasonCode.OUT_OF_HOURS, grants[role_id]) for role_id in sorted(here))
        return Verdict(EventCode.REJECT_OUT_OF_HOURS, False, channel, at, person, reasons, kind)
    reasons = (Reason(ReasonCode.ROLE_GRANTS, grant),)
    if channel.passback is not None:
        noted = _passed_back(snapshot, state, person, at)
        if noted is not None:
            if noted.code is ReasonCode.PASSED_BACK:
                return Verdict(EventCode.REJECT_PASSED_BACK, False, channel, at, person, (noted,), kind)
            reasons = (*reasons, noted)
    code = EventCode.ADMIT_APPLICATION if kind is None else ADMIT_CODES[kind]
    return Verdict(code, True, channel, at, person, reasons, kind)


def _passed_back(snapshot: Snapshot, state: DoorState, person: Person, at: int) -> Reason | None:
    """Rule 8. Somebody whose place is not known, or is where this door leads from, has not passed anything back."""
    channel, passback = snapshot.channel, snapshot.channel.passback
    presence = state.presence.get(person.id)
    if passback is None or presence is None:
        return None
    if passback.mode == "timed":
        allowed_at = presence.since + passback.minutes * _MINUTE_MS
        if presence.area == channel.area_to and at < allowed_at:
            return Reason(ReasonCode.PASSED_BACK, instant=allowed_at)
        return None
    if presence.area == channel.area_from:
        return None
    code = ReasonCode.PASSED_BACK if passback.mode == "hard" else ReasonCode.PASSED_BACK_NOTED
    return Reason(code, instant=presence.since)


def _second_factor(snapshot: Snapshot, presented: Presented, admitted: Verdict) -> Verdict:
    """Rule 9: a PIN after a card (or pass), or a card after a PIN, of the same person and in time."""
    channel, person, second = admitted.channel, admitted.person, presented.second
    if person is None:
        return _failed(snapshot, admitted.at)
    holder = None if second is None else snapshot.directory.find(second.kind, second.value)
    pin_first = presented.first.kind == PIN
    enrolled = any((kind == PIN) != pin_first and kind in channel.accepts for kind in person.kinds)
    if not enrolled:
        code, why = EventCode.SECOND_FACTOR_MISSING, ReasonCode.SECOND_FACTOR_MISSING
    elif second is None or presented.gap_ms > channel.second_factor_ms:
        code, why = EventCode.SECOND_FACTOR_LATE, ReasonCode.SECOND_FACTOR_LATE
    elif (
        (second.kind == PIN) == pin_first
        or second.kind not in channel.accepts
        or holder is None
        or holder.id != person.id
    ):
        code, why = EventCode.REJECT_SECOND_FACTOR, ReasonCode.SECOND_FACTOR_WRONG
    else:
        reasons = (*admitted.reasons, Reason(ReasonCode.SECOND_FACTOR_RIGHT, None, second.kind))
        return admitted._replace(event_code=EventCode.ADMIT_TWO_FACTORS, reasons=reasons)
    return Verdict(code, False, channel, admitted.at, person, (Reason(why),), admitted.kind)
