"""Sites, physical places with a time zone of their own, and the areas that doors lead from and to."""

import ipaddress
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, select

from doorward.changes import service as changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import InvalidTimestamp, find_zone
from doorward.sites.tables import areas, site_ips, sites

_MOST_ADDRESSES: Final = 100


class Site(NamedTuple):
    """A site. Without a time zone it is in the account's; `site_ips` are addresses and CIDR ranges."""

    id: int
    account_id: int
    name: str
    time_zone: str | None
    notes: str | None
    created_at: int
    updated_at: int
    site_ips: tuple[str, ...] = ()


class Area(NamedTuple):
    """A part of a site that one can be in; for anti-passback."""

    id: int
    account_id: int
    site_id: int
    name: str
    created_at: int
    updated_at: int


class _Address(NamedTuple):
    site_id: int
    ip_address: str


_SITES: Final = Rows(sites, Site)
_AREAS: Final = Rows(areas, Area)
_OF_ACCOUNT: Final = sites.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, sites.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_SITES.columns).where(_OF_ACCOUNT).order_by(sites.c.id), _SITES.of)
_ONE: Final = Query(select(*_SITES.columns).where(_THIS_ONE), _SITES.of)
# No channel can be put there while this lock is held.
_TO_CHANGE: Final = Query(select(*_SITES.columns).where(_THIS_ONE).with_for_update(), _SITES.of)
_REMOVE: Final = Query[None](delete(sites).where(sites.c.id == bindparam("the_id")))
_CHANNEL_AT: Final = Query(select(channels.c.id).where(channels.c.site_id == bindparam("the_id")).limit(1), number)

_ADDRESSES: Final = Query(
    select(site_ips.c.site_id, site_ips.c.ip_address)
    .where(one_of(site_ips.c.site_id, "site_ids"))
    .order_by(site_ips.c.site_id, site_ips.c.ip_address),
    _Address,
)
_ADD_ADDRESS: Final = Query[None](
    insert(site_ips).values(site_id=bindparam("site_id"), ip_address=bindparam("ip_address"))
)
_REMOVE_ADDRESSES: Final = Query[None](delete(site_ips).where(site_ips.c.site_id == bindparam("the_id")))

_ALL_AREAS: Final = Query(
    select(*_AREAS.columns).where(areas.c.account_id == bindparam("account_id")).order_by(areas.c.id), _AREAS.of
)


def create_site(transaction: Transaction, account_id: int, body: object, now: int) -> Site:
    """A new site: `name`, and optionally `time_zone`, `notes`, `site_ips`. Raises Invalid."""
    fields = StructuredFields(body)
    wanted = _read(fields, Site(0, account_id, "", None, None, now, now))
    fields.check()
    wanted = wanted._replace(id=require(transaction.one(_SITES.add, **_SITES.params(wanted))))
    _write_addresses(transaction, wanted)
    return wanted


def update_site(transaction: Transaction, account_id: int, site_id: int, body: object, now: int) -> Site:
    """Change what is given; `site_ips` replaces. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    found = _with_addresses(transaction, [_to_change(transaction, account_id, site_id)])[0]
    wanted = _read(fields, found)._replace(updated_at=now)
    fields.check()
    transaction.run(_SITES.change, the_id=site_id, **_SITES.params(wanted))
    if wanted.site_ips != found.site_ips:
        transaction.run(_REMOVE_ADDRESSES, the_id=site_id)
        _write_addresses(transaction, wanted)
    if wanted.time_zone != found.time_zone:
        changes.note(transaction, account_id, now)
    return wanted


def delete_site(transaction: Transaction, account_id: int, site_id: int, now: int) -> None:
    """Remove a site with its areas and holidays. Raises NotFound, or Conflict while it has channels."""
    _to_change(transaction, account_id, site_id)
    channel_id = transaction.one(_CHANNEL_AT, the_id=site_id)
    if channel_id is not None:
        raise Conflict(f"The site has channels: {channel_id} is one")
    transaction.run(_REMOVE, the_id=site_id)
    changes.note(transaction, account_id, now)


def get_site(transaction: Transaction, account_id: int, site_id: int) -> Site:
    """One site. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=site_id)
    if found is None:
        raise NotFound
    return _with_addresses(transaction, [found])[0]


def list_sites(transaction: Transaction, account_id: int) -> list[Site]:
    """The account's sites, by id."""
    return _with_addresses(transaction, transaction.all(_ALL, account_id=account_id))


def create_area(transaction: Transaction, account_id: int, site_id: int, body: object, now: int) -> Area:
    """A new area of a site: `name`. Raises NotFound for the site, or Invalid."""
    fields = StructuredFields(body)
    _to_change(transaction, account_id, site_id)
    name = fields.name("name", required=True) or ""
    fields.check()
    wanted = Area(0, account_id, site_id, name, now, now)
    return wanted._replace(id=require(transaction.one(_AREAS.add, **_AREAS.params(wanted))))


def list_areas(transaction: Transaction, account_id: int) -> list[Area]:
    """The areas of all the account's sites, oldest first."""
    return transaction.all(_ALL_AREAS, account_id=account_id)


def _to_change(transaction: Transaction, account_id: int, site_id: int) -> Site:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=site_id)
    if found is None:
        raise NotFound
    return found


def _read(fields: StructuredFields, before: Site) -> Site:
    wanted = before
    if not before.name or "name" in fields:
        wanted = wanted._replace(name=fields.name("name", required=True) or "")
    if "time_zone" in fields:
        wanted = wanted._replace(time_zone=_read_zone(fields))
    if "notes" in fields:
        wanted = wanted._replace(notes=fields.notes())
    if "site_ips" in fields:
        wanted = wanted._replace(site_ips=_read_addresses(fields))
    return wanted


def _read_zone(fields: StructuredFields) -> str | None:
    name = fields.line("time_zone")
    if name is None:
        return None
    try:
        return find_zone(name).key
    except InvalidTimestamp as error:
        fields.complain("time_zone", str(error))
        return None


def _read_addresses(fields: StructuredFields) -> tuple[str, ...]:
    """Addresses and ranges in normal form; as text, or as the contract shows them: {"ip_address": "10.0.0.0/8"}."""
    found: set[str] = set()
    for entry in fields.entries("site_ips", most=_MOST_ADDRESSES) or ():
        text = entry.get("ip_address") if isinstance(entry, dict) else entry
        try:
            if not isinstance(text, str):
                raise ValueError
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            fields.complain("site_ips", f"{str(text)[:50]!r} is not an IP address or a range such as 192.168.1.0/24")
            continue
        single = network.prefixlen == network.max_prefixlen
        found.add(str(network.network_address) if single else str(network))
    return tuple(sorted(found))


def _write_addresses(transaction: Transaction, site: Site) -> None:
    transaction.run_many(_ADD_ADDRESS, [{"site_id": site.id, "ip_address": address} for address in site.site_ips])


def _with_addresses(transaction: Transaction, found: list[Site]) -> list[Site]:
    if not found:
        return []
    rows = transaction.all(_ADDRESSES, site_ids=str([site.id for site in found]))
    return [
        site._replace(site_ips=tuple(sorted(row.ip_address for row in rows if row.site_id == site.id)))
        for site in found
    ]
