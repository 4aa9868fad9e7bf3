"""Whether what was expected holds: each check becomes a finding, which says what was found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from doorward.decision.codes import ADMITTING, EventCode
from doorward.simulation.api import Answer
from doorward.simulation.checks import OF_A_DOOR, Checks, OnRecord, Standing
from doorward.simulation.reading import NO_ALARM, OUTSIDE, code_of, split_event
from doorward.simulation.record import Recorded
from doorward.simulation.timeline import Finding, Happened
from doorward.simulation.times import Calendar, duration

_NOTHING: Final = "nothing"
_NOT_KNOWN: Final = "not known"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of a step: at its door, from the API, and how long the doors took to confirm it."""

    door: str | None = None
    happened: tuple[Happened, ...] = ()
    answer: Answer | None = None
    admission: str | None = None
    confirmed_after_ms: int | None = None
    """None: not within the time that anything is waited for, or there was nothing to confirm."""


@dataclass(frozen=True, slots=True)
class DoorNow:
    """A door at this moment, as its hardware, its controller and the server have it."""

    lock: str
    contact: str
    alarm: EventCode | None
    reader: str | None
    online: bool
    sync: str


class Site(Protocol):
    """What is to be known of the site for judging."""

    async def door_now(self, door: str) -> DoorNow:
        """A door at this moment."""
        ...

    def is_controller_online(self, controller: str) -> bool:
        """Whether the server hears the controller."""
        ...

    def waiting(self, controller: str) -> int:
        """How many events it has still to send."""
        ...

    def place_of(self, person: str) -> str | None:
        """In which area somebody is; None: it is not known."""
        ...

    def on_record(self) -> list[Recorded]:
        """All events on record, in the order in which they were recorded."""
        ...


async def judge(checks: Standing, outcome: Outcome, site: Site, calendar: Calendar) -> tuple[Finding, ...]:
    """What became of each thing that is expected."""
    found: list[Finding] = []
    if isinstance(checks, Checks):
        found += [*_of_the_step(checks, outcome), *_of_the_answer(checks, outcome)]
    if checks.controller is not None:
        found.extend(_of_the_controller(checks, checks.controller, site))
    elif wanted := _wanted_of_door(checks):
        found.extend(await _of_the_door(wanted, checks.door or outcome.door, site))
    for person, area in checks.where.items():
        place = site.place_of(person) or _NOT_KNOWN
        found.append(Finding(f"{person} is {_in(area)}", place == area, f"{person} is {_in(place)}"))
    if checks.on_record is not None:
        found.extend(_of_the_record(checks.on_record, site.on_record(), calendar))
    return tuple(found)


def _of_the_step(checks: Checks, outcome: Outcome) -> Iterator[Finding]:
    happened = outcome.happened
    if checks.admitted is not None:
        admitted = any(each.code in ADMITTING for each in happened)
        yield _finding(_admitted(checks.admitted), admitted == checks.admitted, _told(happened))
    if checks.event is not None:
        code = code_of(checks.event)
        yield _finding(f"event {_name(code)}", any(each.code is code for each in happened), _told(happened))
    if checks.events is not None:
        codes = [code_of(code) for code in checks.events]
        yield _finding(f"events {_names(codes)}", [each.code for each in happened] == codes, _told(happened))
    if checks.reasons:
        reasons = [code for each in happened for code, _ in each.reasons]
        missing = [reason for reason in checks.reasons if reason not in reasons]
        yield _finding(f"because {', '.join(checks.reasons)}", not missing, ", ".join(reasons) or _NOTHING)


def _of_the_answer(checks: Checks, outcome: Outcome) -> Iterator[Finding]:
    answer = outcome.answer
    if checks.answer is not None:
        found = _NOTHING if answer is None else f"{answer.status} {answer.text if answer.is_refusal else ''}".rstrip()
        yield _finding(f"answer {checks.answer}", answer is not None and answer.status == checks.answer, found)
    if checks.says is not None:
        text = _NOTHING if answer is None else answer.text
        yield _finding(f'an answer that says "{checks.says}"', checks.says in text, text)
    if checks.admission is not None:
        found = outcome.admission or _NOTHING
        yield _finding(f"admission {checks.admission}", found == checks.admission, found)
    if checks.within is not None:
        took = outcome.confirmed_after_ms
        # How long it took is real time, and differs each time: it is told where it was too long.
        met = took is not None and took <= duration(checks.within)
        found = "not confirmed" if took is None else "in time" if met else f"after {took} ms"
        yield _finding(f"confirmed by all doors within {checks.within}", met, found)


