"""The doors that a user sees, by site and name, to choose some of."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, or_, select

from doorward.accounts.tables import accounts
from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites


class Door(NamedTuple):
    """A door, as far as one has to see of it to choose it; `zone` is the name of its site's time zone."""

    id: int
    name: str
    site_id: int
    site_name: str
    zone: str


class SiteDoors(NamedTuple):
    """The doors of a site."""

    name: str
    doors: list[Door]


_DOORS: Final = Query(
    select(
        channels.c.id,
        channels.c.name,
        sites.c.id,
        sites.c.name,
        func.coalesce(sites.c.time_zone, accounts.c.time_zone),
    )
    .join(sites, sites.c.id == channels.c.site_id)
    .join(accounts, accounts.c.id == channels.c.account_id)
    .where(VISIBLE, or_(bindparam("the_site") == 0, sites.c.id == bindparam("the_site")))
    .order_by(sites.c.name, sites.c.id, channels.c.name_key, channels.c.id),
    Door,
)


def doors_of(transaction: Transaction, principal: Principal, site_id: int | None = None) -> list[Door]:
    """The doors that the user sees, of one site or of all."""
    return transaction.all(_DOORS, the_site=site_id or 0, **visible_to(principal))


def by_site(doors: Iterable[Door]) -> list[SiteDoors]:
    """The same, site by site."""
    groups = groupby(doors, key=lambda door: (door.site_id, door.site_name))
    return [SiteDoors(name, list(found)) for (_, name), found in groups]
