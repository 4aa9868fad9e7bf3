"""Which events are listed, and in which order: by when they happened and then by id.

An account has millions. What is asked for by channels and codes is counted by tallies (doorward.events.counting), which
also tell in which short stretch of time a page is, however far down the list: only that is read and sorted. What is
asked for by people is counted in their index, and found there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.counting import FEW, Count, Order, Window
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.text import sort_key
from doorward.kit.timestamps import LATEST
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import VISIBLE, accessible_channels, visible_to

_Driver = Literal["person_id", "channel_id", "event_code"]

_RARE: Final = 20_000
"""Codes are rare of which there are so few events in all."""


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for; None: of any."""

    codes: Collection[int]
    since: int
    channel_ids: Collection[int] | None = None
    person_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
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


def list_events(
    transaction: Transaction, principal: Principal, wanted: Wanted, page: Page, *, few: int = FEW
) -> tuple[list[StoredEvent], int]:
    """A page of the events that the user may see, and how many there are in all.

    A user who is limited to sites sees the events of the channels there. Of how many rows a page may be sorted (`few`)
    changes how it is found, not what is on it.
    """
    limits: dict[_Driver, Collection[int]] = {"event_code": wanted.codes}
    channel_ids = _visible_channels(transaction, principal, wanted.channel_ids)
    if channel_ids is not None:
        limits["channel_id"] = channel_ids
    person_ids = _people(transaction, principal.account_id, wanted)
    if person_ids is not None:
        limits["person_id"] = person_ids
    if not all(limits.values()):
        return [], 0
    asked = _Asked(transaction, principal.account_id, limits, wanted.order)
    count = Count(transaction, principal.account_id, wanted.codes, channel_ids, wanted.since, few)
    if person_ids is not None:
        total = asked.count_people(wanted.since)
        rows = _of_people(asked, replace(count, channel_ids=None), total, page)
    else:
        total = count.total
        window = count.window(wanted.order, page.offset, page.limit) if page.offset < total else None
        rows = asked.rows(_driver(count), window, page.limit) if window else []
    return _in_order(transaction, principal.account_id, [event_id for _, event_id in rows]), total


def get_event(transaction: Transaction, principal: Principal, event_id: int) -> StoredEvent:
    """One event. Raises NotFound."""
    found = transaction.one(_ONE, account_id=principal.account_id, the_id=event_id)
    if found is None:
        raise NotFound
    if principal.site_limited:
        seen = found.channel_id is not None and accessible_channels(
            transaction,
            [found.channel_id],
            account_id=principal.account_id,
            user_id=principal.user_id,
            site_limited=True,
        )
        if not seen:
            raise NotFound
    return found


def _visible_channels(
    transaction: Transaction, principal: Principal, asked: Collection[int] | None
) -> Collection[int] | None:
    """Of which channels events are asked for, as far as the user sees them; None: of any, and of none."""
    if asked is None:
        return transaction.all(_CHANNELS_OF_USER, **visible_to(principal)) if principal.site_limited else None
    return accessible_channels(
        transaction,
        list(asked),
        account_id=principal.account_id,
        user_id=principal.user_id,
        site_limited=principal.site_limited,
    )


def _driver(count: Count) -> _Driver:
    """Through which index a page is found: that of channels unless the codes are rare."""
    if count.channel_ids is None:
        return "event_code"
    anywhere = replace(count, channel_ids=None)
    return "event_code" if anywhere.total <= _RARE else "channel_id"


def _of_people(asked: "_Asked", anybody: Count, total: int, page: Page) -> list[tuple[int, int]]:
    """The page of the events of some people, of which there are `total`.

    If there are many, it is looked for where it would be if they were spread over time as everybody's are.
    """
    whole = Window(anybody.since, LATEST + 1, page.offset)
    here = min(page.limit, total - page.offset)
    if here <= 0:
        return []
    if total > anybody.few:
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
    limits: Mapping[_Driver, Collection[int]]
    order: Order

    def rows(self, driver: _Driver, window: Window, limit: int) -> list[tuple[int, int]]:
        """When the events of a page happened, and their ids."""
        query = _in_window(driver, frozenset(self.limits), self.order)
        return self.transaction.all(query, **self._params, **window._asdict(), most=limit)

    def count_people(self, since: int) -> int:
        """How many events there are of people since an instant, in their index."""
        return self.transaction.one(_count(frozenset(self.limits)), **self._params, since=since) or 0

    @cached_property
    def _params(self) -> dict[str, Any]:
        limits: dict[str, Any] = {name: str(sorted(ids)) for name, ids in self.limits.items()}
        return limits | {"account_id": self.account_id}


@lru_cache(maxsize=64)
def _in_window(driver: _Driver, kinds: frozenset[_Driver], order: Order) -> Query[tuple[int, int]]:
    """Events of a stretch of time, found through one index and sorted."""
    return Query(
        select(events.c.occurred_at, events.c.id)
        .where(
            one_of(events.c[driver], driver),
            events.c.occurred_at >= bindparam("since"),
            events.c.occurred_at < bindparam("until"),
            *_others(driver, kinds),
        )
        .order_by(*_by_time(order))
        .limit(bindparam("most"))
        .offset(bindparam("skipped")),
        _pair,
    )


@lru_cache(maxsize=16)
def _count(kinds: frozenset[_Driver]) -> Query[int]:
    """How many events there are of people."""
    some, recent = one_of(events.c.person_id, "person_id"), events.c.occurred_at >= bindparam("since")
    return Query(select(func.count()).select_from(events).where(some, recent, *_others("person_id", kinds)), number)


def _others(driver: _Driver, kinds: frozenset[_Driver]) -> list[ColumnElement[bool]]:
    """What else is asked for, said so that the index of the driver answers it and a planner takes no other.

    People and channels have been found in the account.
    """
    others: list[ColumnElement[bool]] = [one_of(events.c[kind] + 0, kind) for kind in sorted(kinds) if kind != driver]
    if driver == "event_code":
        others.append(events.c.account_id == bindparam("account_id"))
    return others


def _by_time(order: Order) -> list[ColumnElement[Any]]:
    # Adding nothing to a column keeps a planner from reading everything by time, only because it is sorted so.
    columns = (events.c.occurred_at + 0, events.c.id)
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
