"""One board at the other end of the network, spoken to through the package `uhppoted`; asked again if it is silent.

Everything but the release of a lock may be said twice with the same effect, so a lost answer is no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from ipaddress import IPv4Address
from typing import Any, Final, NamedTuple

from uhppoted import uhppote_async  # type: ignore[import-untyped]  # it ships no types
from uhppoted.errors import InvalidResponse  # type: ignore[import-untyped]  # likewise
from uhppoted.structs import Card, Task, TimeProfile, TimeSegment, Weekdays  # type: ignore[import-untyped]  # likewise

from doorward.drivers.uhppote.board_time import DAY_MINUTES, board_ms_of, date_of, day_of, wall_clock
from doorward.drivers.uhppote.config import DOORS, Address
from doorward.drivers.uhppote.image import Row
from doorward.drivers.uhppote.profiles import Profile, Segment, Stored

NEWEST: Final = 0xFFFFFFFF
OLDEST: Final = 0
"""Not numbers of events, but questions for the newest and the oldest."""
NO_EVENT: Final = 0x00
OVERWRITTEN: Final = 0xFF
"""Not types of events, but that there is none of this number yet, or any more."""

_NO_CARD: Final = 0
_DELETED_CARD: Final = 0xFFFFFFFF
_MOST_DELETED: Final = 100_000
"""More places than any board has."""


class BoardError(OSError):
    """A board does not answer, or not with sense."""


class DoorControl(NamedTuple):
    """What a door of a board is set to: 1 open, 2 shut, 3 controlled; and for how many seconds it is released."""

    mode: int
    delay_s: int


class ClosingTask(NamedTuple):
    """At a minute of some days the board sets a door to be controlled again, whatever held it open."""

    first_day: int
    last_day: int
    weekdays: frozenset[int]
    minute: int
    door: int


class BoardEvent(NamedTuple):
    """What a board has recorded; `shown` is the board's time, None if that is none."""

    number: int
    type: int
    reason: int
    is_granted: bool
    door: int
    card: int
    shown: int | None


@dataclass(frozen=True, slots=True)
class BoardStatus:
    """How a board is."""

    shown: int | None
    """The board's time."""
    open_doors: frozenset[int]
    released_doors: frozenset[int]
    newest_event: int


