"""What the compiler reads: the configuration of an account, of some people, of some roles."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select, union

from doorward.accounts.tables import accounts
from doorward.channels.tables import channels, presences
from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, number, one_of
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
    """Where somebody was last seen to go."""

    person_id: int
    area_id: int | None
    since: int


def _people(*limits: ColumnElement[bool]) -> Query[PersonRow]:
    return Query(
        select(
            people.c.id,
            people.c.first_name,
            people.c.last_name,
            people.c.enabled,
            people.c.valid_from,
            people.c.valid_to,
            people.c.deleted_at,
        ).where(people.c.account_id == bindparam("account_id"), *limits),
        PersonRow,
    )


def _person_roles(*limits: ColumnElement[bool]) -> Query[PersonRole]:
    direct: Select[Any] = (
        select(person_roles.c.person_id, person_roles.c.role_id)
        .join(people, people.c.id == person_roles.c.person_id)
        .where(people.c.account_id == bindparam("account_id"), *limits)
    )
    by_group: Select[Any] = (
        select(person_groups.c.person_id, group_roles.c.role_id)
        .join(group_roles, group_roles.c.group_id == person_groups.c.group_id)
        .join(people, people.c.id == person_groups.c.person_id)
        .where(people.c.account_id == bindparam("account_id"), *limits)
    )
    return Query(union(direct, by_group), PersonRole)


def _credentials(*limits: ColumnElement[bool]) -> Query[CredentialRow]:
    return Query(
        select(credentials.c.person_id, credential_types.c.kind, credentials.c.value)
        .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
        .where(credentials.c.account_id == bindparam("account_id"), *limits),
        CredentialRow,
    )


def _grants(*limits: ColumnElement[bool]) -> Query[GrantRow]:
    return Query(
        select(roles.c.id, roles.c.name, roles.c.shift_id, role_channels.c.channel_id)
        .join(role_channels, role_channels.c.role_id == roles.c.id)
        .where(roles.c.account_id == bindparam("account_id"), *limits),
        GrantRow,
    )


def _shifts(*limits: ColumnElement[bool]) -> Query[ShiftRow]:
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
        ).where(shifts.c.account_id == bindparam("account_id"), *limits),
        ShiftRow,
    )


def _channels(*limits: ColumnElement[bool]) -> Query[ChannelRow]:
    return Query(
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
        )
        .join(sites, sites.c.id == channels.c.site_id)
        .join(accounts, accounts.c.id == channels.c.account_id)
        .where(*limits),
        ChannelRow,
    )


PEOPLE: Final = _people()
SOME_PEOPLE: Final = _people(one_of(people.c.id, "ids"))
PERSON_ROLES: Final = _person_roles()
SOME_PERSON_ROLES: Final = _person_roles(one_of(people.c.id, "ids"))
CREDENTIALS: Final = _credentials()
SOME_CREDENTIALS: Final = _credentials(one_of(credentials.c.person_id, "ids"))
GRANTS: Final = _grants()
SOME_GRANTS: Final = _grants(one_of(roles.c.id, "ids"))
GRANTS_AT_CHANNELS: Final = _grants(one_of(role_channels.c.channel_id, "ids"))
SHIFTS: Final = _shifts()
SOME_SHIFTS: Final = _shifts(one_of(shifts.c.id, "ids"))
CHANNELS: Final = _channels(channels.c.account_id == bindparam("account_id"))
SOME_CHANNELS: Final = _channels(one_of(channels.c.id, "ids"))
ACCOUNT_IDS: Final = Query(select(accounts.c.id).order_by(accounts.c.id), number)
HOLIDAYS: Final = Query(
    select(holidays.c.site_id, holidays.c.day).where(holidays.c.account_id == bindparam("account_id")), HolidayRow
)
PRESENCES: Final = Query(
    select(presences.c.person_id, presences.c.area_id, presences.c.since).where(
        presences.c.account_id == bindparam("account_id")
    ),
    PresenceRow,
)
HOLDERS: Final = Query(
    select(credentials.c.person_id).where(
        credentials.c.account_id == bindparam("account_id"),
        credentials.c.lookup == bindparam("the_lookup"),
    ),
    number,
)
