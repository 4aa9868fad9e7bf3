"""Verdicts, reasons and shifts as sentences that a person at a desk understands."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from doorward.decision.codes import EventCode
from doorward.decision.shifts import DAY_MINUTES, HOLIDAY, Rule, Stretch, Timetable, Weekly
from doorward.decision.snapshot import Grant
from doorward.decision.verdict import Reason, ReasonCode, Verdict

MOST_REASONS: Final = 10
_DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holidays")
_KIND_NAMES: Final = {
    "card": "card",
    "pin": "PIN",
    "aux": "auxiliary input",
    "apple": "Apple pass",
    "google": "Google pass",
}

_RUN: Final = 3
_NOT_IN_CALENDAR: Final = (LookupError, OSError, OverflowError, ValueError)
"""What zoneinfo and datetime raise: the zone is unknown (a folder, no name at all), or it is after year 9999."""

_EPOCH: Final = date(1970, 1, 1)

_EVENTS: Final = {
    EventCode.CHANNEL_STARTED: "{channel} started",
    EventCode.CHANNEL_STOPPED: "{channel} stopped",
    EventCode.CONTACT_LOST: "Contact with {channel} lost",
    EventCode.ADMIT_CARD: "{person} admitted using card",
    EventCode.ADMIT_PIN: "{person} admitted using PIN",
    EventCode.ADMIT_MANUAL: "{person} admitted by an operator",
    EventCode.ADMIT_REX: "Request to exit: door released",
    EventCode.ADMIT_AUX: "{person} admitted using auxiliary input",
    EventCode.ADMIT_APPLICATION: "{person} admitted by an application",
    EventCode.ADMIT_UNLOCKED: "{person} admitted, door unlocked",
    EventCode.ADMIT_APPLE: "{person} admitted using Apple pass",
    EventCode.ADMIT_GOOGLE: "{person} admitted using Google pass",
    EventCode.REJECT_CARD: "Unknown card rejected",
    EventCode.REJECT_OUT_OF_HOURS: "{person} rejected, out of hours",
    EventCode.REJECT_LOCKDOWN: "{person} rejected, door in lockdown",
    EventCode.REJECT_TAMPER: "{person} rejected, controller tampered with",
    EventCode.REJECT_PIN: "Unknown PIN rejected",
    EventCode.REJECT_TIMEOUT: "{person} rejected, time ran out",
    EventCode.REJECT_INVALID_TYPE: "{person} rejected, type of credential not accepted here",
    EventCode.REJECT_UNAUTHORIZED: "{person} rejected, not authorized",
    EventCode.REJECT_PASSED_BACK: "{person} rejected, anti-passback",
    EventCode.REJECT_OFFLINE: "{person} rejected, door too long without contact",
    EventCode.REX_PRESSED: "Request to exit pressed",
    EventCode.DOOR_OPENED: "{channel} opened",
    EventCode.DOOR_CLOSED: "{channel} closed",
    EventCode.DOOR_FORCED: "{channel} forced open",
    EventCode.DOOR_HELD_OPEN: "{channel} held open",
    EventCode.DOOR_NORMAL: "{channel} normal again",
    EventCode.REX_HELD: "Request to exit held at {channel}",
    EventCode.CONTACT_FAULT: "Door contact or exit button of {channel} at fault",
    EventCode.CLOCK_WRONG: "Clock of {channel} is wrong",
    EventCode.EVENTS_LOST: "Events of {channel} are lost",
    EventCode.AUTO_UNLOCK_BEGAN: "{channel} unlocked by its shift",
    EventCode.AUTO_UNLOCK_ENDED: "{channel} locked again by its shift",
    EventCode.AUTO_UNLOCK_SUPPRESSED: "{channel} not unlocked by its shift",
    EventCode.REMOTE_ADMISSION_DONE: "{person} admitted remotely",
    EventCode.REMOTE_ADMISSION_DENIED: "{person} refused remote admission",
    EventCode.CONTROLLER_OFFLINE: "{channel} is offline",
    EventCode.UNLOCK_MODE_SET: "{channel} unlocked",
    EventCode.NORMAL_MODE_SET: "{channel} back to normal mode",
    EventCode.LOCKDOWN_SET: "{channel} locked down",
    EventCode.LOCKDOWN_CLEARED: "Lockdown of {channel} cleared",
    EventCode.AUTO_UNLOCK_CHANGED: "Auto-unlock of {channel} changed",
    EventCode.RELOCKED_ON_TIME: "{channel} relocked on time",
    EventCode.KEY_REGENERATED: "Encryption key of {channel} regenerated",
    EventCode.KEY_REMOVED: "Encryption key of {channel} removed",
    EventCode.REMOTE_ADMISSION_REQUESTED: "Remote admission requested at {channel}",
    EventCode.REMOTE_ADMISSION_TIMED_OUT: "Remote admission at {channel} timed out",
    EventCode.DURESS: "Duress signalled by {person} at {channel}",
    EventCode.ADMIT_TWO_FACTORS: "{person} admitted using two factors",
    EventCode.REJECT_SECOND_FACTOR: "{person} rejected, second factor wrong",
    EventCode.SECOND_FACTOR_LATE: "{person} rejected, second factor too late",
    EventCode.SECOND_FACTOR_MISSING: "{person} rejected, no second factor enrolled",
    EventCode.TAMPER_DETECTED: "Tampering detected at {channel}",
    EventCode.TAMPER_CLEARED: "Tampering at {channel} cleared",
    EventCode.POWER_LOST: "Mains power of {channel} lost",
    EventCode.POWER_BACK: "Mains power of {channel} back",
    EventCode.SYNC_REQUESTED: "Synchronisation of {channel} requested",
    EventCode.SYNC_STARTED: "Synchronisation of {channel} started",
    EventCode.SYNC_COMPLETED: "Synchronisation of {channel} completed",
    EventCode.SYNC_FAILED: "Synchronisation of {channel} failed",
    EventCode.SYNC_SUPERSEDED: "Synchronisation of {channel} superseded by a later one",
    EventCode.SYNC_CONTROLLER_OFFLINE: "Synchronisation waits: {channel} is offline",
    EventCode.SYNC_VERSION_REPORTED: "{channel} reported its version",
    EventCode.SNAPSHOT_REFUSED: "{channel} refused a snapshot",
    EventCode.PERSON_ERASED: "A person has been erased from the record",
    EventCode.EVENTS_REMOVED: "Events that were too old have been removed",
    EventCode.DIRECTORY_SYNC_STARTED: "Directory synchronisation started",
    EventCode.DIRECTORY_SYNC_COMPLETED: "Directory synchronisation completed",
    EventCode.DIRECTORY_SYNC_FAILED: "Directory synchronisation failed",
    EventCode.DIRECTORY_SYNC_PARTLY: "Directory synchronisation completed in part",
}

_REASONS: Final = {
    ReasonCode.TAMPERED: "The controller reports tampering.",
    ReasonCode.CARD_LOCKDOWN: "The door is locked down: cards and PINs are rejected.",
    ReasonCode.AUX_LOCKDOWN: "The door is locked down: auxiliary inputs are rejected.",
    ReasonCode.REX_LOCKDOWN: "The request-to-exit button is locked down.",
    ReasonCode.UNLOCK_MODE: "The door is in unlock mode.",
    ReasonCode.AUTO_UNLOCK: "The door is unlocked by its auto-unlock shift.",
    ReasonCode.STALE: "The door has had no contact with the server since {when}, longer than it may.",
    ReasonCode.UNKNOWN_CREDENTIAL: "Nobody who is known at this door has this {kind}.",
    ReasonCode.TYPE_NOT_ACCEPTED: "This door does not accept the type of credential: {kind}.",
    ReasonCode.PERSON_UNKNOWN: "Nobody with this id is known here.",
    ReasonCode.PERSON_DISABLED: "The person is disabled.",
    ReasonCode.PERSON_DELETED: "The person has been deleted.",
    ReasonCode.NOT_YET_VALID: "The person's access begins at {when}.",
    ReasonCode.NO_LONGER_VALID: "The person's access ended at {when}.",
    ReasonCode.NO_ROLE_HERE: "No role of this person names this door.",
    ReasonCode.NOT_YET_IN_GROUP: "A group reservation gives the person such a role from {when}.",
    ReasonCode.OUT_OF_HOURS: "No role of this person that names this door is in its shift.",
    ReasonCode.PASSED_BACK: "Anti-passback: the person has already passed ({when}).",
    ReasonCode.PASSED_BACK_NOTED: "Anti-passback (noted only): the person had already passed at {when}.",
    ReasonCode.SECOND_FACTOR_MISSING: "This door wants two factors; the person has no second one enrolled.",
    ReasonCode.SECOND_FACTOR_LATE: "This door wants two factors and the second did not come in time.",
    ReasonCode.SECOND_FACTOR_WRONG: "The second factor is not this person's.",
    ReasonCode.SECOND_FACTOR_RIGHT: "The second factor ({kind}) is right.",
    ReasonCode.ROLE_GRANTS: "A role of this person admits here.",
    ReasonCode.LEAVING: "Leaving is possible.",
    ReasonCode.RELEASED_REMOTELY: "An operator or an application asked for the door to be released.",
    ReasonCode.FIRST_PERSON_MISSING: "The auto-unlock shift is open, but unlocks only after the first person admitted.",
    ReasonCode.SECOND_PERSON_MISSING: "This door wants two people who may pass, and the second did not come in time.",
    ReasonCode.SECOND_PERSON: "A second person who may pass is here, too.",
    ReasonCode.DECIDED_BY_BOARD: "The board at the door decided this by itself{text}.",
    ReasonCode.EXIT_BUTTON_FAULTY: "The line of the request-to-exit button is cut or shorted: it may not let out.",
    ReasonCode.EXIT_BUTTON_WHOLE: "The line of the request-to-exit button is whole again.",
    ReasonCode.PINS_NOT_TAKEN: "Too many wrong PINs: no PIN is taken at this door until {when}.",
    ReasonCode.REPORTED_LATE: "The door reported this too late to be acted upon.",
    ReasonCode.EVENTS_LOST: "Events of the device are lost: {count}.",
    ReasonCode.RULE_FAILED: "A rule failed, so the door denies.",
}


def event_label(code: int, channel_name: str, person_name: str | None) -> str:
    """What happened, as the sentence that the API calls `event_label`: "John Doe admitted using card".

    A code that there is no word for, as of a later version, is said as such.
    """
    if code not in _EVENTS:
        return f"Event {code} at {channel_name}"
    return _EVENTS[EventCode(code)].format(channel=channel_name, person=person_name or "Somebody")


def verdict_label(verdict: Verdict) -> str:
    """The verdict's event label."""
    return event_label(verdict.event_code, verdict.channel.name, verdict.person_name)


