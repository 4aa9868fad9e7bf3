"""Reservations: temporary access for one person to some channels, within one local day of the account.

The rules are the contract's page "create reservation" and behaviour.md, "Reservations".
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.fields import REQUIRED, Fields
from doorward.kit.pages import Page
from doorward.kit.timestamps import day_bounds, local_datetime
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.reservations.tables import reservations
from doorward.roles.grants import (
    create_reservation_role,
    expired_roles,
    remove_reservation_roles,
    role_of_reservation,
)
from doorward.roles.tables import role_channels, roles
from doorward.shifts.stretches import create_stretch, remove_stretches
from doorward.sites.sight import accessible_channels
from doorward.users.tables import user_sites

RESERVATION: Final = "reservation"
SHORTEST_MS: Final = 60_000
_SWEPT_AT_ONCE: Final = 500


class Reservation(NamedTuple):
    """One reservation. Instants are milliseconds UTC; the stretch is half-open."""

    id: int
    person_id: int
    start_time: int
    end_time: int
    channel_ids: list[int]
    created_at: int
    updated_at: int


def _reservation(
    reservation_id: int,
    person_id: int,
    start_time: int,
    end_time: int,
    channel_ids: str,
    created_at: int,
    updated_at: int,
) -> Reservation:
    return Reservation(
        reservation_id,
        person_id,
        start_time,
        end_time,
        json.loads(channel_ids),
        created_at,
        updated_at,
    )


_COLUMNS = (
    reservations.c.id,
    reservations.c.person_id,
    reservations.c.start_time,
    reservations.c.end_time,
    reservations.c.channel_ids,
    reservations.c.created_at,
    reservations.c.updated_at,
)

_FIND_PERSON: Final = Query(
    select(people.c.id)
    .where(
        people.c.id == bindparam("the_person"),
        people.c.account_id == bindparam("account_id"),
        people.c.deleted_at.is_(None),
    )
    # Against the person being deleted meanwhile; SQLite has one writer and needs no lock.
    .with_for_update(read=True),
    number,
)
_ADD: Final = Query(
    insert(reservations)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "person_id",
                "start_time",
                "end_time",
                "channel_ids",
                "created_by_id",
                "created_at",
                "updated_at",
            )
        }
    )
    .returning(reservations.c.id),
    number,
)
_MARK_DELETED: Final = Query[None](
    update(reservations)
    .where(reservations.c.id == bindparam("the_reservation"))
    .values(deleted_at=bindparam("now"), updated_at=bindparam("now"))
)


def _listed(*limits: ColumnElement[bool]) -> ColumnElement[bool]:
    """A reservation is live as long as it owns a role that has not expired."""
    return and_(
        reservations.c.account_id == bindparam("account_id"),
        roles.c.reservation_id == reservations.c.id,
        roles.c.expires_at > bindparam("now"),
        reservations.c.updated_at >= bindparam("since"),
        *limits,
    )


_TOUCHES_SITES_OF_USER: Final = exists(
    select(role_channels.c.role_id)
    .join(channels, channels.c.id == role_channels.c.channel_id)
    .join(user_sites, user_sites.c.site_id == channels.c.site_id)
    .where(
        role_channels.c.role_id == roles.c.id,
        user_sites.c.user_id == bindparam("user_id"),
    )
)


def _page(*limits: ColumnElement[bool]) -> Query[Reservation]:
    return Query(
        select(*_COLUMNS)
        .where(_listed(*limits))
        .order_by(reservations.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _reservation,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(reservations).where(_listed(*limits)), number)


_PAGE: Final = {False: _page(), True: _page(_TOUCHES_SITES_OF_USER)}
_COUNT: Final = {False: _count(), True: _count(_TOUCHES_SITES_OF_USER)}
"""By whether the user is limited to sites."""

_ONE: Final = Query(
    select(*_COLUMNS)
    .where(
        reservations.c.id == bindparam("the_reservation"),
        reservations.c.account_id == bindparam("account_id"),
        reservations.c.deleted_at.is_(None),
    )
    # Of several who delete it at once, one has deleted it.
    .with_for_update(),
    _reservation,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reservation is asked for; None stands for what was missing or bad."""

    person_id: int | None
    start_time: int | None
    end_time: int | None
    channel_ids: list[int] | None


def create_reservation(transaction: Transaction, principal: Principal, body: object, now: int) -> Reservation:
    """Create the reservation with its shift and its role. Raises Invalid with every rule that is broken."""
    fields = Fields(body)
    wanted = _read(fields, principal.zone)
    if wanted.person_id is not None and (
        transaction.one(_FIND_PERSON, the_person=wanted.person_id, account_id=principal.account_id) is None
    ):
        fields.complain("person_id", "Not found for this account")
    if wanted.channel_ids:
        accessible = accessible_channels(
            transaction,
            wanted.channel_ids,
            account_id=principal.account_id,
            user_id=principal.user_id,
            site_limited=principal.site_limited,
        )
        missing = [str(channel_id) for channel_id in wanted.channel_ids if channel_id not in accessible]
        if missing:
            fields.complain("channel_ids", f"Not found for this account: {', '.join(missing)}")
    fields.check()
    return _add(transaction, principal, wanted, now)


