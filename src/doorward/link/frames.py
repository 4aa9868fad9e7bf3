"""Frames: sealed, in order, each good for one place in one direction of one session.

```
byte 0       the format, 1
bytes 1-8    the box: the channel's id, or 0 for what concerns the controller itself
bytes 9-16   the frame's number within its box and direction, from 0
bytes 17-    ChaCha20-Poly1305 of the message, under the box's key for this direction; the first 17 bytes are bound
```

The key of a box comes of the session's secret, to which both ends add fresh random bytes and fresh X25519 keys, and of
the channel's own encryption key: a frame of another session, another channel, another direction or another key opens
with none. Numbers must follow one another without a gap, since the transport keeps order: one that came before is a
replay, one that is too high means that frames were taken away.
"""

from typing import Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from doorward.link import keys

CONTROL: Final = 0
"""The box of what concerns the controller itself."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""A frame is at most this long; what is longer is sent in parts."""

_FORMAT: Final = 1
_HEADER_BYTES: Final = 17
_TAG_BYTES: Final = 16
_MOST_CHANNEL: Final = (1 << 63) - 1

Direction = Literal["to controller", "to server"]
Refusal = Literal["truncated", "foreign", "replayed", "out of order", "altered", "too long"]


class FrameRefused(Exception):
    """A frame that is not what the other end sent next; `reason` for the record, `box` as far as it can be told."""

    def __init__(self, reason: Refusal, box: int = CONTROL) -> None:
        super().__init__(reason)
        self.reason: Refusal = reason
        self.box = box


class TooLong(ValueError):
    """A message that no frame holds."""


class Frame(NamedTuple):
    """An opened frame."""

    box: int
    message: bytes


class _Lane:
    """One direction of one box."""

    __slots__ = ("aead", "next")

    def __init__(self, key: bytes, first: int) -> None:
        self.aead = ChaCha20Poly1305(key)
        self.next = first


class Session:
    """One connection's keys, at one end. `sends`: the direction in which this end sends."""

    def __init__(self, secret: bytes, transcript: bytes, sends: Direction) -> None:
        self._secret = secret
        self._transcript = transcript
        self._sends: Direction = sends
        self._receives: Direction = "to server" if sends == "to controller" else "to controller"
        self._out: dict[int, _Lane] = {}
        self._in: dict[int, _Lane] = {}
        self._closed: dict[int, tuple[int, int]] = {}
        """Where the numbers of boxes that are closed go on, should they be opened again: out, in."""
        self.use_key(CONTROL, b"")

    def use_key(self, box: int, key: bytes) -> None:
        """Open a box, or change to another key for it, in both directions.

        Numbers go on: a box that comes back to a key it has had uses none of them twice, and takes nothing twice.
        `key`: the channel's encryption key; empty for a channel without one, which the link's own key then protects.
        """
        self.use_key_to_send(box, key)
        self.use_key_to_receive(box, key)

    def use_key_to_send(self, box: int, key: bytes) -> None:
        """The same for what this end sends."""
        before = self._out.get(box)
        first = self._closed.get(box, (0, 0))[0] if before is None else before.next
        self._out[box] = _Lane(self._derive(box, key, self._sends), first)

    def use_key_to_receive(self, box: int, key: bytes) -> None:
        """The same for what this end receives."""
        before = self._in.get(box)
        first = self._closed.get(box, (0, 0))[1] if before is None else before.next
        self._in[box] = _Lane(self._derive(box, key, self._receives), first)

    def close_box(self, box: int) -> None:
        """Let nothing of the channel pass any more."""
        sent, received = self._out.pop(box, None), self._in.pop(box, None)
        if sent is not None and received is not None:
            self._closed[box] = (sent.next, received.next)

    @property
    def boxes(self) -> frozenset[int]:
        """The boxes that are open, without the controller's own."""
        return frozenset(self._out.keys() - {CONTROL})

    def seal(self, box: int, message: bytes) -> bytes:
        """The next frame of a box. Raises KeyError for a box that is not open, TooLong if it would be too long."""
        if len(message) > MOST_BYTES - _HEADER_BYTES - _TAG_BYTES:
            raise TooLong("the message is too long for a frame")
        lane = self._out[box]
        header = bytes((_FORMAT,)) + box.to_bytes(8, "big") + lane.next.to_bytes(8, "big")
        sealed = lane.aead.encrypt(_nonce(lane.next), message, header)
        lane.next += 1
        return header + sealed

    def open(self, frame: bytes) -> Frame:
        """What the other end sent next. Raises FrameRefused; then the session is over, whoever is to blame."""
        if len(frame) > MOST_BYTES:
            raise FrameRefused("too long")
        if len(frame) < _HEADER_BYTES + _TAG_BYTES:
            raise FrameRefused("truncated")
        header = frame[:_HEADER_BYTES]
        box, number = int.from_bytes(header[1:9], "big"), int.from_bytes(header[9:], "big")
        lane = self._in.get(box)
        if header[0] != _FORMAT or lane is None:
            raise FrameRefused("foreign", box if box <= _MOST_CHANNEL else CONTROL)
        try:
            message = lane.aead.decrypt(_nonce(number), frame[_HEADER_BYTES:], header)
        except (InvalidTag, ValueError):
            raise FrameRefused("altered", box) from None
        if number != lane.next:
            # It is one of ours, so that this says what has been done with it.
            raise FrameRefused("replayed" if number < lane.next else "out of order", box)
        lane.next += 1
        return Frame(box, message)

    def _derive(self, box: int, key: bytes, direction: Direction) -> bytes:
        secret = self._secret + len(key).to_bytes(1, "big") + key
        return keys.derive(secret, self._transcript, f"box {box} {direction}")


def _nonce(number: int) -> bytes:
    return bytes(4) + (number & ((1 << 64) - 1)).to_bytes(8, "big")
