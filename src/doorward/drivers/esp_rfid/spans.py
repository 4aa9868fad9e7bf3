"""When a card is admitted at a door: the stretch that runs, or else the next one.

The engine itself is asked, at the instants at which its answer may change; nothing is decided here a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from doorward.decision.codes import CARD
from doorward.decision.engine import decide
from doorward.decision.snapshot import Credential, DoorState, Grant, Person, Presented, Snapshot

DAY_MS: Final = 86_400_000
_FARTHEST_MS: Final = 365 * DAY_MS
"""Rules that have an end are not looked at beyond this: there the board's right ends, and is given anew."""
_MOST_STEPS: Final = 500

RULE_ERRORS: Final = (ArithmeticError, LookupError, ValueError, OSError)
"""What a timetable may raise: a year that no calendar has, a zone that nobody knows."""


class Span(NamedTuple):
    """A stretch [start, end) of instants in ms; `end` None: for ever."""

    start: int
    end: int | None
    is_soft: bool
    """It ends only because rights are handed out for so long at a time: the next snapshot moves its end."""


@dataclass(frozen=True, slots=True)
class DoorRights:
    """What is admitted by card at one door according to a snapshot that was right at `confirmed_at`."""

    snapshot: Snapshot
    confirmed_at: int

    @property
    def horizon(self) -> int | None:
        """From when on the door admits nobody by name any more, unless there is another snapshot."""
        staleness_ms = self.snapshot.channel.staleness_ms
        return None if staleness_ms is None else self.confirmed_at + staleness_ms

    @property
    def slack_ms(self) -> int:
        """How much earlier than it might a right may end on the board before that is worth writing it again."""
        staleness_ms = self.snapshot.channel.staleness_ms
        return DAY_MS if staleness_ms is None else min(DAY_MS, staleness_ms // 3)


class SpanFinder:
    """Finds spans at one door from one instant on. People who are alike are looked at once.

    Whom a card alone does not admit has no span. Where people were last seen is not asked: whether that matters at the
    door is the compiler's business.
    """

    def __init__(self, rights: DoorRights, at: int) -> None:
        # While a door stands unlocked anybody is admitted, which is no right of a card.
        self._snapshot = replace(rights.snapshot, channel=replace(rights.snapshot.channel, auto_unlock=None))
        self._at = at
        self._horizon = rights.horizon
        self._found: dict[object, Span | None] = {}

    def concerns(self, person: Person) -> bool:
        """Whether the person holds any role here at any time."""
        return any(True for _ in self._grants(person))

    def find(self, person: Person, value: str) -> Span | None:
        """When the person's card is admitted, if it ever is. Raises one of RULE_ERRORS if that cannot be read."""
        alike = (person.status, person.valid_from, person.valid_to, person.roles, person.memberships)
        if alike not in self._found:
            self._found[alike] = self._search(person, Presented(Credential(CARD, value)))
        return self._found[alike]

    def _search(self, person: Person, card: Presented) -> Span | None:
        limit = self._at + _FARTHEST_MS
        if self._horizon is not None:
            limit = min(limit, self._horizon)
        start = self._at
        for _ in range(_MOST_STEPS):
            if start >= limit:
                return None
            if self._admits(card, start):
                return self._until(person, card, start, limit)
            change = self._next_change(person, start)
            if change is None:
                return None
            start = change
        return None

    def _until(self, person: Person, card: Presented, start: int, limit: int) -> Span:
        if self._horizon is None and self._is_for_ever(person, start):
            return Span(start, None, is_soft=False)
        end = start
        for _ in range(_MOST_STEPS):
            change = self._next_change(person, end)
            if change is None or change >= limit:
                return Span(start, limit, is_soft=True)
            end = change
            if not self._admits(card, end):
                return Span(start, end, is_soft=False)
        return Span(start, end, is_soft=True)

    def _is_for_ever(self, person: Person, at: int) -> bool:
        grants = self._snapshot.grants
        started = person.valid_from is None or person.valid_from <= at
        always = any(role_id in grants and grants[role_id].shift is None for role_id in person.roles)
        return started and person.valid_to is None and always

    def _admits(self, card: Presented, at: int) -> bool:
        return decide(self._snapshot, DoorState(), card, at).admitted

    def _next_change(self, person: Person, at: int) -> int | None:
        bounds = [person.valid_from, person.valid_to]
        for membership in person.memberships:
            bounds += (membership.start, membership.end)
        for grant in self._grants(person):
            if grant.shift is not None:
                bounds.append(grant.shift.next_change(at))
        return min((bound for bound in bounds if bound is not None and bound > at), default=None)

    def _grants(self, person: Person) -> Iterator[Grant]:
        grants = self._snapshot.grants
        for roles in (person.roles, *(membership.roles for membership in person.memberships)):
            yield from (grants[role_id] for role_id in roles if role_id in grants)
