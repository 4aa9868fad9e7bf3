"""What calendar and timeline show, with names: a few statements whatever the number, and never without an end.

Beside what the API lists, what is over: its record stays when its role is gone.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, cast, exists, func, literal, or_, select

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import groups
from doorward.kit.errors import NotFound
from doorward.kit.text import InvalidText, clean, sort_key
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.reservations.tables import reservations
from doorward.roles.tables import group_roles, role_channels, roles
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites
from doorward.users.tables import user_sites, users

Kind = Literal["reservation", "group"]

MOST: Final = 1_000
"""Of each kind that are shown at once."""
MOST_DOORS: Final = 300
"""That are offered to choose from."""
_LONGEST_MS: Final = 26 * 3_600_000
"""A reservation is within one local day, of at most so many hours."""
_FOUND: Final = 12


class Asked(NamedTuple):
    """Which are asked for: those that are within [start, end) in part; 0 and "": at any door, of anybody."""

    start: int
    end: int
    channel_id: int = 0
    site_id: int = 0
    person_id: int = 0
    name: str = ""
    """A part of the person's name."""


class Named(NamedTuple):
    """A person, a door or a group, as far as it has to be named."""

    id: int
    name: str


class Door(NamedTuple):
    """A door that the user sees. Without a zone its site is in the account's."""

    id: int
    name: str
    site_id: int
    site: str
    time_zone: str | None


class Booking(NamedTuple):
    """A reservation with its doors, or a group reservation with its groups. The stretch is half-open."""

    kind: Kind
    id: int
    person_id: int
    person: str
    start: int
    end: int
    things: tuple[Named, ...]

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/console/reservations/{'groups/' if self.kind == 'group' else ''}{self.id}"

    @property
    def what(self) -> str:
        """Its doors or groups, in words."""
        return ", ".join(each.name for each in self.things) or "no door that is left"


class _Reservation(NamedTuple):
    id: int
    person_id: int
    first_name: str
    last_name: str
    start_time: int
    end_time: int
    channel_ids: str


class _Group(NamedTuple):
    id: int
    person_id: int
    first_name: str
    last_name: str
    start_time: int
    end_time: int


class Record(NamedTuple):
    """What is on record of one reservation beside what the calendar shows."""

    booking: Booking
    doors: list[Door]
    is_whole: bool
    """Whether the user sees all its doors: only then may they delete it."""
    role_id: int | None
    role: str | None
    created_at: int
    created_by: str | None


class _Added(NamedTuple):
    reservation_id: int
    id: int
    name: str


