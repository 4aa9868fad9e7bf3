"""What the pages of alarms read beside the alarms themselves: how many wait, and who may see to one."""

from typing import Final

from sqlalchemy import bindparam, func, or_, select

from doorward.alarms.kinds import ACKNOWLEDGED, OPEN
from doorward.alarms.service import ACT
from doorward.alarms.tables import IS_LIVE, alarms
from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import PERMISSIONS
from doorward.sites.sight import VISIBLE, visible_to
from doorward.users.service import User, list_users


def _pair(state: str, count: int) -> tuple[str, int]:
    return state, count


_WAITING: Final = Query(
    select(alarms.c.state, func.count())
    .where(
        alarms.c.account_id == bindparam("account_id"),
        IS_LIVE,
        or_(bindparam("site_limited") == 0, alarms.c.channel_id.in_(select(channels.c.id).where(VISIBLE))),
    )
    .group_by(alarms.c.state),
    _pair,
)


def waiting(transaction: Transaction, principal: Principal) -> dict[str, int]:
    """How many alarms are open, and how many acknowledged, of those that the user sees."""
    return {OPEN: 0, ACKNOWLEDGED: 0} | dict(transaction.all(_WAITING, **visible_to(principal)))


def assignees(
    transaction: Transaction, principal: Principal, site_id: int | None, own_name: str
) -> list[tuple[int, str]]:
    """Who may see to an alarm at a site, by name; whoever may not read of users can take it on alone."""
    if not principal.may("account.user.readonly"):
        return [(principal.user_id, f"{own_name} (you)")]
    found = list_users(transaction, principal.account_id)
    able = [user for user in found if user.disabled_at is None and _may_see_to(user, site_id)]
    return sorted(((user.id, _name(user, principal)) for user in able), key=lambda pair: pair[1].casefold())


def _may_see_to(user: User, site_id: int | None) -> bool:
    return ACT in PERMISSIONS.get(user.role, frozenset()) and (not user.site_limited or site_id in user.site_ids)


def _name(user: User, principal: Principal) -> str:
    name = f"{user.first_name} {user.last_name}".strip() or user.email
    return f"{name} (you)" if user.id == principal.user_id else name
