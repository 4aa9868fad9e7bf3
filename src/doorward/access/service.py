"""Who may open what, when, and through which role: the one engine asked, and what it goes by laid open.

Reading and judging are apart: what has been read of the database is judged without it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from doorward.access import holding
from doorward.access.holding import Holding, Place
from doorward.access.known import know, know_at
from doorward.db.unit_of_work import Transaction
from doorward.decision.engine import decide_person
from doorward.decision.shifts import Timetable
from doorward.decision.snapshot import Person, Presence
from doorward.decision.verdict import Verdict
from doorward.decision.wording import describe
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.sync import rows
from doorward.sync.compiler import CompiledChannel


class Way(NamedTuple):
    """A role that names the channel, how the person holds it, and whether that admits at the instant.

    `hours` describes the shift. `next_change` is when `open` next changes, None if it does not within a year.
    """

    holding: Holding
    hours: str
    open: bool
    next_change: int | None


class Access(NamedTuple):
    """What the engine says about a person at a channel, and the ways in which they might be admitted."""

    place: Place
    person: Person
    verdict: Verdict
    ways: list[Way]


@dataclass(frozen=True, slots=True)
class Question:
    """People at channels at an instant, with all that has to be known to answer; each person at each channel."""

    at: int
    places: list[Place]
    person_ids: list[int]
    compiled: Mapping[int, CompiledChannel]
    presence: Mapping[int, Presence]
    holdings: list[Holding]
    total: int = 1
    """How many there are beyond this page."""
    kinds: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By person, the kinds of credential that they have."""


def ask_one(transaction: Transaction, principal: Principal, person_id: int, channel_id: int, at: int) -> Question:
    """One person at one channel. Raises NotFound if either is not there for the user to see."""
    _require_person(transaction, principal, person_id)
    place = _require_place(transaction, principal, channel_id)
    return question(transaction, principal.account_id, [place], [person_id], at)


def ask_of_person(transaction: Transaction, principal: Principal, person_id: int, page: Page, at: int) -> Question:
    """One person at a page of the channels that some role of theirs names, by id. Raises NotFound."""
    _require_person(transaction, principal, person_id)
    params = {**_of_user(principal), "person_id": person_id, "at": at}
    places = transaction.all(holding.PLACES_OF_PERSON, limit=page.limit, offset=page.offset, **params)
    total = len(places)
    if page.offset or total >= page.limit:
        total = transaction.one(holding.COUNT_PLACES, **params) or 0
    return question(transaction, principal.account_id, places, [person_id], at, total)


def ask_at_first(transaction: Transaction, principal: Principal, person_id: int, at: int, most: int) -> Question:
    """One of the account's people at the first `most` of these channels; `total` is one more where there are more.

    Five statements at the most, for a page that shows much else.
    """
    params = {**_of_user(principal), "person_id": person_id, "at": at}
    channels = transaction.all(_FIRST, most=most + 1, **params)
    shown = channels[:most]
    found = know_at(transaction, principal.account_id, shown, [person_id], at)
    places = [Place(row.id, row.name, row.site_id) for row in shown]
    return Question(at, places, [person_id], found.compiled, found.presence, found.holdings, len(channels), found.kinds)


_FIRST: Final = rows.channel_rows(holding.HELD_BY_PERSON, some=True)


def ask_of_channel(transaction: Transaction, principal: Principal, channel_id: int, page: Page, at: int) -> Question:
    """A page of the people who hold a role that names one channel, by id. Raises NotFound."""
    return ask_of_place(transaction, principal, _require_place(transaction, principal, channel_id), page, at)


def ask_of_place(transaction: Transaction, principal: Principal, place: Place, page: Page, at: int) -> Question:
    """The same of a channel that the user is known to see."""
    params = {"account_id": principal.account_id, "channel_id": place.id, "at": at}
    holders = transaction.all(holding.HOLDERS, limit=page.limit, offset=page.offset, **params)
    total = holders[0].total if holders else 0
    if page.offset and not holders:
        total = transaction.one(holding.COUNT_HOLDERS, **params) or 0
    return question(transaction, principal.account_id, [place], [each.person_id for each in holders], at, total)


def answer(question: Question) -> list[Access]:
    """Judge each person at each channel."""
    at = question.at
    by_pair: dict[tuple[int, int], list[Holding]] = defaultdict(list)
    for held in sorted(question.holdings, key=lambda held: (held.role_id, held.way, held.way_id or 0)):
        by_pair[held.person_id, held.channel_id].append(held)
    shifts = Shifts(at)
    found = []
    for place in question.places:
        compiled = question.compiled[place.id]
        state = compiled.controls.state(question.presence)
        grants = compiled.snapshot.grants
        people = compiled.snapshot.directory.people
        for person_id in question.person_ids:
            ways = [
                shifts.way(held, grants[held.role_id].shift)
                for held in by_pair.get((person_id, place.id), ())
                if held.role_id in grants
            ]
            found.append(Access(place, people[person_id], decide_person(compiled.snapshot, state, person_id, at), ways))
    return found


@dataclass(frozen=True, slots=True)
class Shifts:
    """Shifts at one instant, and the ways in which people are admitted in them: thousands share a few."""

    at: int
    _known: dict[int, tuple[str, bool, int | None]] = field(default_factory=dict)
    """What is told of a shift, by its identity: the snapshots keep it."""

    def way(self, held: Holding, shift: Timetable | None) -> Way:
        """How a role that is held admits in its shift."""
        hours, is_open, change = self._of(shift)
        start, end = held.start, held.end
        if held.way != "group_reservation" or start is None or end is None:
            return Way(held, hours, is_open, change)
        if self.at >= end:
            return Way(held, hours, False, None)
        if self.at >= start:
            if change is None or change >= end:
                change = end if is_open else None
            return Way(held, hours, is_open, change)
        opens: int | None = start
        if shift is not None and not shift.open_at(start):
            opens = shift.next_change(start)
        return Way(held, hours, False, opens if opens is not None and opens < end else None)

    def _of(self, shift: Timetable | None) -> tuple[str, bool, int | None]:
        if shift is None:
            return "", True, None
        known = self._known.get(id(shift))
        if known is None:
            known = self._known[id(shift)] = (describe(shift), shift.open_at(self.at), shift.next_change(self.at))
        return known


def question(
    transaction: Transaction,
    account_id: int,
    places: list[Place],
    person_ids: list[int],
    at: int,
    total: int = 1,
) -> Question:
    """What has to be known about people at channels of the account; what the user may see has been looked at."""
    found = know(transaction, account_id, [place.id for place in places], person_ids, at)
    return Question(at, places, person_ids, found.compiled, found.presence, found.holdings, total, found.kinds)


def _require_person(transaction: Transaction, principal: Principal, person_id: int) -> None:
    if transaction.one(holding.PERSON, account_id=principal.account_id, person_id=person_id) is None:
        raise NotFound


def _require_place(transaction: Transaction, principal: Principal, channel_id: int) -> Place:
    found = transaction.one(holding.PLACE, channel_id=channel_id, **_of_user(principal))
    if found is None:
        raise NotFound
    return found


def _of_user(principal: Principal) -> dict[str, int]:
    return {
        "account_id": principal.account_id,
        "user_id": principal.user_id,
        "site_limited": int(principal.site_limited),
    }
