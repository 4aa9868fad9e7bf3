"""Who is in a group, page by page. Who is there for a time only, by a group reservation, is not listed here."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups, person_groups
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.people.tables import people


class Member(NamedTuple):
    """Somebody in a group."""

    id: int
    first_name: str
    last_name: str
    system_id: str | None


_FIND: Final = Query(
    select(groups.c.id).where(groups.c.account_id == bindparam("account_id"), groups.c.id == bindparam("the_id")),
    number,
)
# The page is found in the index alone; only then are its people looked up.
_ON_PAGE: Final = (
    select(person_groups.c.person_id)
    .where(person_groups.c.group_id == bindparam("the_id"))
    .order_by(person_groups.c.person_id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
    .subquery()
)
_PAGE: Final = Query(
    select(people.c.id, people.c.first_name, people.c.last_name, people.c.system_id)
    .join(_ON_PAGE, _ON_PAGE.c.person_id == people.c.id)
    .order_by(people.c.id),
    Member,
)
_COUNT: Final = Query(
    select(func.count()).select_from(person_groups).where(person_groups.c.group_id == bindparam("the_id")), number
)


def members_on(transaction: Transaction, group_id: int, page: Page) -> list[Member]:
    """The people on a page of a group that is known to be there, by id."""
    return transaction.all(_PAGE, the_id=group_id, limit=page.limit, offset=page.offset)


def page_of_members(transaction: Transaction, account_id: int, group_id: int, page: Page) -> tuple[list[Member], int]:
    """A page of a group's people, by id, and how many there are in all. Raises NotFound."""
    if transaction.one(_FIND, account_id=account_id, the_id=group_id) is None:
        raise NotFound
    found = members_on(transaction, group_id, page)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_COUNT, the_id=group_id) or 0
