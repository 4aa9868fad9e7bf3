"""The events of a controller that are not known to be on record at the server: on its disk, in order, each once.

An event is written before its door moves (append), made durable by a thread right after (run, sync), and only then
told. What has been written survives that the process is killed; what has been synced survives a power cut. Nothing here
makes a door wait for a disk: one that is full or broken leaves events in memory, and `failure` says so.

Events have indices from 1, without gaps and never twice. The number that the server is told is the index plus a shift,
which is 0 unless this disk has lost events that the server knows of (docs/decisions/0019).
"""

import asyncio
import os
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec
import structlog

from doorward.controller.event_files import Entry, EventFiles, File, Found
from doorward.controller.files import replace_file
from doorward.controller.gaps import Gap, forgotten_by_server, gap_of, joined
from doorward.controller.happening import Happening
from doorward.controller.sealing import Seal

T = TypeVar("T")

_log = structlog.get_logger("doorward.controller")

_STATE: Final = "numbers"
_REMEMBERED: Final = 1_000
"""So many events that are on the disk are kept in memory too: what has just happened is told without reading."""
_TRY_AGAIN_S: Final = 5.0
_STARTS_KEPT: Final = 6
"""Of the starts that no server has agreed with."""


class Limits(NamedTuple):
    """How much is kept. Beyond it the oldest events go, and a gap says so."""

    events: int = 100_000
    bytes: int = 64 * 1024 * 1024
    unsaved: int = 10_000
    """Events in memory while the disk fails."""
    file_bytes: int = 1024 * 1024
    file_events: int = 2_000


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What is kept beside the events, in a file that is replaced whole."""

    shift: int = 0
    unagreed_from: int | None = None
    """Events from this index on were numbered without the server's word; none of them has been told."""
    gaps: tuple[Gap, ...] = ()
    starts: tuple[str, ...] = ()
    """By what each start of this controller is known: the last that a server has agreed with, and those since."""


