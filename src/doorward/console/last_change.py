"""Who changed a thing last, for those who may read the audit log."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal


class LastChange(NamedTuple):
    """The newest entry about a thing: when, and by whom (a user, an application, or the system)."""

    at: int
    by: str


_LAST: Final = Query(
    select(audit_log.c.at, func.coalesce(audit_log.c.user_name, audit_log.c.application_name, "the system"))
    .where(
        audit_log.c.account_id == bindparam("account_id"),
        audit_log.c.resource_type == bindparam("kind"),
        audit_log.c.resource_id == bindparam("the_id"),
    )
    .order_by(audit_log.c.id.desc())
    .limit(1),
    LastChange,
)


def last_change(transaction: Transaction, principal: Principal, kind: str, the_id: int) -> LastChange | None:
    """The last change of a thing of a kind; None where none is on record, or where the user may not read of it."""
    if principal.site_limited or not principal.may("account.audit.readonly"):
        return None
    return transaction.one(_LAST, account_id=principal.account_id, kind=kind, the_id=the_id)
