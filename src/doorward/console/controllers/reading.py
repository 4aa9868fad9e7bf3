"""The doors that a controller can be enrolled for."""

from typing import Final, NamedTuple

from sqlalchemy import and_, select

from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.sites.tables import sites

_MOST: Final = 1_000


class DoorToServe(NamedTuple):
    """A door, and who serves it now."""

    id: int
    name: str
    site_name: str
    driver: str
    controller_name: str | None


_DOORS: Final = Query(
    select(channels.c.id, channels.c.name, sites.c.name, channels.c.driver, controllers.c.name)
    .select_from(
        channels.join(sites, sites.c.id == channels.c.site_id).outerjoin(
            controllers, and_(controllers.c.id == channels.c.controller_id, controllers.c.removed_at.is_(None))
        )
    )
    .where(VISIBLE)
    .order_by(sites.c.name, sites.c.id, channels.c.name_key, channels.c.id)
    .limit(_MOST),
    DoorToServe,
)


def doors_to_serve(transaction: Transaction, principal: Principal) -> list[DoorToServe]:
    """The doors that the user sees, by site and name."""
    return transaction.all(_DOORS, **visible_to(principal))
