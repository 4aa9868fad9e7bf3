"""What follows when something of people's changes elsewhere: their groups, their roles, their credentials."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, update

from doorward.changes import service as changes
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.people.tables import people

MOST_NOTED: Final = 1000
"""Of more people than this, one note about the whole account is less work for the doors."""

_TOUCH: Final = Query[None](update(people).where(one_of(people.c.id, "ids")).values(updated_at=bindparam("now")))


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