def reasons_of(verdict: Verdict) -> list[tuple[str, str]]:
    """The verdict's reasons as codes and sentences; of very many, as of a hundred reservations, the first few."""
    told = [(str(reason.code), reason_text(verdict, reason)) for reason in verdict.reasons[:MOST_REASONS]]
    left = len(verdict.reasons) - len(told)
    if left > 0:
        told[-1] = (told[-1][0], f"{told[-1][1]} And {left} more.")
    return told


def reason_text(verdict: Verdict, reason: Reason) -> str:
    """One reason as a sentence, with times in the zone of the door's site."""
    if reason.grant is not None:
        text = _grant_text(verdict, reason.code, reason.grant)
        if reason.instant is None:
            return text
        until = local_time(reason.instant, verdict.channel.zone)
        return f"{text} The person holds it by a group reservation until {until}."
    kind = _KIND_NAMES.get(reason.kind or "", reason.kind or "credential")
    when = "" if reason.instant is None else local_time(reason.instant, verdict.channel.zone)
    if reason.code is ReasonCode.UNLOCK_MODE and when:
        return f"The door is unlocked until {when}."
    count = "it is not known how many" if reason.count is None else reason.count
    text = f": {reason.text.rstrip('.')}" if reason.text else ""
    return _REASONS[reason.code].format(kind=kind, when=when, count=count, text=text)


