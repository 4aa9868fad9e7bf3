"""Areas: the parts of a site that doors lead from and to, for anti-passback."""

from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, or_, select

from doorward.audit import service as audit
from doorward.channels.tables import channels
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.sites.access import require_site, sites_of
from doorward.sites.tables import areas, sites

AREA: Final = "area"


class Area(NamedTuple):
    """A part of a site that one can be in."""

    id: int
    account_id: int
    site_id: int
    name: str
    created_at: int
    updated_at: int


_AREAS: Final = Rows(areas, Area)
_OF_ACCOUNT: Final = areas.c.account_id == bindparam("account_id")

_ALL: Final = Query(select(*_AREAS.columns).where(_OF_ACCOUNT).order_by(areas.c.id), _AREAS.of)
_OF_SITE: Final = Query(
    select(*_AREAS.columns).where(_OF_ACCOUNT, areas.c.site_id == bindparam("the_site")).order_by(areas.c.id),
    _AREAS.of,
)
# No channel can begin to lead there while this lock is held.
_TO_CHANGE: Final = Query(
    select(*_AREAS.columns).where(_OF_ACCOUNT, areas.c.id == bindparam("the_id")).with_for_update(), _AREAS.of
)
_CHANNEL_AT: Final = Query(
    select(channels.c.id)
    .where(or_(channels.c.area_from_id == bindparam("the_id"), channels.c.area_to_id == bindparam("the_id")))
    .where(channels.c.account_id == bindparam("account_id"))
    .order_by(channels.c.id)
    .limit(1),
    number,
)
_REMOVE: Final = Query[None](delete(areas).where(areas.c.id == bindparam("the_id")))

_SITE: Final = select(sites.c.id).where(
    and_(sites.c.account_id == bindparam("account_id"), sites.c.id == bindparam("the_id"))
)
_FIND_SITE: Final = Query(_SITE, number)
# So that the site is not removed meanwhile.
_HOLD_SITE: Final = Query(_SITE.with_for_update(read=True, key_share=True), number)


def create_area(
    transaction: Transaction, account_id: int, site_id: int, body: object, now: int, *, by: Principal | None = None
) -> Area:
    """A new area of a site: `name`. Raises NotFound for the site, or Invalid."""
    fields = StructuredFields(body)
    if transaction.one(_HOLD_SITE, account_id=account_id, the_id=site_id) is None:
        raise NotFound
    require_site(transaction, by, site_id)
    name = fields.name("name", required=True) or ""
    fields.check()
    wanted = Area(0, account_id, site_id, name, now, now)
    made = wanted._replace(id=require(transaction.one(_AREAS.add, **_AREAS.params(wanted))))
    audit.created(transaction, account_id, AREA, made, now)
    return made


def update_area(
    transaction: Transaction, account_id: int, area_id: int, body: object, now: int, *, by: Principal | None = None
) -> Area:
    """Rename an area. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, area_id, by)
    wanted = found._replace(updated_at=now)
    if "name" in fields:
        wanted = wanted._replace(name=fields.name("name", required=True) or "")
    fields.check()
    transaction.run(_AREAS.change, the_id=area_id, **_AREAS.params(wanted))
    audit.changed(transaction, account_id, AREA, found, wanted, now)
    return wanted


def delete_area(
    transaction: Transaction, account_id: int, area_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove an area. Raises NotFound, or Conflict while a channel leads from or to it."""
    found = _to_change(transaction, account_id, area_id, by)
    channel_id = transaction.one(_CHANNEL_AT, account_id=account_id, the_id=area_id)
    if channel_id is not None:
        raise Conflict(f"The channel {channel_id} leads from or to the area")
    transaction.run(_REMOVE, the_id=area_id)
    audit.deleted(transaction, account_id, AREA, found, now)


def list_areas(transaction: Transaction, account_id: int) -> list[Area]:
    """The areas of all the account's sites, oldest first."""
    return transaction.all(_ALL, account_id=account_id)


def areas_of_site(
    transaction: Transaction, account_id: int, site_id: int, *, by: Principal | None = None
) -> list[Area]:
    """The areas of one site, oldest first. Raises NotFound."""
    if transaction.one(_FIND_SITE, account_id=account_id, the_id=site_id) is None:
        raise NotFound
    require_site(transaction, by, site_id)
    return transaction.all(_OF_SITE, account_id=account_id, the_site=site_id)


def _to_change(transaction: Transaction, account_id: int, area_id: int, by: Principal | None) -> Area:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=area_id)
    limit = sites_of(transaction, by)
    if found is None or (limit is not None and found.site_id not in limit):
        raise NotFound
    return found
