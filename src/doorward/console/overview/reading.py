"""What the overview counts: who is in, and whether everything is well. One statement each."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from doorward.changes.reports import HEARD_WITHIN_MS, REPORTS, STANDING
from doorward.channels.tables import IS_KNOWN, channels, presences
from doorward.console.doors.reading import AT_SITE
from doorward.controllers.tables import controllers
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import SITE_VISIBLE, VISIBLE, visible_to
from doorward.sites.tables import areas, sites
from doorward.sync.tables import channel_reports
from doorward.webhooks.tables import APPLICATION, endpoints


class Area(NamedTuple):
    """An area and how many people are in it."""

    site_id: int
    site_name: str
    name: str
    total: int


class Health(NamedTuple):
    """How many there are of each: doors, those that are there, those behind; and so on.

    `failing` are webhooks that are tried in vain, `stopped` those that are no longer tried.
    """

    doors: int
    online: int
    behind: int
    controllers: int
    controllers_online: int
    webhooks: int
    failing: int
    stopped: int


_site: ColumnElement[int] = bindparam("the_site")
_SEEN_SITE: Final = and_(
    SITE_VISIBLE,
    or_(_site == 0, sites.c.id == _site),
)
_INSIDE: Final = (
    select(func.count())
    .select_from(presences.join(people, people.c.id == presences.c.person_id))
    .where(
        presences.c.area_id == areas.c.id,
        presences.c.account_id == areas.c.account_id,
        IS_KNOWN,
        people.c.deleted_at.is_(None),
    )
    .correlate(areas)
    .scalar_subquery()
)
_AREAS: Final = Query(
    select(sites.c.id, sites.c.name, areas.c.name, _INSIDE)
    .select_from(areas.join(sites, sites.c.id == areas.c.site_id))
    .where(_SEEN_SITE)
    .order_by(sites.c.name, sites.c.id, areas.c.id)
    .limit(50),
    Area,
)
_heard = bindparam("heard_since", type_=channel_reports.c.last_seen_at.type)
_DOORS: Final = (VISIBLE, AT_SITE)
_SERVES: Final = (
    select(channels.c.id).where(channels.c.controller_id == controllers.c.id, *_DOORS).correlate(controllers).exists()
)
_CONTROLLERS: Final = (controllers.c.account_id == bindparam("account_id"), controllers.c.removed_at.is_(None), _SERVES)
_WEBHOOKS: Final = (endpoints.c.account_id == bindparam("account_id"), endpoints.c.kind == APPLICATION)


def _doors(*limits: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(REPORTS).where(*_DOORS, *limits).scalar_subquery()


def _number(counted: Select[Any]) -> Any:
    return counted.scalar_subquery()


_HEALTH: Final = Query(
    select(
        _doors(),
        _doors(channel_reports.c.last_seen_at >= _heard),
        _doors(or_(channel_reports.c.version.is_(None), STANDING[-1].is_not(None))),
        _number(select(func.count()).select_from(controllers).where(*_CONTROLLERS)),
        _number(
            select(func.count()).select_from(controllers).where(*_CONTROLLERS, controllers.c.last_seen_at >= _heard)
        ),
        _number(select(func.count()).select_from(endpoints).where(*_WEBHOOKS)),
        _number(
            select(func.count())
            .select_from(endpoints)
            .where(*_WEBHOOKS, endpoints.c.failing_since.is_not(None), endpoints.c.disabled_at.is_(None))
        ),
        _number(select(func.count()).select_from(endpoints).where(*_WEBHOOKS, endpoints.c.disabled_at.is_not(None))),
    ),
    Health,
)


def areas_now(transaction: Transaction, principal: Principal, site_id: int | None) -> list[Area]:
    """The areas of the site, or of all that the user sees, with how many people are in each."""
    return transaction.all(_AREAS, the_site=site_id or 0, **visible_to(principal))


def health_now(transaction: Transaction, principal: Principal, site_id: int | None, now: int) -> Health:
    """How the doors, their controllers and the account's webhooks stand."""
    found = transaction.one(_HEALTH, the_site=site_id or 0, heard_since=now - HEARD_WITHIN_MS, **visible_to(principal))
    return found or Health(0, 0, 0, 0, 0, 0, 0, 0)
