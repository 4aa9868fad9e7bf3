"""What follows when something of people's changes elsewhere: their groups, their roles, their credentials."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, select, union, update

from doorward.changes import service as changes
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import person_groups
from doorward.people.tables import people

MOST_NOTED: Final = 1000
"""Of more people than this, one note about the whole account is less work for the doors."""

_TOUCH: Final = Query[None](update(people).where(one_of(people.c.id, "ids")).values(updated_at=bindparam("now")))

_IN_GROUPS: Final = Query(
    union(
        select(person_groups.c.person_id).where(one_of(person_groups.c.group_id, "ids")),
        select(group_reservations.c.person_id)
        .join(group_reservation_groups, group_reservation_groups.c.group_reservation_id == group_reservations.c.id)
        .where(
            one_of(group_reservation_groups.c.group_id, "ids"),
            group_reservations.c.end_time > bindparam("now"),
            group_reservations.c.deactivated_at.is_(None),
        ),
    ).limit(MOST_NOTED + 1),
    number,
)


def people_in(transaction: Transaction, group_ids: Collection[int], now: int) -> list[int]:
    """Whose access changes with what these groups hold: members, and who is or will be in one by a group reservation.

    For note_people: in no order, and of very many only some, but more than MOST_NOTED. To be followed by little but the
    note: until the commit nobody else can note anything.
    """
    # Whoever joins meanwhile either has committed, and is found, or notes themselves when this has committed.
    transaction.serialize(changes.TOPIC)
    return transaction.all(_IN_GROUPS, ids=str(sorted(group_ids)), now=now) if group_ids else []


def touch(transaction: Transaction, person_ids: Collection[int], now: int) -> None:
    """Let clients that follow `since` see the people again."""
    if person_ids:
        transaction.run(_TOUCH, ids=str(sorted(person_ids)), now=now)


def note_people(transaction: Transaction, account_id: int, person_ids: Collection[int], now: int) -> None:
    """Note the people's changes for the doors; as with every note, a transaction's last statement."""
    if len(person_ids) > MOST_NOTED:
        changes.note(transaction, account_id, now)
        return
    for person_id in sorted(person_ids):
        changes.note(transaction, account_id, now, person_id=person_id)
