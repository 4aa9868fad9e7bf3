"""What controllers tell of, put on record exactly once and in order.

A controller numbers its events without gaps. What it tells is recorded in one transaction with the number that it has
come to: numbers that are on record are passed over, and one that is too high is refused. Everything in it is hostile:
a controller tells only of its own doors and account, and what it says of people, areas and requests is looked up.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select, update

from doorward.admissions.service import complete
from doorward.admissions.tables import admission_requests
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.controllers.unknown_cards import Holdings, attributed, holdings
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING, READ_KINDS, EventCode
from doorward.decision.snapshot import Presence
from doorward.events.service import Event, record_all
from doorward.kit.crypto import Vault
from doorward.kit.fields import LARGEST_ID
from doorward.kit.text import NAME_LIMIT, InvalidText, clean
from doorward.kit.timestamps import EARLIEST, LATEST, format_instant
from doorward.link.messages import Told
from doorward.people.tables import people

HIGHEST_SEQUENCE: Final = 2**31 - 1
AHEAD_MS: Final = 60_000
"""What is told to have happened later than this from now says so among its reasons."""
FURTHEST_AHEAD_MS: Final = 86_400_000
_FIRST_PLAUSIBLE: Final = 946_684_800_000  # 2000-01-01T00:00Z
MOST_REASONS: Final = 12
_LONGEST_REASON: Final = 1_000

TELLABLE: Final = frozenset(
    EventCode(code)
    for code in (
        *(1, 2, 3, 50, 51, 58, 63, 107),
        *(*range(10, 19), *range(20, 43), *range(70, 74), *range(90, 94)),
    )
)
"""What happens at doors. What operators do, and what the server finds, is not a controller's to tell.

3 is for the device at the door, which the controller has lost.
"""


class OutOfOrder(Exception):
    """An event has a number that cannot come next: others before it have not been told."""


@dataclass(frozen=True, slots=True)
class Source:
    """Of which door events are told, and by whom."""

    account_id: int
    controller_id: int
    channel_id: int
    channel_name: str


class Outcome(NamedTuple):
    """Up to which number a controller's events are on record, and where people went by these."""

    last_sequence: int
    moves: list[tuple[int, Presence]]


class _Person(NamedTuple):
    id: int
    first_name: str
    last_name: str
    erased_at: int | None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class _Door(NamedTuple):
    """The door, as far as it is still there: what kinds of credential it accepts, and from which area to which."""

    id: int | None
    accepts: frozenset[str]
    area_from: int | None = None
    area_to: int | None = None

    def leads_to(self, area: int | None) -> bool:
        """Whether it is there that people are whom it admits (none: outside)."""
        return self.area_from != self.area_to and area == self.area_to


_NO_DOOR: Final = _Door(None, frozenset(READ_KINDS))

Message = tuple[Source, Sequence[Told]]
"""What a controller tells of one of its doors."""


class _Known(NamedTuple):
    """What is there of what some events speak of."""

    door: _Door
    people: dict[int, _Person]
    requests: set[int]


class _Shared(NamedTuple):
    """The same for events at several doors: which of these are there, and the requests with their doors."""

    doors: dict[int, _Door]
    people: dict[int, _Person]
    requests: set[tuple[int, int]]

    @classmethod
    def of_nothing(cls) -> "_Shared":
        return cls({}, {}, set())

    def at(self, channel_id: int) -> _Known:
        """What of it is for a door."""
        requests = {request for request, channel in self.requests if channel == channel_id}
        return _Known(self.doors.get(channel_id, _NO_DOOR), self.people, requests)


_NONE: Final = "[]"


def _pair(one: int, other: int) -> tuple[int, int]:
    return one, other


