"""How people hold the roles that name channels: directly, through a group, by a reservation or a group reservation."""

from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    union,
)
from sqlalchemy.sql.selectable import CompoundSelect

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import groups, person_groups
from doorward.people.tables import people
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.shifts.tables import shifts
from doorward.sites.sight import VISIBLE

Way = Literal["direct", "group", "reservation", "group_reservation"]


class Holding(NamedTuple):
    """A person holds a role that names a channel, in [start, end) where these are given.

    `way_id` and `way_name` are those of the group or the reservation; of a group reservation, its id and the name of
    the group.
    """

    person_id: int
    channel_id: int
    role_id: int
    role_name: str
    shift_id: int | None
    shift_name: str | None
    way: Way
    way_id: int | None
    way_name: str | None
    start: int | None
    end: int | None


class Holder(NamedTuple):
    """Somebody who holds a role that names a channel, and whether they may go anywhere at all."""

    id: int
    name: str
    enabled: bool
    valid_from: int | None
    valid_to: int | None


class Place(NamedTuple):
    """A channel, as far as it has to be named."""

    id: int
    name: str
    site_id: int


class Counted(NamedTuple):
    """Who holds a role that names a channel, and how many do so in all."""

    person_id: int
    total: int


# The role of a reservation that has ended is gone, also before it is swept.
_NOT_OVER: Final = or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("at"))
_RESERVED: Final = and_(
    group_reservations.c.end_time > bindparam("at"),
    group_reservations.c.deactivated_at.is_(None),
)


def _holdings(person: ColumnElement[int], way: Any, way_id: Any, way_name: Any, start: Any, end: Any) -> Select[Any]:
    return select(
        person,
        role_channels.c.channel_id,
        roles.c.id,
        roles.c.name,
        shifts.c.id,
        shifts.c.name,
        way,
        way_id,
        way_name,
        start,
        end,
    )


def _named(statement: Select[Any], source: Any, person: ColumnElement[int]) -> Select[Any]:
    """Of some people at some channels. `source` says who holds which role."""
    return statement.select_from(
        source.join(role_channels, role_channels.c.role_id == roles.c.id).outerjoin(
            shifts, shifts.c.id == roles.c.shift_id
        )
    ).where(
        one_of(person, "person_ids"),
        # From the people to the channels, of which a person has few, never the other way: SQLite would not know.
        one_of(role_channels.c.channel_id + 0, "channel_ids"),
    )


_BY_RESERVATION: Final = roles.c.reservation_id.is_not(None)
_DIRECT: Final = _named(
    _holdings(
        person_roles.c.person_id,
        case((_BY_RESERVATION, literal_column("'reservation'")), else_=literal_column("'direct'")),
        roles.c.reservation_id,
        case((_BY_RESERVATION, roles.c.name), else_=null()),
        shifts.c.starts_at,
        shifts.c.ends_at,
    ),
    person_roles.join(roles, roles.c.id == person_roles.c.role_id),
    person_roles.c.person_id,
).where(_NOT_OVER)
_BY_GROUP: Final = _named(
    _holdings(person_groups.c.person_id, literal_column("'group'"), groups.c.id, groups.c.name, null(), null()),
    person_groups.join(groups, groups.c.id == person_groups.c.group_id)
    .join(group_roles, group_roles.c.group_id == groups.c.id)
    .join(roles, roles.c.id == group_roles.c.role_id),
    person_groups.c.person_id,
)
_BY_GROUP_RESERVATION: Final = _named(
    _holdings(
        group_reservations.c.person_id,
        literal_column("'group_reservation'"),
        group_reservations.c.id,
        groups.c.name,
        group_reservations.c.start_time,
        group_reservations.c.end_time,
    ),
    group_reservations.join(
        group_reservation_groups, group_reservation_groups.c.group_reservation_id == group_reservations.c.id
    )
    .join(groups, groups.c.id == group_reservation_groups.c.group_id)
    .join(group_roles, group_roles.c.group_id == groups.c.id)
    .join(roles, roles.c.id == group_roles.c.role_id),
    group_reservations.c.person_id,
).where(_RESERVED)

HOLDINGS: Final = Query(union(_DIRECT, _BY_GROUP, _BY_GROUP_RESERVATION), Holding)
"""Of some people at some channels, those that are not over at an instant; in no order."""


