"""How much applications are used: for all of an account, and for one by day and by operation."""

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select

from doorward.applications.usage import first_day
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.tables import applications, usage_counts
from doorward.users.tables import users

DAYS: Final = 30
_MOST_OPERATIONS: Final = 12


class Used(NamedTuple):
    """What an application was used for in the last days."""

    application_id: int
    uses: int
    last_used_at: int


class DayOfUse(NamedTuple):
    """One day (UTC) of an application."""

    day: str
    uses: int


class Operation(NamedTuple):
    """What an application does, and for whom."""

    endpoint: str
    email: str
    uses: int
    last_used_at: int
    last_address: str


_SINCE: Final = usage_counts.c.day >= bindparam("first_day")
_OF_ONE: Final = usage_counts.c.application_id == bindparam("the_application")
_SUM: Final = func.sum(usage_counts.c.uses)
_BY_APPLICATION: Final = Query(
    select(usage_counts.c.application_id, _SUM, func.max(usage_counts.c.last_used_at))
    .where(
        usage_counts.c.application_id.in_(
            select(applications.c.id).where(applications.c.account_id == bindparam("account_id"))
        ),
        _SINCE,
    )
    .group_by(usage_counts.c.application_id),
    lambda application_id, uses, last: Used(application_id, int(uses), last),
)
_BY_DAY: Final = Query(
    select(usage_counts.c.day, _SUM).where(_OF_ONE, _SINCE).group_by(usage_counts.c.day),
    lambda day, uses: DayOfUse(str(day), int(uses)),
)
_LATER: Final = usage_counts.alias("later")
_LAST_ADDRESS: Final = (
    select(_LATER.c.last_address)
    .where(
        _LATER.c.application_id == bindparam("the_application"),
        _LATER.c.user_id == usage_counts.c.user_id,
        _LATER.c.endpoint == usage_counts.c.endpoint,
    )
    .order_by(_LATER.c.day.desc())
    .limit(1)
    .correlate(usage_counts)
    .scalar_subquery()
)
_BY_OPERATION: Final = Query(
    select(
        usage_counts.c.endpoint,
        users.c.email,
        _SUM,
        func.max(usage_counts.c.last_used_at),
        _LAST_ADDRESS,
    )
    .join(users, users.c.id == usage_counts.c.user_id)
    .where(_OF_ONE, _SINCE)
    .group_by(usage_counts.c.endpoint, usage_counts.c.user_id, users.c.email)
    .order_by(_SUM.desc(), usage_counts.c.endpoint)
    .limit(_MOST_OPERATIONS),
    lambda endpoint, email, uses, last, address: Operation(endpoint, email, int(uses), last, address),
)


def used_lately(transaction: Transaction, account_id: int, now: int) -> dict[int, Used]:
    """What each application was used for in the last days; without those that nobody has used."""
    found = transaction.all(_BY_APPLICATION, account_id=account_id, first_day=_first(now))
    return {each.application_id: each for each in found}


def days_of(transaction: Transaction, application_id: int, now: int) -> list[DayOfUse]:
    """Each of the last days, today last; one without use has 0."""
    first = _first(now)
    found = {each.day: each.uses for each in transaction.all(_BY_DAY, the_application=application_id, first_day=first)}
    begin = date.fromisoformat(first)
    days = [(begin + timedelta(days=number)).isoformat() for number in range(DAYS)]
    return [DayOfUse(day, found.get(day, 0)) for day in days]


def operations_of(transaction: Transaction, application_id: int, now: int) -> list[Operation]:
    """What it was mostly used for in the last days."""
    return transaction.all(_BY_OPERATION, the_application=application_id, first_day=_first(now))


def chart_of(days: list[DayOfUse]) -> dict[str, Any]:
    """The days as an option of ECharts."""
    return {
        "grid": {"left": 44, "right": 8, "top": 12, "bottom": 24},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [_short(each.day) for each in days]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "type": "bar",
                "name": "Requests",
                "data": [each.uses for each in days],
                "itemStyle": {"borderRadius": [3, 3, 0, 0]},
                "barMaxWidth": 18,
            }
        ],
    }


def _first(now: int) -> str:
    return first_day(format_instant(now)[:10], DAYS)


def _short(day: str) -> str:
    found = date.fromisoformat(day)
    return f"{found.day} {found:%b}"