class Journal:
    """Used from one event loop. Opening it reads what is there."""

    def __init__(self, directory: Path, seal: Seal, limits: Limits | None = None) -> None:
        self._directory = directory
        self._limits = limits or Limits()
        self._thread = ThreadPoolExecutor(1, "journal")
        self._files = EventFiles(directory, seal, self._limits.file_bytes, self._limits.file_events)
        self._tail: deque[Entry] = deque()
        """The newest events; all that are not synced are among them."""
        self._gaps: list[Gap] = []
        self._state = _State()
        self._last = self._written = self._synced = 0
        self._acknowledged = self._released = 0
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()
        self.changed = asyncio.Event()
        """Set whenever there may be more to tell."""
        self.failure: str | None = None
        """Why events are in memory only."""
        self.found = Found()
        self._open()

    @property
    def last(self) -> int:
        """The index of the newest event."""
        return self._last

    @property
    def acknowledged(self) -> int:
        """Up to which index the server has everything."""
        return self._acknowledged

    @property
    def length(self) -> int:
        """How many events are still to be told."""
        return self._last - self._acknowledged

    @property
    def tellable(self) -> int:
        """Up to which index events may be told: they are durable, or cannot be."""
        return self._synced if self.failure is None else self._last

    def sequence_of(self, index: int) -> int:
        """The number by which the server knows an event."""
        return index + self._state.shift

    def index_of(self, sequence: int) -> int:
        """The index that goes by a number."""
        return sequence - self._state.shift

    # What happens.

    def append(self, happenings: Sequence[Happening]) -> int:
        """Keep events; gives the index of the last. When this returns they are written, unless the disk fails."""
        entries = [Entry(number, happening) for number, happening in enumerate(happenings, self._last + 1)]
        if not entries:
            return self._last
        self._last = entries[-1].number
        self._tail.extend(entries)
        if self.failure is None:
            try:
                self._files.write(entries)
                self._written = self._last
            except OSError as error:
                self._fail(error)
        if self.failure is not None:
            self._bound_memory()
            self.changed.set()
        self._wake.set()
        return self._last

    def acknowledge(self, index: int) -> None:
        """The server has everything up to an index."""
        index = min(index, self._last)
        if index <= self._acknowledged:
            return
        self._acknowledged = index
        self._gaps = [gap for gap in self._gaps if gap.last > index]
        if self.failure is None:
            try:
                self._files.mark(index)
            except OSError as error:
                self._fail(error)
        self._shorten_tail()
        self._wake.set()

    def release(self, index: int) -> None:
        """What events up to an index say beyond themselves is kept elsewhere by now: with their files, it may go."""
        if index > self._released:
            self._released = index
            self._wake.set()

    @property
    def starts(self) -> tuple[str, ...]:
        """By what the starts of this controller are known, this one the last: a copy of its directory has others."""
        return self._state.starts

    async def agree(self, last_sequence: int, *, is_forked: bool = False) -> int:
        """The server names the last number that it has; gives the index after which it is to be told.

        Events that were numbered without its word get numbers that it has not seen. A server that was restored from a
        backup is told again what is still here; of what is not it is told that it is lost. `is_forked`: a copy of this
        controller has told the server something, too; nothing of ours is taken for told by its numbers. Rather is what
        was on its way told twice.
        """
        before = self._state
        shift, unagreed = before.shift, before.unagreed_from
        if unagreed is not None and last_sequence >= unagreed + shift:
            shift = last_sequence + 1 - unagreed
        if last_sequence > self._last + shift or (is_forked and last_sequence > self._acknowledged + before.shift):
            shift = last_sequence - self._acknowledged
        starts = before.starts[-1:]
        if (shift, None, starts) != (before.shift, unagreed, before.starts):
            self._state = _State(shift, None, tuple(self._gaps), starts)
            if shift != before.shift:
                _log.warning("the server has events that this disk has lost", number=shift - before.shift)
            try:
                await self._in_thread(self._write_state, self._state)
            except OSError as error:
                self._fail(error)
        has = max(0, self.index_of(last_sequence))
        if has < self._acknowledged:
            self._tell_again(has)
        self.acknowledge(has)
        return has

    # Telling.

    async def read(self, after: int, most: int) -> list[Entry] | Gap | None:
        """What comes after an index and may be told: some events, a gap, or nothing.

        An index may be passed over: then there is nothing of it that could be told.
        """
        until = self.tellable
        if after >= until:
            return None
        next_gap = next((gap for gap in self._gaps if gap.last > after), None)
        if next_gap is not None:
            if next_gap.first <= after + 1:
                return next_gap
            until = min(until, next_gap.first - 1)
        if self._tail and self._tail[0].number <= after + 1:
            start = after + 1 - self._tail[0].number
            return [entry for entry in islice(self._tail, start, start + most) if entry.number <= until]
        return await self._read_files(after, until, most) or next_gap

    # Chores.

    async def run(self) -> None:
        """Make durable what is written, and keep within the limits, until cancelled."""
        while True:
            if self.failure is None:
                await self._wake.wait()
                self._wake.clear()
                await self.sync()
            else:
                await asyncio.sleep(_TRY_AGAIN_S)
                await self.try_again()
            try:
                await self._keep_within_limits()
                await self._remove_told()
            except OSError as error:
                _log.warning("files of events could not be removed", reason=str(error))

    async def sync(self) -> None:
        """Make durable what has been written up to now."""
        files = self._files
        async with self._busy:
            if self.failure is not None or self._synced == self._written:
                return
            target, retired = self._written, list(files.retired)
            is_new, files.is_new_in_directory = files.is_new_in_directory, False
            active = files.active
            descriptors = [*retired] if active is None or active.descriptor is None else [*retired, active.descriptor]
            try:
                await self._in_thread(lambda: files.flush(descriptors, is_new_in_directory=is_new))
            except OSError as error:
                self._fail(error)
                self.changed.set()
                return
            except asyncio.CancelledError:
                files.is_new_in_directory |= is_new
                raise
            for descriptor in retired:
                files.retired.remove(descriptor)
                os.close(descriptor)
            if self.failure is None:
                self._synced = max(self._synced, target)
                self._shorten_tail()
        self.changed.set()

    async def try_again(self) -> None:
        """Write what is in memory only, if the disk works by now."""
        async with self._busy:
            while self.failure is not None:
                unsaved = [entry for entry in self._tail if entry.number > self._synced]
                state = msgspec.structs.replace(self._state, gaps=tuple(self._gaps))
                try:
                    file = await self._in_thread(self._save, unsaved, state)
                    self._state = state
                    if file is not None:
                        self._files.all = [each for each in self._files.all if each.first < file.first] + [file]
                        self._synced = self._written = file.last
                    rest = [entry for entry in self._tail if entry.number > self._written]
                    if len(rest) <= self._limits.file_events:
                        if rest:
                            self._files.write(rest)
                            self._written = rest[-1].number
                        self.failure = None
                except OSError as error:
                    self.failure = _words(error)
                    return
        _log.info("events are on the disk again")
        self._wake.set()
        self.changed.set()

    async def close(self) -> None:
        """Sync, and let go of the files."""
        await self.sync()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files as they are."""
        self._thread.shutdown(wait=True)
        self._files.close()

    # Inside.

    def _tell_again(self, has: int) -> None:
        """The server has lost what comes after an index. Nothing of it counts as told any more."""
        oldest = min(
            [entry.number for entry in islice(self._tail, 1)] + [file.first for file in self._files.all[:1]],
            default=self._last + 1,
        )
        _log.warning("the server has lost events", number=self._acknowledged - has)
        if has + 1 < oldest:
            self._gaps = joined([*self._gaps, forgotten_by_server(has + 1, oldest - 1)])
        self._acknowledged = has

    async def _read_files(self, after: int, until: int, most: int) -> list[Entry] | Gap:
        found = await self._in_thread(self._files.read, list(self._files.all), after, until, most)
        gap = next((gap for gap in self._gaps if gap.first <= after + 1 <= gap.last), None)
        if gap is not None:
            return gap  # the files went while they were read
        events: list[Entry] = []
        for each in found:
            if isinstance(each, Gap):
                return events or each
            events.append(each)
        return events or [entry for entry in self._tail if after < entry.number <= until][:most]

    def _open(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._state = self._read_state()
            self.found = self._files.open()
        except OSError as error:
            self._fail(error)
        found = self.found
        gaps = [gap for gap in self._state.gaps if gap.last > found.acknowledged]
        self._last = max([found.last, *(gap.last for gap in gaps)])
        for first, last in found.missing:
            for begins, ends in _uncovered(max(first, found.acknowledged + 1), last, gaps):
                _log.error("events on the disk cannot be read", number=ends - begins + 1)
                gaps.append(gap_of(begins, ends, (), found.latest_at))
        if found.cut:
            _log.warning("what was not written to its end is cut off", bytes=found.cut)
        self._gaps = joined(gaps)
        self._written = self._synced = self._last
        self._acknowledged = min(found.acknowledged, self._last)
        unagreed = self._state.unagreed_from
        starts = self._state.starts
        self._state = _State(
            self._state.shift,
            self._last + 1 if unagreed is None else min(unagreed, self._last + 1),
            tuple(self._gaps),
            (*starts[:1], *starts[1:][-_STARTS_KEPT:], secrets.token_hex(8)),
        )
        try:
            self._write_state(self._state)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self.failure is None:
            _log.error("the disk fails: events are kept in memory", reason=_words(error))
        self.failure = _words(error)
        self._written = self._synced
        self._files.retire(self._synced)
        self._wake.set()

    def _bound_memory(self) -> None:
        """Let go of the oldest events that are in memory only, a tenth at a time."""
        while self._tail and (self._tail[0].number <= self._synced or self._tail[0].number <= self._acknowledged):
            self._tail.popleft()
        if len(self._tail) <= self._limits.unsaved:
            return
        lost = [self._tail.popleft() for _ in range(max(1, self._limits.unsaved // 10))]
        instants = [(entry.happening.channel_id, entry.happening.told.at) for entry in lost]
        self._gaps = joined([*self._gaps, gap_of(lost[0].number, lost[-1].number, instants, 0)])

    def _shorten_tail(self) -> None:
        tail = self._tail
        durable = self._synced if self.failure is None else self._acknowledged
        while tail and tail[0].number <= durable and (len(tail) > _REMEMBERED or tail[0].number <= self._acknowledged):
            tail.popleft()

    async def _keep_within_limits(self) -> None:
        """Let go of the oldest files; that their events are lost is durable before they go."""
        while self.failure is None:
            files, limits = self._files.all, self._limits
            kept = self._last - max(self._acknowledged, files[0].first - 1) if files else 0
            if len(files) < 2 or (kept <= limits.events and sum(file.size for file in files) <= limits.bytes):
                return
            oldest = files[0]
            gaps = self._gaps
            if oldest.last > self._acknowledged:
                first = max(oldest.first, self._acknowledged + 1)
                lost = await self._in_thread(self._files.lost_with, oldest, first - 1)
                gaps = joined([*gaps, gap_of(first, oldest.last, lost, 0)])
                _log.error("events are lost: the server has been gone for too long", number=oldest.last - first + 1)
            await self._in_thread(self._let_go, [oldest], msgspec.structs.replace(self._state, gaps=tuple(gaps)))
            self._files.all.remove(oldest)
            self._gaps = [gap for gap in gaps if gap.last > self._acknowledged]

    async def _remove_told(self) -> None:
        """Remove the files of which nothing is needed any more."""
        done = min(self._acknowledged, self._released)
        told = [file for file in self._files.all[:-1] if file.last <= done and file.descriptor is None]
        if told:
            await self._in_thread(self._let_go, told, None)
            self._files.all = [file for file in self._files.all if file not in told]

    def _save(self, unsaved: Sequence[Entry], state: _State) -> File | None:
        file = self._files.save(unsaved, self._acknowledged)
        self._write_state(state)
        return file

    def _let_go(self, files: Sequence[File], state: _State | None) -> None:
        if state is not None:
            self._write_state(state)
        for file in files:
            file.path.unlink(missing_ok=True)

    def _write_state(self, state: _State) -> None:
        replace_file(self._directory / _STATE, msgspec.msgpack.encode(state))

    def _read_state(self) -> _State:
        try:
            return msgspec.msgpack.decode((self._directory / _STATE).read_bytes(), type=_State)
        except FileNotFoundError:
            return _State()
        except msgspec.MsgspecError:
            _log.error("which events were lost cannot be read")
            return _State()

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _uncovered(first: int, last: int, gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    """The parts of a stretch that are in no gap yet."""
    found: list[tuple[int, int]] = []
    for gap in sorted(gaps, key=lambda each: each.first):
        if gap.last >= first and gap.first <= last:
            if first < gap.first:
                found.append((first, gap.first - 1))
            first = gap.last + 1
    return [*found, (first, last)] if first <= last else found


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
