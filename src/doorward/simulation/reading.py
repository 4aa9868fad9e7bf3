"""Read a scenario's file: what is wrong with it is said in one line, with where and what.

The shapes of its parts are in scenario.py, steps.py and checks.py; here is what holds between them: names that are
referred to are there, times are in order, codes exist.
"""

import datetime
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from doorward.decision.codes import READ_KINDS, EventCode
from doorward.decision.verdict import ReasonCode
from doorward.kit.errors import BadRequest
from doorward.kit.timestamps import InvalidTimestamp, find_zone
from doorward.simulation.checks import OF_A_DOOR, Code, Look, OnRecord, Standing
from doorward.simulation.complaints import explained, meant, when
from doorward.simulation.scenario import (
    Controller,
    Door,
    Group,
    Holiday,
    Moment,
    Part,
    Person,
    Role,
    Scenario,
    Shift,
)
from doorward.simulation.steps import Drift, Present, Step
from doorward.simulation.times import Calendar, InvalidTime, duration
from doorward.simulation.windows import InvalidWindow, read_windows
from doorward.simulation.words import AnyStep

OUTSIDE: Final = "outside"
NO_ALARM: Final = "none"
OF_THE_REST: Final = "Controller"
"""What the controller of the doors is called that no other has."""
MOST_BYTES: Final = 1024 * 1024

_MINUTE_MS: Final = 60_000


class BadScenario(BadRequest):
    """The file is no scenario; the message says where and what."""


class _Site(Part, frozen=True, kw_only=True):
    name: str
    areas: tuple[str, ...] = ()


class _File(Part, frozen=True, kw_only=True):
    """A whole file, as TOML has it: each `[[door]]` is an entry of `door`."""

    title: str
    about: str = ""
    date: datetime.date
    time_zone: str
    begins: str | None = None
    ends: str | None = None
    site: _Site
    shift: tuple[Shift, ...] = ()
    holiday: tuple[Holiday, ...] = ()
    door: tuple[Door, ...] = ()
    controller: tuple[Controller, ...] = ()
    role: tuple[Role, ...] = ()
    group: tuple[Group, ...] = ()
    person: tuple[Person, ...] = ()
    step: tuple[AnyStep, ...] = ()
    expect: tuple[Look, ...] = ()


def read_scenario(name: str, text: str) -> Scenario:
    """The scenario that a file's text describes. Raises BadScenario."""
    if len(text) > MOST_BYTES:
        raise BadScenario(f"{name}: a scenario has at most {MOST_BYTES} characters")
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadScenario(f"{name}: {error}") from None
    try:
        file = msgspec.convert(tables, _File)
    except msgspec.ValidationError as error:
        raise BadScenario(f"{name}: {explained(str(error), tables)}") from None
    try:
        return _Reader(name, file).scenario()
    except _Mistake as mistake:
        raise BadScenario(f"{name}: {mistake}") from None


def code_of(code: Code) -> EventCode:
    """The event code of a number or a name. Raises ValueError."""
    if isinstance(code, int):
        return EventCode(code)
    if code.isdigit():
        return EventCode(int(code))
    try:
        return EventCode[code.upper()]
    except KeyError:
        raise ValueError(code) from None


def split_event(entry: Code) -> tuple[Code, str | None]:
    """An entry of `on_record.events`: the code, and the person if one is named."""
    if isinstance(entry, int):
        return entry, None
    code, _, person = entry.partition(" ")
    return code, person or None


class _Mistake(ValueError):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)


# Which field means what, wherever it stands.
_TIMES: Final = frozenset({"at", "since", "until", "valid_from", "valid_to", "begins", "ends"})
_DURATIONS: Final = frozenset(
    {
        *("after", "gap", "stays", "holds", "by", "within"),
        *("second_factor", "pulse", "held_open", "held_open_warning", "rex_held", "two_person_within"),
    }
)
_CODES: Final = frozenset({"event", "events", "only", "alarm"})


