"""What the access pages read beside what a decision goes by."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, or_, select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.roles.tables import role_channels, roles

MOST_ROLES: Final = 12
MOST_CHANGES: Final = 500


class RoleName(NamedTuple):
    """A role that names the door."""

    id: int
    name: str


class Changes(NamedTuple):
    """How many changes of what decides have been made since an instant; `more`: at least so many."""

    number: int
    more: bool


class _Logged(NamedTuple):
    at: int
    kind: str


_DECIDES: Final = frozenset(
    {
        "channel",
        "credential",
        "group",
        "group_reservation",
        "holiday",
        "person",
        "reservation",
        "role",
        "shift",
        "site",
    }
)
_ROLES: Final = Query(
    select(roles.c.id, roles.c.name)
    .join(role_channels, role_channels.c.role_id == roles.c.id)
    .where(
        roles.c.account_id == bindparam("account_id"),
        role_channels.c.channel_id == bindparam("channel_id"),
        roles.c.reservation_id.is_(None),
        or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("at")),
    )
    .order_by(roles.c.name_key, roles.c.id)
    .limit(MOST_ROLES),
    RoleName,
)
# The newest are the highest numbers.
_LATEST: Final = Query(
    select(audit_log.c.at, audit_log.c.resource_type)
    .where(audit_log.c.account_id == bindparam("account_id"))
    .order_by(audit_log.c.id.desc())
    .limit(MOST_CHANGES),
    _Logged,
)


def roles_naming(transaction: Transaction, principal: Principal, channel_id: int, at: int) -> list[RoleName]:
    """The first roles, by name, that name a channel which the user sees."""
    return transaction.all(_ROLES, account_id=principal.account_id, channel_id=channel_id, at=at)


def changes_since(transaction: Transaction, account_id: int, since: int) -> Changes:
    """How often something that decides has been changed since an instant, by the audit log's newest entries."""
    found = transaction.all(_LATEST, account_id=account_id)
    later = [each for each in found if each.at > since]
    return Changes(sum(each.kind in _DECIDES for each in later), len(later) == MOST_CHANGES)
