"""What controllers tell of, put on record exactly once and in order.

A controller numbers its events without gaps. What it tells is recorded in one transaction with the number that it has
come to: numbers that are on record are passed over, and one that is too high is refused. Everything in it is hostile:
a controller tells only of its own doors and account, and what it says of people, areas and requests is looked up.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
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


class _Known(NamedTuple):
    """What is there of what some events speak of."""

    door: _Door
    people: dict[int, _Person]
    requests: set[int]


_LAST: Final = Query(
    select(controllers.c.last_sequence)
    .where(controllers.c.id == bindparam("the_id"), controllers.c.account_id == bindparam("account_id"))
    .with_for_update(),
    number,
)
_ADVANCE: Final = Query[None](
    update(controllers)
    .where(controllers.c.id == bindparam("the_id"), controllers.c.last_sequence < bindparam("the_last"))
    .values(last_sequence=bindparam("the_last"))
)
_NO_DOOR: Final = _Door(None, frozenset(READ_KINDS))
_DOOR: Final = Query(
    select(channels.c.id, channels.c.accepts, channels.c.area_from_id, channels.c.area_to_id).where(
        channels.c.id == bindparam("the_id"), channels.c.account_id == bindparam("account_id")
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
    select(admission_requests.c.id).where(
        admission_requests.c.account_id == bindparam("account_id"),
        admission_requests.c.channel_id == bindparam("the_channel"),
        one_of(admission_requests.c.id, "ids"),
    ),
    number,
)


def record_told(
    transaction: Transaction, vault: Vault, source: Source, told: Sequence[Told], now: int, *, is_bare: bool = False
) -> Outcome:
    """Append the events that are not on record yet. Raises OutOfOrder, and LookupError for no such controller.

    `is_bare`: without references, where something they speak of is removed at this moment.
    """
    last = transaction.one(_LAST, the_id=source.controller_id, account_id=source.account_id)
    if last is None:
        raise LookupError(f"there is no controller {source.controller_id}")
    fresh = [each for each in told if each.sequence > last]
    known = _Known(_NO_DOOR, {}, set()) if is_bare else _look_up(transaction, source, fresh)
    held = _holdings(transaction, vault, source, fresh)
    happened: list[Event] = []
    for each in fresh:
        if each.sequence <= last:
            continue
        if each.sequence != last + 1 or each.sequence > HIGHEST_SEQUENCE:
            raise OutOfOrder(f"event {each.sequence} after {last}")
        last = each.sequence
        event = _event(source, each, known, now)
        if event.event_code == EventCode.REJECT_CARD and event.occurred_at == each.at <= now + AHEAD_MS:
            # By a clock that cannot be right nobody knows whose the card was at that time.
            event = attributed(event, held, known.door.accepts)
        happened.append(event)
        if each.answers in known.requests and each.answers is not None:
            is_done = event.event_code == EventCode.REMOTE_ADMISSION_DONE
            complete(transaction, each.answers, "admitted" if is_done else "denied", event.occurred_at)
    transaction.run(_ADVANCE, the_id=source.controller_id, the_last=last)
    record_all(transaction, happened, now)
    moves = [
        (event.person_id, event.moved_to)
        for event in happened
        if event.moved_to is not None and event.person_id is not None
    ]
    return Outcome(last, moves)


def skip_to(transaction: Transaction, account_id: int, controller_id: int, next_sequence: int) -> int:
    """Events before a number will never be told: go on with it; gives up to which number all is settled.

    Raises OutOfOrder for a number that no event can have.
    """
    if not 1 <= next_sequence <= HIGHEST_SEQUENCE:
        raise OutOfOrder(f"{next_sequence} is no event's number")
    last = transaction.one(_LAST, the_id=controller_id, account_id=account_id) or 0
    transaction.run(_ADVANCE, the_id=controller_id, the_last=next_sequence - 1)
    return max(last, next_sequence - 1)


def _look_up(transaction: Transaction, source: Source, told: Iterable[Told]) -> _Known:
    people_ids, request_ids = set(), set()
    for each in told:
        people_ids.add(each.person_id)
        request_ids.add(each.answers)
    account_id, channel_id = source.account_id, source.channel_id
    found = transaction.all(_PEOPLE, account_id=account_id, ids=_listed(people_ids))
    asked = _listed(request_ids)
    return _Known(
        transaction.one(_DOOR, the_id=channel_id, account_id=account_id) or _NO_DOOR,
        {person.id: person for person in found},
        set(transaction.all(_REQUESTS, account_id=account_id, the_channel=channel_id, ids=asked)),
    )


def _holdings(transaction: Transaction, vault: Vault, source: Source, told: Iterable[Told]) -> Holdings:
    """Whose the cards are that the door does not know."""
    cards = {plain(each.credential) for each in told if each.code == EventCode.REJECT_CARD}
    return holdings(transaction, vault, source.account_id, (card for card in cards if card is not None))


def _listed(ids: Collection[int | None]) -> str:
    return str(sorted(the_id for the_id in ids if the_id is not None and 0 < the_id <= LARGEST_ID))


def _event(source: Source, told: Told, known: _Known, now: int) -> Event:
    """An event as it is recorded; one that cannot be understood is recorded as lost, not left out."""
    at, about_time = _occurred(told.at, now)
    event = Event(
        source.account_id,
        told.code,
        at,
        channel_id=known.door.id,
        channel_name=source.channel_name,
        controller_id=source.controller_id,
        sequence=told.sequence,
        is_replayed=told.is_replayed,
    )
    if told.code not in TELLABLE:
        unknown = ("unknown_code", f"The controller told of something that there is no word for here: {told.code}.")
        return replace(event, event_code=EventCode.EVENTS_LOST, reasons=(unknown, *about_time))
    person = known.people.get(told.person_id or 0)
    if person is not None and person.erased_at is not None:
        return replace(event, person_id=person.id, reasons=about_time)  # it happened before; who it was, nobody says
    name = plain(told.person_name) or (None if person is None else person.name)
    given = tuple((plain(code) or "", plain(text, _LONGEST_REASON) or "") for code, text in told.reasons[:MOST_REASONS])
    moved_to = None
    if told.moved_to is not None and event.event_code in ADMITTING and known.door.leads_to(told.moved_to[0]):
        # Where its own door leads, for whom it has admitted: what else it says might keep people out of other doors.
        # Never in the future: whoever has gone there could go nowhere else until then.
        moved_to = Presence(told.moved_to[0], min(_occurred(told.moved_to[1], now)[0], now))
    return replace(
        event,
        person_id=None if person is None else person.id,
        person_name=name,
        credential=plain(told.credential),
        reasons=(*given, *about_time),
        moved_to=moved_to,
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
