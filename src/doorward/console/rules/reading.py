"""The names of doors and groups that a rule can be about: as the user sees them."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.groups.tables import groups
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites


class Door(NamedTuple):
    """A door by its name and that of its site."""

    id: int
    name: str
    site: str


class Group(NamedTuple):
    """A group of people by its name."""

    id: int
    name: str


_DOORS: Final = Query(
    select(channels.c.id, channels.c.name, sites.c.name)
    .join(sites, sites.c.id == channels.c.site_id)
    .where(VISIBLE)
    .order_by(sites.c.name, channels.c.name, channels.c.id),
    Door,
)
_GROUPS: Final = Query(
    select(groups.c.id, groups.c.name)
    .where(groups.c.account_id == bindparam("account_id"))
    .order_by(groups.c.name_key, groups.c.id),
    Group,
)


def doors_of(transaction: Transaction, principal: Principal) -> list[Door]:
    """The doors that the user sees."""
    return transaction.all(_DOORS, **visible_to(principal))


def groups_of(transaction: Transaction, principal: Principal) -> list[Group]:
    """The account's groups."""
    return transaction.all(_GROUPS, account_id=principal.account_id)
