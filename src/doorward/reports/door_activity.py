"""Door activity: how many were admitted and denied at each door, by hour and weekday of its site's local time."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal_column, select

from doorward.channels.tables import channels
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING
from doorward.decision.zones import DAY_MS, HOUR_MS
from doorward.events.tables import events
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.reports.codes import DENIED, with_code
from doorward.reports.doors import doors_of
from doorward.reports.scope import Scope
from doorward.reports.spans import bound, span_table

_THURSDAY: Final = 3
"""The weekday of 1970-01-01, Monday being 0."""
_DAYS_OF_WEEK: Final = 7
_HOURS_OF_DAY: Final = 24


class Hour(NamedTuple):
    """An hour of the week, over the whole report. Monday is 0; the hour is the one that began, 0 to 23."""

    weekday: int
    hour: int
    admitted: int
    denied: int


class DoorActivity(NamedTuple):
    """A door's; hours in which nothing happened are left out."""

    channel_id: int
    channel_name: str
    site_id: int
    hours: list[Hour]


class _Counted(NamedTuple):
    channel_id: int
    hour_of_week: int
    admitted: int
    all: int


def _whole(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger())


_span = span_table()
_LOCAL: Final = events.c.occurred_at + _span.c.offset_ms
_HOUR_OF_WEEK: Final = (_LOCAL + _whole(_THURSDAY * DAY_MS)) % _whole(_DAYS_OF_WEEK * DAY_MS) // _whole(HOUR_MS)
_COUNT: Final = Query(
    select(
        channels.c.id,
        _HOUR_OF_WEEK.label("hour_of_week"),
        func.sum(case((with_code(ADMITTING), _whole(1)), else_=_whole(0))),
        func.count(),
    )
    .select_from(_span)
    .join(channels, and_(channels.c.site_id == _span.c.site_id, one_of(channels.c.id, "channel_ids")))
    .join(
        events,
        and_(
            events.c.channel_id == channels.c.id,
            events.c.occurred_at >= _span.c.since,
            events.c.occurred_at < _span.c.until,
        ),
    )
    .where(with_code(ADMITTING | DENIED))
    .group_by(channels.c.id, literal_column("hour_of_week")),
    lambda channel_id, hour, admitted, count: _Counted(channel_id, int(hour), int(admitted), count),
)


def door_activity(
    transaction: Transaction,
    account_id: int,
    scope: Scope,
    page: Page,
    *,
    channel_ids: Collection[int] | None = None,
    by: Principal | None = None,
) -> tuple[list[DoorActivity], int]:
    """A page of doors, by name, also those where nothing happened; and how many doors there are in all."""
    doors, total = doors_of(transaction, account_id, scope, page, channel_ids=channel_ids, by=by)
    ids = str([door.id for door in doors])
    hours: defaultdict[int, list[Hour]] = defaultdict(list)
    for each in transaction.all(_COUNT, channel_ids=ids, spans=bound(scope.spans())) if doors else ():
        weekday, hour = divmod(each.hour_of_week, _HOURS_OF_DAY)
        hours[each.channel_id].append(Hour(weekday, hour, each.admitted, each.all - each.admitted))
    return [DoorActivity(*door, sorted(hours[door.id])) for door in doors], total
