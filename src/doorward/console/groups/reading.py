"""What the pages of groups read: lists that page, with the names of what they link."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, or_, select

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups, person_groups
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.roles.tables import group_roles, role_channels, roles
from doorward.shifts.tables import shifts
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites


class RoleName(NamedTuple):
    """A role of a group."""

    id: int
    name: str


class ListedGroup(NamedTuple):
    """A group in the list."""

    id: int
    name: str
    notes: str | None
    people: int
    roles: Sequence[RoleName]


class Opened(NamedTuple):
    """A door that a group can open: through which role, and in which shift (None: at any time)."""

    door_id: int
    door_name: str
    site_name: str
    role_id: int
    role_name: str
    shift_id: int | None
    shift_name: str | None


class _Row(NamedTuple):
    id: int
    name: str
    notes: str | None
    people: int
    total: int


class _GroupRole(NamedTuple):
    group_id: int
    role_id: int
    name: str


_PAGE: Final = Query(
    select(
        groups.c.id,
        groups.c.name,
        groups.c.notes,
        select(func.count()).where(person_groups.c.group_id == groups.c.id).scalar_subquery(),
        func.count().over(),
    )
    .where(groups.c.account_id == bindparam("account_id"))
    .order_by(groups.c.name_key, groups.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    _Row,
)
# A user who is limited to sites sees the roles that name a channel there.
_SEEN: Final = or_(
    bindparam("site_limited") == 0,
    roles.c.id.in_(
        select(role_channels.c.role_id).join(channels, channels.c.id == role_channels.c.channel_id).where(VISIBLE)
    ),
)
_ROLES: Final = Query(
    select(group_roles.c.group_id, roles.c.id, roles.c.name)
    .join(roles, roles.c.id == group_roles.c.role_id)
    .where(roles.c.account_id == bindparam("account_id"), one_of(group_roles.c.group_id, "ids"), _SEEN)
    .order_by(roles.c.name_key, roles.c.id),
    _GroupRole,
)
_OPENED: Final = Query(
    select(
        channels.c.id,
        channels.c.name,
        sites.c.name,
        roles.c.id,
        roles.c.name,
        shifts.c.id,
        shifts.c.name,
    )
    .select_from(
        group_roles.join(roles, roles.c.id == group_roles.c.role_id)
        .join(role_channels, role_channels.c.role_id == roles.c.id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .join(sites, sites.c.id == channels.c.site_id)
        .outerjoin(shifts, shifts.c.id == roles.c.shift_id)
    )
    .where(group_roles.c.group_id == bindparam("group_id"), VISIBLE)
    .order_by(sites.c.name, channels.c.name_key, channels.c.id, roles.c.name_key, roles.c.id),
    Opened,
)


def page_of_groups(transaction: Transaction, principal: Principal, page: Page) -> tuple[list[ListedGroup], int]:
    """A page of the groups, by name, with their roles and how many people are in each."""
    found = transaction.all(_PAGE, account_id=principal.account_id, limit=page.limit, offset=page.offset)
    held: defaultdict[int, list[RoleName]] = defaultdict(list)
    ids = str([group.id for group in found])
    for group_id, role_id, name in transaction.all(_ROLES, ids=ids, **visible_to(principal)):
        held[group_id].append(RoleName(role_id, name))
    listed = [ListedGroup(group.id, group.name, group.notes, group.people, held[group.id]) for group in found]
    return listed, found[0].total if found else page.offset


def opened_by(transaction: Transaction, principal: Principal, group_id: int) -> list[Opened]:
    """What a group can open of what the user sees."""
    return transaction.all(_OPENED, group_id=group_id, **visible_to(principal))
