"""What stands around every page: where one can go, which sites there are, whether there is an alarm."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from litestar.connection import ASGIConnection
from sqlalchemy import bindparam, func, or_, select

from doorward.alarms.tables import alarms
from doorward.channels.tables import channels
from doorward.console.navigation import Section, offered_to, place_of
from doorward.console.preferences import chosen_site, theme_of
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.signing_in.current import BrowserSession, session_of
from doorward.sites.sight import SITE_VISIBLE, VISIBLE, visible_to
from doorward.sites.tables import sites


class SiteName(NamedTuple):
    """A site that the user sees; without a zone of its own it is in the account's."""

    id: int
    name: str
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page is given as `shell`."""

    session: BrowserSession
    sections: list[Section]
    place: str
    """The key of the place that the page belongs to."""
    theme: str
    """ "light", "dark" or "" for what the device prefers."""
    sites: list[SiteName]
    site: SiteName | None
    """The one that is chosen; None: all that the user sees."""
    open_alarms: int


_OPEN_ALARMS: Final = Query(
    select(func.count()).where(
        alarms.c.account_id == bindparam("account_id"),
        alarms.c.state == "open",
        or_(bindparam("site_limited") == 0, alarms.c.channel_id.in_(select(channels.c.id).where(VISIBLE))),
    ),
    number,
)
_SITES: Final = Query(
    select(sites.c.id, sites.c.name, sites.c.time_zone)
    .where(
        SITE_VISIBLE,
    )
    .order_by(sites.c.name, sites.c.id),
    SiteName,
)


def shell_of(
    connection: ASGIConnection[Any, Any, Any, Any], principal: Principal, transaction: Transaction | None = None
) -> Shell:
    """What stands around a page; without a transaction, without what the database would have to be asked for."""
    visible = visible_to(principal)
    found = [] if transaction is None else transaction.all(_SITES, **visible)
    chosen = chosen_site(connection)
    open_alarms = 0 if transaction is None else transaction.one(_OPEN_ALARMS, **visible) or 0
    return Shell(
        session_of(connection),
        offered_to(principal),
        place_of(connection.url.path),
        theme_of(connection),
        found,
        next((site for site in found if site.id == chosen), None),
        open_alarms,
    )
