"""People in pages, at a cost that does not grow with their number (docs/decisions/0012).

Each combination of filters is a statement of its own, so that none has conditions that the planner must see through. A
statement finds ids, in an index as far as there is one; the rows of one page are then read by id.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, TextClause, bindparam, func, literal_column, select, text
from sqlalchemy.types import BigInteger, Text

from doorward.db.query import Backend, Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.kit.timestamps import EARLIEST
from doorward.people import search
from doorward.people.holding import with_sets
from doorward.people.person import PEOPLE, Person
from doorward.people.tables import people
from doorward.people.tally import number_of_people

_ID: Final[ColumnElement[int]] = literal_column("people.id", BigInteger)
_PEOPLE: Final = text("people")
_ROWS: Final = Query(select(*PEOPLE.columns).where(one_of(people.c.id, "ids")).order_by(people.c.id), PEOPLE.of)

Limit = ColumnElement[bool] | TextClause


class _Filters(NamedTuple):
    """Which conditions a statement has."""

    backend: Backend
    since: bool
    address: bool
    """A part of the address that an index knows."""
    short_address: bool
    system_id: bool

    @property
    def none(self) -> bool:
        return not (self.since or self.address or self.short_address or self.system_id)


class _Statements(NamedTuple):
    """What a combination of filters takes: ids in their order, ids from the last one back, and their number."""

    page: Query[int]
    from_the_end: Query[int]
    total: Query[int]


@lru_cache(maxsize=64)
def _statements(filters: _Filters) -> _Statements:
    source, order, limits = _PEOPLE, _ID, _limits(filters)
    counted_in = _PEOPLE
    if filters.address:
        source = counted_in = search.FOUND_BY_ADDRESS[filters.backend]
        if filters.backend == "sqlite":
            order = literal_column("search_people.rowid", BigInteger)
    elif filters.backend == "sqlite" and not filters.system_id:
        # It cannot know how few have changed since, nor that an index has all that is looked at.
        if filters.since:
            source = counted_in = text("people INDEXED BY ix_people_account_id_updated_at")
        elif filters.short_address:
            counted_in = text("people INDEXED BY uq_people_live_email")
    ids: Select[Any] = select(_ID).select_from(source).where(*limits)
    window: dict[str, BindParameter[Any]] = {"limit": bindparam("limit"), "offset": bindparam("offset")}
    return _Statements(
        Query(ids.order_by(order).limit(window["limit"]).offset(window["offset"]), number),
        Query(ids.order_by(order.desc()).limit(window["limit"]).offset(window["offset"]), number),
        Query(select(func.count()).select_from(counted_in).where(*limits), number),
    )


def _limits(filters: _Filters) -> Sequence[Limit]:
    limits: list[Limit] = [literal_column("people.account_id", BigInteger) == bindparam("account_id")]
    if filters.since:
        limits.append(literal_column("people.updated_at", BigInteger) >= bindparam("since"))
    else:
        limits.append(text("people.deleted_at IS NULL"))
    if filters.address:
        limits.append(search.HAS_PART[filters.backend])
    elif filters.short_address:
        limits.append(search.HAS_SHORT_PART[filters.backend])
    if filters.system_id:
        limits.append(literal_column("people.system_id", Text) == bindparam("system_id", type_=Text))
    return limits


class Wanted(NamedTuple):
    """Which of an account's people are asked for; what is blank asks for nothing.

    `email` is a part of the address, in any case. With `since`, people who were deleted since are among them, too.
    """

    account_id: int
    since: int = EARLIEST
    email: str = ""
    system_id: str = ""


class _Asked(NamedTuple):
    """The same, as statements and their parameters."""

    filters: _Filters
    params: dict[str, Any]

    @property
    def statements(self) -> _Statements:
        return _statements(self.filters)


def _ask(transaction: Transaction, wanted: Wanted) -> _Asked | None:
    """None where nobody can be found."""
    part = search.part_of_address(wanted.email)
    if part is None or "\0" in wanted.system_id:
        return None
    params: dict[str, Any] = {"account_id": wanted.account_id}
    if wanted.since > EARLIEST:
        params["since"] = wanted.since
    if part:
        params["part"] = part
        if len(part) >= search.SHORTEST and transaction.backend == "sqlite":
            params["phrase"] = search.phrase(part)
    if wanted.system_id:
        params["system_id"] = wanted.system_id
    known = len(part) >= search.SHORTEST
    return _Asked(
        _Filters(transaction.backend, "since" in params, known, bool(part) and not known, "system_id" in params), params
    )


def page_of_people(
    transaction: Transaction,
    account_id: int,
    page: Page,
    *,
    since: int = EARLIEST,
    email: str = "",
    system_id: str = "",
) -> tuple[list[Person], int]:
    """A page of the account's people, by id, and how many there are in all; the filters are those of Wanted."""
    asked = _ask(transaction, Wanted(account_id, since, email, system_id))
    if asked is None:
        return [], 0
    if asked.filters.none:
        ids, total = _page_of_all(transaction, asked, page)
    else:
        ids = transaction.all(asked.statements.page, limit=page.limit, offset=page.offset, **asked.params)
        total = page.offset + len(ids)
        if len(ids) == page.limit or (page.offset and not ids):
            total = transaction.one(asked.statements.total, **asked.params) or 0
    return people_with_ids(transaction, ids), total


def _page_of_all(transaction: Transaction, asked: _Asked, page: Page) -> tuple[list[int], int]:
    """A page beyond the middle is walked to from the end: it is nearer."""
    total = number_of_people(transaction, asked.params["account_id"])
    if page.offset <= total // 2:
        return transaction.all(asked.statements.page, limit=page.limit, offset=page.offset, **asked.params), total
    if page.offset >= total:
        return [], total
    beyond = max(total - page.offset - page.limit, 0)
    limit = min(page.limit, total - page.offset)
    return transaction.all(asked.statements.from_the_end, limit=limit, offset=beyond, **asked.params)[::-1], total


def ids_of_people(transaction: Transaction, wanted: Wanted) -> list[int]:
    """The ids of all who are asked for."""
    asked = _ask(transaction, wanted)
    if asked is None:
        return []
    everything = Page(paged=False)
    return transaction.all(asked.statements.page, limit=everything.limit, offset=0, **asked.params)


def people_with_ids(transaction: Transaction, ids: Sequence[int]) -> list[Person]:
    """The people of these ids, by id, with their groups and roles. The ids must be the account's."""
    return with_sets(transaction, transaction.all(_ROWS, ids=str(list(ids)))) if ids else []
