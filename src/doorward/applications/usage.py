"""What an application is used for, by whom, and who has connected it."""

from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, exists, func, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.pages import Page
from doorward.oauth.tables import refresh_tokens, token_families, tokens, usage_counts
from doorward.users.tables import users


class Use(NamedTuple):
    """How often a user had an operation done through the application on a day (UTC)."""

    user_id: int
    email: str
    endpoint: str
    day: str
    uses: int
    last_used_at: int
    last_address: str


class Totals(NamedTuple):
    """All of it together. Without any use there is no last one."""

    rows: int
    uses: int
    last_used_at: int | None


class Grant(NamedTuple):
    """That a user has connected the application: a consent that is still good for something."""

    id: int
    user_id: int
    email: str
    scopes: str
    created_at: int


_WITHIN: Final = and_(
    usage_counts.c.application_id == bindparam("the_application"),
    usage_counts.c.day >= bindparam("first_day"),
    usage_counts.c.day <= bindparam("last_day"),
)
_USES: Final = Query(
    select(
        usage_counts.c.user_id,
        users.c.email,
        usage_counts.c.endpoint,
        usage_counts.c.day,
        usage_counts.c.uses,
        usage_counts.c.last_used_at,
        usage_counts.c.last_address,
    )
    .join(users, users.c.id == usage_counts.c.user_id)
    .where(_WITHIN)
    .order_by(usage_counts.c.day.desc(), usage_counts.c.user_id, usage_counts.c.endpoint)
    .limit(bindparam("most"))
    .offset(bindparam("skipped")),
    Use,
)
_TOTALS: Final = Query(
    select(func.count(), func.coalesce(func.sum(usage_counts.c.uses), 0), func.max(usage_counts.c.last_used_at)).where(
        _WITHIN
    ),
    lambda rows, uses, last: Totals(rows, int(uses), last),  # PostgreSQL sums up to a Decimal
)
_LAST_ADDRESS: Final = Query(
    select(usage_counts.c.last_address).where(_WITHIN).order_by(usage_counts.c.last_used_at.desc()).limit(1), str
)
_GRANTS: Final = Query(
    select(
        token_families.c.id,
        token_families.c.user_id,
        users.c.email,
        token_families.c.scopes,
        token_families.c.created_at,
    )
    .join(users, users.c.id == token_families.c.user_id)
    .where(
        token_families.c.application_id == bindparam("the_application"),
        token_families.c.revoked_at.is_(None),
        users.c.disabled_at.is_(None),
        exists().where(
            refresh_tokens.c.family_id == token_families.c.id,
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.expires_at > bindparam("now"),
        )
        | exists().where(
            tokens.c.family_id == token_families.c.id,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > bindparam("now"),
        ),
    )
    .order_by(token_families.c.id),
    Grant,
)


def usage_of(
    transaction: Transaction, application_id: int, first_day: str, last_day: str, page: Page
) -> tuple[list[Use], Totals, str | None]:
    """One page of what the application was used for from one day to another, the latest day first.

    And all of it together, with the address of the last use. Days are UTC, such as 2024-01-15.
    """
    which = {"the_application": application_id, "first_day": first_day, "last_day": last_day}
    totals = require(transaction.one(_TOTALS, **which))
    uses = transaction.all(_USES, **which, most=page.limit, skipped=page.offset)
    return uses, totals, transaction.one(_LAST_ADDRESS, **which)


def grants_of(transaction: Transaction, application_id: int, now: int) -> list[Grant]:
    """Who has connected the application, the oldest consent first. One user may have done so several times."""
    return transaction.all(_GRANTS, the_application=application_id, now=now)


def first_day(last_day: str, days: int) -> str:
    """The first of so many days that end with this one."""
    return date.fromordinal(max(1, date.fromisoformat(last_day).toordinal() - days + 1)).isoformat()
