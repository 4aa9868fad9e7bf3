"""Whether somebody who signs in is better led to the first steps than to an overview of nothing."""

from typing import Final

from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal

PATH: Final = "/console/start"
NEEDED: Final = "account.channel"
"""Who may not set up doors is not led there."""

_ANY_DOOR: Final = Query(select(channels.c.id).where(channels.c.account_id == bindparam("account_id")).limit(1), number)


def wanted(transaction: Transaction, principal: Principal) -> bool:
    """Whether the account has no door yet, and the user is one who may make it."""
    if not principal.may(NEEDED) or principal.site_limited:
        return False
    return transaction.one(_ANY_DOOR, account_id=principal.account_id) is None