def _grant_text(verdict: Verdict, code: ReasonCode, grant: Grant) -> str:
    if grant.shift is None:
        return f'The role "{grant.role_name}" admits here at any time.'
    shift = f'"{grant.shift_name}" ({describe(grant.shift)})'
    if code is ReasonCode.ROLE_GRANTS:
        return f'The role "{grant.role_name}" admits here in the shift {shift}, which is open.'
    then = _opens_next(grant.shift, verdict.at)
    return f'The role "{grant.role_name}" admits here only in the shift {shift}, which {then}.'


def _opens_next(shift: Timetable, at: int) -> str:
    try:
        opens = shift.next_change(at)
    except _NOT_IN_CALENDAR:
        return "opens at a time that is not known"
    if opens is None:
        return "does not open within a year"
    return f"opens next at {local_time(opens, shift.zone)}"


def local_time(at: int, zone: str) -> str:
    """An instant by the wall clock of a zone, the zone named: "Mon 2024-01-15 09:00 Europe/London".

    Never raises: in UTC if the zone is unknown, as bare milliseconds outside the years 1 to 9999.
    """
    clock, name = _zone(zone)
    try:
        local = datetime.fromtimestamp(at / 1000, clock)
    except _NOT_IN_CALENDAR:
        return f"{at} ms"
    precise = "%H:%M" if at % 60_000 == 0 else "%H:%M:%S"
    return f"{_DAY_NAMES[local.weekday()]} {local:%Y-%m-%d} {local.strftime(precise)} {name}"


