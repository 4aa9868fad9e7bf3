"""A day or a week drawn: a row for each door or each person, and where its bars are, in percent of the width.

The width is time as it passes: on the day of a clock change an hour is missing or comes twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from doorward.console.reservations.feed import utc_words
from doorward.console.reservations.periods import Period
from doorward.console.reservations.reading import Booking, Door
from doorward.kit.timestamps import day_bounds, local_datetime

_HOUR_MS: Final = 3_600_000
_LANE: Final = 30
_AROUND: Final = 6
_WORDS: Final = 0.04
"""Of the width: in less there is no room for a word."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A reservation in a row: what stands in it, if there is room, and what is read out. `x` and `width` in percent."""

    booking: Booking
    x: str
    width: str
    lane: int
    label: str
    told: str
    utc: str

    @property
    def y(self) -> int:
        """How far down in its row."""
        return _AROUND + self.lane * _LANE


@dataclass(slots=True)
class Row:
    """A door or a person, with its bars; those at the same time are below each other."""

    name: str
    path: str
    under: str = ""
    bars: list[Bar] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    @property
    def height(self) -> int:
        """In pixels."""
        return max(len(self._ends), 1) * _LANE + 2 * _AROUND - 4

    def lane(self, start: int, end: int) -> int:
        """The first lane that is free from `start` on; taken until `end`."""
        for number, taken in enumerate(self._ends):
            if taken <= start:
                self._ends[number] = end
                return number
        self._ends.append(end)
        return len(self._ends) - 1


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the rows, and what stands above it."""

    x: str
    label: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """From an instant to a place across."""

    start: int
    end: int
    zone: ZoneInfo

    def has_room(self, booking: Booking) -> bool:
        """Whether a bar is wide enough for words in it."""
        shown = min(booking.end, self.end) - max(booking.start, self.start)
        return shown / (self.end - self.start) > _WORDS

    def x(self, at: int) -> str:
        """In percent, within the picture."""
        return f"{100 * (min(max(at, self.start), self.end) - self.start) / (self.end - self.start):.3f}%"

    def width(self, start: int, end: int) -> str:
        """Of what lasts from one instant to another; never nothing."""
        shown = min(end, self.end) - max(start, self.start)
        return f"{max(100 * shown / (self.end - self.start), 0.3):.3f}%"

    def has(self, at: int) -> bool:
        """Whether the instant is in the picture."""
        return self.start <= at < self.end


def ticks(period: Period, zone: ZoneInfo) -> list[Tick]:
    """Of a day, each hour, and what it is called every second; of a week, each day."""
    start, end = period.bounds(zone)
    scale = Scale(start, end, zone)
    if period.first != period.last:
        return [Tick(scale.x(day_bounds(day, zone)[0]), f"{day:%a} {day.day}", strong=True) for day in period.days]
    found = []
    for at in range(start, end, _HOUR_MS):
        local = local_datetime(at, zone)
        even = local.hour % 2 == 0
        found.append(Tick(scale.x(at), f"{local:%H:%M}" if even else "", strong=local.hour % 6 == 0))
    return found


def rows_by_door(doors: Sequence[Door], found: Iterable[Booking], scale: Scale) -> list[Row]:
    """Each door, also one without a reservation; group reservations name no doors and are left out."""
    rows = {door.id: Row(door.name, f"/console/doors/{door.id}", under=door.site) for door in doors}
    for booking in found:
        for door in booking.things if booking.kind == "reservation" else ():
            if door.id in rows:
                _add(rows[door.id], booking, booking.person, scale)
    return list(rows.values())


def rows_by_person(found: Iterable[Booking], scale: Scale) -> list[Row]:
    """Each person who has a reservation, by name."""
    rows: dict[int, Row] = {}
    for booking in sorted(found, key=lambda each: (each.person.casefold(), each.person_id, each.start, each.id)):
        row = rows.setdefault(booking.person_id, Row(booking.person, f"/console/people/{booking.person_id}"))
        _add(row, booking, booking.what, scale)
    return list(rows.values())


def _add(row: Row, booking: Booking, label: str, scale: Scale) -> None:
    start, end = (local_datetime(at, scale.zone) for at in (booking.start, booking.end))
    day = f"{start:%a} {start.day} {start:%b}"
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a} {end.day} {end:%b %H:%M}"
    what = f"{booking.person}, {booking.what}, {day} {start:%H:%M} to {until}"
    told = f"Group reservation: {what}" if booking.kind == "group" else what
    row.bars.append(
        Bar(
            booking,
            scale.x(booking.start),
            scale.width(booking.start, booking.end),
            row.lane(booking.start, booking.end),
            label if scale.has_room(booking) else "",
            told,
            utc_words(booking),
        )
    )