class BoardLink:
    """Asks and tells one board. All methods raise BoardError, an OSError, if it does not answer."""

    def __init__(self, serial: int, address: Address, *, timeout_s: float, attempts: int) -> None:
        self._serial = serial
        self._board = (serial, str(address))
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._uhppote: Any = uhppote_async.UhppoteAsync()

    async def get_time(self) -> int | None:
        """The board's time; None if that is none."""
        shown = (await self._ask(self._uhppote.get_time)).datetime
        return None if shown is None else board_ms_of(shown)

    async def set_time(self, board_ms: int) -> None:
        """Set the board's clock, to the second."""
        await self._ask(self._uhppote.set_time, wall_clock(board_ms))

    async def status(self) -> BoardStatus:
        """How the board is."""
        answer = await self._ask(self._uhppote.get_status)
        shown = None
        if isinstance(answer.system_date, date) and isinstance(answer.system_time, time):
            shown = board_ms_of(datetime.combine(answer.system_date, answer.system_time))
        return BoardStatus(
            shown=shown,
            open_doors=frozenset(door for door in DOORS if getattr(answer, f"door_{door}_open")),
            released_doors=frozenset(door for door in DOORS if answer.relays >> (door - 1) & 1),
            newest_event=int(answer.event_index),
        )

    async def count_cards(self) -> int:
        """How many cards the board has."""
        return int((await self._ask(self._uhppote.get_cards)).cards)

    async def all_cards(self) -> dict[int, Row]:
        """Every card on the board."""
        wanted, index = await self.count_cards(), 0
        found: dict[int, Row] = {}
        while len(found) < wanted:
            index += 1
            if index > wanted + _MOST_DELETED:
                raise BoardError(f"Board {self._serial} lists no end of cards")
            answer = await self._ask(self._uhppote.get_card_by_index, index)
            if answer.card_number == _NO_CARD:
                raise BoardError(f"Board {self._serial} says it has {wanted} cards, and lists {len(found)}")
            if answer.card_number != _DELETED_CARD:
                found[int(answer.card_number)] = _row(answer)
        return found

    async def card(self, number: int) -> Row | None:
        """One card, if the board has it."""
        answer = await self._ask(self._uhppote.get_card, number)
        return _row(answer) if answer.card_number == number else None

    async def put_card(self, number: int, row: Row) -> bool:
        """Write a card; False if the board does not take it (it is full)."""
        first, second, third, fourth = row.doors
        doors = {1: first, 2: second, 3: third, 4: fourth}
        card = Card(number, date_of(row.first_day), date_of(row.last_day), doors, 0)
        return bool(await self._ask(self._uhppote.put_card_record, card))

    async def drop_card(self, number: int) -> None:
        """Delete a card; it is nothing to the board if it has none."""
        answer = await self._ask(self._uhppote.delete_card, number)
        if not answer.deleted and await self.card(number) is not None:
            raise BoardError(f"Board {self._serial} does not delete a card")

    async def profile(self, profile_id: int) -> Stored | None:
        """One time profile; None if it is not defined."""
        answer = await self._ask(self._uhppote.get_time_profile, profile_id)
        if answer.profile_id != profile_id or answer.start_date is None or answer.end_date is None:
            return None
        named = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        segments = []
        for number in (1, 2, 3):
            start, end = getattr(answer, f"segment_{number}_start"), getattr(answer, f"segment_{number}_end")
            if start is None or end is None:
                return None
            segments.append(Segment(start.hour * 60 + start.minute, end.hour * 60 + end.minute))
        profile = Profile(
            day_of(answer.start_date),
            day_of(answer.end_date),
            frozenset(day for day, name in enumerate(named) if getattr(answer, name)),
            tuple(dict.fromkeys(segments)),
        )
        return Stored(profile, int(answer.linked_profile_id))

    async def put_profile(self, profile_id: int, stored: Stored) -> bool:
        """Write a time profile; False if the board does not take it."""
        profile = stored.profile
        # A segment of zeros is one: 00:00 to 00:00.
        three = (*profile.segments, profile.segments[0], profile.segments[0])[:3]
        segments = {
            number: TimeSegment(_minute(segment.first), _minute(segment.last))
            for number, segment in enumerate(three, start=1)
        }
        first, last = date_of(profile.first_day), date_of(profile.last_day)
        weekdays = _weekdays(profile.weekdays)
        record = TimeProfile(profile_id, first, last, weekdays, segments, stored.link)
        return bool(await self._ask(self._uhppote.set_time_profile_record, record))

    async def clear_tasks(self) -> None:
        """Delete all tasks."""
        answer = await self._ask(self._uhppote.clear_tasklist)
        self._must(answer.cleared, "does not clear its tasks")

    async def add_task(self, task: ClosingTask) -> None:
        """Add a task, which counts from refresh_tasks() on."""
        first, last = date_of(task.first_day), date_of(task.last_day)
        record = Task(0, task.door, first, last, _weekdays(task.weekdays), _minute(task.minute), 0)
        self._must(await self._ask(self._uhppote.add_task_record, record), "does not take a task")

    async def refresh_tasks(self) -> None:
        """Let the tasks that were added count."""
        answer = await self._ask(self._uhppote.refresh_tasklist)
        self._must(answer.refreshed, "does not take its tasks")

    async def event(self, index: int) -> BoardEvent:
        """An event by its number, or the NEWEST or OLDEST; its type says if there is none."""
        answer = await self._ask(self._uhppote.get_event, index)
        return BoardEvent(
            number=int(answer.index),
            type=int(answer.event_type),
            reason=int(answer.reason),
            is_granted=bool(answer.access_granted),
            door=int(answer.door),
            card=int(answer.card),
            shown=None if answer.timestamp is None else board_ms_of(answer.timestamp),
        )

    async def door_control(self, door: int) -> DoorControl:
        """What a door is set to."""
        answer = await self._ask(self._uhppote.get_door_control, door)
        return DoorControl(int(answer.mode), int(answer.delay))

    async def set_door_control(self, door: int, control: DoorControl) -> None:
        """Set a door."""
        answer = await self._ask(self._uhppote.set_door_control, door, control.mode, control.delay_s)
        self._must((answer.mode, answer.delay) == control, f"does not set door {door}")

    async def release(self, door: int) -> None:
        """Release a lock for the delay of its door. Said once only: a lock must not be released late, or twice."""
        answer = await self._ask(self._uhppote.open_door, door, attempts=1)
        self._must(answer.opened, f"does not release door {door}")

    async def report_to(self, listener: Address) -> None:
        """Let the board send its events to an address, also those of doors and buttons."""
        address = IPv4Address(listener.host)
        answer = await self._ask(self._uhppote.set_listener, address, listener.port)
        self._must(answer.ok, "does not take the listener's address")

    async def record_all(self) -> None:
        """Let the board record doors and buttons, too."""
        answer = await self._ask(self._uhppote.record_special_events, True)
        self._must(answer.updated, "does not record doors and buttons")

    def _must(self, is_done: object, problem: str) -> None:
        if not is_done:
            raise BoardError(f"Board {self._serial} {problem}")

    async def _ask(self, request: Callable[..., Awaitable[Any]], *details: object, attempts: int | None = None) -> Any:
        """Ask, and ask again if no answer comes or one that cannot be read."""
        problem: Exception | None = None
        for _ in range(attempts or self._attempts):
            try:
                answer = await request(self._board, *details, timeout=self._timeout_s)
            except (OSError, ValueError, ArithmeticError, LookupError, RuntimeError, InvalidResponse) as error:
                problem = error
                continue
            if answer is not None and getattr(answer, "controller", self._serial) == self._serial:
                return answer
            problem = None
        raise BoardError(f"Board {self._serial} does not answer") from problem


async def listen(address: Address, on_event: Callable[[int], None], close: asyncio.Event) -> None:
    """Call back with the serial number of each board that sends an event, until `close` is set. Raises OSError.

    Anybody can send such a datagram. What it says is not believed: it is taken for a hint that there is news.
    """

    def hear(event: Any) -> None:
        on_event(int(event.controller))

    uhppote = uhppote_async.UhppoteAsync(listen=str(address))
    await uhppote.listen(hear, on_error=_ignore, close=close)


def _ignore(_: BaseException) -> None:
    """What is no event is no event."""


def _row(answer: Any) -> Row:
    is_whole = answer.start_date is not None and answer.end_date is not None
    return Row(
        day_of(answer.start_date) if is_whole else 0,
        day_of(answer.end_date) if is_whole else 0,
        (answer.door_1, answer.door_2, answer.door_3, answer.door_4),
        is_whole and answer.pin == 0 and not any(answer.firstcard.values()),
    )


def _minute(minute: int) -> time:
    hours, minutes = divmod(minute % DAY_MINUTES, 60)
    return time(hours, minutes)


def _weekdays(days: Collection[int]) -> Any:
    return Weekdays(*(day in days for day in range(7)))
