"""Reports as options of ECharts. Pure; colours are names of the stylesheet's, which a chart resolves as it is drawn."""

from collections.abc import Sequence
from typing import Any, Final

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS: Final = tuple(f"{hour:02}:00" for hour in range(24))

Option = dict[str, Any]


def bars_across(names: Sequence[str], counts: Sequence[int], what: str, colour: str = "var(--accent)") -> Option:
    """A bar to the right for each name, the first on top."""
    return {
        "aria": {"label": {"description": f"Bars: {what}"}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "grid": {"left": 8, "right": 48, "top": 4, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "minInterval": 1, "splitLine": {"show": False}, "axisLabel": {"show": False}},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(names),
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "axisLabel": {"color": "var(--ink)", "width": 150, "lineHeight": 14, "overflow": "truncate"},
        },
        "series": [
            {
                "name": what,
                "type": "bar",
                "data": list(counts),
                "barMaxWidth": 18,
                "itemStyle": {"color": colour, "borderRadius": [0, 4, 4, 0]},
                "label": {"show": True, "position": "right", "color": "var(--ink)"},
            }
        ],
    }


def bars_by_hour(series: Sequence[tuple[str, str, Sequence[int]]], what: str) -> Option:
    """For each hour of a day a bar of each series: its name, its colour, its 24 counts."""
    return {
        "aria": {"label": {"description": f"Bars by hour: {what}"}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "legend": {"top": 0, "right": 0, "icon": "roundRect", "itemWidth": 10, "itemHeight": 10},
        "grid": {"left": 8, "right": 8, "top": 32, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": list(HOURS), "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "name": name,
                "type": "bar",
                "data": list(counts),
                "barMaxWidth": 14,
                "itemStyle": {"color": colour, "borderRadius": [3, 3, 0, 0]},
            }
            for name, colour, counts in series
        ],
    }


def heat_map(week: Sequence[Sequence[int]], what: str) -> Option:
    """The hours of a week, Monday first: the more, the stronger."""
    most = max((count for day in week for count in day), default=0)
    cells = [[hour, weekday, count] for weekday, day in enumerate(week) for hour, count in enumerate(day)]
    return {
        "aria": {"label": {"description": f"A heat map of the week by hour: {what}"}},
        "tooltip": {"position": "top"},
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 44, "containLabel": True},
        "xAxis": {
            "type": "category",
            "data": list(HOURS),
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "splitArea": {"show": False},
        },
        "yAxis": {
            "type": "category",
            "data": [day[:3] for day in WEEKDAYS],
            "inverse": True,
            "axisTick": {"show": False},
            "axisLine": {"show": False},
        },
        "visualMap": {
            "min": 0,
            "max": max(most, 1),
            "calculable": False,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "itemWidth": 12,
            "itemHeight": 140,
            "text": [f"{most:,}", "0"],
            "inRange": {"color": ["var(--heat-none)", "var(--heat-low)", "var(--heat-high)"]},
        },
        "series": [
            {
                "name": what,
                "type": "heatmap",
                "data": cells,
                "itemStyle": {"borderRadius": 4, "borderWidth": 2, "borderColor": "var(--surface)"},
                "emphasis": {"itemStyle": {"borderColor": "var(--accent)"}},
            }
        ],
    }
