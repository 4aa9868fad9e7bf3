"""What the compiler reads: the configuration of an account, of some people, of some roles."""

from typing import Final, NamedTuple

from sqlalchemy import Column, ColumnElement, bindparam, func, or_, select, union

from doorward.accounts.tables import accounts
from doorward.channels.tables import IS_KNOWN, channels, presences
from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, number, one_of
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import person_groups
from doorward.people.tables import people
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.shifts.tables import holidays, shifts
from doorward.sites.tables import sites


class PersonRow(NamedTuple):
    """A person as the decision needs them."""

    id: int
    first_name: str
    last_name: str
    enabled: int
    valid_from: int | None
    valid_to: int | None
    deleted_at: int | None


class PersonRole(NamedTuple):
    """A person holds a role, directly or through a group."""

    person_id: int
    role_id: int


class ReservedRole(NamedTuple):
    """A group reservation gives a person a role in [start, end)."""

    group_reservation_id: int
    person_id: int
    start: int
    end: int
    role_id: int


class CredentialRow(NamedTuple):
    """A credential, its value as stored."""

    person_id: int
    kind: str
    value: str


class ChannelRow(NamedTuple):
    """A channel with the zone of its site."""

    id: int
    account_id: int
    site_id: int
    name: str
    driver: str
    zone: str
    accepts: str
    two_factor: int
    second_factor_ms: int
    pulse_ms: int
    held_open_ms: int
    staleness_hours: int | None
    mode: str
    relock_at: int | None
    card_lockdown: int
    rex_lockdown: int
    aux_lockdown: int
    auto_unlock_shift_id: int | None
    passback_mode: str | None
    passback_minutes: int
    area_from_id: int | None
    area_to_id: int | None
    held_open_warning_ms: int
    rex_held_ms: int
    relock_on_open: int
    first_person_in: int
    two_person: int
    two_person_ms: int
    controller_id: int | None
    unit: int
    card_format: str | None
    serial_number: str | None


class ShiftRow(NamedTuple):
    """A shift as stored; shifts.windows makes a rule of it."""

    id: int
    name: str
    windows: str
    first_day: str | None
    last_day: str | None
    holidays: str
    starts_at: int | None
    ends_at: int | None


class HolidayRow(NamedTuple):
    """A day off at one site, or at every site if `site_id` is None."""

    site_id: int | None
    day: str


class GrantRow(NamedTuple):
    """A role names a channel."""

    role_id: int
    role_name: str
    shift_id: int | None
    channel_id: int


class PresenceRow(NamedTuple):
    """Where somebody was last seen to go; no matter, if that was before they were forgiven."""

    person_id: int
    area_id: int | None
    since: int
    forgiven_at: int | None


def _people(account: ColumnElement[bool], *limits: ColumnElement[bool]) -> Query[PersonRow]:
    return Query(
        select(
            people.c.id,
            people.c.first_name,
            people.c.last_name,
            people.c.enabled,
            people.c.valid_from,
            people.c.valid_to,
            people.c.deleted_at,
        ).where(account, *limits),
        PersonRow,
    )


def _person_roles(direct: ColumnElement[bool], by_group: ColumnElement[bool]) -> Query[PersonRole]:
    return Query(
        union(
            select(person_roles.c.person_id, person_roles.c.role_id).where(direct),
            select(person_groups.c.person_id, group_roles.c.role_id)
            .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
            .where(by_group),
        ),
        PersonRole,
    )


def _reserved_roles(whose: ColumnElement[bool]) -> Query[ReservedRole]:
    """Of the group reservations that end after an instant and have not been ended before their time."""
    return Query(
        select(
            group_reservations.c.id,
            group_reservations.c.person_id,
            group_reservations.c.start_time,
            group_reservations.c.end_time,
            group_roles.c.role_id,
        )
        .join(group_reservation_groups, group_reservation_groups.c.group_reservation_id == group_reservations.c.id)
        .join(group_roles, group_roles.c.group_id == group_reservation_groups.c.group_id)
        .where(
            group_reservations.c.end_time > bindparam("ends_after"),
            group_reservations.c.deactivated_at.is_(None),
            whose,
        )
        .order_by(group_reservations.c.id, group_roles.c.role_id)
        .distinct(),
        ReservedRole,
    )


def _credentials(account: ColumnElement[bool], *limits: ColumnElement[bool]) -> Query[CredentialRow]:
    return Query(
        select(credentials.c.person_id, credential_types.c.kind, credentials.c.value)
        .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
        .where(account, *limits),
        CredentialRow,
    )


def _grants(account: ColumnElement[bool], *limits: ColumnElement[bool]) -> Query[GrantRow]:
    return Query(
        select(roles.c.id, roles.c.name, roles.c.shift_id, role_channels.c.channel_id)
        .join(role_channels, role_channels.c.role_id == roles.c.id)
        .where(account, *limits),
        GrantRow,
    )


def _shifts(account: ColumnElement[bool], *limits: ColumnElement[bool]) -> Query[ShiftRow]:
    return Query(
        select(
            shifts.c.id,
            shifts.c.name,
            shifts.c.windows,
            shifts.c.first_day,
            shifts.c.last_day,
            shifts.c.holidays,
            shifts.c.starts_at,
            shifts.c.ends_at,
        ).where(account, *limits),
        ShiftRow,
    )


