"""The events of one board, read by their numbers: each once, in order, whatever got lost on the way.

A board sends its events once, to whoever listens, and keeps the last of them by number. So what it sends is only a hint
that there is news; what has happened is read from what it keeps. A place is kept for each door, that of the channel.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from doorward.drivers.base import DeviceEvent, EventGap
from doorward.drivers.uhppote.board_time import instant_of
from doorward.drivers.uhppote.config import BoardConfig
from doorward.drivers.uhppote.events import device_events, is_of_the_board
from doorward.drivers.uhppote.link import NEWEST, NO_EVENT, OLDEST, OVERWRITTEN, BoardError, BoardEvent, BoardLink
from doorward.kit.clock import Clock

_MOST_AT_ONCE: Final = 500
_MOST_KEPT: Final = 200_000
"""More events than any board keeps."""


class Record:
    """Reads a board's events, each once for each door."""

    def __init__(
        self,
        board: BoardConfig,
        link: BoardLink,
        clock: Clock,
        *,
        value_of: Callable[[int, int], str],
        zone_of: Callable[[int], str],
    ) -> None:
        """`value_of` gives the credential's value for a door and a card's number; `zone_of` the zone of a door."""
        self._board = board
        self._link = link
        self._clock = clock
        self._value_of = value_of
        self._zone_of = zone_of
        self._places: dict[int, int] = {}
        """By door, the number of the last event that has been handed on."""
        self._asked_for: set[int] = set()
        self._latest = (0, 0)
        """The number and the instant of the latest event that has been read."""
        self._lock = asyncio.Lock()

    async def after(self, door: int, cursor: int) -> list[DeviceEvent]:
        """The events of one door after a cursor. From here on news() has what comes after these. Raises BoardError."""
        self._asked_for.add(door)
        async with self._lock:
            places = {door: cursor}
            found = await self._read(places, _MOST_KEPT)
            self._places[door] = places[door]
        return found

    async def news(self, newest: int | None = None) -> list[DeviceEvent]:
        """What has happened since the places of the doors. `newest`: the last number, if the board has just told it.

        A door whose past nobody has asked for begins with the present. Raises BoardError.
        """
        async with self._lock:
            unplaced = self._board.channels.keys() - self._places.keys() - self._asked_for
            if unplaced:
                self._places.update(dict.fromkeys(unplaced, (await self._link.event(NEWEST)).number))
            if not self._places or set(self._places.values()) == {newest}:
                return []
            places = dict(self._places)
            found = await self._read(places, _MOST_AT_ONCE)
            # Only now: had the board fallen silent in between, all of it would be read again.
            self._places = places
        return found

    async def _read(self, places: dict[int, int], most: int) -> list[DeviceEvent]:
        """The events of each door after its place, which moves on. Not more events of the board than `most`."""
        found: list[DeviceEvent] = []
        newest = (await self._link.event(NEWEST)).number
        for door, place in places.items():
            if place > newest:
                # The board has begun to count anew: it was reset, or is another one.
                found.append(self._gap(door, None, None))
                places[door] = 0
        at = min(places.values())
        last = min(newest, at + most)
        while at < last:
            event = await self._link.event(at + 1)
            if event.type in (OVERWRITTEN, NO_EVENT):
                oldest = (await self._link.event(OLDEST)).number if event.type == OVERWRITTEN else 0
                at = max(oldest - 1, at + 1)
                found += [self._gap(door, at - place, at) for door, place in places.items() if place < at]
            elif event.number == at + 1:
                at += 1
                found += self._meaning(event, [door for door, place in places.items() if place < at])
            else:
                raise BoardError(f"Board {self._board.serial} answers with another event than was asked for")
            for door, place in places.items():
                places[door] = max(place, at)
        return found

    def _meaning(self, event: BoardEvent, doors: list[int]) -> Iterator[DeviceEvent]:
        now = self._clock.now()
        for door in doors:
            if door == event.door or is_of_the_board(event):
                channel_id, at = self._board.channels[door], self._at(event, door, now)

                def value_of(number: int, door: int = door) -> str:
                    return self._value_of(door, number)

                yield from device_events(event, channel_id, at, now, value_of)

    def _at(self, event: BoardEvent, door: int, now: int) -> int:
        if event.shown is None:
            return now
        number, before = self._latest
        at = instant_of(event.shown, self._zone_of(door), not_before=before if event.number > number else 0, now=now)
        if event.number > number:
            self._latest = (event.number, at)
        return at

    def _gap(self, door: int, lost: int | None, cursor: int | None) -> EventGap:
        now = self._clock.now()
        # Of several doors' events nobody knows which door's those were that are lost.
        count = lost if len(self._board.channels) == 1 else None
        channel_id = self._board.channels[door]
        return EventGap(channel_id=channel_id, device_time=now, received_at=now, cursor=cursor, lost=count)
