"""When somebody may pass a door, as stretches of instants: the union of what their roles give them there.

People with the same right share it, so that each is worked out once. A right knows nothing of boards.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Grant, Person

Span = tuple[int, int]
"""[start, end) in ms UTC."""

RULE_ERRORS: Final = (ArithmeticError, LookupError, ValueError, OSError)
"""What a timetable may raise: a year that no calendar has, a zone that nobody knows."""


@dataclass(frozen=True, slots=True)
class _Hours:
    """The union of shifts; `is_always`: one of the roles has none."""

    is_always: bool
    timetables: frozenset[Timetable]


class Stay(NamedTuple):
    """Roles that a group reservation gives for a time: hours by number, in [start, end)."""

    hours: int
    start: int
    end: int


class Right(NamedTuple):
    """Hours by number (None: none but those of the stays), and the bounds of the person's validity that matter."""

    hours: int | None
    stays: tuple[Stay, ...]
    valid_from: int | None
    valid_to: int | None
    is_for_ever: bool
    """To pass at any time, and nothing is known that will end it, also not beyond the instants that are looked at."""


class Rights:
    """The rights at one door in the instants [start, end): what lies outside is nobody's concern.

    `is_endless`: `end` is only how far one looks ahead, and rights that have no end are told apart.
    """

    def __init__(self, grants: Mapping[int, Grant], start: int, end: int, *, is_endless: bool) -> None:
        self._grants = grants
        self._start = start
        self._end = end
        self._is_endless = is_endless
        self._hours: list[_Hours] = []
        self._numbers: dict[_Hours, int] = {}
        self._by_roles: dict[Collection[int], int | None] = {}
        self._spans: dict[int, list[Span]] = {}
        self._timetable_spans: dict[Timetable, list[Span]] = {}
        self._right_spans: dict[Right, list[Span]] = {}

    def of(self, person: Person) -> Right | None:
        """The person's right here; None if there is none in these instants."""
        start, end = self._start, self._end
        valid_from, valid_to = person.valid_from, person.valid_to
        if (valid_from is not None and valid_from >= end) or (valid_to is not None and valid_to <= start):
            return None
        if valid_from is not None and valid_to is not None and valid_from >= valid_to:
            return None
        hours = self._number(person.roles)
        stays = []
        for membership in person.memberships:
            if membership.start < membership.end and membership.start < end and membership.end > start:
                given = self._number(membership.roles)
                if given is not None and given != hours:
                    stays.append(Stay(given, max(membership.start, start), min(membership.end, end)))
        if hours is None and not stays:
            return None
        is_always = hours is not None and self._hours[hours].is_always
        has_begun = valid_from is None or valid_from <= start
        return Right(
            hours,
            () if is_always else tuple(sorted(set(stays))),
            None if has_begun else valid_from,
            None if valid_to is None or valid_to >= end else valid_to,
            self._is_endless and is_always and has_begun and valid_to is None,
        )

    def spans(self, right: Right) -> list[Span]:
        """When the right admits, in order, disjoint. Raises one of RULE_ERRORS for rules that cannot be read.

        All rules of the right are read, also where one of them would do: the engine might meet the one that fails.
        """
        found = self._right_spans.get(right)
        if found is None:
            low = self._start if right.valid_from is None else right.valid_from
            high = self._end if right.valid_to is None else right.valid_to
            parts = [] if right.hours is None else list(self._open(right.hours))
            for stay in right.stays:
                parts += _clipped(self._open(stay.hours), stay.start, stay.end)
            found = self._right_spans[right] = union(_clipped(parts, low, high))
        return found

    def _number(self, roles: Collection[int]) -> int | None:
        key = tuple(roles)
        if key not in self._by_roles:
            shifts = [self._grants[role_id].shift for role_id in key if role_id in self._grants]
            timetables = frozenset(shift for shift in shifts if shift is not None and self._may_matter(shift))
            number = None
            if timetables or None in shifts:
                hours = _Hours(None in shifts, timetables)
                if hours.is_always and all(self._is_readable(timetable) for timetable in timetables):
                    hours = _Hours(True, frozenset())
                number = self._numbers.setdefault(hours, len(self._hours))
                if number == len(self._hours):
                    self._hours.append(hours)
            self._by_roles[key] = number
        return self._by_roles[key]

    def _may_matter(self, shift: Timetable) -> bool:
        """A stretch that is over, or far off (a reservation), makes nobody different from others."""
        rule = shift.rule
        return not isinstance(rule, Stretch) or (rule.start < self._end and rule.end > self._start)

    def _is_readable(self, timetable: Timetable) -> bool:
        try:
            self._opened(timetable)
        except RULE_ERRORS:
            return False
        return True

    def _open(self, number: int) -> list[Span]:
        found = self._spans.get(number)
        if found is None:
            hours = self._hours[number]
            parts = [span for timetable in hours.timetables for span in self._opened(timetable)]
            found = [(self._start, self._end)] if hours.is_always else union(parts)
            self._spans[number] = found
        return found

    def _opened(self, timetable: Timetable) -> list[Span]:
        found = self._timetable_spans.get(timetable)
        if found is None:
            found = self._timetable_spans[timetable] = spans_of(timetable, self._start, self._end)
        return found


def spans_of(timetable: Timetable, start: int, end: int) -> list[Span]:
    """When a timetable is open in [start, end). Raises one of RULE_ERRORS."""
    found: list[Span] = []
    at = start
    while at < end:
        is_open, change = timetable.open_at(at), timetable.next_change(at)
        beyond = end if change is None else min(change, end)
        if is_open:
            found.append((at, beyond))
        at = beyond
    return found


def union(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, disjoint and not touching."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _clipped(spans: Iterable[Span], low: int, high: int) -> list[Span]:
    return [(max(start, low), min(end, high)) for start, end in spans if start < high and end > low]
