"""A page of events from a place in the list on, found with one statement however many there are.

For each code that is asked for, or each door or person, the next few are found in the index that has them by time; of
these few the next are taken. So nothing is sorted that is not nearly shown.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, func, or_, select, tuple_, union_all

from doorward.console.events.filters import Filters
from doorward.console.events.kinds import COMMON
from doorward.console.sites_and_doors import SitesAndDoors
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.counting import Count
from doorward.events.listing import StoredEvent
from doorward.events.tables import events
from doorward.kit.text import sort_key
from doorward.kit.timestamps import LATEST
from doorward.oauth.principal import Principal
from doorward.people.tables import people

_Kind = Literal["person_id", "channel_id", "event_code"]
_MOST_PLACES: Final = 200
"""Through so many doors or people events are found; of more doors, through the codes."""
MOST_PEOPLE: Final = 50
"""So many people of a name are looked at."""


class Person(NamedTuple):
    """Somebody, by the name of today or, of one who is deleted, the last."""

    id: int
    name: str


class Found(NamedTuple):
    """A page: its events, newest first; whether there are older and newer ones; and whose are looked at."""

    events: list[StoredEvent]
    has_older: bool
    has_newer: bool
    people: list[Person] | None
    """None: anybody's."""


def _person(the_id: int, first_name: str, last_name: str) -> Person:
    return Person(the_id, f"{first_name} {last_name}".strip())


_NAMED: Final = select(people.c.id, people.c.first_name, people.c.last_name).where(
    people.c.account_id == bindparam("account_id")
)
_BY_ID: Final = Query(_NAMED.where(people.c.id == bindparam("the_id")), _person)
_BY_NAME: Final = Query(
    _NAMED.where(
        or_(
            and_(people.c.name_key >= bindparam("part", type_=Text), people.c.name_key < bindparam("end", type_=Text)),
            people.c.name_key.like(bindparam("pattern", type_=Text), escape="\\"),
        )
    )
    .order_by(people.c.name_key, people.c.id)
    .limit(MOST_PEOPLE),
    _person,
)


def people_of(transaction: Transaction, account_id: int, filters: Filters) -> list[Person] | None:
    """Whose events are asked for: one person's, or of those with a name that begins so. None: anybody's."""
    if filters.person_id is not None:
        return transaction.all(_BY_ID, account_id=account_id, the_id=filters.person_id)
    if filters.name is None:
        return None
    part = sort_key(filters.name)
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return transaction.all(_BY_NAME, account_id=account_id, part=part, end=f"{part}\U0010ffff", pattern=f"% {escaped}%")


def channels_of(filters: Filters, places: SitesAndDoors, principal: Principal) -> Collection[int] | None:
    """The doors that are asked for, as far as the user sees them; None: any, and none."""
    if not principal.site_limited:
        return filters.channel_ids
    seen = {door.id for site in places.sites for door in site.doors}
    return seen if filters.channel_ids is None else seen.intersection(filters.channel_ids)


def page_of_events(
    transaction: Transaction, principal: Principal, filters: Filters, places: SitesAndDoors, size: int
) -> Found:
    """A page of what is asked for, from its cursor on."""
    found_people = people_of(transaction, principal.account_id, filters)
    limits: dict[_Kind, Collection[int]] = {"event_code": filters.codes}
    channel_ids = channels_of(filters, places, principal)
    if channel_ids is not None:
        limits["channel_id"] = channel_ids
    if found_people is not None:
        limits["person_id"] = [person.id for person in found_people]
    if not all(limits.values()) or filters.errors:
        return Found([], has_older=False, has_newer=False, people=found_people)
    rows = _rows(transaction, principal.account_id, limits, filters, size + 1)
    there_is_more, rows = len(rows) > size, rows[:size]
    if filters.newer:
        return Found(rows[::-1], has_older=True, has_newer=there_is_more, people=found_people)
    return Found(rows, has_older=there_is_more, has_newer=not filters.is_first_page, people=found_people)


