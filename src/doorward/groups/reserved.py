"""Group reservations as others need them: who is in which group by one, and what their end takes along."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, or_, select, update

from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations

_LIVE: Final = and_(
    group_reservations.c.deactivated_at.is_(None),
    group_reservations.c.end_time > bindparam("now"),
)
_OF_PERSON: Final = and_(group_reservations.c.person_id == bindparam("the_person"), _LIVE)
_REMOVE_PENDING: Final = Query[None](
    delete(group_reservations).where(_OF_PERSON, group_reservations.c.start_time > bindparam("now"))
)
_END_ACTIVE: Final = Query[None](
    update(group_reservations).where(_OF_PERSON).values(deactivated_at=bindparam("now"), updated_at=bindparam("now"))
)
_TOUCH: Final = Query[None](
    update(group_reservations)
    .where(
        _LIVE,
        group_reservations.c.id.in_(
            select(group_reservation_groups.c.group_reservation_id).where(
                group_reservation_groups.c.group_id == bindparam("the_group")
            )
        ),
    )
    .values(updated_at=bindparam("now"))
)


class Membership(NamedTuple):
    """A person who is in a group by a group reservation."""

    person_id: int
    group_id: int


_ACTIVE: Final = Query(
    select(group_reservations.c.person_id, group_reservation_groups.c.group_id)
    .join(
        group_reservation_groups,
        group_reservation_groups.c.group_reservation_id == group_reservations.c.id,
    )
    .where(
        one_of(group_reservations.c.person_id, "ids"),
        group_reservations.c.start_time <= bindparam("now"),
        group_reservations.c.end_time > bindparam("now"),
        or_(group_reservations.c.deactivated_at.is_(None), group_reservations.c.deactivated_at > bindparam("now")),
    ),
    Membership,
)


def reserved_groups(transaction: Transaction, person_ids: Sequence[int], now: int) -> list[Membership]:
    """Which of these people are in which groups by a group reservation that is active at the instant."""
    return transaction.all(_ACTIVE, ids=str(list(person_ids)), now=now)


def end_for_person(transaction: Transaction, person_id: int, now: int) -> None:
    """End a person's group reservations as deleting each would: pending ones are removed, active ones deactivated.

    The caller notes the person for the doors.
    """
    transaction.run(_REMOVE_PENDING, the_person=person_id, now=now)
    transaction.run(_END_ACTIVE, the_person=person_id, now=now)


def touch_reservations_of(transaction: Transaction, group_id: int, now: int) -> None:
    """Let clients that follow `since` see the group reservations that are about to lose this group."""
    transaction.run(_TOUCH, the_group=group_id, now=now)
