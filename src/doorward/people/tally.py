"""How many people an account has: counted as they come and go, because to count them takes as long as there are many.

The tally is changed in the transaction that changes the people, late in it: on PostgreSQL others of the account wait
for its row until the commit, as they would for the note to the doors.
"""

from typing import Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.people.tables import people, people_tallies

_OF_ACCOUNT: Final = people_tallies.c.account_id == bindparam("the_account")
_CHANGE: Final = Query[None](
    update(people_tallies).where(_OF_ACCOUNT).values(people=people_tallies.c.people + bindparam("difference"))
)
_COUNTED: Final = (
    select(func.count())
    .select_from(people)
    .where(people.c.account_id == bindparam("the_account"), people.c.deleted_at.is_(None))
)
_COUNT: Final = Query(_COUNTED, number)
# SQLite says it in the same words as PostgreSQL. Whoever was quicker has not counted what this transaction did.
_BEGIN: Final = Query[None](
    insert(people_tallies)
    .values(account_id=bindparam("the_account"), people=_COUNTED.scalar_subquery())
    .on_conflict_do_update(
        index_elements=["account_id"], set_={"people": people_tallies.c.people + bindparam("difference")}
    )
)
_KNOWN: Final = Query(select(people_tallies.c.people).where(_OF_ACCOUNT), number)


def tally(transaction: Transaction, account_id: int, difference: int) -> None:
    """Note that the account has so many people more. To be called when they have been written, before the note."""
    if difference and not transaction.run(_CHANGE, the_account=account_id, difference=difference):
        transaction.run(_BEGIN, the_account=account_id, difference=difference)


def number_of_people(transaction: Transaction, account_id: int) -> int:
    """How many people the account has who are not deleted."""
    known = transaction.one(_KNOWN, the_account=account_id)
    return (transaction.one(_COUNT, the_account=account_id) or 0) if known is None else known
