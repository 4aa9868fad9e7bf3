"""Which sites a user sees."""

from typing import Final

from sqlalchemy import bindparam, select

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.users.tables import user_sites

_OF_USER: Final = Query(
    select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id")).order_by(user_sites.c.site_id),
    number,
)


def sites_of(transaction: Transaction, by: Principal | None) -> frozenset[int] | None:
    """The sites that a user is limited to; None: the whole account, as for the command line, which is nobody."""
    if by is None or not by.site_limited:
        return None
    return frozenset(transaction.all(_OF_USER, user_id=by.user_id))


def require_site(transaction: Transaction, by: Principal | None, site_id: int) -> None:
    """Raises NotFound for a site that the user does not see."""
    limit = sites_of(transaction, by)
    if limit is not None and site_id not in limit:
        raise NotFound