def _read(fields: Fields, zone: ZoneInfo) -> Wanted:
    """Read the body's fields, holding against them what can be told without the database."""
    person_id = fields.identity("person_id", required=True)
    start = fields.instant("start_time", zone, required=True)
    end = fields.instant("end_time", zone, required=True)
    if start is not None and end is not None:
        if end <= start:
            fields.complain("end_time", "must be after start_time")
        elif end - start < SHORTEST_MS:
            fields.complain("end_time", "must be at least one minute after start_time")
        elif end > _end_of_day(start, zone):
            fields.complain("end_time", f"must be on the same day as start_time in {zone.key}")
    channel_ids = fields.identities("channel_ids")
    alias = fields.identities("door_controller_ids")
    if channel_ids is not None and alias is not None and set(channel_ids) != set(alias):
        fields.complain(
            "door_controller_ids",
            "must be the same as channel_ids, which it is another name for",
        )
    wanted = alias if channel_ids is None else channel_ids
    if not wanted and not fields.errors.keys() & {"channel_ids", "door_controller_ids"}:
        fields.complain(
            "channel_ids",
            REQUIRED if wanted is None else "must name at least one channel",
        )
    return Wanted(person_id, start, end, wanted)


def _end_of_day(at: int, zone: ZoneInfo) -> int:
    """The instant at which the local day of `at` ends; a reservation may end there, not later."""
    return _day_end(local_datetime(at, zone).toordinal(), zone.key)


@lru_cache(maxsize=4096)
def _day_end(ordinal: int, zone_name: str) -> int:
    return day_bounds(date.fromordinal(ordinal), ZoneInfo(zone_name))[1]


def _add(transaction: Transaction, principal: Principal, wanted: Wanted, now: int) -> Reservation:
    account_id = principal.account_id
    person_id, start, end = (
        require(wanted.person_id),
        require(wanted.start_time),
        require(wanted.end_time),
    )
    channel_ids = require(wanted.channel_ids)
    reservation_id = require(
        transaction.one(
            _ADD,
            account_id=account_id,
            person_id=person_id,
            start_time=start,
            end_time=end,
            channel_ids=json.dumps(channel_ids),
            created_by_id=principal.user_id,
            created_at=now,
            updated_at=now,
        )
    )
    made = Reservation(reservation_id, person_id, start, end, channel_ids, now, now)
    audit.created(transaction, account_id, RESERVATION, made, now)
    # One that is over grants nothing: its role and shift would be swept at once, so they are not made.
    if end > now:
        shift_id = create_stretch(transaction, account_id, f"Reservation {reservation_id}", start, end, now)
        role_id = create_reservation_role(
            transaction,
            account_id=account_id,
            reservation_id=reservation_id,
            person_id=person_id,
            shift_id=shift_id,
            channel_ids=channel_ids,
            expires_at=end,
            now=now,
        )
        changes.note(transaction, account_id, now, person_id=person_id, role_id=role_id)
    return made


def list_reservations(
    transaction: Transaction, principal: Principal, page: Page, since: int, now: int
) -> tuple[list[Reservation], int]:
    """A page of the present and future reservations that the user may see, by id, and how many there are in all."""
    limited = principal.site_limited
    params = {"account_id": principal.account_id, "now": now, "since": since}
    if limited:
        params["user_id"] = principal.user_id
    found = transaction.all(_PAGE[limited], limit=page.limit, offset=page.offset, **params)
    if limited:
        found = _at_sites_of(transaction, principal, found)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT[limited], **params) or 0


def _at_sites_of(transaction: Transaction, principal: Principal, found: list[Reservation]) -> list[Reservation]:
    """The reservations with only those channels that a user limited to sites may see."""
    named = sorted({channel_id for one in found for channel_id in one.channel_ids})
    visible = accessible_channels(
        transaction, named, account_id=principal.account_id, user_id=principal.user_id, site_limited=True
    )
    return [one._replace(channel_ids=[entry for entry in one.channel_ids if entry in visible]) for one in found]


def delete_reservation(transaction: Transaction, principal: Principal, reservation_id: int, now: int) -> None:
    """Withdraw a reservation: its role and shift go with it, and the access ends at once.

    Raises NotFound if the user cannot see it, Forbidden if it reaches channels at sites that are not the user's.
    """
    found = transaction.one(_ONE, the_reservation=reservation_id, account_id=principal.account_id)
    if found is None:
        raise NotFound
    if principal.site_limited:
        accessible = accessible_channels(
            transaction,
            found.channel_ids,
            account_id=principal.account_id,
            user_id=principal.user_id,
            site_limited=True,
        )
        if not accessible:
            raise NotFound
        if len(accessible) < len(found.channel_ids):
            raise Forbidden
    transaction.run(_MARK_DELETED, the_reservation=reservation_id, now=now)
    audit.deleted(transaction, principal.account_id, RESERVATION, found, now)
    role = role_of_reservation(transaction, reservation_id)
    if role is not None:
        remove_reservation_roles(transaction, [role.id])
        if role.shift_id is not None:
            remove_stretches(transaction, [role.shift_id])
        changes.note(
            transaction,
            principal.account_id,
            now,
            person_id=found.person_id,
            role_id=role.id,
        )


def sweep(transaction: Transaction, now: int) -> int:
    """Remove the roles and shifts of reservations that have ended, some hundreds at a time; gives their number."""
    ended = expired_roles(transaction, now, _SWEPT_AT_ONCE)
    if ended:
        remove_reservation_roles(transaction, [role.id for role in ended])
        remove_stretches(transaction, [role.shift_id for role in ended if role.shift_id is not None])
        for role in ended:
            changes.note(transaction, role.account_id, now, role_id=role.id)
    return len(ended)