def channel_rows(*limits: ColumnElement[bool], some: bool = False) -> Query[ChannelRow]:
    """The channels that fit, with the zones of their sites; `some`: the first of them by id, bound to `most`."""
    found = (
        select(
            channels.c.id,
            channels.c.account_id,
            channels.c.site_id,
            channels.c.name,
            channels.c.driver,
            func.coalesce(sites.c.time_zone, accounts.c.time_zone),
            channels.c.accepts,
            channels.c.two_factor,
            channels.c.second_factor_ms,
            channels.c.pulse_ms,
            channels.c.held_open_ms,
            channels.c.staleness_hours,
            channels.c.mode,
            channels.c.relock_at,
            channels.c.card_lockdown,
            channels.c.rex_lockdown,
            channels.c.aux_lockdown,
            channels.c.auto_unlock_shift_id,
            channels.c.passback_mode,
            channels.c.passback_minutes,
            channels.c.area_from_id,
            channels.c.area_to_id,
            channels.c.held_open_warning_ms,
            channels.c.rex_held_ms,
            channels.c.relock_on_open,
            channels.c.first_person_in,
            channels.c.two_person,
            channels.c.two_person_ms,
            channels.c.controller_id,
            channels.c.unit,
            channels.c.card_format,
            channels.c.serial_number,
        )
        .join(sites, sites.c.id == channels.c.site_id)
        .join(accounts, accounts.c.id == channels.c.account_id)
        .where(*limits)
    )
    return Query(found.order_by(channels.c.id).limit(bindparam("most")) if some else found, ChannelRow)


def _searched(account_id: Column[int]) -> ColumnElement[bool]:
    """Everything of the account."""
    return account_id == bindparam("account_id")


def _checked(account_id: Column[int]) -> ColumnElement[bool]:
    """The account of what is found by its ids.

    Left the choice, SQLite finds it by the index on the account, going through everything that the account has.
    """
    return account_id + 0 == bindparam("account_id")


_PEOPLE_OF_ACCOUNT: Final = select(people.c.id).where(_searched(people.c.account_id))

PEOPLE: Final = _people(_searched(people.c.account_id))
SOME_PEOPLE: Final = _people(_checked(people.c.account_id), one_of(people.c.id, "ids"))
PERSON_ROLES: Final = _person_roles(
    person_roles.c.person_id.in_(_PEOPLE_OF_ACCOUNT), person_groups.c.person_id.in_(_PEOPLE_OF_ACCOUNT)
)
SOME_PERSON_ROLES: Final = _person_roles(
    one_of(person_roles.c.person_id, "ids"), one_of(person_groups.c.person_id, "ids")
)
RESERVED_ROLES: Final = _reserved_roles(_searched(group_reservations.c.account_id))
SOME_RESERVED_ROLES: Final = _reserved_roles(one_of(group_reservations.c.person_id, "ids"))
CREDENTIALS: Final = _credentials(_searched(credentials.c.account_id))
SOME_CREDENTIALS: Final = _credentials(_checked(credentials.c.account_id), one_of(credentials.c.person_id, "ids"))
GRANTS: Final = _grants(_searched(roles.c.account_id))
SOME_GRANTS: Final = _grants(_checked(roles.c.account_id), one_of(roles.c.id, "ids"))
GRANTS_AT_CHANNELS: Final = _grants(_checked(roles.c.account_id), one_of(role_channels.c.channel_id, "ids"))
SOME_GRANTS_AT_CHANNELS: Final = _grants(
    _checked(roles.c.account_id),
    one_of(role_channels.c.channel_id, "ids"),
    one_of(roles.c.id, "role_ids"),
    # The role of a reservation that has ended is gone, also before it is swept.
    or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("ends_after")),
)
SHIFTS: Final = _shifts(_searched(shifts.c.account_id))
SOME_SHIFTS: Final = _shifts(_checked(shifts.c.account_id), one_of(shifts.c.id, "ids"))
CHANNELS: Final = channel_rows(channels.c.account_id == bindparam("account_id"))
SOME_CHANNELS: Final = channel_rows(one_of(channels.c.id, "ids"))
ACCOUNT_IDS: Final = Query(select(accounts.c.id).order_by(accounts.c.id), number)
HOLIDAYS: Final = Query(
    select(holidays.c.site_id, holidays.c.day).where(holidays.c.account_id == bindparam("account_id")), HolidayRow
)


def _presences(*limits: ColumnElement[bool]) -> Query[PresenceRow]:
    return Query(
        select(presences.c.person_id, presences.c.area_id, presences.c.since, presences.c.forgiven_at).where(
            presences.c.account_id == bindparam("account_id"), *limits
        ),
        PresenceRow,
    )


PRESENCES: Final = _presences(IS_KNOWN)
WHEREABOUTS: Final = _presences()
"""With those who have been forgiven since."""
SOME_PRESENCES: Final = _presences(one_of(presences.c.person_id, "ids"))
HOLDERS: Final = Query(
    select(credentials.c.person_id).where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.lookup == bindparam("the_lookup"),
    ),
    number,
)
