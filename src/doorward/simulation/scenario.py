"""What a scenario consists of, as values: a site with its doors, people and controllers, and what happens there.

The names of fields are those of the file (docs/howto/simulate-a-site.md). Durations are milliseconds here.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

import msgspec

from doorward.simulation.checks import Standing
from doorward.simulation.steps import Step
from doorward.simulation.times import Calendar


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a scenario's file: a name that is not known there is a mistake."""


class Shift(Part, frozen=True, kw_only=True):
    """When; windows as in "mon-fri 08:00-18:00"."""

    name: str
    windows: tuple[str, ...]
    holidays: Literal["ignore", "replace"] = "ignore"
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None


class Holiday(Part, frozen=True, kw_only=True):
    """A day on which shifts may be other than on its day of the week."""

    day: datetime.date
    name: str


class Door(Part, frozen=True, kw_only=True):
    """A door and how it is set. `comes_from` and `leads_to` are areas; without: outside. `staleness_hours` 0: never."""

    name: str
    accepts: tuple[str, ...] = ("card", "pin")
    two_factor: bool = False
    second_factor: str = "10s"
    pulse: str = "5s"
    held_open: str = "30s"
    held_open_warning: str = "0s"
    rex_held: str = "0s"
    relock_on_open: bool = False
    staleness_hours: int = 72
    auto_unlock: str | None = None
    first_person_in: bool = False
    two_person: bool = False
    two_person_within: str = "10s"
    passback: Literal["hard", "soft", "timed"] | None = None
    passback_minutes: int = 0
    comes_from: str | None = None
    leads_to: str | None = None


class Controller(Part, frozen=True, kw_only=True):
    """A process at the doors. Those that none has share one of their own."""

    name: str
    doors: tuple[str, ...]


class Role(Part, frozen=True, kw_only=True):
    """Where, and when; without a shift at any time."""

    name: str
    doors: tuple[str, ...]
    shift: str | None = None


class Group(Part, frozen=True, kw_only=True):
    """Who holds which roles."""

    name: str
    roles: tuple[str, ...] = ()


class Person(Part, frozen=True, kw_only=True):
    """Somebody with a card, a PIN, or both. Validity in local time of the site."""

    name: str
    card: str | None = None
    pin: str | None = None
    duress_pin: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Moment:
    """Something of a scenario at its instant: a step, or checks alone; `where` names it to whoever wrote it."""

    at: int
    where: str
    step: Step | None
    checks: Standing | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that has been read and makes sense. Moments are in order of time."""

    name: str
    title: str
    about: str
    site: str
    calendar: Calendar
    begins_at: int
    ends_at: int
    moments: tuple[Moment, ...]
    areas: tuple[str, ...] = ()
    shifts: tuple[Shift, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    doors: tuple[Door, ...] = ()
    controllers: tuple[Controller, ...] = ()
    roles: tuple[Role, ...] = ()
    groups: tuple[Group, ...] = ()
    people: tuple[Person, ...] = ()

    def person(self, name: str) -> Person:
        """Somebody of the scenario."""
        return next(person for person in self.people if person.name == name)
