"""The audit log, read: newest first, narrowed to a thing, to who did it, to what was done, to when."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, select

from doorward.audit.service import Entry
from doorward.audit.tables import audit_log
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; None: any. [since, until) are milliseconds UTC."""

    resource_type: str | None = None
    resource_id: int | None = None
    user_id: int | None = None
    application_id: int | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None


_NAMES: Final = ("resource_type", "resource_id", "user_id", "application_id", "action")
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    **{name: audit_log.c[name] == bindparam(name) for name in _NAMES},
    "since": audit_log.c.at >= bindparam("since"),
    "until": audit_log.c.at < bindparam("until"),
}
_COLUMNS: Final = tuple(audit_log.c[name] for name in Entry._fields)
_ONE: Final = Query(
    select(*_COLUMNS).where(audit_log.c.account_id == bindparam("account_id"), audit_log.c.id == bindparam("the_id")),
    Entry,
)


def list_entries(transaction: Transaction, account_id: int, wanted: Wanted, page: Page) -> tuple[list[Entry], int]:
    """A page of an account's log, newest first, and how many entries there are in all."""
    asked = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    params: dict[str, Any] = {"account_id": account_id, **asked}
    kinds = frozenset(asked)
    found = transaction.all(_page(kinds), limit=page.limit, offset=page.offset, **params)
    if page.offset == 0 and len(found) < page.limit:
        return found, len(found)
    return found, transaction.one(_count(kinds), **params) or 0


def get_entry(transaction: Transaction, account_id: int, entry_id: int) -> Entry:
    """One entry of an account's log. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=entry_id)
    if found is None:
        raise NotFound
    return found


# A statement for each set of conditions, so that each is planned for what it asks.
@lru_cache(maxsize=128)
def _page(kinds: frozenset[str]) -> Query[Entry]:
    return Query(
        select(*_COLUMNS)
        .where(*_where(kinds))
        .order_by(audit_log.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset")),
        Entry,
    )


@lru_cache(maxsize=128)
def _count(kinds: frozenset[str]) -> Query[int]:
    return Query(select(func.count()).select_from(audit_log).where(*_where(kinds)), number)


def _where(kinds: frozenset[str]) -> list[ColumnElement[bool]]:
    mine = audit_log.c.account_id == bindparam("account_id")
    return [mine, *(_CONDITIONS[name] for name in sorted(kinds))]
