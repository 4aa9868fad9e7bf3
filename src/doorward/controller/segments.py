"""The files that a journal is made of: records one after another, each with its length and a checksum.

```
file      8 bytes that name the format, then records
record    length of the payload, CRC-32 of all that follows (4 bytes each), kind (1), number (8), payload
```

All numbers are little-endian. Any prefix of a file is a valid file: what is not whole at its end was never written.
What is damaged before that is passed over, up to the next record that is whole and can be there by its number.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MAGIC: Final = b"DWEVENT1"

ACKNOWLEDGED: Final = 0
"""The server has everything up to `number`; there is no payload."""
EVENT: Final = 1
CARRIED: Final = 2
"""An event that a start has to read again (Happening.must_be_carried)."""

_HEAD: Final = struct.Struct("<II")
_SUMMED: Final = struct.Struct("<BQ")
_BEFORE_PAYLOAD: Final = _HEAD.size + _SUMMED.size
_LONGEST_PAYLOAD: Final = 1 << 20
_SHORTEST_EVENT: Final = 28
"""Of the payload of an event at least so much is its seal."""
_HIGH_BYTES: Final = bytes(4)
"""The upper half of a number: none of them is ever that high."""
_HIGH_BYTES_AT: Final = _BEFORE_PAYLOAD - len(_HIGH_BYTES)
_NAME_DIGITS: Final = 20


class Record(NamedTuple):
    """One record of a file, and where in the file it ends."""

    kind: int
    number: int
    payload: bytes
    end: int

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.end - _BEFORE_PAYLOAD - len(self.payload)


def record_bytes(kind: int, index: int, payload: bytes = b"") -> bytes:
    """A record as it is written."""
    summed = _SUMMED.pack(kind, index) + payload
    return _HEAD.pack(len(payload), zlib.crc32(summed)) + summed


def records(content: bytes, start: int = len(MAGIC), after: int = 0) -> Iterator[Record]:
    """The records from a place on that are whole; `after`: the number of the event before that place.

    Where the numbers of two events that are given do not follow one another, those between them are damaged.
    """
    is_named = start > len(MAGIC) or content.startswith(MAGIC)
    record = _whole(content, start) if is_named else None
    while (record := record or _next_whole(content, start, after)) is not None:
        yield record
        start = record.end
        if record.kind != ACKNOWLEDGED:
            after = record.number
        record = _whole(content, start)


def damaged_at_end(content: bytes, after: int) -> int:
    """How many events there are after the last whole one of a file that were written and are damaged.

    One that a process began to write and did not write to its end is none: nothing came of it. `after`: the number of
    the event before the file.
    """
    count, end = 0, len(MAGIC)
    for record in records(content, after=after):
        if record.kind != ACKNOWLEDGED:
            count, after = 0, record.number
        elif record.start - end >= _BEFORE_PAYLOAD + _SHORTEST_EVENT:
            count += max(1, _damaged(content[: record.start], end, after + count))
        end = record.end
    return count + _damaged(content, end, after + count)


def _damaged(content: bytes, end: int, after: int) -> int:
    """How many events there seem to be from a place on, of which none is whole."""
    count = 0
    while (ends := _ends(content, end)) is not None:
        length, _ = _HEAD.unpack_from(content, end)
        kind, index = _SUMMED.unpack_from(content, end + _HEAD.size)
        is_known = kind in (EVENT, CARRIED) and index == after + 1 + count
        if length < _SHORTEST_EVENT or not (is_known or ends == len(content)):
            break
        count, end = count + 1, ends
    return count


def _ends(content: bytes, start: int) -> int | None:
    """Where a record ends that begins there, going by its length; None if that is beyond what there is."""
    if len(content) - start < _BEFORE_PAYLOAD:
        return None
    length, _ = _HEAD.unpack_from(content, start)
    end: int = start + _BEFORE_PAYLOAD + length
    return end if length <= _LONGEST_PAYLOAD and end <= len(content) else None


def _whole(content: bytes, start: int) -> Record | None:
    end = _ends(content, start)
    if end is None:
        return None
    _, checksum = _HEAD.unpack_from(content, start)
    summed = content[start + _HEAD.size : end]
    if zlib.crc32(summed) != checksum:
        return None
    kind, index = _SUMMED.unpack_from(summed)
    return Record(kind, index, summed[_SUMMED.size :], end)


def _next_whole(content: bytes, start: int, after: int) -> Record | None:
    """The first record from a place on that is whole, and that can follow the event `after` by its number."""
    damaged_from = start
    found = content.find(_HIGH_BYTES, start + _HIGH_BYTES_AT)  # a number can only be where these are
    while found >= 0:
        start = found - _HIGH_BYTES_AT
        end = _ends(content, start)
        if end is not None:
            kind, index = _SUMMED.unpack_from(content, start + _HEAD.size)
            most = after + 1 + (start - damaged_from) // (_BEFORE_PAYLOAD + _SHORTEST_EVENT) + 1
            length = end - start - _BEFORE_PAYLOAD
            if kind == ACKNOWLEDGED:
                is_likely = length == 0 and index <= most
            else:
                is_likely = kind in (EVENT, CARRIED) and length >= _SHORTEST_EVENT and after < index <= most
            if is_likely and (record := _whole(content, start)) is not None:
                return record
        found = content.find(_HIGH_BYTES, found + 1)
    return None


def path_of(directory: Path, first: int) -> Path:
    """The file whose first event is this one."""
    return directory / f"{first:0{_NAME_DIGITS}}.events"


def found_in(directory: Path) -> list[tuple[int, Path]]:
    """Every file of a journal by the index of its first event, oldest first."""
    return sorted((int(path.stem), path) for path in directory.glob("*.events") if path.stem.isdigit())