def _zone(name: str) -> tuple[tzinfo, str]:
    try:
        return ZoneInfo(name), name
    except _NOT_IN_CALENDAR:
        return UTC, "UTC"


def describe(shift: Timetable) -> str:
    """A shift in one line: "Mon-Fri 07:00-22:00, not on holidays, Europe/London"."""
    return f"{_describe_rule(shift.rule, shift.zone)}, {shift.zone}"


def _describe_rule(rule: Rule, zone: str) -> str:
    if isinstance(rule, Stretch):
        if rule.start >= rule.end:
            return "never"
        return f"{_without_zone(rule.start, zone)} to {_without_zone(rule.end, zone)}"
    replaced = rule.holidays == "replace"
    parts = []
    for window in rule.windows:
        days = window.days if replaced else window.days - {HOLIDAY}
        if days:
            parts.append(f"{_days(days)} {_clock(window.start)}-{_clock(window.end)}")
    if not parts:
        return "never"
    if replaced and not any(HOLIDAY in window.days for window in rule.windows):
        parts.append("not on holidays")
    return ", ".join([*parts, *_dates(rule)])


def _without_zone(at: int, zone: str) -> str:
    return local_time(at, zone).removesuffix(f" {_zone(zone)[1]}")


def _dates(rule: Weekly) -> list[str]:
    dates = []
    if rule.first_day is not None:
        dates.append(f"from {_date(rule.first_day)}")
    if rule.last_day is not None:
        dates.append(f"up to {_date(rule.last_day)}")
    return dates


def _date(day: int) -> str:
    try:
        return (_EPOCH + timedelta(days=day)).isoformat()
    except OverflowError:
        return f"day {day}"


def _clock(minutes: int) -> str:
    minutes = minutes if minutes <= DAY_MINUTES else minutes - DAY_MINUTES
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days(days: frozenset[int]) -> str:
    """As in "Mon-Fri,Sun": runs of three days and more are drawn together."""
    week = sorted(day for day in days if day != HOLIDAY)
    runs: list[list[int]] = []
    for day in week:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names: list[str] = []
    for run in runs:
        if len(run) >= _RUN:
            names.append(f"{_DAY_NAMES[run[0]]}-{_DAY_NAMES[run[-1]]}")
        else:
            names.extend(_DAY_NAMES[day] for day in run)
    if HOLIDAY in days:
        names.append(_DAY_NAMES[HOLIDAY])
    return ",".join(names)
