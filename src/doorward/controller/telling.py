"""Tells the server what has happened: in order, each event once, a few messages ahead of its confirming them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

import msgspec

from doorward.controller.event_files import Entry
from doorward.controller.gaps import UNKNOWN_CHANNEL, Gap
from doorward.controller.journal import Journal
from doorward.link.frames import CONTROL
from doorward.link.messages import MOST_EVENTS, Events, Message, SequenceLost, Told

_AHEAD: Final = 4
"""So many messages may be on their way unconfirmed."""
_LOOK_EVERY_S: Final = 5.0

Tell = Callable[[int, Message], Awaitable[None]]
"""Send a message in a box."""


class BeyondWhatWasTold(Exception):
    """The server confirms an event that it was not told."""


class Teller:
    """Of one session. `after`: the index up to which the server has everything; `boxes`: the channels that are ours."""

    def __init__(self, journal: Journal, tell: Tell, boxes: Callable[[], Collection[int]], after: int) -> None:
        self._journal = journal
        self._tell = tell
        self._boxes = boxes
        self._told = after
        self._next = after + 1
        """What the server expects next."""
        self._replayed_until = journal.last
        self._on_the_way: deque[int] = deque()

    def recorded(self, sequence: int) -> None:
        """The server has everything up to a number. Raises BeyondWhatWasTold."""
        index = self._journal.index_of(sequence)
        if index >= self._next:
            raise BeyondWhatWasTold
        self._journal.acknowledge(index)
        while self._on_the_way and self._on_the_way[0] <= index:
            self._on_the_way.popleft()
        self._journal.changed.set()

    async def run(self) -> None:
        """Tell what there is, and what happens, until cancelled."""
        changed = self._journal.changed
        while True:
            changed.clear()
            while len(self._on_the_way) < _AHEAD:
                found = await self._journal.read(self._told, MOST_EVENTS)
                if not found:
                    break
                await self._tell_some(found)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):  # wait_for() can lose a cancellation before Python 3.12
                    await changed.wait()

    async def _tell_some(self, found: Sequence[Entry] | Gap) -> None:
        if isinstance(found, Gap):
            first = max(found.told_from, self._told + 1)
            entries = [Entry(index, happening) for index, happening in found.happenings(self._told)]
            await self._skip_to(first)
        else:
            entries = list(found)
        fallback = min(self._boxes(), default=None)
        for channel_id, group in groupby(entries, key=lambda entry: entry.happening.channel_id):
            box = fallback if channel_id == UNKNOWN_CHANNEL else channel_id
            await self._tell_group(box, list(group))

    async def _tell_group(self, box: int | None, entries: Sequence[Entry]) -> None:
        last = entries[-1].number
        if box is None or box not in self._boxes():
            # Whose channel is no longer ours can be told by nobody: the server has to go on without.
            await self._skip_to(last + 1)
            self._told = last
            if not self._on_the_way:
                self._journal.acknowledge(last)
            return
        await self._skip_to(entries[0].number)
        self._told, self._next = last, last + 1
        self._on_the_way.append(last)
        await self._tell(box, Events(tuple(map(self._numbered, entries))))

    async def _skip_to(self, index: int) -> None:
        if index > self._next:
            self._next = index
            await self._tell(CONTROL, SequenceLost(self._journal.sequence_of(index)))

    def _numbered(self, entry: Entry) -> Told:
        return msgspec.structs.replace(
            entry.happening.told,
            sequence=self._journal.sequence_of(entry.number),
            is_replayed=entry.number <= self._replayed_until,
        )
