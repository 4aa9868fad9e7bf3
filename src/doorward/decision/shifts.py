"""When a shift is open: weekly windows in local time, or one absolute stretch.

Instants are integers: milliseconds since 1970-01-01T00:00Z. Days are integers too: days since 1970-01-01.
A window is open for whatever real time falls in it by the wall clock of its zone (behaviour.md, "Who may open
a door"): when the clock springs forward a window 01:00-03:00 lasts an hour, when it falls back three.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from doorward.decision.zones import BLOCK_MS, DAY_MS, segments

HOLIDAY: Final = 7
"""The eighth day of the week: a window of this day applies on holidays."""

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 24 * 60

_BLOCKS_REMEMBERED = 8
_BLOCKS_AHEAD = 14  # next_change() looks a little over a year ahead
_FOR_EVER = 1 << 62

Span = tuple[int, int]
"""A half-open stretch [start, end) of instants."""

_Edges = tuple[int, int, tuple[int, ...]]
"""From, up to, and the instants between them at which a rule opens, closes, opens… in turn."""


class Window(NamedTuple):
    """A stretch of the local day, on certain days of the week.

    `start` and `end` are minutes after local midnight of the day on which the window begins; an `end` beyond
    1440 crosses midnight. 0 <= start < 1440 and start < end <= start + 1440.
    """

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """Windows that repeat each week, between two dates if given (inclusive, of the day a window begins)."""

    windows: tuple[Window, ...]
    first_day: int | None = None
    last_day: int | None = None
    holidays: Literal["ignore", "replace"] = "ignore"
    """`replace`: on a holiday only windows of the day HOLIDAY apply; `ignore`: a holiday is as other days."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Open once, from `start` up to but not including `end`."""

    start: int
    end: int


Rule = Weekly | Stretch


def weekday(day: int) -> int:
    """0 for Monday to 6 for Sunday; day 0, 1970-01-01, was a Thursday."""
    return (day + 3) % 7


def expand(rule: Weekly, zone: str, holidays: frozenset[int], block: int) -> tuple[Span, ...]:
    """The spans of one block in which the rule is open: sorted, disjoint, not touching."""
    spans: list[Span] = []
    for segment in segments(zone, block):
        offset = segment.offset
        low, high = segment.start + offset, segment.end + offset
        for day in range(low // DAY_MS - 1, (high - 1) // DAY_MS + 1):
            if rule.first_day is not None and day < rule.first_day:
                continue
            if rule.last_day is not None and day > rule.last_day:
                continue
            kind = HOLIDAY if rule.holidays == "replace" and day in holidays else weekday(day)
            midnight = day * DAY_MS
            for window in rule.windows:
                if kind in window.days:
                    start = max(low, midnight + window.start * MINUTE_MS)
                    end = min(high, midnight + window.end * MINUTE_MS)
                    if start < end:
                        spans.append((start - offset, end - offset))
    return _merged(spans)


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    spans.sort()
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


class Timetable:
    """A rule read in one zone with one set of holidays: answers whether it is open at an instant.

    A value: equal to another of the same rule, zone and holidays. It remembers the instants at which it opens
    and closes in the blocks last asked about, so that most questions take one binary search in a few dozen.
    """

    __slots__ = ("_around", "_blocks", "holidays", "rule", "zone")

    def __init__(self, rule: Rule, zone: str, holidays: frozenset[int] = frozenset()) -> None:
        self.rule = rule
        self.zone = zone
        self.holidays = holidays
        self._around: _Edges = (0, 0, ())
        self._blocks: dict[int, _Edges] = {}

    def open_at(self, at: int) -> bool:
        """Whether the shift is open at the instant `at`.

        Raises OverflowError or ValueError outside the years 1 to 9999, and ZoneInfoNotFoundError for an
        unknown zone.
        """
        first, beyond, edges = self._around
        if not first <= at < beyond:
            edges = self._load(at)[2]
        return bisect_right(edges, at) % 2 == 1

    def next_change(self, at: int) -> int | None:
        """The first instant after `at` at which the shift opens or closes.

        None if a weekly rule does neither within a year, or a stretch ever again. Raises as `open_at` does.
        """
        is_open = self.open_at(at)
        for _ in range(_BLOCKS_AHEAD):
            _, beyond, edges = self._load(at)
            index = bisect_right(edges, at)
            if index < len(edges) and edges[index] < beyond:
                return edges[index]
            if isinstance(self.rule, Stretch):
                return None
            if self.open_at(beyond) != is_open:
                return beyond
            at = beyond
        return None

    def open_throughout(self, first: int, last: int) -> bool:
        """Whether the shift is open at every instant of [first, last]; never for more than about a year.

        Raises as `open_at` does.
        """
        if first > last:
            return False
        for _ in range(_BLOCKS_AHEAD):
            since, _, edges = self._load(last)
            open_since = bisect_right(edges, last)
            if open_since % 2 == 0:
                return False
            if since <= first:
                return bisect_right(edges, first) == open_since
            if edges[open_since - 1] > since:
                return False
            last = since - 1
        return False

    def _load(self, at: int) -> _Edges:
        block = at // BLOCK_MS
        found = self._blocks.get(block)
        if found is None:
            if len(self._blocks) >= _BLOCKS_REMEMBERED:
                self._blocks = {}
            found = self._blocks[block] = self._edges(block)
        self._around = found
        return found

    def _edges(self, block: int) -> _Edges:
        rule = self.rule
        if isinstance(rule, Stretch):
            return (
                -_FOR_EVER,
                _FOR_EVER,
                (rule.start, rule.end) if rule.start < rule.end else (),
            )
        spans = expand(rule, self.zone, self.holidays, block)
        return (
            block * BLOCK_MS,
            (block + 1) * BLOCK_MS,
            tuple(edge for span in spans for edge in span),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timetable):
            return NotImplemented
        return (self.rule, self.zone, self.holidays) == (
            other.rule,
            other.zone,
            other.holidays,
        )

    def __hash__(self) -> int:
        return hash((self.rule, self.zone, self.holidays))

    def __repr__(self) -> str:
        return f"Timetable({self.rule!r}, {self.zone!r}, {len(self.holidays)} holidays)"
