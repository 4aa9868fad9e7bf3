"""Which events are listed, and in which order: by when they happened and then by id.

An account has millions. A page is found through the index of what is asked for: the events of a person, of a channel or
of a code are each in order there, so that the first few of each, merged, are the first few of all. Only where that
would be many (hundreds of channels, page 1000) are they read in order of time and those that are not wanted left out.
"""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, literal_column, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.text import sort_key
from doorward.kit.timestamps import EARLIEST, LATEST
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import VISIBLE, accessible_channels, everywhere, visible_to

Order = Literal["ASC", "DESC"]
_Kind = Literal["person_id", "channel_id", "event_code"]
_Driver = Literal["person_id", "is_replayed", "channel_id", "event_code", "account_id"]
"""By which index events are found."""

_MOST_RANGES: Final = 64
MOST_MERGED: Final = 20_000
_USUAL_MS: Final = 90 * 86_400_000
_END: Final = LATEST + 1


class StoredEvent(NamedTuple):
    """An event as it was recorded. Instants are milliseconds UTC."""

    id: int
    event_code: int
    channel_id: int | None
    channel_name: str | None
    person_id: int | None
    person_name: str | None
    credential: str | None
    occurred_at: int
    received_at: int
    reasons: str
    """A JSON list of {code, text}."""
    controller_id: int | None
    sequence: int | None
    is_replayed: int
    """1: its controller had no contact, and told it later."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for; None: of any."""

    codes: Collection[int] | None
    since: int
    until: int | None = None
    """Before this instant."""
    channel_ids: Collection[int] | None = None
    site_ids: Collection[int] | None = None
    """At channels that are at these sites today."""
    person_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    replayed: bool | None = None
    order: Order = "DESC"


_COLUMNS: Final = tuple(events.c[name] for name in StoredEvent._fields)
_ONE: Final = Query(
    select(*_COLUMNS).where(events.c.account_id == bindparam("account_id"), events.c.id == bindparam("the_id")),
    StoredEvent,
)
# Adding nothing to a column keeps a planner from the index on it.
_SOME: Final = Query(
    select(*_COLUMNS).where(events.c.account_id + 0 == bindparam("account_id"), one_of(events.c.id, "ids")), StoredEvent
)
_CHANNELS_OF_USER: Final = Query(select(channels.c.id).where(VISIBLE), number)
_CHANNELS_AT_SITES: Final = Query(select(channels.c.id).where(VISIBLE, one_of(channels.c.site_id, "site_ids")), number)


def usual_since(until: int) -> int:
    """From when on events are listed if nobody says: the last 90 days (contract, listEvents)."""
    return max(until - _USUAL_MS, EARLIEST)


def list_events(
    transaction: Transaction,
    account_id: int,
    wanted: Wanted,
    page: Page,
    *,
    by: Principal | None = None,
    most_merged: int = MOST_MERGED,
) -> tuple[list[StoredEvent], int]:
    """A page of the account's events, and how many there are in all; `by`: those that this user may see.

    A user who is limited to sites sees the events of the channels there. Of how many rows a page may be merged
    (`most_merged`) changes how it is found, not what is on it.
    """
    limits: dict[_Driver, Collection[int]] = {}
    if wanted.codes is not None:
        limits["event_code"] = wanted.codes
    channel_ids = _channels(transaction, account_id, wanted, by)
    if channel_ids is not None:
        limits["channel_id"] = channel_ids
    person_ids = _people(transaction, account_id, wanted)
    if person_ids is not None:
        limits["person_id"] = person_ids
    if not all(limits.values()):
        return [], 0
    params: dict[str, Any] = {name: str(sorted(ids)) for name, ids in limits.items()}
    params |= {"account_id": account_id, "since": wanted.since, "until": _END if wanted.until is None else wanted.until}
    kinds: frozenset[_Kind] = frozenset(kind for kind in _KINDS if kind in limits)
    driver = _driver(kinds, wanted.replayed)
    ranges, last = limits.get(driver, (account_id,)), page.offset + page.limit
    if len(ranges) <= _MOST_RANGES and len(ranges) * last <= most_merged:
        query = _in_range(driver, kinds, wanted.replayed, wanted.order)
        found = [transaction.all(query, **params, the_one=each, most=last) for each in ranges]
        merged = heapq.merge(*found, reverse=wanted.order == "DESC")
        rows = list(islice(merged, page.offset, last))
    else:
        query = _in_time(kinds, wanted.replayed, wanted.order)
        rows = transaction.all(query, **params, most=page.limit, offset=page.offset)
    ids = [event_id for _, event_id in rows]
    listed = _in_order(transaction, account_id, ids)
    if page.offset == 0 and len(listed) < page.limit:
        return listed, len(listed)
    return listed, _total(transaction, kinds, wanted.replayed, params)


def get_event(transaction: Transaction, account_id: int, event_id: int, *, by: Principal | None = None) -> StoredEvent:
    """One event. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=event_id)
    if found is None:
        raise NotFound
    if by is not None and by.site_limited:
        seen = found.channel_id is not None and accessible_channels(
            transaction,
            [found.channel_id],
            account_id=account_id,
            user_id=by.user_id,
            site_limited=True,
        )
        if not seen:
            raise NotFound
    return found


def _channels(
    transaction: Transaction, account_id: int, wanted: Wanted, by: Principal | None
) -> Collection[int] | None:
    """Of which channels events are asked for, as far as the user sees them; None: of any, and of none."""
    asked, sight = wanted.channel_ids, everywhere(account_id) if by is None else visible_to(by)
    if wanted.site_ids is not None:
        there = transaction.all(_CHANNELS_AT_SITES, site_ids=str(sorted(wanted.site_ids)), **sight)
        return there if asked is None else set(there).intersection(asked)
    if asked is None:
        return transaction.all(_CHANNELS_OF_USER, **sight) if sight["site_limited"] else None
    return accessible_channels(
        transaction,
        list(asked),
        account_id=account_id,
        user_id=sight["user_id"],
        site_limited=bool(sight["site_limited"]),
    )


_KINDS: Final[Sequence[_Kind]] = ("person_id", "channel_id", "event_code")
"""What says most about which events are wanted, first."""


def _driver(kinds: frozenset[_Kind], replayed: bool | None) -> _Driver:
    """What there is least of, as a rule: a person's events; then those that were told later, of all that there are."""
    if replayed and "person_id" not in kinds:
        return "is_replayed"
    return next((kind for kind in _KINDS if kind in kinds), "account_id")


