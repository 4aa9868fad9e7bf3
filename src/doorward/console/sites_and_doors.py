"""The sites and doors that a user sees: to choose from in filters, and to tell by whose clock a thing happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select

from doorward.channels.tables import channels
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.sites.sight import SITE_VISIBLE, visible_to
from doorward.sites.tables import sites


class Door(NamedTuple):
    """A door by its name of today."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Site:
    """A site, its zone, and its doors by name."""

    id: int
    name: str
    zone: ZoneInfo
    doors: tuple[Door, ...]


class _Row(NamedTuple):
    site_id: int
    site_name: str
    time_zone: str | None
    door_id: int | None
    door_name: str | None


_ALL: Final = Query(
    select(sites.c.id, sites.c.name, sites.c.time_zone, channels.c.id, channels.c.name)
    .select_from(
        sites.outerjoin(
            channels, and_(channels.c.site_id == sites.c.id, channels.c.account_id == bindparam("account_id"))
        )
    )
    .where(
        SITE_VISIBLE,
    )
    .order_by(sites.c.name, sites.c.id, channels.c.name_key, channels.c.id),
    _Row,
)


@dataclass(frozen=True)
class SitesAndDoors:
    """All that a user sees."""

    sites: tuple[Site, ...]
    account_zone: ZoneInfo

    def site(self, site_id: int | None) -> Site | None:
        """A site, if the user sees one of this id."""
        return next((site for site in self.sites if site.id == site_id), None)

    def door(self, channel_id: int | None) -> Door | None:
        """A door, if there still is one of this id and the user sees it."""
        return self._doors.get(channel_id or 0)

    def site_of(self, channel_id: int | None) -> Site | None:
        """Where a door is."""
        return self._site_of.get(channel_id or 0)

    def zone_of(self, channel_id: int | None) -> ZoneInfo:
        """The zone of a door's site; the account's for what is at no site."""
        site = self.site_of(channel_id)
        return self.account_zone if site is None else site.zone

    def zones(self, site: Site | None = None) -> list[ZoneInfo]:
        """The zones by which times are shown, each once: a site's, or those of all."""
        shown = [each.zone for each in self.sites] if site is None else [site.zone]
        return list({zone.key: zone for zone in shown or [self.account_zone]}.values())

    @cached_property
    def _doors(self) -> Mapping[int, Door]:
        return {door.id: door for site in self.sites for door in site.doors}

    @cached_property
    def _site_of(self) -> Mapping[int, Site]:
        return {door.id: site for site in self.sites for door in site.doors}


def sites_and_doors(transaction: Transaction, principal: Principal) -> SitesAndDoors:
    """All that the user sees, with one statement."""
    found: dict[int, tuple[str, ZoneInfo, list[Door]]] = {}
    for row in transaction.all(_ALL, **visible_to(principal)):
        zone = ZoneInfo(row.time_zone) if row.time_zone else principal.zone
        doors = found.setdefault(row.site_id, (row.site_name, zone, []))[2]
        if row.door_id is not None:
            doors.append(Door(row.door_id, row.door_name or ""))
    sites_found = (Site(site_id, name, zone, tuple(doors)) for site_id, (name, zone, doors) in found.items())
    return SitesAndDoors(tuple(sites_found), principal.zone)
