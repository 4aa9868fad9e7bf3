"""What may stand in a file of decision cases. Unknown keys are errors; instants are ISO 8601 with an offset.

A file has one door, its shifts, roles and people, and the cases; a case may change the door's own rules (`door`).
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Kind = Literal["card", "pin", "aux", "apple", "google", "duress", "plate"]
Held = dict[Kind, str]
"""Credentials by kind, one of each."""


class Passback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Anti-passback of the door."""

    mode: Literal["none", "hard", "soft", "timed"]
    minutes: int = 0


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The door's own rules. `auto_unlock` names a shift; an area that is not given is outside."""

    zone: str
    name: str = "Front door"
    accepts: list[Kind] = msgspec.field(default_factory=lambda: ["card", "pin", "aux", "apple", "google"])
    two_factor: bool = False
    second_factor_ms: int = 10_000
    auto_unlock: str | None = None
    passback: Passback = Passback("none")
    area_from: int | None = None
    area_to: int | None = None
    staleness_hours: int | Literal["never"] = "never"
    first_person_in: bool = False
    two_person: bool = False
    two_person_ms: int = 10_000


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Windows such as "Mon-Fri 09:00-17:30", "Sat,holidays 22:00-06:00"; or one stretch, `from` to `to`.

    `zone` is the door's unless given. `first_day` and `last_day` are the days on which windows may begin.
    """

    windows: list[str] = []
    zone: str | None = None
    holidays: list[date] = []
    on_holidays: Literal["ignore", "replace"] = "ignore"
    first_day: date | None = None
    last_day: date | None = None
    start: Instant | None = None
    end: Instant | None = None


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role; `here` says whether it names the door. Without a shift it grants at any time."""

    id: int
    shift: str | None = None
    here: bool = True


class GroupReservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """The names of the roles that the groups of a group reservation hold, and its stretch."""

    roles: list[str]
    start: Instant
    end: Instant


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, with the names of their roles."""

    id: int
    name: str
    status: Literal["active", "disabled", "deleted"] = "active"
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    roles: list[str] = []
    group_reservations: list[GroupReservation] = []
    credentials: Held = {}


class Presence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a person was last seen to go; no area is outside."""

    person: int
    since: Instant
    area: int | None = None


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first of two people, who waits for the second."""

    person: int
    since: Instant


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of the door."""

    tampered: bool = False
    card_lockdown: bool = False
    aux_lockdown: bool = False
    rex_lockdown: bool = False
    unlocked: bool = False
    unlocked_until: Instant | None = None
    confirmed_at: Instant | None = None
    presence: list[Presence] = []
    first_person_at: Instant | None = None
    waiting: Waiting | None = None


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict. Reasons in their order; a role is named, other reasons stand alone.

    "role_grants staff" is of a role that lasts, "role_grants staff reserved" of one by a group reservation.
    """

    event_code: int
    admitted: bool
    reasons: list[str]
    person: int | None = None
    duress: bool = False


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case: a credential (`first`, perhaps `second` and the time between), or a `person`, or the exit button.

    Or a `release` from afar, for nobody in particular.
    """

    name: str
    at: Instant
    expected: Expected
    first: Held | None = None
    second: Held | None = None
    gap_ms: int = 0
    person: int | None = None
    exit: bool = False
    release: bool = False
    state: State = State()
    door: dict[str, object] = {}


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    door: dict[str, object]
    cases: list[Written]
    shifts: dict[str, Shift] = {}
    roles: dict[str, Role] = {}
    people: list[Person] = []