def number_of_events(transaction: Transaction, principal: Principal, filters: Filters, places: SitesAndDoors) -> int:
    """How many there are of what is asked for, by the tallies; of some people, counted in their index."""
    found_people = people_of(transaction, principal.account_id, filters)
    channel_ids = channels_of(filters, places, principal)
    if filters.errors or (channel_ids is not None and not channel_ids):
        return 0
    if found_people is not None:
        params = {"person_id": str([person.id for person in found_people]), "event_code": str(sorted(filters.codes))}
        if channel_ids is not None:
            params["channel_id"] = str(sorted(channel_ids))
        return transaction.one(_count(frozenset(params)), since=filters.since, until=filters.until, **params) or 0
    count = Count(transaction, principal.account_id, filters.codes, channel_ids, filters.since)
    return count.total - (replace(count, since=filters.until).total if filters.until <= LATEST else 0)


@lru_cache(maxsize=2)
def _count(kinds: frozenset[_Kind]) -> Query[int]:
    driver: _Kind = "person_id"
    others = [one_of(events.c[kind] + 0, kind) for kind in sorted(kinds - {driver})]
    during = [events.c.occurred_at >= _number("since"), events.c.occurred_at < _number("until")]
    return Query(
        select(func.count()).select_from(events).where(one_of(events.c[driver], driver), *during, *others), number
    )


def _rows(
    transaction: Transaction,
    account_id: int,
    limits: dict[_Kind, Collection[int]],
    filters: Filters,
    most: int,
) -> list[StoredEvent]:
    driver = _driver(limits, filters.groups)
    drivers = sorted(limits[driver])
    params: dict[str, Any] = {f"driver_{place}": value for place, value in enumerate(drivers)}
    params |= {kind: str(sorted(ids)) for kind, ids in limits.items() if kind != driver}
    params |= {"since": filters.since, "until": filters.until, "most": most, "account_id": account_id}
    query = _found(driver, len(drivers), frozenset(limits) - {driver}, filters.newer)
    return transaction.all(query, cursor_at=filters.cursor.at, cursor_id=filters.cursor.id, **params)


def _driver(limits: dict[_Kind, Collection[int]], groups: Collection[str]) -> _Kind:
    """Through which index: of a busy door nobody looks through all that happened to find what seldom happens."""
    kinds: tuple[_Kind, ...] = ("person_id", "channel_id") if COMMON.intersection(groups) else ("person_id",)
    for kind in kinds:
        if kind in limits and len(limits[kind]) <= _MOST_PLACES:
            return kind
    return "event_code"


@lru_cache(maxsize=256)
def _found(driver: _Kind, count: int, others: frozenset[_Kind], newer: bool) -> Query[StoredEvent]:
    """The next events for each of `count` values of the driver, and of all these the next."""
    parts = [select(_next(driver, place, others, newer).subquery(f"part_{place}")) for place in range(count)]
    found = union_all(*parts).subquery("found")
    return Query(
        select(*(events.c[name] for name in StoredEvent._fields))
        .select_from(found.join(events, events.c.id == found.c.id))
        .order_by(*_order(newer))
        .limit(bindparam("most")),
        StoredEvent,
    )


def _next(driver: _Kind, place: int, others: Collection[_Kind], newer: bool) -> Any:
    here, there = tuple_(events.c.occurred_at, events.c.id), tuple_(_number("cursor_at"), _number("cursor_id"))
    where: list[ColumnElement[bool]] = [
        events.c[driver] == _number(f"driver_{place}"),
        events.c.occurred_at >= _number("since"),
        events.c.occurred_at < _number("until"),
        here > there if newer else here < there,
    ]
    if driver == "event_code":
        where.append(events.c.account_id == bindparam("account_id"))
    # Adding nothing to a column keeps a planner from the index on it.
    where += [one_of(events.c[kind] + 0, kind) for kind in sorted(others)]
    return select(events.c.id).where(*where).order_by(*_order(newer)).limit(bindparam("most"))


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger())


def _order(newer: bool) -> Sequence[ColumnElement[Any]]:
    columns = (events.c.occurred_at, events.c.id)
    return [column.asc() if newer else column.desc() for column in columns]