def _pair(occurred_at: int, event_id: int) -> tuple[int, int]:
    return occurred_at, event_id


@lru_cache(maxsize=128)
def _in_range(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None, order: Order) -> Query[tuple[int, int]]:
    """The first events of one person, channel or code, or of all."""
    column = events.c.account_id if driver == "is_replayed" else events.c[driver]
    return Query(
        select(events.c.occurred_at, events.c.id)
        .where(column == bindparam("the_one"), *_others(driver, kinds, replayed))
        .order_by(*_by_time(order))
        .limit(bindparam("most")),
        _pair,
    )


@lru_cache(maxsize=128)
def _in_time(kinds: frozenset[_Kind], replayed: bool | None, order: Order) -> Query[tuple[int, int]]:
    """Events in order of time, those left out that are not wanted."""
    driver: _Driver = "is_replayed" if replayed else "account_id"
    return Query(
        select(events.c.occurred_at, events.c.id)
        .where(events.c.account_id == bindparam("account_id"), *_others(driver, kinds, replayed))
        .order_by(*_by_time(order))
        .limit(bindparam("most"))
        .offset(bindparam("offset")),
        _pair,
    )


def _total(transaction: Transaction, kinds: frozenset[_Kind], replayed: bool | None, params: dict[str, Any]) -> int:
    if replayed is False:
        # No index leaves out the few that were told later; they have one of their own.
        return _total(transaction, kinds, None, params) - _total(transaction, kinds, True, params)
    return transaction.one(_count(_driver(kinds, replayed), kinds, replayed), **params) or 0


@lru_cache(maxsize=128)
def _count(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None) -> Query[int]:
    some = one_of(events.c[driver], driver) if driver in kinds else events.c.account_id == bindparam("account_id")
    return Query(select(func.count()).select_from(events).where(some, *_others(driver, kinds, replayed)), number)


def _others(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None) -> list[ColumnElement[bool]]:
    """What else is asked for, said so that the index of the driver answers it and a planner takes no other.

    People and channels have been found in the account.
    """
    others: list[ColumnElement[bool]] = [one_of(events.c[kind] + 0, kind) for kind in sorted(kinds) if kind != driver]
    if driver == "event_code":
        others.append(events.c.account_id == bindparam("account_id"))
    if replayed is not None:
        # In words, not as a parameter: the index is of those alone of which just this is true.
        is_replayed = events.c.is_replayed if driver == "is_replayed" else events.c.is_replayed + literal_column("0")
        others.append(is_replayed == literal_column("1" if replayed else "0"))
    return [events.c.occurred_at >= bindparam("since"), events.c.occurred_at < bindparam("until"), *others]


def _by_time(order: Order) -> list[ColumnElement[Any]]:
    columns = (events.c.occurred_at, events.c.id)
    return [column.desc() if order == "DESC" else column.asc() for column in columns]


def _in_order(transaction: Transaction, account_id: int, ids: Sequence[int]) -> list[StoredEvent]:
    if not ids:
        return []
    found = {event.id: event for event in transaction.all(_SOME, account_id=account_id, ids=str(list(ids)))}
    return [found[event_id] for event_id in ids]


class _Named(NamedTuple):
    id: int
    first_name: str
    last_name: str


_NAMED: Final = select(people.c.id, people.c.first_name, people.c.last_name).where(
    people.c.account_id == bindparam("account_id")
)
_BY_ID: Final = Query(_NAMED.where(people.c.id == bindparam("the_id")), _Named)
_BY_FIRST_NAME: Final = Query(
    _NAMED.where(
        and_(
            people.c.name_key >= bindparam("from_key", type_=Text), people.c.name_key < bindparam("to_key", type_=Text)
        )
    ),
    _Named,
)
_BY_LAST_NAME: Final = Query(
    _NAMED.where(people.c.name_key.like(bindparam("pattern", type_=Text), escape="\\")), _Named
)


def _people(transaction: Transaction, account_id: int, wanted: Wanted) -> Collection[int] | None:
    """Whose events are asked for; None: anybody's.

    Names are those that people have today, the deleted ones those that they had; case and accents make no difference.
    """
    if wanted.first_name is None and wanted.last_name is None:
        if wanted.person_id is None:
            return None
        return [person.id for person in transaction.all(_BY_ID, account_id=account_id, the_id=wanted.person_id)]
    first, last = sort_key(wanted.first_name or ""), sort_key(wanted.last_name or "")
    if wanted.first_name is not None:
        # The key is "first last"; what follows a space is "!".
        keys = {"from_key": f"{first} ", "to_key": f"{first}!"}
        found = transaction.all(_BY_FIRST_NAME, account_id=account_id, **keys)
    else:
        found = transaction.all(_BY_LAST_NAME, account_id=account_id, pattern=f"% {_escaped(last)}")
    return [
        person.id
        for person in found
        if (wanted.first_name is None or sort_key(person.first_name) == first)
        and (wanted.last_name is None or sort_key(person.last_name) == last)
        and wanted.person_id in (None, person.id)
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
