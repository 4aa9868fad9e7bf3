"""People as somebody at a desk looks for them: by parts of their names, by what they have, in the order of names.

Names are looked through in their index, which has the order, too. What is found by other means (an address, a number, a
card) is found first, as a few ids. Who is in a large group is asked of each person in the order of names, until a page
is full; the people of a small one are taken all, and put in order.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CompoundSelect,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    union,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import BigInteger, Text

from doorward.credentials.tables import credentials
from doorward.db.query import Backend, Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import person_groups
from doorward.kit.pages import Page
from doorward.kit.text import sort_key
from doorward.people import search
from doorward.people.tables import people
from doorward.people.tally import number_of_people
from doorward.roles.tables import group_roles, person_roles

MOST_COUNTED: Final = 1_000
"""Of more people than this that fit, the number is not told: who would walk through them looks more closely instead."""
_MOST_WORDS: Final = 4
_MOST_OTHERS: Final = 200
_FEW: Final = 2_000


class Wanted(NamedTuple):
    """Which people are looked for; what is blank asks for nothing."""

    text: str = ""
    """Parts of the name, in any order; or a part of the address, or the system id."""
    card: str = ""
    """By what a card is found whose number the text may be (credentials/finding.py)."""
    group_id: int | None = None
    role_id: int | None = None
    """Held by themselves or through a group."""
    enabled: bool | None = None
    without_credentials: bool = False


class Found(NamedTuple):
    """A page of ids in the order of names, and how many there are in all; with filters at most MOST_COUNTED."""

    ids: list[int]
    total: int
    is_more: bool = False
    """There are more than `total`."""


class _Shape(NamedTuple):
    """Which conditions a statement has."""

    backend: Backend
    words: int
    others: bool
    """Some are known to fit by other means than their name."""
    group: str
    """ "", "each" (asked of each person), or "few" (found first)."""
    role: str
    enabled: bool | None
    without_credentials: bool
    from_the_end: bool = False


_LIVING: Final = and_(people.c.account_id == bindparam("account_id"), people.c.deleted_at.is_(None))
_IN_GROUP: Final = select(person_groups.c.person_id).where(person_groups.c.group_id == bindparam("group_id"))
_WITH_ROLE: Final = union(
    select(person_roles.c.person_id).where(person_roles.c.role_id == bindparam("role_id")),
    select(person_groups.c.person_id)
    .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
    .where(group_roles.c.role_id == bindparam("role_id")),
)
_IS_IN_GROUP: Final = exists(
    select(person_groups.c.person_id).where(
        person_groups.c.person_id == people.c.id, person_groups.c.group_id == bindparam("group_id")
    )
)
_HAS_ROLE: Final = or_(
    exists(
        select(person_roles.c.person_id).where(
            person_roles.c.person_id == people.c.id, person_roles.c.role_id == bindparam("role_id")
        )
    ),
    exists(
        select(person_groups.c.person_id)
        .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
        .where(person_groups.c.person_id == people.c.id, group_roles.c.role_id == bindparam("role_id"))
    ),
)
# All who have something are gone through once: to ask of each person takes four times as long.
_HAS_NOTHING: Final = people.c.id.not_in(
    select(credentials.c.person_id).where(
        credentials.c.account_id == bindparam("account_id"), credentials.c.is_live == 1
    )
)


def _number_of(members: Select[Any] | CompoundSelect[Any]) -> Query[int]:
    few = select(members.subquery().c.person_id).limit(_FEW + 1).subquery()
    return Query(select(func.count()).select_from(few), number)


_NUMBER_IN_GROUP: Final = _number_of(_IN_GROUP)
_NUMBER_WITH_ROLE: Final = _number_of(_WITH_ROLE)


@lru_cache(maxsize=256)
def _page(shape: _Shape) -> Query[int]:
    order = (people.c.name_key, people.c.id)
    ordered = tuple(column.desc() for column in order) if shape.from_the_end else order
    return Query(
        select(people.c.id)
        .where(*_limits(shape))
        .order_by(*ordered)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        number,
    )


@lru_cache(maxsize=256)
def _count(shape: _Shape) -> Query[int]:
    fitting = select(people.c.id).where(*_limits(shape)).limit(MOST_COUNTED + 1).subquery()
    return Query(select(func.count()).select_from(fitting), number)


def _limits(shape: _Shape) -> list[ColumnElement[bool]]:
    limits: list[ColumnElement[bool]] = [_LIVING]
    if shape.words:
        place = func.instr if shape.backend == "sqlite" else func.strpos
        named = and_(
            *(place(people.c.name_key, bindparam(f"word_{each}", type_=Text)) > 0 for each in range(shape.words))
        )
        limits.append(or_(named, one_of(people.c.id, "others")) if shape.others else named)
    if shape.group:
        limits.append(_IS_IN_GROUP if shape.group == "each" else people.c.id.in_(_IN_GROUP))
    if shape.role:
        limits.append(_HAS_ROLE if shape.role == "each" else people.c.id.in_(_WITH_ROLE))
    if shape.enabled is not None:
        limits.append(people.c.enabled == (1 if shape.enabled else 0))
    if shape.without_credentials:
        limits.append(_HAS_NOTHING)
    return limits


@lru_cache(maxsize=16)
def _others(backend: Backend, *, address: bool, card: bool) -> Query[int]:
    """Who has the text in their address, as their system id, or as the number of a card."""
    ways: list[Select[Any]] = [
        select(people.c.id).where(_LIVING, people.c.system_id == bindparam("system_id", type_=Text))
    ]
    if address:
        living = text("people.account_id = :account_id AND people.deleted_at IS NULL")
        found: Select[Any] = select(literal_column("people.id", BigInteger).label("id")).select_from(
            search.FOUND_BY_ADDRESS[backend]
        )
        ways.append(found.where(living, search.HAS_PART[backend]))
    if card:
        ways.append(
            select(credentials.c.person_id).where(
                credentials.c.account_id == bindparam("account_id"),
                credentials.c.lookup == bindparam("card"),
                credentials.c.is_live == 1,
            )
        )
    return Query(union_all(*(select(way.limit(_MOST_OTHERS).subquery()) for way in ways)), number)


def find_people(transaction: Transaction, account_id: int, wanted: Wanted, page: Page) -> Found:
    """A page of the account's people who fit, in the order of names."""
    if wanted == Wanted():
        return _everybody(transaction, account_id, page)
    asked = _ask(transaction, account_id, wanted)
    if asked is None:
        return Found([], 0)
    ids = transaction.all(_page(asked.shape), limit=page.limit, offset=page.offset, **asked.params)
    if len(ids) < page.limit and (ids or not page.offset):
        return Found(ids, page.offset + len(ids))
    total = transaction.one(_count(asked.shape), **asked.params) or 0
    return Found(ids, min(total, MOST_COUNTED), total > MOST_COUNTED)


