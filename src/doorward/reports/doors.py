"""The doors that a report is about."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, select

from doorward.channels.tables import channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports.scope import Scope
from doorward.sites.sight import VISIBLE, everywhere, visible_to


class Door(NamedTuple):
    """A door by its name of today."""

    id: int
    name: str
    site_id: int


_AT_SITES: Final = one_of(channels.c.site_id, "site_ids")


def doors_of(
    transaction: Transaction,
    account_id: int,
    scope: Scope,
    page: Page,
    *,
    channel_ids: Collection[int] | None = None,
    by: Principal | None = None,
) -> tuple[list[Door], int]:
    """A page of the doors at the sites, by name, that the user sees and that are among `channel_ids`; and how many."""
    params: dict[str, Any] = everywhere(account_id) if by is None else visible_to(by)
    params["site_ids"] = str([site.id for site in scope.sites])
    if channel_ids is not None:
        params["channel_ids"] = str(sorted(channel_ids))
    some = channel_ids is not None
    found = transaction.all(_page(some), limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_count(some), **params) or 0


@lru_cache(maxsize=2)
def _page(some: bool) -> Query[Door]:
    return Query(
        select(channels.c.id, channels.c.name, channels.c.site_id)
        .where(*_where(some))
        .order_by(channels.c.name_key, channels.c.id)
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        Door,
    )


@lru_cache(maxsize=2)
def _count(some: bool) -> Query[int]:
    return Query(select(func.count()).select_from(channels).where(*_where(some)), number)


def _where(some: bool) -> list[ColumnElement[bool]]:
    return [VISIBLE, _AT_SITES, *([one_of(channels.c.id, "channel_ids")] if some else [])]
