"""How many events there are of what is asked for, exactly, and in which stretch of time a page of them lies.

The time from an instant on is cut into stretches: short ones first, up to where a longer one begins, and so on. The
tallies tell of each how many events are in it. The few that the tallies do not know, and those of the first stretch,
which is not whole, are counted in an index.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, func, literal_column, select, text

from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.events.tables import events
from doorward.events.tallies import HOUR_MS, SPANS, SPANS_OF_CHANNEL, Step, Stretch, sums, tallied_to
from doorward.kit.timestamps import EARLIEST

Order = Literal["ASC", "DESC"]

FEW: Final = 5_000
"""So many events are sorted to find a page among them."""
_NEVER: Final = 2**31 - 1
"""An hour after all."""


class Window(NamedTuple):
    """Where a page is: the first so many of the events from `since` up to, not including, `until` come before it."""

    since: int
    until: int
    skipped: int


def _hours(at_hour: int, count: int) -> tuple[int, int]:
    return at_hour, count


_HOUR: Final = literal_column(f"(events.occurred_at - ({EARLIEST})) / {HOUR_MS}", Integer)


def _within(by_channel: bool) -> list[ColumnElement[bool]]:
    """A stretch of time, in the index of channels or of codes."""
    time = [events.c.occurred_at >= bindparam("since"), events.c.occurred_at < bindparam("until")]
    if by_channel:
        # Adding nothing to a column keeps a planner from the index on it.
        return [*time, one_of(events.c.channel_id, "channel_id"), one_of(events.c.event_code + 0, "event_code")]
    return [*time, events.c.account_id == bindparam("account_id"), one_of(events.c.event_code, "event_code")]


@lru_cache(maxsize=2)
def _counted(by_channel: bool) -> Query[int]:
    """How many events there are in a stretch of time."""
    return Query(select(func.count()).select_from(events).where(*_within(by_channel)), number)


@lru_cache(maxsize=2)
def _by_hour(by_channel: bool) -> Query[tuple[int, int]]:
    """How many there are in each of its hours."""
    return Query(
        select(_HOUR, func.count()).select_from(events).where(*_within(by_channel)).group_by(text("1")), _hours
    )


@lru_cache(maxsize=2)
def _untallied(by_channel: bool) -> Query[tuple[int, int]]:
    """How many events of each hour are not tallied yet, found by their position."""
    where = [
        events.c.account_id == bindparam("account_id"),
        events.c.position > bindparam("after"),
        events.c.occurred_at + 0 >= bindparam("since"),
        one_of(events.c.event_code + 0, "event_code"),
        *((one_of(events.c.channel_id + 0, "channel_id"),) if by_channel else ()),
    ]
    return Query(select(_HOUR, func.count()).select_from(events).where(*where).group_by(text("1")), _hours)


@dataclass(frozen=True)
class Count:
    """The events of an account with one of these codes, at one of these channels, that happened since an instant.

    Without channels: wherever, also nowhere in particular. Counted and found in one transaction.
    """

    transaction: Transaction
    account_id: int
    codes: Collection[int]
    channel_ids: Collection[int] | None
    since: int
    few: int = FEW

    @cached_property
    def total(self) -> int:
        """How many there are."""
        return sum(stretch.events for stretch in self._stretches)

    def window(self, order: Order, offset: int, limit: int) -> Window:
        """Where in time the events from `offset` on are, at most `limit`; not much longer than it has to be."""
        found = [stretch for stretch in self._stretches if stretch.events]
        while found:
            found.sort(reverse=order == "DESC")
            ends = _running(stretch.events for stretch in found)
            first = min(bisect_right(ends, offset), len(found) - 1)
            last = min(bisect_right(ends, offset + limit - 1), len(found) - 1)
            before = ends[first] - found[first].events
            found, offset = found[first : last + 1], offset - before
            coarse = [each for each in {found[0], found[-1]} if each.span > 1 and each.events > self.few]
            if not coarse:
                break
            for stretch in coarse:
                found.remove(stretch)
                found += [each for each in self._parts(stretch) if each.events]
        if not found:  # somebody has removed events past the tallies
            return Window(self.since, self.since, 0)
        begins, ends_at = min(each.first for each in found), max(each.end for each in found)
        return Window(max(self.since, _instant(begins)), _instant(ends_at), offset)

    @property
    def _spans(self) -> tuple[int, ...]:
        return SPANS if self.channel_ids is None else SPANS_OF_CHANNEL

    @cached_property
    def _params(self) -> dict[str, Any]:
        params: dict[str, Any] = {"account_id": self.account_id, "event_code": str(sorted(self.codes))}
        if self.channel_ids is not None:
            params["channel_id"] = str(sorted(self.channel_ids))
        return params

    @cached_property
    def _whole(self) -> int:
        """The hour from which on stretches are whole."""
        unit = self._spans[0]
        return -((EARLIEST - self.since) // (HOUR_MS * unit)) * unit

    @cached_property
    def _steps(self) -> list[Step]:
        steps, first = [], self._whole
        for span, longer in zip(self._spans, (*self._spans[1:], None), strict=True):
            end = _NEVER if longer is None else -(-first // longer) * longer
            if first < end:
                steps.append(Step(first, end, span))
            first = end
        return steps

    @cached_property
    def _untallied(self) -> list[tuple[int, int]]:
        """Hours, from the first whole stretch on, and how many events of each the tallies do not know."""
        return self.transaction.all(
            _untallied(self.channel_ids is not None),
            after=tallied_to(self.transaction, self.account_id),
            since=_instant(self._whole),
            **self._params,
        )

    @cached_property
    def _stretches(self) -> list[Stretch]:
        found = []
        begins = (self.since - EARLIEST) // HOUR_MS
        if self.since < _instant(self._whole):
            params = self._params | {"since": self.since, "until": _instant(self._whole)}
            counted = self.transaction.one(_counted(self.channel_ids is not None), **params) or 0
            found.append(Stretch(begins, self._whole - begins, counted))
        return found + self._summed(self._steps)

    def _parts(self, stretch: Stretch) -> list[Stretch]:
        """The same stretch in shorter ones."""
        shorter = [span for span in self._spans if span < stretch.span]
        if shorter and stretch.first >= self._whole:
            return self._summed([Step(stretch.first, stretch.end, shorter[-1])])
        params = self._params | {"since": max(self.since, _instant(stretch.first)), "until": _instant(stretch.end)}
        counted = self.transaction.all(_by_hour(self.channel_ids is not None), **params)
        return [Stretch(hour, 1, count) for hour, count in counted]

    def _summed(self, steps: Sequence[Step]) -> list[Stretch]:
        counts: Counter[tuple[int, int]] = Counter()
        for stretch in sums(self.transaction, self.account_id, self.codes, self._params.get("channel_id"), steps):
            counts[stretch.first, stretch.span] += stretch.events
        for hour, count in self._untallied:
            for step in steps:
                if step.first <= hour < step.end:
                    counts[hour // step.span * step.span, step.span] += count
        return [Stretch(first, span, count) for (first, span), count in counts.items()]


def _instant(hour: int) -> int:
    return EARLIEST + hour * HOUR_MS


def _running(numbers: Iterable[int]) -> list[int]:
    total, found = 0, []
    for each in numbers:
        total += each
        found.append(total)
    return found