_LAST: Final = Query(
    select(controllers.c.last_sequence)
    .where(controllers.c.id == bindparam("the_id"), controllers.c.account_id == bindparam("account_id"))
    .with_for_update(),
    number,
)
_LASTS: Final = Query(
    select(controllers.c.id, controllers.c.last_sequence)
    .where(controllers.c.account_id == bindparam("account_id"), one_of(controllers.c.id, "ids"))
    .order_by(controllers.c.id)
    .with_for_update(),
    _pair,
)
_ADVANCE: Final = Query[None](
    update(controllers)
    .where(controllers.c.id == bindparam("the_id"), controllers.c.last_sequence < bindparam("the_last"))
    .values(last_sequence=bindparam("the_last"))
)
_DOORS: Final = Query(
    select(channels.c.id, channels.c.accepts, channels.c.area_from_id, channels.c.area_to_id).where(
        channels.c.account_id == bindparam("account_id"), one_of(channels.c.id, "ids")
    ),
    lambda the_id, accepts, *areas: _Door(the_id, frozenset(json.loads(accepts)), *areas),
)
_PEOPLE: Final = Query(
    select(people.c.id, people.c.first_name, people.c.last_name, people.c.erased_at).where(
        people.c.account_id == bindparam("account_id"), one_of(people.c.id, "ids")
    ),
    _Person,
)
_REQUESTS: Final = Query(
    select(admission_requests.c.id, admission_requests.c.channel_id).where(
        admission_requests.c.account_id == bindparam("account_id"), one_of(admission_requests.c.id, "ids")
    ),
    _pair,
)


def record_told(
    transaction: Transaction, vault: Vault, source: Source, told: Sequence[Told], now: int, *, is_bare: bool = False
) -> Outcome:
    """Append the events that are not on record yet. Raises OutOfOrder, and LookupError for no such controller.

    `is_bare`: without references, where something they speak of is removed at this moment.
    """
    [outcome] = record_together(transaction, vault, source.account_id, [(source, told)], now, is_bare=is_bare)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def record_together(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    messages: Sequence[Message],
    now: int,
    *,
    is_bare: bool = False,
) -> list[Outcome | OutOfOrder | LookupError]:
    """The same for messages of several controllers of an account, by few statements; what each has come to.

    Of a message that is refused nothing is recorded. One whose controller told another before it comes after that.
    """
    ids = _listed({source.controller_id for source, _ in messages})
    lasts = dict(transaction.all(_LASTS, ids=ids, account_id=account_id))
    fresh = [
        (source, [each for each in told if each.sequence > lasts.get(source.controller_id, HIGHEST_SEQUENCE)])
        for source, told in messages
    ]
    known = _Shared.of_nothing() if is_bare else _look_up(transaction, account_id, fresh)
    held = _holdings(transaction, vault, account_id, fresh)
    happened: list[Event] = []
    advanced: dict[int, int] = {}
    outcomes: list[Outcome | OutOfOrder | LookupError] = []
    for source, told in fresh:
        last = lasts.get(source.controller_id)
        if last is None:
            outcomes.append(LookupError(f"there is no controller {source.controller_id}"))
            continue
        try:
            in_order = _in_order(told, last)
        except OutOfOrder as error:
            outcomes.append(error)
            continue
        here = known.at(source.channel_id)
        moves = []
        for each in in_order:
            event = _event(source, each, here, now)
            if event.event_code == EventCode.REJECT_CARD and event.occurred_at == each.at <= now + AHEAD_MS:
                # By a clock that cannot be right nobody knows whose the card was at that time.
                event = attributed(event, held, here.door.accepts)
            happened.append(event)
            if event.moved_to is not None and event.person_id is not None:
                moves.append((event.person_id, event.moved_to))
            if each.answers is not None and each.answers in here.requests:
                is_done = event.event_code == EventCode.REMOTE_ADMISSION_DONE
                complete(transaction, each.answers, "admitted" if is_done else "denied", event.occurred_at)
        if in_order:
            lasts[source.controller_id] = advanced[source.controller_id] = last = in_order[-1].sequence
        outcomes.append(Outcome(last, moves))
    if happened:
        transaction.run_many(_ADVANCE, [{"the_id": each, "the_last": last} for each, last in sorted(advanced.items())])
    record_all(transaction, happened, now)
    return outcomes


def _in_order(told: Iterable[Told], last: int) -> list[Told]:
    """What comes next, each number once. Raises OutOfOrder."""
    found = []
    for each in told:
        if each.sequence <= last:
            continue
        if each.sequence != last + 1 or each.sequence > HIGHEST_SEQUENCE:
            raise OutOfOrder(f"event {each.sequence} after {last}")
        last = each.sequence
        found.append(each)
    return found


