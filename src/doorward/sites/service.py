"""Sites: physical places with a time zone of their own (contract, Site)."""

import ipaddress
from collections import defaultdict
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, select

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.errors import Conflict, Forbidden, NotFound
from doorward.kit.pages import Page
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import InvalidTimestamp, find_zone
from doorward.oauth.principal import Principal
from doorward.sites.access import require_site
from doorward.sites.tables import site_ips, sites
from doorward.users.tables import user_sites

SITE: Final = "site"
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


class _Address(NamedTuple):
    site_id: int
    ip_address: str


_SITES: Final = Rows(sites, Site)
_OF_ACCOUNT: Final = sites.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, sites.c.id == bindparam("the_id"))


def _page(*limits: ColumnElement[bool]) -> Query[Site]:
    return Query(
        select(*_SITES.columns)
        .where(_OF_ACCOUNT, *limits)
        .order_by(sites.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        _SITES.of,
    )


def _count(*limits: ColumnElement[bool]) -> Query[int]:
    return Query(select(func.count()).select_from(sites).where(_OF_ACCOUNT, *limits), number)


_OF_USER: Final = sites.c.id.in_(select(user_sites.c.site_id).where(user_sites.c.user_id == bindparam("user_id")))
_PAGE: Final = {False: _page(), True: _page(_OF_USER)}
_COUNT: Final = {False: _count(), True: _count(_OF_USER)}
"""By whether the user is limited to sites."""

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


def create_site(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Site:
    """A new site: `name`, and optionally `time_zone`, `notes`, `site_ips`.

    Raises Invalid, or Forbidden for a user who is limited to sites.
    """
    fields = StructuredFields(body)
    if by is not None and by.site_limited:
        raise Forbidden
    wanted = _read(fields, Site(0, account_id, "", None, None, now, now))
    fields.check()
    wanted = wanted._replace(id=require(transaction.one(_SITES.add, **_SITES.params(wanted))))
    _write_addresses(transaction, wanted)
    audit.created(transaction, account_id, SITE, wanted, now)
    return wanted


def update_site(
    transaction: Transaction, account_id: int, site_id: int, body: object, now: int, *, by: Principal | None = None
) -> Site:
    """Change what is given; `site_ips` replaces. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    found = _with_addresses(transaction, [_to_change(transaction, account_id, site_id, by)])[0]
    wanted = _read(fields, found)._replace(updated_at=now)
    fields.check()
    transaction.run(_SITES.change, the_id=site_id, **_SITES.params(wanted))
    if wanted.site_ips != found.site_ips:
        transaction.run(_REMOVE_ADDRESSES, the_id=site_id)
        _write_addresses(transaction, wanted)
    audit.changed(transaction, account_id, SITE, found, wanted, now)
    if wanted.time_zone != found.time_zone:
        changes.note(transaction, account_id, now)
    return wanted


def delete_site(
    transaction: Transaction, account_id: int, site_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a site with its areas and holidays.

    Raises NotFound, Conflict while it has channels, or Forbidden for a user who is limited to sites.
    """
    found = _with_addresses(transaction, [_to_change(transaction, account_id, site_id, by)])[0]
    if by is not None and by.site_limited:
        raise Forbidden
    channel_id = transaction.one(_CHANNEL_AT, the_id=site_id)
    if channel_id is not None:
        raise Conflict(f"The site has channels: {channel_id} is one")
    transaction.run(_REMOVE, the_id=site_id)
    audit.deleted(transaction, account_id, SITE, found, now)
    changes.note(transaction, account_id, now)


def get_site(transaction: Transaction, account_id: int, site_id: int, *, by: Principal | None = None) -> Site:
    """One site. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=site_id)
    if found is None:
        raise NotFound
    require_site(transaction, by, site_id)
    return _with_addresses(transaction, [found])[0]


def list_sites(transaction: Transaction, account_id: int) -> list[Site]:
    """The account's sites, by id."""
    return page_of_sites(transaction, account_id, Page(paged=False))[0]


def page_of_sites(
    transaction: Transaction, account_id: int, page: Page, *, by: Principal | None = None
) -> tuple[list[Site], int]:
    """A page of the sites that the user sees, by id, and how many there are in all."""
    params = {"account_id": account_id}
    limited = by is not None and by.site_limited
    if by is not None and limited:
        params["user_id"] = by.user_id
    found = transaction.all(_PAGE[limited], limit=page.limit, offset=page.offset, **params)
    listed = _with_addresses(transaction, found)
    if page.offset == 0 and len(found) < page.limit:
        return listed, len(found)
    return listed, transaction.one(_COUNT[limited], **params) or 0


def _to_change(transaction: Transaction, account_id: int, site_id: int, by: Principal | None) -> Site:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=site_id)
    if found is None:
        raise NotFound
    require_site(transaction, by, site_id)
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
    of_sites: defaultdict[int, list[str]] = defaultdict(list)
    for row in transaction.all(_ADDRESSES, site_ids=str([site.id for site in found])):
        of_sites[row.site_id].append(row.ip_address)
    return [site._replace(site_ips=tuple(sorted(of_sites[site.id]))) for site in found]