class _Reader:
    """Goes through a file once; `_Mistake` for the first thing that is wrong."""

    def __init__(self, name: str, file: _File) -> None:
        self._name = name
        self._file = file
        try:
            zone = find_zone(file.time_zone)
        except InvalidTimestamp as error:
            raise _Mistake("time_zone", str(error)) from None
        self.calendar = Calendar(file.date, zone)
        shifts = _names("shift", file.shift)
        doors = _names("door", file.door)
        people = _names("person", file.person)
        groups = _names("group", file.group)
        roles = _names("role", file.role)
        controllers = _names("controller", file.controller)
        if OF_THE_REST in controllers:
            raise _Mistake("controller", f'"{OF_THE_REST}" is what that of the doors is called that no other has')
        self._known: Mapping[str, tuple[str, Collection[str]]] = {
            "shift": ("shift", shifts),
            "auto_unlock": ("shift", shifts),
            "door": ("door", doors),
            "doors": ("door", doors),
            "who": ("person", people),
            "groups": ("group", groups),
            "roles": ("role", roles),
            "controller": ("controller", [*controllers, OF_THE_REST]),
            "comes_from": ("area", file.site.areas),
            "leads_to": ("area", file.site.areas),
            "accepts": ("kind of credential", READ_KINDS),
            "reasons": ("reason", [str(code) for code in ReasonCode]),
        }

    def scenario(self) -> Scenario:
        """The whole."""
        file = self._file
        for kind in ("door", "controller", "role", "group", "person"):
            for part in getattr(file, kind):
                self._check(f'{kind} "{part.name}"', part)
        for shift in file.shift:
            try:
                read_windows(shift.windows)
            except InvalidWindow as error:
                raise _Mistake(f'shift "{shift.name}"', str(error)) from None
        moments = self._moments()
        begins = self._time("begins", file.begins) if file.begins else moments[0].at - _MINUTE_MS
        ends = self._time("ends", file.ends) if file.ends else moments[-1].at
        if moments[0].at < begins:
            raise _Mistake(moments[0].where, "is before the scenario begins")
        if ends < moments[-1].at:
            raise _Mistake(moments[-1].where, "is after the scenario ends")
        return Scenario(
            name=self._name,
            title=file.title,
            about=file.about.strip(),
            site=file.site.name,
            calendar=self.calendar,
            begins_at=begins,
            ends_at=ends,
            moments=moments,
            areas=file.site.areas,
            shifts=file.shift,
            holidays=file.holiday,
            doors=file.door,
            controllers=self._controllers(),
            roles=file.role,
            groups=file.group,
            people=file.person,
        )

    def _controllers(self) -> tuple[Controller, ...]:
        """Those of the file, and one more for the doors that none of them has."""
        found: dict[str, str] = {}
        for controller in self._file.controller:
            for door in controller.doors:
                if door in found:
                    raise _Mistake(f'controller "{controller.name}"', f'the door "{door}" is that of "{found[door]}"')
                found[door] = controller.name
        rest = tuple(door.name for door in self._file.door if door.name not in found)
        return (*self._file.controller, *([Controller(name=OF_THE_REST, doors=rest)] if rest else []))

    def _moments(self) -> tuple[Moment, ...]:
        found: list[Moment] = []
        before: int | None = None
        for number, step in enumerate(self._file.step, start=1):
            where = f"step {number} ({when(step)})"
            self._check(where, step)
            at = self._at(where, step, before)
            if before is not None and at < before:
                raise _Mistake(where, "is before the step that stands before it")
            self._check_step(where, step)
            if step.expect is not None:
                self._check_standing(f"{where}: expect", step.expect, getattr(step, "door", None))
            before = at
            found.append(Moment(at, where, step, step.expect))
        for number, look in enumerate(self._file.expect, start=1):
            where = f"expect {number} (at {look.at})"
            self._check_standing(where, look, None)
            found.append(Moment(self._time(where, look.at), where, None, look))
        if not found:
            raise _Mistake("", "nothing happens: it has no [[step]] and no [[expect]]")
        return tuple(sorted(found, key=lambda moment: moment.at))

    def _at(self, where: str, step: Step, before: int | None) -> int:
        if (step.at is None) == (step.after is None):
            raise _Mistake(where, "needs either at or after")
        if step.at is not None:
            return self._time(where, step.at)
        if before is None:
            raise _Mistake(where, "after: no step stands before it")
        return before + duration(step.after or "")

    def _time(self, where: str, text: str) -> int:
        try:
            return self.calendar.instant(text)
        except InvalidTime as error:
            raise _Mistake(where, str(error)) from None

    def _check_step(self, where: str, step: Step) -> None:
        match step:
            case Present(who=None, card=None, pin=None):
                raise _Mistake(where, "needs who, card or pin")
            case Present(who=str(who), card=None, pin=None):
                person = next(person for person in self._file.person if person.name == who)
                if not 1 <= len(step.using) <= 2:
                    raise _Mistake(where, "using: one credential, or two")
                for kind in step.using:
                    if getattr(person, kind) is None:
                        raise _Mistake(where, f"using: {who} has no {kind}")
            case Present(who=str()):
                raise _Mistake(where, "card and pin are for what nobody has: leave out who")
            case _:
                pass

    def _check_standing(self, where: str, wanted: Standing, door: str | None) -> None:
        """What is to hold; `door`: the one that is meant unless it says otherwise."""
        self._check(where, wanted)
        of_a_door = [name for name in OF_A_DOOR if getattr(wanted, name) is not None]
        if wanted.online is not None and wanted.controller is None:
            of_a_door.append("online")
        if of_a_door and (wanted.door or door) is None:
            raise _Mistake(where, f"{of_a_door[0]}: of which door?")
        if of_a_door and wanted.controller is not None:
            raise _Mistake(where, f"{of_a_door[0]}: is said of a door, not of a controller")
        if wanted.waiting is not None and wanted.controller is None:
            raise _Mistake(where, "waiting: of which controller?")
        for name, area in wanted.where.items():
            self._is_known(f"{where}: where", "who", name)
            if area != OUTSIDE:
                self._is_known(f"{where}: where", "leads_to", area)
        if wanted.on_record is not None:
            self._check(f"{where}: on_record", wanted.on_record)

    def _check(self, where: str, part: msgspec.Struct) -> None:
        """Every field by what its name means."""
        for name, value in _given(part):
            place = f"{where}: {name}"
            for each in value if isinstance(value, tuple) else (value,):
                if name in self._known:
                    self._is_known(place, name, each)
                elif name in _TIMES:
                    self._time(place, each)
                elif name in _DURATIONS:
                    self._check_duration(place, each, may_be_negative=isinstance(part, Drift))
                elif name in _CODES and not (name == "alarm" and each == NO_ALARM):
                    self._check_code(place, each, named=isinstance(part, OnRecord) and name == "events")

    def _is_known(self, place: str, field: str, name: str) -> None:
        kind, known = self._known[field]
        if name not in known:
            raise _Mistake(place, f'there is no {kind} "{name}"{meant(name, known)}')

    def _check_duration(self, place: str, text: str, *, may_be_negative: bool) -> None:
        try:
            duration(text, may_be_negative=may_be_negative)
        except InvalidTime as error:
            raise _Mistake(place, str(error)) from None

    def _check_code(self, place: str, entry: Code, *, named: bool) -> None:
        code, person = split_event(entry) if named else (entry, None)
        try:
            code_of(code)
        except ValueError:
            names = [code.name.lower() for code in EventCode]
            raise _Mistake(place, f'there is no event "{code}"{meant(str(code), names)}') from None
        if person is not None:
            self._is_known(place, "who", person)


def _given(part: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if value is not None:
            yield name, value


def _names(kind: str, parts: Iterable[Any]) -> list[str]:
    found: list[str] = []
    for part in parts:
        if not part.name.strip():
            raise _Mistake(kind, "a name is empty")
        if part.name in found:
            raise _Mistake(kind, f'there are two of the name "{part.name}"')
        found.append(part.name)
    return found
