"""Roles that a reservation owns: made, held by one person, and removed with it."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.text import sort_key
from doorward.roles.tables import person_roles, role_channels, roles
from doorward.shifts.stretches import remove_stretches


class ReservationRole(NamedTuple):
    """The role of a reservation, and the shift that goes with it."""

    id: int
    account_id: int
    shift_id: int | None
    reservation_id: int


_COLUMNS = (roles.c.id, roles.c.account_id, roles.c.shift_id, roles.c.reservation_id)

_ADD: Final = Query(
    insert(roles)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "name",
                "name_key",
                "shift_id",
                "reservation_id",
                "expires_at",
                "created_at",
                "updated_at",
            )
        }
    )
    .returning(roles.c.id),
    number,
)
_ADD_CHANNEL: Final = Query[None](
    insert(role_channels).values(role_id=bindparam("role_id"), channel_id=bindparam("channel_id"))
)
_ADD_PERSON: Final = Query[None](
    insert(person_roles).values(person_id=bindparam("person_id"), role_id=bindparam("role_id"))
)
_OF_RESERVATION: Final = Query(
    select(*_COLUMNS).where(roles.c.reservation_id == bindparam("reservation_id")),
    ReservationRole,
)
_OF_PERSON: Final = Query(
    select(*_COLUMNS)
    .join(person_roles, person_roles.c.role_id == roles.c.id)
    .where(person_roles.c.person_id == bindparam("person_id"), roles.c.reservation_id.is_not(None))
    .order_by(roles.c.id),
    ReservationRole,
)
_EXPIRED: Final = Query(
    select(*_COLUMNS)
    .where(roles.c.expires_at <= bindparam("now"))
    .order_by(roles.c.expires_at)
    .limit(bindparam("most")),
    ReservationRole,
)
_NEXT_EXPIRY: Final = Query(
    select(roles.c.expires_at).where(roles.c.expires_at.is_not(None)).order_by(roles.c.expires_at).limit(1),
    number,
)
_REMOVE: Final = Query[None](delete(roles).where(one_of(roles.c.id, "ids")))


def reservation_role_name(reservation_id: int) -> str:
    """The name of a reservation's role (behaviour.md, "Reservations")."""
    return f"Reservation {reservation_id}"


def create_reservation_role(
    transaction: Transaction,
    *,
    account_id: int,
    reservation_id: int,
    person_id: int,
    shift_id: int,
    channel_ids: list[int],
    expires_at: int,
    now: int,
) -> int:
    """A role "Reservation <id>" that one person holds; gives its id."""
    name = reservation_role_name(reservation_id)
    role_id = require(
        transaction.one(
            _ADD,
            account_id=account_id,
            name=name,
            name_key=sort_key(name),
            shift_id=shift_id,
            reservation_id=reservation_id,
            expires_at=expires_at,
            created_at=now,
            updated_at=now,
        )
    )
    transaction.run_many(
        _ADD_CHANNEL,
        [{"role_id": role_id, "channel_id": channel_id} for channel_id in channel_ids],
    )
    transaction.run(_ADD_PERSON, person_id=person_id, role_id=role_id)
    return role_id


def role_of_reservation(transaction: Transaction, reservation_id: int) -> ReservationRole | None:
    """The role that a reservation owns, while it has one."""
    return transaction.one(_OF_RESERVATION, reservation_id=reservation_id)


def expired_roles(transaction: Transaction, now: int, most: int) -> list[ReservationRole]:
    """Roles of reservations that have ended, the longest ago first."""
    return transaction.all(_EXPIRED, now=now, most=most)


def next_expiry(transaction: Transaction) -> int | None:
    """The instant at which the next role of a reservation ends."""
    return transaction.one(_NEXT_EXPIRY)


def remove_reservation_roles(transaction: Transaction, role_ids: list[int]) -> None:
    """Remove roles; who held them and which channels they named go with them."""
    transaction.run(_REMOVE, ids=str(role_ids))


def remove_roles_of_person(transaction: Transaction, person_id: int) -> list[ReservationRole]:
    """End a person's reservations: remove their roles and shifts; gives the roles, for the caller to note."""
    found = transaction.all(_OF_PERSON, person_id=person_id)
    if found:
        remove_reservation_roles(transaction, [role.id for role in found])
        remove_stretches(transaction, [role.shift_id for role in found if role.shift_id is not None])
    return found