def _names(channel_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a reservation's list of channels, "[1, 2]", has the id."""
    listed = func.replace(func.replace(func.replace(reservations.c.channel_ids, " ", ""), "[", ","), "]", ",")
    return listed.like(literal("%,") + cast(channel_id, Text) + literal(",%"))


_OF_SIGHT: Final = exists(
    select(channels.c.id)
    .join(user_sites, user_sites.c.site_id == channels.c.site_id)
    .where(user_sites.c.user_id == bindparam("user_id"), _names(channels.c.id))
)
_AT_SITE: Final = exists(
    select(channels.c.id).where(channels.c.site_id == bindparam("the_site"), _names(channels.c.id))
)
_OF_SOMEBODY: Final = and_(
    or_(bindparam("the_person") == 0, people.c.id == bindparam("the_person")),
    or_(bindparam("the_part") == "", people.c.name_key.like(bindparam("the_part"), escape="\\")),
)
_OWNED: Final = roles.alias("owned")
_NOT_ENDED_WITH_ITS_PERSON: Final = or_(
    reservations.c.end_time <= bindparam("now"),
    exists(select(_OWNED.c.id).where(_OWNED.c.reservation_id == reservations.c.id)),
)
_COLUMNS: Final = (
    reservations.c.id,
    reservations.c.person_id,
    people.c.first_name,
    people.c.last_name,
    reservations.c.start_time,
    reservations.c.end_time,
    reservations.c.channel_ids,
)
_SEEN: Final = and_(
    reservations.c.account_id == bindparam("account_id"),
    reservations.c.deleted_at.is_(None),
    or_(bindparam("site_limited") == 0, _OF_SIGHT),
    _NOT_ENDED_WITH_ITS_PERSON,
)
_RESERVATIONS: Final = Query(
    select(*_COLUMNS)
    .join(people, people.c.id == reservations.c.person_id)
    .where(
        _SEEN,
        reservations.c.end_time > bindparam("start"),
        reservations.c.end_time < bindparam("end_at_the_latest"),
        reservations.c.start_time < bindparam("end"),
        _OF_SOMEBODY,
        or_(bindparam("the_channel") == 0, _names(bindparam("the_channel"))),
        or_(bindparam("the_site") == 0, _AT_SITE),
    )
    .order_by(reservations.c.start_time, reservations.c.id)
    .limit(bindparam("limit")),
    _Reservation,
)
_BY_WHOM: Final = func.trim(users.c.first_name + literal(" ") + users.c.last_name)
_RESERVATION: Final = Query(
    select(*_COLUMNS, roles.c.id, roles.c.name, reservations.c.created_at, _BY_WHOM, users.c.email)
    .join(people, people.c.id == reservations.c.person_id)
    .outerjoin(roles, roles.c.reservation_id == reservations.c.id)
    .outerjoin(users, users.c.id == reservations.c.created_by_id)
    .where(_SEEN, reservations.c.id == bindparam("the_id")),
    lambda *values: (_Reservation(*values[:7]), values[7], values[8], values[9], values[10] or values[11]),
)
_DOORS_OF_RESERVATION: Final = Query(
    select(
        reservations.c.person_id,
        reservations.c.start_time,
        channels.c.id,
        channels.c.name,
        channels.c.site_id,
        sites.c.name,
        sites.c.time_zone,
    )
    .select_from(reservations.join(channels, _names(channels.c.id)).join(sites, sites.c.id == channels.c.site_id))
    .where(_SEEN, VISIBLE, reservations.c.id == bindparam("the_id"))
    .order_by(channels.c.name_key, channels.c.id),
    lambda person_id, start, *door: (int(person_id), int(start), Door(*door)),
)
_ENDED_AT: Final[ColumnElement[int]] = case(
    (
        and_(
            group_reservations.c.deactivated_at.is_not(None),
            group_reservations.c.deactivated_at < group_reservations.c.end_time,
        ),
        group_reservations.c.deactivated_at,
    ),
    else_=group_reservations.c.end_time,
)


def _reaching(limit: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a role of a group that is added to names such a channel."""
    return exists(
        select(group_roles.c.role_id)
        .select_from(group_reservation_groups)
        .join(group_roles, group_roles.c.group_id == group_reservation_groups.c.group_id)
        .join(role_channels, role_channels.c.role_id == group_roles.c.role_id)
        .join(channels, channels.c.id == role_channels.c.channel_id)
        .where(group_reservation_groups.c.group_reservation_id == group_reservations.c.id, limit)
    )


_OF_GROUP: Final = (
    select(
        group_reservations.c.id,
        group_reservations.c.person_id,
        people.c.first_name,
        people.c.last_name,
        group_reservations.c.start_time,
        _ENDED_AT,
    )
    .join(people, people.c.id == group_reservations.c.person_id)
    .where(
        group_reservations.c.account_id == bindparam("account_id"),
        or_(
            bindparam("site_limited") == 0,
            group_reservations.c.created_by_id == bindparam("user_id"),
            _reaching(
                channels.c.site_id.in_(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id")))
            ),
        ),
    )
)
_GROUP: Final = Query(_OF_GROUP.where(group_reservations.c.id == bindparam("the_id")), _Group)
_GROUPS_WITH_IDS: Final = Query(
    _OF_GROUP.where(one_of(group_reservations.c.id, "ids")).order_by(group_reservations.c.id), _Group
)
_GROUPS: Final = Query(
    _OF_GROUP.where(
        group_reservations.c.end_time > bindparam("start"),
        bindparam("start") < _ENDED_AT,
        group_reservations.c.start_time < bindparam("end"),
        _OF_SOMEBODY,
        or_(bindparam("the_channel") == 0, _reaching(channels.c.id == bindparam("the_channel"))),
        or_(bindparam("the_site") == 0, _reaching(channels.c.site_id == bindparam("the_site"))),
    )
    .order_by(group_reservations.c.start_time, group_reservations.c.id)
    .limit(bindparam("limit")),
    _Group,
)
_ADDED: Final = Query(
    select(group_reservation_groups.c.group_reservation_id, groups.c.id, groups.c.name)
    .join(groups, groups.c.id == group_reservation_groups.c.group_id)
    .where(one_of(group_reservation_groups.c.group_reservation_id, "ids"))
    .order_by(groups.c.name_key, groups.c.id),
    _Added,
)
_DOORS: Final = (
    select(channels.c.id, channels.c.name, channels.c.site_id, sites.c.name, sites.c.time_zone)
    .join(sites, sites.c.id == channels.c.site_id)
    .where(VISIBLE)
)
_DOORS_WITH_IDS: Final = Query(_DOORS.where(one_of(channels.c.id, "ids")).order_by(channels.c.name_key), Door)
_DOORS_AT_SITE: Final = Query(
    _DOORS.where(or_(bindparam("the_site") == 0, channels.c.site_id == bindparam("the_site")))
    .order_by(sites.c.name, channels.c.name_key, channels.c.id)
    .limit(bindparam("limit")),
    Door,
)
_PEOPLE: Final = (
    select(people.c.id, people.c.first_name, people.c.last_name)
    .where(people.c.account_id == bindparam("account_id"), people.c.deleted_at.is_(None))
    .order_by(people.c.name_key, people.c.id)
)


def _named(person_id: int, first_name: str, last_name: str) -> Named:
    return Named(person_id, f"{first_name} {last_name}".strip())


_BEGINNING: Final = Query(_PEOPLE.limit(bindparam("limit")), _named)
# In the order of the index on names, which has all that is compared: it ends when enough are found.
_WITH_NAME: Final = Query(
    _PEOPLE.where(people.c.name_key.like(bindparam("the_part"), escape="\\")).limit(bindparam("limit")), _named
)
_PERSON: Final = Query(_PEOPLE.where(people.c.id == bindparam("the_person")), _named)


def bookings(transaction: Transaction, principal: Principal, asked: Asked, now: int) -> tuple[list[Booking], bool]:
    """Reservations that the user may see, by their start, with the doors that they may see; whether that is not all."""
    if not principal.may("account.reservation.readonly"):
        return [], False
    found = transaction.all(
        _RESERVATIONS,
        **visible_to(principal),
        **_params(asked),
        end_at_the_latest=asked.end + _LONGEST_MS,
        now=now,
    )
    named = {each.id: each for each in doors_with_ids(transaction, principal, _channel_ids(found[:MOST]))}
    return [_booking(each, named) for each in found[:MOST]], len(found) > MOST


def group_bookings(transaction: Transaction, principal: Principal, asked: Asked) -> tuple[list[Booking], bool]:
    """Group reservations that the user may see, by their start; whether that is not all."""
    if not principal.may("account.group_reservation.readonly"):
        return [], False
    found = transaction.all(
        _GROUPS,
        **visible_to(principal),
        **_params(asked),
    )
    return _with_groups(transaction, found[:MOST]), len(found) > MOST


def reservation_with_id(transaction: Transaction, principal: Principal, the_id: int, now: int) -> Record:
    """One reservation with what is on record of it. Raises NotFound."""
    found = transaction.one(_RESERVATION, **visible_to(principal), the_id=the_id, now=now)
    if found is None:
        raise NotFound
    row, role_id, role, created_at, created_by = found
    doors = doors_with_ids(transaction, principal, _channel_ids([row]))
    booking = _booking(row, {door.id: door for door in doors})
    return Record(booking, doors, len(doors) == len(_channel_ids([row])), role_id, role, created_at, created_by)


def doors_of_reservation(
    transaction: Transaction, principal: Principal, the_id: int, now: int
) -> tuple[int, int, list[Door]]:
    """Of a reservation whose, from when on, and those of its doors that the user sees. Raises NotFound."""
    found = transaction.all(_DOORS_OF_RESERVATION, **visible_to(principal), the_id=the_id, now=now)
    if not found:
        raise NotFound
    person_id, start, _ = found[0]
    return person_id, start, [door for _, _, door in found]


def group_reservation_with_id(transaction: Transaction, principal: Principal, the_id: int) -> Booking:
    """One group reservation. Raises NotFound."""
    found = transaction.one(_GROUP, **visible_to(principal), the_id=the_id)
    if found is None:
        raise NotFound
    return _with_groups(transaction, [found])[0]


def group_reservations_with_ids(transaction: Transaction, principal: Principal, ids: Collection[int]) -> list[Booking]:
    """Group reservations, by id."""
    found = transaction.all(_GROUPS_WITH_IDS, **visible_to(principal), ids=_listed(ids)) if ids else []
    return _with_groups(transaction, found)


def doors_with_ids(transaction: Transaction, principal: Principal, ids: Collection[int]) -> list[Door]:
    """Those of the doors that the user sees, by name."""
    return transaction.all(_DOORS_WITH_IDS, ids=_listed(ids), **visible_to(principal)) if ids else []


def doors_at(transaction: Transaction, principal: Principal, site_id: int) -> list[Door]:
    """The doors that the user sees at a site (0: at all), by site and name; the first of many."""
    return transaction.all(_DOORS_AT_SITE, the_site=site_id, limit=MOST_DOORS, **visible_to(principal))


def people_named(transaction: Transaction, principal: Principal, text: str) -> list[Named]:
    """The first people with all the text in their name, whatever its case and accents."""
    pattern = _pattern(text)
    if not pattern:
        return transaction.all(_BEGINNING, account_id=principal.account_id, limit=_FOUND)
    return transaction.all(_WITH_NAME, account_id=principal.account_id, the_part=pattern, limit=_FOUND)


def person_with_id(transaction: Transaction, principal: Principal, person_id: int) -> Named | None:
    """Somebody of the account."""
    return transaction.one(_PERSON, account_id=principal.account_id, the_person=person_id) if person_id else None


def _channel_ids(found: Iterable[_Reservation]) -> set[int]:
    return {int(channel_id) for each in found for channel_id in json.loads(each.channel_ids)}


def _booking(row: _Reservation, named: dict[int, Door]) -> Booking:
    seen = [named[channel_id] for channel_id in json.loads(row.channel_ids) if channel_id in named]
    return Booking(
        "reservation",
        row.id,
        row.person_id,
        f"{row.first_name} {row.last_name}".strip(),
        row.start_time,
        row.end_time,
        tuple(Named(door.id, door.name) for door in seen),
    )


def _with_groups(transaction: Transaction, found: list[_Group]) -> list[Booking]:
    added: dict[int, list[Named]] = {}
    for each in transaction.all(_ADDED, ids=_listed(row.id for row in found)) if found else ():
        added.setdefault(each.reservation_id, []).append(Named(each.id, each.name))
    return [
        Booking(
            "group",
            row.id,
            row.person_id,
            f"{row.first_name} {row.last_name}".strip(),
            row.start_time,
            row.end_time,
            tuple(added.get(row.id, ())),
        )
        for row in found
    ]


def _listed(ids: Iterable[int]) -> str:
    return str(sorted(ids))


def _params(asked: Asked) -> dict[str, Any]:
    return {
        "start": asked.start,
        "end": asked.end,
        "the_channel": asked.channel_id,
        "the_site": asked.site_id,
        "the_person": asked.person_id,
        "the_part": _pattern(asked.name),
        "limit": MOST + 1,
    }


def _pattern(text: str) -> str:
    """For LIKE on `name_key`; "" for no text. What no name has in it finds nobody."""
    try:
        part = sort_key(clean(text).strip())
    except InvalidText:
        return " "
    escaped = "".join(f"\\{each}" if each in "\\%_" else each for each in part)
    return f"%{escaped}%" if part else ""
