"""The files that a journal is made of: records one after another, each with its length and a checksum.

```
file      8 bytes that name the format, then records
record    length of the payload, CRC-32 of all that follows (4 bytes each), kind (1), number (8), payload
```

All numbers are little-endian. Any prefix of a file is a valid file: what is not whole at its end was never written.
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
_NAME_DIGITS: Final = 20


class Record(NamedTuple):
    """One record of a file, and where in the file it ends."""

    kind: int
    number: int
    payload: bytes
    end: int


def record_bytes(kind: int, index: int, payload: bytes = b"") -> bytes:
    """A record as it is written."""
    summed = _SUMMED.pack(kind, index) + payload
    return _HEAD.pack(len(payload), zlib.crc32(summed)) + summed


def records(content: bytes, start: int = len(MAGIC)) -> Iterator[Record]:
    """The records from a place on, up to the first that is not whole."""
    if not content.startswith(MAGIC):
        return
    while len(content) - start >= _BEFORE_PAYLOAD:
        length, checksum = _HEAD.unpack_from(content, start)
        end = start + _BEFORE_PAYLOAD + length
        if length > _LONGEST_PAYLOAD or end > len(content):
            return
        summed = content[start + _HEAD.size : end]
        if zlib.crc32(summed) != checksum:
            return
        kind, index = _SUMMED.unpack_from(summed)
        yield Record(kind, index, summed[_SUMMED.size :], end)
        start = end


def path_of(directory: Path, first: int) -> Path:
    """The file whose first event is this one."""
    return directory / f"{first:0{_NAME_DIGITS}}.events"


def found_in(directory: Path) -> list[tuple[int, Path]]:
    """Every file of a journal by the index of its first event, oldest first."""
    return sorted((int(path.stem), path) for path in directory.glob("*.events") if path.stem.isdigit())
