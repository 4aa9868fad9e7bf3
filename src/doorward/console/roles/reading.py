"""What the pages of roles read: lists that page, with what the roles link. Roles of reservations are left out."""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal_column, or_, select, union_all

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups, person_groups
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.shifts.tables import shifts
from doorward.sites.sight import VISIBLE, visible_to
from doorward.users.tables import user_sites

MOST_TO_CHOOSE: Final = 1000


class ListedRole(NamedTuple):
    """A role in the list; `beyond`: it names doors that the user does not see, and so is not theirs to change."""

    id: int
    name: str
    notes: str | None
    shift_id: int | None
    shift_name: str | None
    doors: int
    groups: int
    people: int
    beyond: int
    total: int


class Named(NamedTuple):
    """Something with a name."""

    id: int
    name: str


class Pair(NamedTuple):
    """A role names a door."""

    role_id: int
    channel_id: int


class RoleDetail(NamedTuple):
    """A role by itself."""

    id: int
    name: str
    notes: str | None
    shift_id: int | None
    shift_name: str | None
    reservation_id: int | None
    updated_at: int
    people: int
    beyond: int


class Link(NamedTuple):
    """What a role links: a door, or a group that holds it, with how many people."""

    kind: str
    id: int
    name: str
    people: int


class Holder(NamedTuple):
    """Somebody who holds the role by themselves."""

    id: int
    first_name: str
    last_name: str


_NAMED: Final = select(role_channels.c.role_id).join(channels, channels.c.id == role_channels.c.channel_id)
# A user who is limited to sites sees the roles that name a channel there.
_SEEN: Final = or_(bindparam("site_limited") == 0, exists(_NAMED.where(role_channels.c.role_id == roles.c.id, VISIBLE)))
_BEYOND: Final[ColumnElement[int]] = (
    select(func.count())
    .select_from(role_channels.join(channels, channels.c.id == role_channels.c.channel_id))
    .where(
        role_channels.c.role_id == roles.c.id,
        bindparam("site_limited") == 1,
        channels.c.site_id.not_in(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id"))),
    )
    .scalar_subquery()
)
_LASTING: Final = and_(roles.c.account_id == bindparam("account_id"), roles.c.reservation_id.is_(None), _SEEN)
_DIRECT: Final = select(func.count()).where(person_roles.c.role_id == roles.c.id).scalar_subquery()
_PAGE: Final = Query(
    select(
        roles.c.id,
        roles.c.name,
        roles.c.notes,
        roles.c.shift_id,
        shifts.c.name,
        select(func.count())
        .select_from(role_channels.join(channels, channels.c.id == role_channels.c.channel_id))
        .where(role_channels.c.role_id == roles.c.id, VISIBLE)
        .scalar_subquery(),
        select(func.count()).where(group_roles.c.role_id == roles.c.id).scalar_subquery(),
        _DIRECT,
        _BEYOND,
        func.count().over(),
    )
    .select_from(roles.outerjoin(shifts, shifts.c.id == roles.c.shift_id))
    .where(_LASTING)
    .order_by(roles.c.name_key, roles.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    ListedRole,
)
_CHOICES: Final = Query(
    select(roles.c.id, roles.c.name).where(_LASTING).order_by(roles.c.name_key, roles.c.id).limit(MOST_TO_CHOOSE),
    Named,
)
_SHIFTS: Final = Query(
    select(shifts.c.id, shifts.c.name)
    .where(shifts.c.account_id == bindparam("account_id"), shifts.c.starts_at.is_(None))
    .order_by(shifts.c.name_key, shifts.c.id)
    .limit(MOST_TO_CHOOSE),
    Named,
)
_GROUPS: Final = Query(
    select(groups.c.id, groups.c.name)
    .where(groups.c.account_id == bindparam("account_id"))
    .order_by(groups.c.name_key, groups.c.id)
    .limit(MOST_TO_CHOOSE),
    Named,
)
_PAIRS: Final = Query(
    select(role_channels.c.role_id, role_channels.c.channel_id).where(
        one_of(role_channels.c.role_id, "ids"), one_of(role_channels.c.channel_id, "channel_ids")
    ),
    Pair,
)
_ONE: Final = Query(
    select(
        roles.c.id,
        roles.c.name,
        roles.c.notes,
        roles.c.shift_id,
        shifts.c.name,
        roles.c.reservation_id,
        roles.c.updated_at,
        _DIRECT,
        _BEYOND,
    )
    .select_from(roles.outerjoin(shifts, shifts.c.id == roles.c.shift_id))
    .where(
        roles.c.account_id == bindparam("account_id"),
        roles.c.id == bindparam("role_id"),
        or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("now")),
        _SEEN,
    ),
    RoleDetail,
)
_LINKS: Final = Query(
    union_all(
        select(literal_column("'door'"), channels.c.id, channels.c.name, literal_column("0"))
        .join(role_channels, role_channels.c.channel_id == channels.c.id)
        .where(role_channels.c.role_id == bindparam("role_id"), VISIBLE),
        select(
            literal_column("'group'"),
            groups.c.id,
            groups.c.name,
            select(func.count()).where(person_groups.c.group_id == groups.c.id).scalar_subquery(),
        )
        .join(group_roles, group_roles.c.group_id == groups.c.id)
        .where(group_roles.c.role_id == bindparam("role_id")),
    ),
    Link,
)
_HOLDERS: Final = Query(
    select(people.c.id, people.c.first_name, people.c.last_name)
    .join(person_roles, person_roles.c.person_id == people.c.id)
    .where(person_roles.c.role_id == bindparam("role_id"), people.c.deleted_at.is_(None))
    .order_by(people.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    Holder,
)


def page_of_roles(transaction: Transaction, principal: Principal, page: Page) -> tuple[list[ListedRole], int]:
    """A page of the roles that the user sees, by name, and how many there are."""
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, **visible_to(principal))
    return found, found[0].total if found else page.offset


def roles_to_choose(transaction: Transaction, principal: Principal) -> list[Named]:
    """The roles that can be given, by name."""
    return transaction.all(_CHOICES, **visible_to(principal))


def shifts_to_choose(transaction: Transaction, principal: Principal) -> list[Named]:
    """The shifts that a role can have, by name."""
    return transaction.all(_SHIFTS, account_id=principal.account_id)


def groups_to_choose(transaction: Transaction, principal: Principal) -> list[Named]:
    """The groups that can hold a role, by name."""
    return transaction.all(_GROUPS, account_id=principal.account_id)


def pairs_of(transaction: Transaction, role_ids: list[int], channel_ids: list[int]) -> set[Pair]:
    """Which of these roles names which of these doors."""
    return set(transaction.all(_PAIRS, ids=str(role_ids), channel_ids=str(channel_ids)))


def find_role(transaction: Transaction, principal: Principal, role_id: int, now: int) -> RoleDetail | None:
    """A role that the user sees; None where there is none."""
    return transaction.one(_ONE, role_id=role_id, now=now, **visible_to(principal))


def links_of(transaction: Transaction, principal: Principal, role_id: int) -> list[Link]:
    """The doors of a role that the user sees, and the groups that hold it."""
    return transaction.all(_LINKS, role_id=role_id, **visible_to(principal))


def holders_of(transaction: Transaction, role_id: int, page: Page) -> list[Holder]:
    """A page of those who hold a role by themselves, by their numbers."""
    return transaction.all(_HOLDERS, role_id=role_id, limit=page.limit, offset=page.offset)
