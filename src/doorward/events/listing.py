"""Which events are listed, and in which order: by when they happened and then by id.

An account has millions. What is asked for by channels and codes is counted by tallies (doorward.events.counting), which
also tell in which short stretch of time a page is, however far down the list: only that is read and sorted. What is
asked for by people is counted in their index, and found there, and so is what was told later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, literal_column, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.codes import EVERY
from doorward.events.counting import FEW, Count, Order, Window
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.text import sort_key
from doorward.kit.timestamps import EARLIEST, LATEST
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import VISIBLE, accessible_channels, everywhere, visible_to

_Kind = Literal["person_id", "channel_id", "event_code"]
_Driver = Literal["person_id", "is_replayed", "channel_id", "event_code"]
"""By which index events are found."""

_RARE: Final = 20_000
"""Codes are rare of which there are so few events in all."""
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
    few: int = FEW,
) -> tuple[list[StoredEvent], int]:
    """A page of the account's events, and how many there are in all; `by`: those that this user may see.

    A user who is limited to sites sees the events of the channels there. Of how many rows a page may be sorted (`few`)
    changes how it is found, not what is on it.
    """
    codes = EVERY if wanted.codes is None else wanted.codes
    limits: dict[_Kind, Collection[int]] = {"event_code": codes}
    channel_ids = _channels(transaction, account_id, wanted, by)
    if channel_ids is not None:
        limits["channel_id"] = channel_ids
    person_ids = _people(transaction, account_id, wanted)
    if person_ids is not None:
        limits["person_id"] = person_ids
    if not all(limits.values()):
        return [], 0
    asked = _Asked(transaction, account_id, limits, wanted)
    count = Count(transaction, account_id, codes, channel_ids, wanted.since, few)
    if person_ids is not None:
        total = asked.count("person_id", wanted.replayed)
        rows = _of_people(asked, replace(count, channel_ids=None), total, page)
    elif wanted.replayed:
        total = asked.count("is_replayed", True)
        rows = asked.rows("is_replayed", Window(wanted.since, asked.until, page.offset), page.limit)
    else:
        total, rows = _of_anybody(asked, count, page)
    return _in_order(transaction, account_id, [event_id for _, event_id in rows]), total


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


def _driver(count: Count) -> _Driver:
    """Through which index a page is found: that of channels unless the codes are rare."""
    if count.channel_ids is None:
        return "event_code"
    anywhere = replace(count, channel_ids=None)
    return "event_code" if anywhere.total <= _RARE else "channel_id"


def _of_anybody(asked: "_Asked", count: Count, page: Page) -> tuple[int, list[tuple[int, int]]]:
    """How many events there are, and the page of them, by the tallies; these know nothing of what was told later."""
    newer = 0 if asked.wanted.until is None else replace(count, since=max(count.since, asked.until)).total
    told_later = asked.count("is_replayed", True) if asked.wanted.replayed is False else 0
    total = count.total - newer - told_later
    here = min(page.limit, total - page.offset)
    if here <= 0:
        return total, []
    before = newer if asked.order == "DESC" else 0
    if asked.wanted.replayed is None:
        window = count.window(asked.order, before + page.offset, here)
    else:
        reach = count.window(asked.order, before, page.offset + here + told_later)
        window = Window(reach.since, min(reach.until, asked.until), page.offset)
    return total, asked.rows(_driver(count), window, here)


def _of_people(asked: "_Asked", anybody: Count, total: int, page: Page) -> list[tuple[int, int]]:
    """The page of the events of some people, of which there are `total`.

    If there are many, it is looked for where it would be if they were spread over time as everybody's are.
    """
    whole = Window(anybody.since, asked.until, page.offset)
    here = min(page.limit, total - page.offset)
    if here <= 0:
        return []
    if total > anybody.few and asked.wanted.until is None:
        reach = 2 * (page.offset + page.limit) * anybody.total // total
        likely = anybody.window(asked.order, 0, reach)
        rows = asked.rows("person_id", likely._replace(skipped=page.offset), page.limit)
        if len(rows) == here:
            return rows
    return asked.rows("person_id", whole, page.limit)


def _pair(occurred_at: int, event_id: int) -> tuple[int, int]:
    return occurred_at, event_id


@dataclass(frozen=True)
class _Asked:
    """What is asked for, ready to be looked for."""

    transaction: Transaction
    account_id: int
    limits: Mapping[_Kind, Collection[int]]
    wanted: Wanted

    @property
    def order(self) -> Order:
        """Oldest or newest first."""
        return self.wanted.order

    @property
    def until(self) -> int:
        """Before which instant it all happened."""
        return _END if self.wanted.until is None else self.wanted.until

    def rows(self, driver: _Driver, window: Window, limit: int) -> list[tuple[int, int]]:
        """When the events of a page happened, and their ids."""
        query = _in_window(driver, frozenset(self.limits), self.wanted.replayed, self.order)
        return self.transaction.all(query, **self._params, **window._asdict(), most=limit)

    def count(self, driver: _Driver, replayed: bool | None) -> int:
        """How many events there are, counted in an index."""
        query = _count(driver, frozenset(self.limits), replayed)
        return self.transaction.one(query, **self._params, since=self.wanted.since, until=self.until) or 0

    @cached_property
    def _params(self) -> dict[str, Any]:
        limits: dict[str, Any] = {name: str(sorted(ids)) for name, ids in self.limits.items()}
        return limits | {"account_id": self.account_id}


@lru_cache(maxsize=128)
def _in_window(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None, order: Order) -> Query[tuple[int, int]]:
    """Events of a stretch of time, found through one index and sorted."""
    return Query(
        select(events.c.occurred_at, events.c.id)
        .where(*_limits(driver, kinds, replayed))
        .order_by(*_by_time(driver, order))
        .limit(bindparam("most"))
        .offset(bindparam("skipped")),
        _pair,
    )


@lru_cache(maxsize=128)
def _count(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None) -> Query[int]:
    return Query(select(func.count()).select_from(events).where(*_limits(driver, kinds, replayed)), number)


def _limits(driver: _Driver, kinds: frozenset[_Kind], replayed: bool | None) -> list[ColumnElement[bool]]:
    """What is asked for, said so that the index of the driver answers it and a planner takes no other.

    People and channels have been found in the account.
    """
    limits: list[ColumnElement[bool]] = []
    if driver in {"event_code", "is_replayed"}:
        limits.append(events.c.account_id == bindparam("account_id"))
    limits += [one_of(events.c[kind] if kind == driver else events.c[kind] + 0, kind) for kind in sorted(kinds)]
    if replayed is not None:
        # In words, not as a parameter: the index is of those alone of which just this is true.
        is_replayed = events.c.is_replayed if driver == "is_replayed" else events.c.is_replayed + literal_column("0")
        limits.append(is_replayed == literal_column("1" if replayed else "0"))
    return [*limits, events.c.occurred_at >= bindparam("since"), events.c.occurred_at < bindparam("until")]


def _by_time(driver: _Driver, order: Order) -> list[ColumnElement[Any]]:
    # Adding nothing to a column keeps a planner from reading everything by time, only because it is sorted so. The
    # index of what was told later has nothing else in it.
    happened = events.c.occurred_at if driver == "is_replayed" else events.c.occurred_at + 0
    columns = (happened, events.c.id)
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