def skip_to(transaction: Transaction, account_id: int, controller_id: int, next_sequence: int) -> int:
    """Events before a number will never be told: go on with it; gives up to which number all is settled.

    Raises OutOfOrder for a number that no event can have.
    """
    if not 1 <= next_sequence <= HIGHEST_SEQUENCE:
        raise OutOfOrder(f"{next_sequence} is no event's number")
    last = transaction.one(_LAST, the_id=controller_id, account_id=account_id) or 0
    transaction.run(_ADVANCE, the_id=controller_id, the_last=next_sequence - 1)
    return max(last, next_sequence - 1)


def _look_up(transaction: Transaction, account_id: int, messages: Iterable[Message]) -> _Shared:
    channel_ids: set[int | None] = set()
    people_ids, request_ids = set(), set()
    for source, told in messages:
        channel_ids.add(source.channel_id)
        for each in told:
            people_ids.add(each.person_id)
            request_ids.add(each.answers)
    doors = transaction.all(_DOORS, account_id=account_id, ids=_listed(channel_ids))
    found = transaction.all(_PEOPLE, account_id=account_id, ids=_listed(people_ids))
    asked = _listed(request_ids)
    return _Shared(
        {door.id: door for door in doors if door.id is not None},
        {person.id: person for person in found},
        set(transaction.all(_REQUESTS, account_id=account_id, ids=asked)) if asked != _NONE else set(),
    )


def _holdings(transaction: Transaction, vault: Vault, account_id: int, messages: Iterable[Message]) -> Holdings:
    """Whose the cards are that the doors do not know."""
    cards = {plain(each.credential) for _, told in messages for each in told if each.code == EventCode.REJECT_CARD}
    return holdings(transaction, vault, account_id, (card for card in cards if card is not None))


def _listed(ids: Collection[int | None]) -> str:
    return str(sorted(the_id for the_id in ids if the_id is not None and 0 < the_id <= LARGEST_ID))


def _event(source: Source, told: Told, known: _Known, now: int) -> Event:
    """An event as it is recorded; one that cannot be understood is recorded as lost, not left out."""
    at, about_time = _occurred(told.at, now)
    code: int = told.code
    name = credential = moved_to = None
    reasons: tuple[tuple[str, str], ...] = about_time
    person = known.people.get(told.person_id or 0)
    if code not in TELLABLE:
        text = f"The controller told of something that there is no word for here: {code}."
        code, person, reasons = EventCode.EVENTS_LOST, None, (("unknown_code", text), *about_time)
    elif person is None or person.erased_at is None:  # of whom has been erased meanwhile nobody says who it was
        name = plain(told.person_name) or (None if person is None else person.name)
        credential = plain(told.credential)
        given = told.reasons[:MOST_REASONS]
        reasons = (*((plain(word) or "", plain(text, _LONGEST_REASON) or "") for word, text in given), *about_time)
        if told.moved_to is not None and code in ADMITTING and known.door.leads_to(told.moved_to[0]):
            # Where its own door leads, for whom it has admitted: what else it says might keep people out elsewhere.
            # Never in the future: whoever has gone there could go nowhere else until then.
            moved_to = Presence(told.moved_to[0], min(_occurred(told.moved_to[1], now)[0], now))
    return Event(
        source.account_id,
        code,
        at,
        known.door.id,
        source.channel_name,
        None if person is None else person.id,
        name,
        credential,
        reasons,
        moved_to,
        source.controller_id,
        told.sequence,
        told.is_replayed,
    )


def _occurred(at: int, now: int) -> tuple[int, tuple[tuple[str, str], ...]]:
    """When it happened, by the door's clock; and what is to be said of that clock, if it cannot be right."""
    if _FIRST_PLAUSIBLE <= at <= now + AHEAD_MS:
        return at, ()
    told = format_instant(at) if EARLIEST <= at <= LATEST else f"{at} ms"
    if now < at <= now + FURTHEST_AHEAD_MS:
        return at, (("clock_ahead", f"The controller's clock was ahead: this was told at {format_instant(now)}."),)
    # A list by time would show it first, or last, for years.
    return now, (("clock_wrong", f"The controller's clock said {told}; this is when it was told."),)


def plain(value: str | None, limit: int = NAME_LIMIT) -> str | None:
    """Text of a controller, without what no text should have."""
    if value is None:
        return None
    try:
        return clean(value, limit)
    except InvalidText:
        return "".join(character for character in value[:limit] if character.isprintable()) or None
