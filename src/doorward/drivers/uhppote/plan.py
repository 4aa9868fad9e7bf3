"""From the rules of one door to what its board is to know: which cards, and for each the hours as time profiles.

A board knows no roles, validity or holidays, and no zone. So a right is worked out for the days ahead, holidays and
all, and written down by the board's own clock; the profiles end where the plan ends, and are written anew before that.
The plan of a door with a limit of staleness ends with the limit. What the board would admit beyond the rules is left
out, and said.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from doorward.decision.codes import CARD
from doorward.decision.snapshot import Person
from doorward.drivers.uhppote.board_time import DAY_MS, FIRST_DAY, LAST_DAY, MINUTE_MS
from doorward.drivers.uhppote.card_numbers import number_of
from doorward.drivers.uhppote.profiles import CLOSED, EVER, Profile, profiles_for
from doorward.drivers.uhppote.rights import RULE_ERRORS, Right, Rights
from doorward.drivers.uhppote.rules import DoorRules, Frame, whole_door_problem
from doorward.drivers.uhppote.wording import count, named

_LOOK_AHEAD_DAYS: Final = (92, 28, 7, 2)
"""How far a plan without a limit of staleness looks ahead: as far as the board's profiles suffice for."""


class CardDates(NamedTuple):
    """The days, both included, that the board is told of a card: a day wider than the person's validity on each side.

    The profiles are exact. The dates only limit what would happen if somebody deleted the profiles from the board.
    """

    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Group:
    """Cards with the same hours."""

    numbers: frozenset[int]
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """What the board is to know for one door."""

    groups: tuple[Group, ...] = ()
    cards: Mapping[int, CardDates] = field(default_factory=dict)
    values: Mapping[int, str] = field(default_factory=dict)
    """The credential's value of each card number that is somebody's, also of those who are not admitted here."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Whose card it is."""
    refused: tuple[str, ...] = ()
    ends_at: int | None = None
    """From when on the board admits by the plan only those whose right has no end; None: there are no others."""


def plan_door(rules: DoorRules, frame: Frame) -> DoorPlan:
    """Work out what the board is to know of a door. A rule that cannot be read admits nobody."""
    problem = whole_door_problem(rules.snapshot.channel)
    cards = _Cards(rules, frame)
    if problem is not None:
        return DoorPlan(values=cards.values, refused=(problem,))
    plan = DoorPlan(values=cards.values)
    for end in _ends(rules, frame):
        for is_merged in (False, True):
            plan = cards.planned(end, is_merged=is_merged)
            if sum(len(group.profiles) for group in plan.groups) <= frame.profiles:
                return plan
    return cards.fitted(plan)


def _ends(rules: DoorRules, frame: Frame) -> Iterator[int]:
    """Where a plan might end, the best first."""
    stale_at = rules.stale_at
    if stale_at is not None and not rules.is_stale(frame.now):
        if stale_at <= frame.today + _LOOK_AHEAD_DAYS[0] * DAY_MS:
            yield stale_at
        # An end in the middle of a day costs a profile for each group: that day's hours differ from the others'.
        midnight = (stale_at + frame.offset) // DAY_MS * DAY_MS - frame.offset
        if frame.today + DAY_MS < midnight < min(stale_at, frame.today + _LOOK_AHEAD_DAYS[0] * DAY_MS):
            yield midnight
    for days in _LOOK_AHEAD_DAYS:
        end = frame.today + days * DAY_MS
        if stale_at is None or rules.is_stale(frame.now) or end < stale_at:
            yield end


