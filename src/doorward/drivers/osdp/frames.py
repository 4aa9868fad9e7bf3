"""Cuts what comes in from a line into OSDP frames (IEC 60839-11-5, 5.9).

libosdp as it is built for Python (3.2.9) forgets the part of a reply that it has read as soon as it asks for the rest,
so that it works only where a whole reply comes at once; on a serial line it does not. It is therefore given whole
frames, and only those of the device that it is waiting for: the late reply of one must not be taken for another's.
"""

from typing import Final

_MARK: Final = 0xFF
_START: Final = 0x53
_REPLY: Final = 0x80
_HEADER: Final = 5
_HAS_SECURITY_BLOCK: Final = 0x08
_NAK: Final = 0x41
_SHORTEST: Final = _HEADER + 2
_LONGEST: Final = 255
"""What libosdp has room for, mark included."""


def is_refusal(frame: bytes) -> bool:
    """Whether it is an osdp_NAK. What a reply is stands outside of what the secure channel encrypts."""
    frame = frame.removeprefix(b"\xff")
    block = frame[_HEADER] if frame[_HEADER - 1] & _HAS_SECURITY_BLOCK else 0
    return frame[_HEADER + block : _HEADER + block + 1] == bytes([_NAK])


class FrameReader:
    """Takes bytes as they come, gives frames with the address of who sent them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def reset(self) -> None:
        """Forget a frame that has not ended: a new question has been asked."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The replies that are complete by now, as (address, frame); noise and what we ourselves sent is left out."""
        buffer = self._buffer
        buffer += data
        frames: list[tuple[int, bytes]] = []
        while True:
            start = buffer.find(_START)
            if start < 0:
                del buffer[: max(0, len(buffer) - 1)]
                if buffer and buffer[0] != _MARK:
                    buffer.clear()
                return frames
            if len(buffer) < start + _HEADER:
                return frames
            length = buffer[start + 2] | buffer[start + 3] << 8
            if not _SHORTEST <= length <= _LONGEST - 1:
                del buffer[: start + 1]
                continue
            end = start + length
            if len(buffer) < end:
                return frames
            address = buffer[start + 1]
            if address & _REPLY:
                begin = start - 1 if start and buffer[start - 1] == _MARK else start
                frames.append((address & ~_REPLY, bytes(buffer[begin:end])))
            del buffer[:end]