def first_people(transaction: Transaction, account_id: int, wanted: Wanted, most: int) -> list[int]:
    """The first few of the account's people who fit, whose number nobody asks for."""
    asked = _ask(transaction, account_id, wanted)
    return [] if asked is None else transaction.all(_page(asked.shape), limit=most, offset=0, **asked.params)


class _Asked(NamedTuple):
    shape: _Shape
    params: dict[str, Any]


def _ask(transaction: Transaction, account_id: int, wanted: Wanted) -> _Asked | None:
    """What is wanted as a statement's shape and its parameters; None where nobody can be found."""
    words = sort_key(wanted.text).split()[:_MOST_WORDS]
    if "\0" in wanted.text:
        return None
    params: dict[str, Any] = {"account_id": account_id, **{f"word_{at}": word for at, word in enumerate(words)}}
    others = _found_otherwise(transaction, wanted, account_id) if words else ()
    if others:
        params["others"] = str(sorted(others))
    if wanted.group_id is not None:
        params["group_id"] = wanted.group_id
    if wanted.role_id is not None:
        params["role_id"] = wanted.role_id
    shape = _Shape(
        transaction.backend,
        len(words),
        bool(others),
        _how(transaction, _NUMBER_IN_GROUP, wanted.group_id, "group_id"),
        # Beside a group, of which there are fewer people than of the account, each is asked.
        _how(transaction, _NUMBER_WITH_ROLE, wanted.role_id if wanted.group_id is None else None, "role_id")
        or ("each" if wanted.role_id is not None else ""),
        wanted.enabled,
        wanted.without_credentials,
    )
    return _Asked(shape, params)


def _how(transaction: Transaction, query: Query[int], the_id: int | None, name: str) -> str:
    if the_id is None:
        return ""
    return "few" if (transaction.one(query, **{name: the_id}) or 0) <= _FEW else "each"


def _found_otherwise(transaction: Transaction, wanted: Wanted, account_id: int) -> Collection[int]:
    given = wanted.text.strip()
    part = search.part_of_address(given) or ""
    address = len(part) >= search.SHORTEST and " " not in part
    params: dict[str, Any] = {"account_id": account_id, "system_id": given}
    if address:
        params["part"] = part
        if transaction.backend == "sqlite":
            params["phrase"] = search.phrase(part)
    if wanted.card:
        params["card"] = wanted.card
    return transaction.all(_others(transaction.backend, address=address, card=bool(wanted.card)), **params)


def _everybody(transaction: Transaction, account_id: int, page: Page) -> Found:
    """A page beyond the middle is walked to from the end: it is nearer."""
    total = number_of_people(transaction, account_id)
    shape = _Shape(transaction.backend, 0, False, "", "", None, False)
    if page.offset <= total // 2:
        return Found(transaction.all(_page(shape), limit=page.limit, offset=page.offset, account_id=account_id), total)
    here = min(page.limit, total - page.offset)
    if here <= 0:
        return Found([], total)
    beyond = max(total - page.offset - page.limit, 0)
    last: Sequence[int] = transaction.all(
        _page(shape._replace(from_the_end=True)), limit=here, offset=beyond, account_id=account_id
    )
    return Found([*last[::-1]], total)