def _channels_of_person() -> CompoundSelect[Any]:
    direct = (
        select(role_channels.c.channel_id)
        .join(person_roles, person_roles.c.role_id == role_channels.c.role_id)
        .join(roles, roles.c.id == role_channels.c.role_id)
        .where(person_roles.c.person_id == bindparam("person_id"), _NOT_OVER)
    )
    by_group = (
        select(role_channels.c.channel_id)
        .join(group_roles, group_roles.c.role_id == role_channels.c.role_id)
        .join(person_groups, person_groups.c.group_id == group_roles.c.group_id)
        .where(person_groups.c.person_id == bindparam("person_id"))
    )
    reserved = (
        select(role_channels.c.channel_id)
        .join(group_roles, group_roles.c.role_id == role_channels.c.role_id)
        .join(group_reservation_groups, group_reservation_groups.c.group_id == group_roles.c.group_id)
        .join(group_reservations, group_reservations.c.id == group_reservation_groups.c.group_reservation_id)
        .where(group_reservations.c.person_id == bindparam("person_id"), _RESERVED)
    )
    return union(direct, by_group, reserved)


def _held_at_channel() -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Who holds a role that names a channel, by themselves, through a group, by a group reservation."""
    direct = (
        select(person_roles.c.person_id)
        .join(role_channels, role_channels.c.role_id == person_roles.c.role_id)
        .join(roles, roles.c.id == person_roles.c.role_id)
        .where(role_channels.c.channel_id == bindparam("channel_id"), _NOT_OVER)
    )
    by_group = (
        select(person_groups.c.person_id)
        .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
        .join(role_channels, role_channels.c.role_id == group_roles.c.role_id)
        .where(role_channels.c.channel_id == bindparam("channel_id"))
    )
    reserved = (
        select(group_reservations.c.person_id)
        .join(group_reservation_groups, group_reservation_groups.c.group_reservation_id == group_reservations.c.id)
        .join(group_roles, group_roles.c.group_id == group_reservation_groups.c.group_id)
        .join(role_channels, role_channels.c.role_id == group_roles.c.role_id)
        .where(role_channels.c.channel_id == bindparam("channel_id"), _RESERVED)
    )
    return direct, by_group, reserved


_PLACES: Final = select(channels.c.id, channels.c.name, channels.c.site_id).where(VISIBLE)
_HELD_AT: Final = channels.c.id.in_(_channels_of_person())
_LIVING: Final = and_(people.c.account_id == bindparam("account_id"), people.c.deleted_at.is_(None))
# Who is deleted holds nothing any more.
_HOLDERS: Final = union(*_held_at_channel()).subquery("holders")

PLACE: Final = Query(_PLACES.where(channels.c.id == bindparam("channel_id")), Place)
PLACES_OF_PERSON: Final = Query(
    _PLACES.where(_HELD_AT).order_by(channels.c.id).limit(bindparam("limit")).offset(bindparam("offset")), Place
)
HELD_BY_PERSON: Final = and_(VISIBLE, _HELD_AT)
"""Channels that the user sees and some role of a person names; bound to visible_to(), `person_id` and `at`."""
COUNT_PLACES: Final = Query(select(func.count()).select_from(channels).where(VISIBLE, _HELD_AT), number)
PERSON: Final = Query(select(people.c.id).where(_LIVING, people.c.id == bindparam("person_id")), number)
HOLDERS: Final = Query(
    select(_HOLDERS.c.person_id, func.count().over())
    .order_by(_HOLDERS.c.person_id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    Counted,
)
COUNT_HOLDERS: Final = Query(select(func.count()).select_from(_HOLDERS), number)


def _holder(the_id: int, first: str, last: str, enabled: int, valid_from: int | None, valid_to: int | None) -> Holder:
    return Holder(the_id, f"{first} {last}".strip(), bool(enabled), valid_from, valid_to)


def _by_name(statement: Select[Any]) -> Query[Holder]:
    called = people.c.name_key.like(bindparam("pattern", type_=Text), escape="\\")
    return Query(
        statement.where(_LIVING, or_(bindparam("pattern", type_=Text) == "", called))
        .order_by(people.c.name_key, people.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _holder,
    )


_NAMED: Final = select(
    people.c.id, people.c.first_name, people.c.last_name, people.c.enabled, people.c.valid_from, people.c.valid_to
)
_HOLDS: Final = or_(*(held.where(held.selected_columns[0] == people.c.id).exists() for held in _held_at_channel()))

HOLDERS_BY_NAME: Final = {
    # Where few hold a role their rows are looked up; where many do, people are gone through by name until a page is
    # full.
    "few": _by_name(_NAMED.join(_HOLDERS, _HOLDERS.c.person_id == people.c.id)),
    "many": _by_name(_NAMED.where(_HOLDS)),
}
"""Who holds a role that names a channel, by name, with `pattern` in it (of LIKE; "": any): the same in two ways."""