def _of_the_controller(checks: Standing, name: str, site: Site) -> Iterator[Finding]:
    if checks.online is not None:
        online = site.is_controller_online(name)
        yield _finding(f"{name} {_online(checks.online)}", online == checks.online, _online(online))
    if checks.waiting is not None:
        waiting = site.waiting(name)
        yield _finding(f"{name} with {checks.waiting} events to send", waiting == checks.waiting, str(waiting))


async def _of_the_door(wanted: "list[_Wanted]", door: str | None, site: Site) -> list[Finding]:
    if door is None:
        return [_finding("a door to look at", False, "none is named")]
    now = await site.door_now(door)
    return [
        _finding(
            f"{each.name} {each.tell(each.value)}",
            getattr(now, each.name) == each.value,
            each.tell(getattr(now, each.name)),
        )
        for each in wanted
    ]


class _Wanted(NamedTuple):
    name: str
    value: Any
    tell: Callable[[Any], str] = str


def _wanted_of_door(checks: Standing) -> list[_Wanted]:
    wanted = [
        _Wanted(name, getattr(checks, name))
        for name in OF_A_DOOR
        if name != "alarm" and getattr(checks, name) is not None
    ]
    if checks.alarm is not None:
        alarm = None if checks.alarm == NO_ALARM else code_of(checks.alarm)
        wanted.append(_Wanted("alarm", alarm, lambda code: NO_ALARM if code is None else _name(code)))
    if checks.online is not None:
        wanted.append(_Wanted("online", checks.online, lambda online: "yes" if online else "no"))
    return wanted


def _of_the_record(wanted: OnRecord, events: Iterable[Recorded], calendar: Calendar) -> Iterator[Finding]:
    since = None if wanted.since is None else calendar.instant(wanted.since)
    until = None if wanted.until is None else calendar.instant(wanted.until)
    only = {code_of(code) for code in wanted.only}
    found = [
        event
        for event in events
        if (wanted.door is None or event.channel_name == wanted.door)
        and (since is None or event.at >= since)
        and (until is None or event.at < until)
        and (not only or event.code in only)
    ]
    expected = [split_event(entry) for entry in wanted.events]
    told = [_name(code_of(code)) + (f" {person}" if person else "") for code, person in expected]
    met = len(found) == len(expected) and all(
        event.code is code_of(code) and person in (None, event.person_name)
        for event, (code, person) in zip(found, expected, strict=True)
    )
    place = "" if wanted.door is None else f" of {wanted.door}"
    listed = ", ".join(f"{_name(event.code)} {event.person_name or ''}".rstrip() for event in found) or _NOTHING
    yield _finding(f"on record{place}: {', '.join(told) or _NOTHING}", met, listed)
    if wanted.replayed is not None:
        replayed = sum(event.is_replayed for event in found)
        what = f"{'all' if wanted.replayed else 'none'} of them replayed"
        yield _finding(what, replayed == (len(found) if wanted.replayed else 0), f"{replayed} of {len(found)}")


def _finding(what: str, is_met: bool, found: str) -> Finding:
    return Finding(what, is_met, found)


def _name(code: EventCode) -> str:
    return f"{int(code)} {code.name.lower()}"


def _names(codes: Sequence[EventCode]) -> str:
    return ", ".join(_name(code) for code in codes) or _NOTHING


def _told(happened: Sequence[Happened]) -> str:
    return _names([each.code for each in happened])


def _admitted(wanted: bool) -> str:
    return "admitted" if wanted else "not admitted"


def _online(online: bool) -> str:
    return "online" if online else "offline"


def _in(area: str) -> str:
    return area if area in (OUTSIDE, _NOT_KNOWN) else f"in {area}"
