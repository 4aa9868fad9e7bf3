"""The files of a journal as a whole: writing at the end of the newest, reading from any place, removing the oldest.

Methods whose docstrings say so are for the journal's thread: they change nothing but what they are handed.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from doorward.controller import segments
from doorward.controller.files import sync_directory, write_all
from doorward.controller.gaps import Gap, gap_of
from doorward.controller.happening import Happening
from doorward.controller.sealing import Seal, Unsealable

_INDEX_BYTES: Final = 8


class Entry(NamedTuple):
    """An event with its index."""

    number: int
    happening: Happening


@dataclass
class File:
    """One file: the indices of its first event and its last, its length, and its descriptor while it is written to."""

    first: int
    path: Path
    last: int
    size: int
    descriptor: int | None = None


@dataclass
class Found:
    """What a start found on the disk."""

    carried: list[Entry] = field(default_factory=list)
    """Events that say more than that something happened (Happening.must_be_carried), oldest first."""
    latest_at: int = 0
    """When the newest event was written down, by the controller's own clock."""
    last: int = 0
    acknowledged: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of indices, first and last, that cannot be read."""
    cut: int = 0
    """Bytes at the ends of files that are no whole records."""


class Place(NamedTuple):
    """How far reading has come: a file, an offset, and the last index before it."""

    file: File
    offset: int
    number: int


class EventFiles:
    """`file_bytes`, `file_events`: how long a file gets before the next is begun."""

    def __init__(self, directory: Path, seal: Seal, file_bytes: int, file_events: int) -> None:
        self._directory = directory
        self._seal = seal
        self._file_bytes = file_bytes
        self._file_events = file_events
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Happening)
        self._place: Place | None = None
        self.all: list[File] = []
        self.retired: list[int] = []
        """Descriptors of files that are complete: to be synced once more, and closed."""
        self.is_new_in_directory = False

    @property
    def active(self) -> File | None:
        """The file that is written to."""
        return self.all[-1] if self.all and self.all[-1].descriptor is not None else None

    def open(self) -> Found:
        """Read what is there and cut off what was not written to its end. Raises OSError."""
        found = Found()
        there = segments.found_in(self._directory)
        limits = [first for first, _ in [*there[1:], (1 << 63, None)]]
        read_up_to: int | None = None
        for (first, path), limit in zip(there, limits, strict=False):
            content = path.read_bytes()
            last, end = self._survey(content, first - 1, limit, found)
            if read_up_to is not None and read_up_to + 1 < first:
                found.missing.append((read_up_to + 1, first - 1))
            damaged = segments.damaged_at_end(content, first - 1) if path == there[-1][1] else 0
            if damaged:
                found.missing.append((last + 1, last + damaged))
            read_up_to = last + damaged
            found.cut += len(content) - end
            if last >= first:
                self.all.append(File(first, path, last, end))
            else:
                with suppress(OSError):
                    path.unlink()
        found.last = max(read_up_to or 0, found.acknowledged)
        if self.all:
            self._finish(self.all[-1])
        return found

    def _survey(self, content: bytes, last: int, limit: int, found: Found) -> tuple[int, int]:
        """Note what is in a file; gives the index of its last event, and where its last whole record ends."""
        end, newest = len(segments.MAGIC), None
        for record in segments.records(content, after=last):
            end = record.end
            if record.kind == segments.ACKNOWLEDGED:
                found.acknowledged = max(found.acknowledged, record.number)
            elif last < record.number < limit:
                if last + 1 < record.number:
                    found.missing.append((last + 1, record.number - 1))
                entry = self._entry(record) if record.kind == segments.CARRIED else None
                if isinstance(entry, Entry):
                    found.carried.append(entry)
                newest, last = record, record.number
        if newest is not None and isinstance(entry := self._entry(newest), Entry):
            found.latest_at = entry.happening.kept_at
        return last, end

    def _finish(self, newest: File) -> None:
        """What a process that was killed had written is made durable; what it had begun to write is cut off."""
        with suppress(OSError), newest.path.open("rb+") as file:
            file.truncate(newest.size)
            os.fsync(file.fileno())

    def write(self, entries: Sequence[Entry]) -> None:
        """Write at the end. Raises OSError; then nothing is counted as written."""
        active = self.active
        if active is None or active.size >= self._file_bytes or active.last - active.first + 1 >= self._file_events:
            active = self._begin(entries[0].number)
        self._append(active, b"".join(map(self._record, entries)))
        active.last = entries[-1].number

    def mark(self, acknowledged: int) -> None:
        """Note up to where the server has everything. Raises OSError; nothing is lost if the note is."""
        active = self.active
        if active is not None:
            self._append(active, segments.record_bytes(segments.ACKNOWLEDGED, acknowledged))

    def retire(self, synced: int) -> None:
        """Write no more to the newest file, of which only the events up to an index are sure to be on the disk."""
        active = self.active
        if active is not None:
            with suppress(OSError):
                os.close(active.descriptor or 0)
            active.descriptor = None
        for file in self.all:
            file.last = min(file.last, synced)
        self.all = [file for file in self.all if file.first <= file.last]

    def close(self) -> None:
        """Let go of the descriptors."""
        for descriptor in [*self.retired, *(file.descriptor for file in self.all if file.descriptor is not None)]:
            with suppress(OSError):
                os.close(descriptor)
        self.retired.clear()
        for file in self.all:
            file.descriptor = None

    def flush(self, descriptors: Sequence[int], *, is_new_in_directory: bool) -> None:
        """For the thread: make durable. Raises OSError."""
        for descriptor in descriptors:
            os.fdatasync(descriptor)
        if is_new_in_directory:
            sync_directory(self._directory)

    def save(self, unsaved: Sequence[Entry], acknowledged: int) -> File | None:
        """For the thread: write events durably to a file of their own that replaces all newer ones. Raises OSError."""
        first = unsaved[0].number if unsaved else 1 << 63
        for begins, path in segments.found_in(self._directory):
            if begins >= first:
                path.unlink()
        if not unsaved:
            probe = self._directory / "probe"
            probe.write_bytes(b"the disk can be written to")
            probe.unlink()
            return None
        path = segments.path_of(self._directory, first)
        mark = segments.record_bytes(segments.ACKNOWLEDGED, acknowledged)
        content = b"".join([segments.MAGIC, mark, *map(self._record, unsaved)])
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(self._directory)
        return File(first, path, unsaved[-1].number, len(content))

    def read(self, files: Sequence[File], after: int, until: int, most: int) -> list[Entry | Gap]:
        """For the thread: events after an index, up to and with another; fewer if files have gone in the meantime."""
        found: list[Entry | Gap] = []
        for file in files:
            if file.last <= after or file.first > until:
                continue
            try:
                content = file.path.read_bytes()
            except FileNotFoundError:
                continue
            found += self._read_one(file, content, after, min(until, file.last), most - len(found))
            if len(found) >= most:
                break
        return found

    def _read_one(self, file: File, content: bytes, after: int, last: int, most: int) -> list[Entry | Gap]:
        """Events of one file. What has been damaged since the start is a gap among them."""
        found: list[Entry | Gap] = []
        place = self._place
        if place is None or place.file is not file or place.number > after:
            place = Place(file, len(segments.MAGIC), file.first - 1)
        expected, at = max(after + 1, file.first), 0
        for record in segments.records(content, place.offset, place.number):
            if record.kind == segments.ACKNOWLEDGED or record.number < expected:
                continue
            if record.number > last:
                break
            entry = self._entry(record)
            at = entry.happening.told.at if isinstance(entry, Entry) else at
            if record.number > expected:
                found.append(gap_of(expected, record.number - 1, (), at))
            found.append(entry)
            expected = record.number + 1
            self._place = Place(file, record.end, record.number)
            if len(found) >= most:
                return found
        if expected <= last:
            found.append(gap_of(expected, last, (), at))
        return found

    def lost_with(self, file: File, after: int) -> list[tuple[int, int]]:
        """For the thread: the channel and the instant of each event in a file after an index. Raises OSError."""
        lost: list[tuple[int, int]] = []
        for record in segments.records(file.path.read_bytes(), after=file.first - 1):
            if record.kind != segments.ACKNOWLEDGED and after < record.number <= file.last:
                with suppress(Unsealable, msgspec.MsgspecError):
                    happening = self._happening(record)
                    lost.append((happening.channel_id, happening.told.at))
        return lost

    def _append(self, active: File, content: bytes) -> None:
        descriptor = active.descriptor or 0
        try:
            write_all(descriptor, content)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, active.size)
            raise
        active.size += len(content)

    def _begin(self, first: int) -> File:
        path = segments.path_of(self._directory, first)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(descriptor, segments.MAGIC)
        except OSError:
            os.close(descriptor)
            raise
        before = self.active
        if before is not None and before.descriptor is not None:
            self.retired.append(before.descriptor)
            before.descriptor = None
        self.is_new_in_directory = True
        file = File(first, path, first - 1, len(segments.MAGIC), descriptor)
        self.all.append(file)
        return file

    def _record(self, entry: Entry) -> bytes:
        index, happening = entry
        kind = segments.CARRIED if happening.must_be_carried else segments.EVENT
        sealed = self._seal.seal(self._encoder.encode(happening), index.to_bytes(_INDEX_BYTES, "big"))
        return segments.record_bytes(kind, index, sealed)

    def _entry(self, record: segments.Record) -> Entry | Gap:
        try:
            return Entry(record.number, self._happening(record))
        except (Unsealable, msgspec.MsgspecError):
            return gap_of(record.number, record.number, (), 0)

    def _happening(self, record: segments.Record) -> Happening:
        return self._decoder.decode(self._seal.open(record.payload, record.number.to_bytes(_INDEX_BYTES, "big")))