class _Cards:
    """The cards of the people who have a right at one door."""

    def __init__(self, rules: DoorRules, frame: Frame) -> None:
        self._rules = rules
        self._frame = frame
        self.values: dict[int, str] = {}
        self._people: dict[int, Person] = {}
        self._unnumbered: list[Person] = []
        self._shared: list[Person] = []
        self._read()

    def _read(self) -> None:
        snapshot = self._rules.snapshot
        twice: dict[int, list[Person]] = {}
        for value, person in snapshot.directory.by_kind.get(CARD, {}).items():
            number = number_of(value, self._frame.card_numbers)
            if number is None:
                self._unnumbered.append(person)
            elif number in twice:
                twice[number].append(person)
            elif number in self.values:
                twice[number] = [self._people.pop(number), person]
                del self.values[number]
            else:
                self.values[number] = value
                self._people[number] = person
        self._shared = [person for people in twice.values() for person in people]
        if CARD not in snapshot.channel.accepts:
            self._people = {}

    def planned(self, end: int, *, is_merged: bool) -> DoorPlan:
        """A plan up to `end`, perhaps of more profiles than there are. `is_merged`: what is alike now is one group."""
        frame, snapshot = self._frame, self._rules.snapshot
        is_endless = self._rules.stale_at is None
        rights = Rights(snapshot.grants, frame.today, max(end, frame.today), is_endless=is_endless)
        holders: dict[Right, list[int]] = defaultdict(list)
        dates: dict[int, CardDates] = {}
        for number, person in self._people.items():
            right = rights.of(person) if person.status == "active" else None
            if right is not None:
                holders[right].append(number)
                dates[number] = self._dates(person)
        groups, unread, inexact = self._grouped(rights, holders, is_merged=is_merged)
        for number in unread:
            del dates[number]
        return DoorPlan(
            groups=groups,
            cards=dates,
            values=self.values,
            names={number: self._people[number].name for number in dates},
            refused=tuple(self._sentences(rights, unread, inexact)),
            ends_at=None if is_endless and all(group.profiles == (EVER,) for group in groups) else end,
        )

    def _grouped(
        self, rights: Rights, holders: Mapping[Right, list[int]], *, is_merged: bool
    ) -> tuple[tuple[Group, ...], list[int], list[int]]:
        """The groups, the cards whose rules cannot be read, and those whose rules know parts of a minute."""
        unread: list[int] = []
        inexact: list[int] = []
        found: list[tuple[frozenset[int], tuple[Profile, ...]]] = []
        for right, numbers in holders.items():
            try:
                profiles, is_exact = self._profiles(rights, right)
            except RULE_ERRORS:
                unread += numbers
                continue
            found.append((frozenset(numbers), profiles))
            if not is_exact:
                inexact += numbers
        if is_merged:
            alike: dict[tuple[Profile, ...], frozenset[int]] = defaultdict(frozenset)
            for cards, profiles in found:
                alike[profiles] |= cards
            found = [(cards, profiles) for profiles, cards in alike.items()]
        return tuple(Group(cards, profiles) for cards, profiles in found), unread, inexact

    def _profiles(self, rights: Rights, right: Right) -> tuple[tuple[Profile, ...], bool]:
        """The profiles of a right, and whether they say exactly the same."""
        spans = rights.spans(right)
        if self._rules.is_locked_down or self._rules.is_stale(self._frame.now):
            # The board keeps the cards, so that opening again is a few messages, too.
            return (CLOSED,), True
        if right.is_for_ever:
            return (EVER,), True
        offset = self._frame.offset
        minutes, is_exact = [], True
        for start, end in spans:
            shown, hidden = start + offset, end + offset
            is_exact = is_exact and shown % MINUTE_MS == 0 and hidden % MINUTE_MS == 0
            # The minute that is not open as a whole is closed.
            minutes.append((-(-shown // MINUTE_MS), hidden // MINUTE_MS))
        return profiles_for(minutes) or (CLOSED,), is_exact

    def _dates(self, person: Person) -> CardDates:
        offset = self._frame.offset
        first, last = FIRST_DAY, LAST_DAY
        if person.valid_from is not None:
            first = (person.valid_from + offset) // DAY_MS - 1
        if person.valid_to is not None:
            last = (person.valid_to + offset) // DAY_MS + 1
        return CardDates(min(max(first, FIRST_DAY), LAST_DAY), min(max(last, FIRST_DAY), LAST_DAY))

    def fitted(self, plan: DoorPlan) -> DoorPlan:
        """As much of a plan as there are profiles for: first the groups that help the most people for one profile."""
        kept: list[Group] = []
        dropped: set[int] = set()
        left = self._frame.profiles
        for group in sorted(plan.groups, key=lambda one: (-len(one.numbers) / len(one.profiles), min(one.numbers))):
            if len(group.profiles) <= left:
                left -= len(group.profiles)
                kept.append(group)
            else:
                dropped |= group.numbers
        people = [self._people[number] for number in dropped]
        held = {role_id for person in people for role_id in person.roles}
        roles = sorted({grant.role_name for role_id, grant in self._rules.snapshot.grants.items() if role_id in held})
        sentence = f"{named(people)} left out: the board's time profiles are used up"
        if roles:
            sentence += f" (roles {', '.join(roles[:5])}{', …' if len(roles) > 5 else ''})"
        return DoorPlan(
            groups=tuple(kept),
            cards={number: dates for number, dates in plan.cards.items() if number not in dropped},
            values=plan.values,
            names=plan.names,
            refused=(*plan.refused, sentence),
            ends_at=plan.ends_at,
        )

    def _sentences(self, rights: Rights, unread: list[int], inexact: list[int]) -> Iterator[str]:
        snapshot = self._rules.snapshot

        def concerned(people: list[Person]) -> list[Person]:
            if CARD not in snapshot.channel.accepts:
                return []
            return [person for person in people if person.status == "active" and rights.of(person) is not None]

        unnumbered, shared = concerned(self._unnumbered), concerned(self._shared)
        if unnumbered:
            yield f"The card of {named(unnumbered)} is left out: the board has no number for it"
        if shared:
            yield f"The card of {named(shared)} is left out: the board cannot tell it from somebody else's"
        if unread:
            yield f"{named(self._people[number] for number in unread)} left out: the rules cannot be read"
        if inexact:
            people = named(self._people[number] for number in inexact)
            yield f"The hours of {people} are whole minutes here: the minute that they begin or end in is left out"
        others = sum(
            len(concerned_ids(snapshot.directory.by_kind.get(kind, {}), rights))
            for kind in sorted(snapshot.channel.accepts - {CARD})
        )
        if others:
            holders = count(others, "holder")
            yield f"{holders} of other credentials (PIN, pass, plate) left out: the board admits by card only"


def concerned_ids(holders: Mapping[str, Person], rights: Rights) -> set[int]:
    """The people among the holders of credentials who have a right."""
    people = holders.values()
    return {person.id for person in people if person.status == "active" and rights.of(person) is not None}
