"""In whose name a service acts that asks for a token of its own."""

from typing import Final

from sqlalchemy import and_, bindparam, or_, select

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.oauth.tables import applications
from doorward.users.tables import users

_FIND: Final = Query(
    select(users.c.id)
    .join(applications, applications.c.account_id == users.c.account_id)
    .where(
        applications.c.id == bindparam("the_application"),
        applications.c.is_service == 1,
        applications.c.removed_at.is_(None),
        users.c.disabled_at.is_(None),
        or_(
            applications.c.service_user_id == users.c.id,
            and_(applications.c.service_user_id.is_(None), users.c.role == "owner"),
        ),
    )
    .order_by(users.c.id)
    .limit(1)
    .with_for_update(read=True),  # whoever disables the user waits, and then finds the token
    number,
)


def service_user(transaction: Transaction, application_id: int) -> int | None:
    """The user whom the service was given or, without one, the account's first owner; None if they are disabled.

    For use within a write.
    """
    return transaction.one(_FIND, the_application=application_id)
