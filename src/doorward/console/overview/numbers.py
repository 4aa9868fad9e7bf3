"""Today against the usual day: how many were admitted and denied by the hour, and why they were denied.

The usual day is the mean of the same weekday in the last four weeks, of those weeks in which anything happened.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, func, literal_column, or_, select

from doorward.channels.tables import channels
from doorward.console.doors.reading import AT_SITE
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING
from doorward.decision.wording import event_label
from doorward.decision.zones import DAY_MS, HOUR_MS
from doorward.events.tables import events
from doorward.kit.timestamps import local_datetime
from doorward.oauth.principal import Principal
from doorward.reports.codes import DENIED, with_code
from doorward.reports.spans import bound, span_table, spans_of
from doorward.sites.sight import VISIBLE, visible_to

_WEEKS: Final = 4
_HOURS: Final = range(24)


class Counted(NamedTuple):
    """How often in one hour of a day: 0 is today, 1 to 4 as many weeks ago."""

    weeks_ago: int
    hour: int
    code: int
    times: int


class Day(NamedTuple):
    """Today by the hour, and the usual day: None if there is none yet. `hour` is the one that it is now."""

    day: date
    hour: int
    admitted: list[int]
    denied: list[int]
    usual: list[float] | None
    reasons: list[tuple[str, int]]
    """In words, with how often, most often first."""

    @property
    def admitted_so_far(self) -> int:
        """How many were admitted today."""
        return sum(self.admitted)

    @property
    def denied_so_far(self) -> int:
        """How many were denied today."""
        return sum(self.denied)

    @property
    def usual_so_far(self) -> int | None:
        """How many are admitted up to this hour on the usual day."""
        return None if self.usual is None else round(sum(self.usual[: self.hour]))


def _whole(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger())


_span = span_table()
_HOUR: Final = (events.c.occurred_at + _span.c.offset_ms) % _whole(DAY_MS) // _whole(HOUR_MS)
_COUNT: Final = Query(
    select(_span.c.site_id, _HOUR.label("hour_of_day"), events.c.event_code, func.count())
    .select_from(_span)
    .join(
        events,
        and_(
            events.c.account_id == bindparam("account_id"),
            events.c.occurred_at >= _span.c.since,
            events.c.occurred_at < _span.c.until,
            with_code(ADMITTING | DENIED),
        ),
    )
    .where(
        or_(
            bindparam("everywhere") == 1,
            events.c.channel_id.in_(select(channels.c.id).where(VISIBLE, AT_SITE)),
        )
    )
    .group_by(_span.c.site_id, literal_column("hour_of_day"), events.c.event_code),
    lambda weeks_ago, hour, code, times: Counted(int(weeks_ago), int(hour), code, times),
)


def count_today(
    transaction: Transaction, principal: Principal, site_id: int | None, zone: ZoneInfo, now: int
) -> list[Counted]:
    """What happened today and on the same weekday of the last weeks, by a zone's local time; one statement."""
    today = local_datetime(now, zone).date()
    days = ((weeks_ago, today - timedelta(weeks=weeks_ago)) for weeks_ago in range(_WEEKS + 1))
    # The place of the site in a span takes which day it is.
    spans = [span for weeks_ago, day in days for span in spans_of([(weeks_ago, zone.key)], day, day)]
    everywhere = site_id is None and not principal.site_limited
    return transaction.all(
        _COUNT, everywhere=int(everywhere), the_site=site_id or 0, spans=bound(spans), **visible_to(principal)
    )


def day_of(counted: list[Counted], zone: ZoneInfo, now: int) -> Day:
    """Today and the usual day, of what was counted."""
    local = local_datetime(now, zone)
    admitted: Counter[tuple[int, int]] = Counter()
    denied: Counter[int] = Counter()
    reasons: Counter[int] = Counter()
    for each in counted:
        if each.code in ADMITTING:
            admitted[each.weeks_ago, each.hour] += each.times
        elif each.weeks_ago == 0:
            denied[each.hour] += each.times
            reasons[each.code] += each.times
    weeks = {each.weeks_ago for each in counted} - {0}
    usual = None
    if weeks:
        usual = [sum(admitted[week, hour] for week in weeks) / len(weeks) for hour in _HOURS]
    return Day(
        local.date(),
        local.hour,
        [admitted[0, hour] for hour in _HOURS],
        [denied[hour] for hour in _HOURS],
        usual,
        [(_words(code), times) for code, times in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))],
    )


def _words(code: int) -> str:
    """A reason as a short line: "Out of hours", "Unknown card"."""
    label = event_label(code, "", None).removeprefix("Somebody rejected, ").removesuffix(" rejected")
    return f"{label[:1].upper()}{label[1:]}"


def chart_of(day: Day) -> Mapping[str, Any]:
    """Today's admissions as bars against the usual day as a line: an option of ECharts."""
    series: list[dict[str, Any]] = [
        {
            "name": "Today",
            "type": "bar",
            "data": [number if hour <= day.hour else None for hour, number in enumerate(day.admitted)],
            "itemStyle": {"color": "var(--accent)", "borderRadius": [3, 3, 0, 0]},
            "barMaxWidth": 18,
        }
    ]
    if day.usual is not None:
        series.append(
            {
                "name": "Usual",
                "type": "line",
                "data": [round(number, 1) for number in day.usual],
                "smooth": True,
                "symbol": "none",
                "lineStyle": {"color": "var(--field-line)", "width": 2, "type": "dashed"},
                "itemStyle": {"color": "var(--field-line)"},
            }
        )
    return {
        "grid": {"left": 8, "right": 8, "top": 28, "bottom": 4, "containLabel": True},
        "legend": {"right": 0, "top": 0, "icon": "roundRect", "itemWidth": 12, "itemHeight": 8},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [f"{hour:02}" for hour in _HOURS], "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": series,
        "aria": {"label": {"description": "Admissions of today by the hour against the usual day"}},
    }
