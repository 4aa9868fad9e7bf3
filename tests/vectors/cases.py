"""Decision cases, read from the files beside this one and compiled for the engine."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from doorward.decision import engine
from doorward.decision import snapshot as compiled
from doorward.decision.shifts import HOLIDAY, Rule, Stretch, Timetable, Weekly, Window
from doorward.decision.verdict import Reason, ReasonCode, Verdict
from tests.vectors.schema import Door, Expected, File, Held, Passback, Person, Role, Shift, Written

HERE: Final = Path(__file__).parent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS: Final = {"Mon": 0, "Tue": 1, "Wed": 2, "Thu": 3, "Fri": 4, "Sat": 5, "Sun": 6, "holidays": HOLIDAY}
_WINDOW: Final = re.compile(r"(\S+) (\d\d):(\d\d)-(\d\d):(\d\d)")
_NAMES_A_ROLE: Final = (ReasonCode.ROLE_GRANTS, ReasonCode.OUT_OF_HOURS)


@dataclass(frozen=True)
class Case:
    """One case with what its file says about the door; the data as written, and compiled on request."""

    file: str
    door: Door
    shifts: Mapping[str, Shift]
    roles: Mapping[str, Role]
    people: tuple[Person, ...]
    written: Written

    def __str__(self) -> str:
        return f"{self.file}: {self.written.name}"

    @property
    def expected(self) -> Expected:
        return self.written.expected

    @property
    def at(self) -> int:
        return milliseconds(self.written.at)

    def verdict(self) -> Verdict:
        """What the engine decides."""
        snapshot, state, asked = self.snapshot(), self.state(), self.written
        if asked.exit:
            return engine.decide_exit(snapshot, state, self.at)
        if asked.release:
            return engine.decide_release(snapshot, state, self.at)
        if asked.person is not None:
            return engine.decide_person(snapshot, state, asked.person, self.at)
        return engine.decide(snapshot, state, self.presented(), self.at)

    def as_expected(self, verdict: Verdict) -> Expected:
        """A verdict in the form in which the case says what it expects."""
        reasons = [self._reason(reason) for reason in verdict.reasons]
        return Expected(int(verdict.event_code), verdict.admitted, reasons, verdict.person_id, verdict.duress)

    def snapshot(self) -> compiled.Snapshot:
        directory = compiled.Directory()
        for person, credentials in self.holders():
            directory.put(person, credentials)
        return compiled.Snapshot(self.channel(), directory, {grant.role_id: grant for grant in self.grants()})

    def holders(self) -> list[tuple[compiled.Person, tuple[compiled.Credential, ...]]]:
        return [(self._person(person), credentials(person.credentials)) for person in self.people]

    def channel(self) -> compiled.Channel:
        door = self.door
        return compiled.Channel(
            id=1,
            name=door.name,
            zone=door.zone,
            accepts=frozenset(door.accepts),
            two_factor=door.two_factor,
            second_factor_ms=door.second_factor_ms,
            auto_unlock=None if door.auto_unlock is None else self.timetable(door.auto_unlock),
            passback=passback(door.passback),
            area_from=door.area_from,
            area_to=door.area_to,
            staleness_ms=None if door.staleness_hours == "never" else door.staleness_hours * 3_600_000,
            first_person_in=door.first_person_in,
            two_person=door.two_person,
            two_person_ms=door.two_person_ms,
        )

    def grants(self) -> list[compiled.Grant]:
        return [
            compiled.Grant(role.id, name, None if role.shift is None else self.timetable(role.shift), role.shift or "")
            for name, role in self.roles.items()
            if role.here
        ]

    def timetable(self, name: str) -> Timetable:
        shift = self.shifts[name]
        return Timetable(rule(shift), shift.zone or self.door.zone, frozenset(map(day_number, shift.holidays)))

    def state(self) -> compiled.DoorState:
        state = self.written.state
        waiting = state.waiting
        return compiled.DoorState(
            tampered=state.tampered,
            card_lockdown=state.card_lockdown,
            aux_lockdown=state.aux_lockdown,
            rex_lockdown=state.rex_lockdown,
            unlocked=state.unlocked,
            unlocked_until=None if state.unlocked_until is None else milliseconds(state.unlocked_until),
            confirmed_at=None if state.confirmed_at is None else milliseconds(state.confirmed_at),
            presence={seen.person: compiled.Presence(seen.area, milliseconds(seen.since)) for seen in state.presence},
            first_person_at=None if state.first_person_at is None else milliseconds(state.first_person_at),
            waiting=None if waiting is None else compiled.Waiting(waiting.person, milliseconds(waiting.since)),
        )

    def presented(self) -> compiled.Presented:
        [first] = credentials(self.written.first or {})
        second = credentials(self.written.second or {})
        return compiled.Presented(first, second[0] if second else None, self.written.gap_ms)

    def _person(self, person: Person) -> compiled.Person:
        return compiled.Person(
            person.id,
            person.name,
            person.status,
            None if person.valid_from is None else milliseconds(person.valid_from),
            None if person.valid_to is None else milliseconds(person.valid_to),
            frozenset(self.roles[name].id for name in person.roles),
            frozenset(person.credentials),
            tuple(
                compiled.Membership(
                    frozenset(self.roles[name].id for name in reserved.roles),
                    milliseconds(reserved.start),
                    milliseconds(reserved.end),
                )
                for reserved in person.group_reservations
            ),
        )

    def _reason(self, reason: Reason) -> str:
        if reason.code in _NAMES_A_ROLE and reason.grant is not None:
            reserved = "" if reason.instant is None else " reserved"
            return f"{reason.code} {reason.grant.role_name}{reserved}"
        return str(reason.code)


def load() -> tuple[Case, ...]:
    """Every case of every file, in order. Raises msgspec.ValidationError when a file says what it may not."""
    return tuple(case for path in sorted(HERE.glob("*.toml")) for case in _read(path))


def _read(path: Path) -> list[Case]:
    file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), File)
    return [
        Case(
            path.stem,
            msgspec.convert({**file.door, **written.door}, Door),
            file.shifts,
            file.roles,
            tuple(file.people),
            written,
        )
        for written in file.cases
    ]


def rule(shift: Shift) -> Rule:
    if shift.start is not None and shift.end is not None:
        return Stretch(milliseconds(shift.start), milliseconds(shift.end))
    return Weekly(
        tuple(map(window, shift.windows)),
        None if shift.first_day is None else day_number(shift.first_day),
        None if shift.last_day is None else day_number(shift.last_day),
        shift.on_holidays,
    )


def window(written: str) -> Window:
    """As in "Mon-Fri 09:00-17:30"; an end that is not after the start is on the next day."""
    found = _WINDOW.fullmatch(written)
    if found is None:
        raise ValueError(written)
    hours = [int(number) for number in found.groups()[1:]]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    days: set[int] = set()
    for part in found[1].split(","):
        first, _, last = part.partition("-")
        days.update(range(_DAYS[first], _DAYS[last or first] + 1))
    return Window(frozenset(days), start, end if end > start else end + 1440)


def passback(written: Passback) -> compiled.Passback | None:
    return None if written.mode == "none" else compiled.Passback(written.mode, written.minutes)


def credentials(held: Held) -> tuple[compiled.Credential, ...]:
    return tuple(compiled.Credential(kind, value) for kind, value in held.items())


def milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def day_number(day: date) -> int:
    return (day - _EPOCH.date()).days
