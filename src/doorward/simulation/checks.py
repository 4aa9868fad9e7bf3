"""What a scenario expects, as values: of a verdict, of a door, of the record, of who is where."""

from typing import Final, Literal

import msgspec

from doorward.drivers.base import Feedback

Code = int | str
"""An event code, as a number or by name: 10 or "admit_card"."""


class OnRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are on record, each exactly once and in the order in which they happened.

    Those of one door, or of all; from an instant on, up to but not including another; of some codes, or of all.
    An event is told as its code, or with who it is about: "10 Ada Lovelace".
    """

    events: tuple[Code, ...]
    door: str | None = None
    since: str | None = None
    until: str | None = None
    only: tuple[Code, ...] = ()
    replayed: bool | None = None
    """Whether all of them were told later than they happened, or none."""


class Standing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How things are to stand at a moment; what is not given may be as it will."""

    door: str | None = None
    """Which door is meant, where it is not the step's."""
    lock: Literal["locked", "released", "unlocked"] | None = None
    """`released` for a moment, `unlocked` for everybody."""
    contact: Literal["open", "closed"] | None = None
    alarm: Code | None = None
    """The code of the alarm that the door is in, or "none"."""
    reader: Feedback | None = None
    """What the reader showed last."""
    sync: Literal["ok", "fail", "syncing", "pending"] | None = None
    online: bool | None = None
    """Of the door, or of the controller."""
    controller: str | None = None
    waiting: int | None = None
    """How many events the controller has still to send."""

    where: dict[str, str] = {}
    """Who is in which area, or "outside"."""
    on_record: OnRecord | None = None


class Checks(Standing, frozen=True, kw_only=True):
    """What is to come of a step, and how things are to stand after it."""

    admitted: bool | None = None
    event: Code | None = None
    events: tuple[Code, ...] | None = None
    """All that a step has caused at its door, in order."""
    reasons: tuple[str, ...] = ()
    answer: int | None = None
    """The HTTP status that an operator was answered with."""
    says: str | None = None
    """What that answer has somewhere in it."""
    admission: Literal["admitted", "denied", "offline", "timeout", "pending"] | None = None
    within: str | None = None
    """How soon, in real time, all doors that can be reached had confirmed what an operator did."""


class Look(Standing, frozen=True, kw_only=True):
    """How things are to stand at a time of its own, after the steps of the same time."""

    at: str


OF_A_DOOR: Final = ("lock", "contact", "alarm", "reader", "sync")
"""What is said of a door; `online` too, unless a controller is named."""
