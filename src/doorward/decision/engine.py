"""Who may open a door: behaviour.md, "Who may open a door", rule by rule and in its order.

Pure: the same snapshot, state, presented credential and instant give the same verdict, on the server and at
the door. Total: whatever is handed in, a verdict comes out; a rule that raises denies, and keeps nobody in.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from doorward.decision.codes import ADMIT_CODES, AUX, PIN, EventCode
from doorward.decision.factors import under_duress, with_second_factor, with_second_person
from doorward.decision.shifts import Timetable
from doorward.decision.snapshot import Channel, DoorState, Grant, Person, Presented, Snapshot
from doorward.decision.verdict import Reason, ReasonCode, Verdict

_MINUTE_MS: Final = 60_000

_TAMPERED: Final = (Reason(ReasonCode.TAMPERED),)
_CARD_LOCKDOWN: Final = (Reason(ReasonCode.CARD_LOCKDOWN),)
_AUX_LOCKDOWN: Final = (Reason(ReasonCode.AUX_LOCKDOWN),)
_AUTO_UNLOCK: Final = (Reason(ReasonCode.AUTO_UNLOCK),)
_LEAVING: Final = (Reason(ReasonCode.LEAVING),)
_REX_LOCKDOWN: Final = (Reason(ReasonCode.REX_LOCKDOWN),)
_RELEASED_REMOTELY: Final = (Reason(ReasonCode.RELEASED_REMOTELY),)
_RULE_FAILED: Final = (Reason(ReasonCode.RULE_FAILED),)
_FIRST_PERSON_MISSING: Final = Reason(ReasonCode.FIRST_PERSON_MISSING)
_DELETED: Final = Reason(ReasonCode.PERSON_DELETED)
_DISABLED: Final = Reason(ReasonCode.PERSON_DISABLED)
_NO_ROLE_HERE: Final = Reason(ReasonCode.NO_ROLE_HERE)
# Looking a member up in its enumeration costs as much as a rule, and these are in almost every verdict.
_ROLE_GRANTS: Final = ReasonCode.ROLE_GRANTS
_OUT_OF_HOURS: Final = ReasonCode.OUT_OF_HOURS
_REJECT_OUT_OF_HOURS: Final = EventCode.REJECT_OUT_OF_HOURS
_REJECT_UNAUTHORIZED: Final = EventCode.REJECT_UNAUTHORIZED

_NO_CHANNEL: Final = Channel(0, "Unknown door", "UTC", frozenset())


def decide(snapshot: Snapshot, state: DoorState, presented: Presented, at: int) -> Verdict:
    """Decide about a presented credential at the instant `at` (milliseconds UTC). Never raises."""
    try:
        verdict = _decide(snapshot, state, presented, at)
        if presented.second is not None or verdict.kind == PIN:
            verdict = under_duress(snapshot, presented, verdict)
        if not verdict.admitted and snapshot.channel.first_person_in:
            verdict = _unless_still_locked(snapshot, state, verdict)
        return verdict
    except Exception:
        return _failed(snapshot, at)


def decide_person(snapshot: Snapshot, state: DoorState, person_id: int, at: int) -> Verdict:
    """Decide whether a person may pass when no credential is involved (remote admission, "may they?").

    An admission has the code 15, by application. Never raises.
    """
    try:
        verdict = _decide_person(snapshot, state, person_id, at)
        if snapshot.channel.first_person_in and not verdict.admitted:
            verdict = _unless_still_locked(snapshot, state, verdict)
        return verdict
    except Exception:
        return _failed(snapshot, at)


def decide_release(snapshot: Snapshot, state: DoorState, at: int) -> Verdict:
    """Decide whether the door may be released from afar for nobody in particular: 15, or 16 where it stands unlocked.

    Whoever asks has been found to be allowed to; what holds for everybody at the door holds here, too. Never raises.
    """
    try:
        barred = _barred(snapshot, state, None, None, at)
        if barred is not None:
            return barred
        return Verdict(EventCode.ADMIT_APPLICATION, True, snapshot.channel, at, None, _RELEASED_REMOTELY)
    except Exception:
        return _failed(snapshot, at)


def decide_exit(snapshot: Snapshot, state: DoorState, at: int) -> Verdict:
    """Decide about the request-to-exit button: released (13) unless REX is locked down (30). Never raises.

    Nothing else is looked at: leaving stays possible when tampered with, stale or locked down for cards, and
    also when not even the state can be read.
    """
    reasons: tuple[Reason, ...] = _LEAVING
    try:
        if state.rex_lockdown:
            return Verdict(EventCode.REX_PRESSED, False, _channel(snapshot), at, None, _REX_LOCKDOWN)
    except Exception:
        reasons = (*_LEAVING, *_RULE_FAILED)
    return Verdict(EventCode.ADMIT_REX, True, _channel(snapshot), at, None, reasons)


def is_unlocked(snapshot: Snapshot, state: DoorState, at: int) -> bool:
    """Whether the door stands unlocked for everybody: by unlock mode or auto-unlock.

    Not while it is locked down or tampered with. Never raises: a rule that does leaves the door locked.
    """
    try:
        return not (state.tampered or state.card_lockdown) and _open_to_all(snapshot, state, at) is not None
    except Exception:
        return False


def awaits_first_person(snapshot: Snapshot, state: DoorState, at: int) -> bool:
    """Whether the auto-unlock shift is open, and does not unlock the door because nobody has come yet. Never raises."""
    try:
        channel = snapshot.channel
        shift = channel.auto_unlock
        return channel.first_person_in and shift is not None and shift.open_at(at) and not _has_come(shift, state, at)
    except Exception:
        return False


def _failed(snapshot: Snapshot, at: int) -> Verdict:
    return Verdict(_REJECT_UNAUTHORIZED, False, _channel(snapshot), at, None, _RULE_FAILED)


def _channel(snapshot: Snapshot) -> Channel:
    try:
        return snapshot.channel
    except Exception:
        return _NO_CHANNEL


def _decide(snapshot: Snapshot, state: DoorState, presented: Presented, at: int) -> Verdict:
    channel, first = snapshot.channel, presented.first
    kind = first.kind
    person = snapshot.directory.holder(kind, first.value)
    barred = _barred(snapshot, state, kind, person, at)
    if barred is not None:
        return barred
    if person is None:
        code = EventCode.REJECT_PIN if kind == PIN else EventCode.REJECT_CARD
        reasons = (Reason(ReasonCode.UNKNOWN_CREDENTIAL, None, kind),)
        return Verdict(code, False, channel, at, None, reasons, kind)
    if kind not in channel.accepts:
        reasons = (Reason(ReasonCode.TYPE_NOT_ACCEPTED, None, kind),)
        return Verdict(EventCode.REJECT_INVALID_TYPE, False, channel, at, person, reasons, kind)
    reason = _refusal(person, at)
    if reason is not None:
        return Verdict(_REJECT_UNAUTHORIZED, False, channel, at, person, (reason,), kind)
    verdict = _by_roles(snapshot, state, person, kind, at)
    if channel.two_factor and verdict.admitted:
        verdict = _second_factor(snapshot, state, presented, person, verdict)
    if channel.two_person and verdict.admitted:
        verdict = with_second_person(state, person, verdict)
    return verdict


def _decide_person(snapshot: Snapshot, state: DoorState, person_id: int, at: int) -> Verdict:
    channel = snapshot.channel
    person = snapshot.directory.people.get(person_id)
    barred = _barred(snapshot, state, None, person, at)
    if barred is not None:
        return barred
    if person is None:
        reasons = (Reason(ReasonCode.PERSON_UNKNOWN),)
        return Verdict(_REJECT_UNAUTHORIZED, False, channel, at, None, reasons)
    reason = _refusal(person, at)
    if reason is not None:
        return Verdict(_REJECT_UNAUTHORIZED, False, channel, at, person, (reason,))
    return _by_roles(snapshot, state, person, None, at)


def _barred(snapshot: Snapshot, state: DoorState, kind: str | None, person: Person | None, at: int) -> Verdict | None:
    """Rules 1 and 2, and staleness: what holds for everybody, before it matters who it is.

    A stale door keeps the mode it was set to (no lock moves because contact was lost) but admits nobody by
    name.
    """
    channel = snapshot.channel
    if state.tampered:
        return Verdict(EventCode.REJECT_TAMPER, False, channel, at, person, _TAMPERED, kind)
    reasons = _locked_down(state, kind)
    if reasons is not None:
        return Verdict(EventCode.REJECT_LOCKDOWN, False, channel, at, person, reasons, kind)
    if (state.unlocked or channel.auto_unlock is not None) and not state.card_lockdown:
        reasons = _open_to_all(snapshot, state, at)
        if reasons is not None:
            return Verdict(EventCode.ADMIT_UNLOCKED, True, channel, at, person, reasons, kind)
    limit, confirmed_at = channel.staleness_ms, state.confirmed_at
    if limit is not None and confirmed_at is not None and at - confirmed_at > limit:
        reasons = (Reason(ReasonCode.STALE, instant=confirmed_at),)
        return Verdict(EventCode.REJECT_OFFLINE, False, channel, at, person, reasons, kind)
    return None


def _locked_down(state: DoorState, kind: str | None) -> tuple[Reason, ...] | None:
    """Auxiliary inputs have their own; all else, remote admission too, goes by the lockdown for cards."""
    if kind == AUX:
        return _AUX_LOCKDOWN if state.aux_lockdown else None
    return _CARD_LOCKDOWN if state.card_lockdown else None


def _open_to_all(snapshot: Snapshot, state: DoorState, at: int) -> tuple[Reason, ...] | None:
    if state.unlocked and (state.unlocked_until is None or at < state.unlocked_until):
        return (Reason(ReasonCode.UNLOCK_MODE, instant=state.unlocked_until),)
    channel = snapshot.channel
    shift = channel.auto_unlock
    if shift is not None and shift.open_at(at) and (not channel.first_person_in or _has_come(shift, state, at)):
        return _AUTO_UNLOCK
    return None


def _has_come(shift: Timetable, state: DoorState, at: int) -> bool:
    """Whether somebody has been admitted since the shift, which is open, has opened."""
    first = state.first_person_at
    return first is not None and shift.open_throughout(first, at)


def _unless_still_locked(snapshot: Snapshot, state: DoorState, refused: Verdict) -> Verdict:
    """A refusal that says, too, why a door whose auto-unlock shift is open is not unlocked."""
    if refused.event_code in (EventCode.REJECT_TAMPER, EventCode.REJECT_LOCKDOWN):
        return refused
    if not awaits_first_person(snapshot, state, refused.at):
        return refused
    return msgspec.structs.replace(refused, reasons=(*refused.reasons, _FIRST_PERSON_MISSING))


def _refusal(person: Person, at: int) -> Reason | None:
    """Rule 5: why the person is admitted nowhere, if so."""
    if person.status != "active":
        return _DELETED if person.status == "deleted" else _DISABLED
    valid_from, valid_to = person.valid_from, person.valid_to
    if valid_from is not None and at < valid_from:
        return Reason(ReasonCode.NOT_YET_VALID, instant=valid_from)
    if valid_to is not None and at >= valid_to:
        return Reason(ReasonCode.NO_LONGER_VALID, instant=valid_to)
    return None


def _by_roles(snapshot: Snapshot, state: DoorState, person: Person, kind: str | None, at: int) -> Verdict:
    """Rules 6 to 8, and 10: roles that name this channel, their shifts, anti-passback; else admit."""
    channel, grants = snapshot.channel, snapshot.grants
    closed = []
    for role_id in person.roles:
        grant = grants.get(role_id)
        if grant is not None:
            shift = grant.shift
            if shift is None or shift.open_at(at):
                granting = Reason(_ROLE_GRANTS, grant)
                break
            closed.append(Reason(_OUT_OF_HOURS, grant))
    else:
        found = _by_memberships(grants, person, at, closed) if person.memberships else None
        if found is None:
            if closed:
                return Verdict(_REJECT_OUT_OF_HOURS, False, channel, at, person, tuple(closed), kind)
            none = _no_role(grants, person, at)
            return Verdict(_REJECT_UNAUTHORIZED, False, channel, at, person, none, kind)
        granting = found
    reasons: tuple[Reason, ...] = (granting,)
    if channel.passback is not None:
        noted = _passed_back(snapshot, state, person, at)
        if noted is not None:
            if noted.code is ReasonCode.PASSED_BACK:
                return Verdict(EventCode.REJECT_PASSED_BACK, False, channel, at, person, (noted,), kind)
            reasons = (*reasons, noted)
    code = EventCode.ADMIT_APPLICATION if kind is None else ADMIT_CODES[kind]
    return Verdict(code, True, channel, at, person, reasons, kind)


def _by_memberships(grants: Mapping[int, Grant], person: Person, at: int, closed: list[Reason]) -> Reason | None:
    """What admits of the roles that group reservations give at this instant; those that do not are added to `closed`.

    A role that the person also holds otherwise has been looked at.
    """
    until: dict[int, int] = {}
    for membership in person.memberships:
        if membership.start <= at < membership.end:
            for role_id in membership.roles:
                if role_id in grants and role_id not in person.roles:
                    until[role_id] = max(membership.end, until.get(role_id, membership.end))
    for role_id in sorted(until):
        grant = grants[role_id]
        if grant.shift is None or grant.shift.open_at(at):
            return Reason(_ROLE_GRANTS, grant, None, until[role_id])
        closed.append(Reason(_OUT_OF_HOURS, grant, None, until[role_id]))
    return None


def _no_role(grants: Mapping[int, Grant], person: Person, at: int) -> tuple[Reason, ...]:
    """Nothing names this channel now; a group reservation may be about to."""
    ahead = [
        membership.start
        for membership in person.memberships
        if at < membership.start < membership.end and any(role_id in grants for role_id in membership.roles)
    ]
    if not ahead:
        return (_NO_ROLE_HERE,)
    return (_NO_ROLE_HERE, Reason(ReasonCode.NOT_YET_IN_GROUP, instant=min(ahead)))


def _passed_back(snapshot: Snapshot, state: DoorState, person: Person, at: int) -> Reason | None:
    """Rule 8. Whoever's place is not known, or is where this door leads from, has passed nothing back."""
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
    code = ReasonCode.PASSED_BACK_NOTED if passback.mode == "soft" else ReasonCode.PASSED_BACK
    return Reason(code, instant=presence.since)


def _second_factor(
    snapshot: Snapshot, state: DoorState, presented: Presented, person: Person, admitted: Verdict
) -> Verdict:
    """Rule 9; and what is locked down as the first factor is locked down as the second."""
    if presented.second is not None:
        reasons = _locked_down(state, presented.second.kind)
        if reasons is not None:
            code = EventCode.REJECT_LOCKDOWN
            return Verdict(code, False, snapshot.channel, admitted.at, person, reasons, admitted.kind)
    return with_second_factor(snapshot, presented, person, admitted)
