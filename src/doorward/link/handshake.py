"""How a session begins: two messages in the clear, after which each frame proves who sent it.

The controller says who it is and offers a fresh X25519 key and random bytes; the server answers with its own. Both
compute the session's secret of them and of the link's key, which only they have (as Noise's NNpsk0 does). Nothing is
believed of either until a first sealed frame opens.
"""

import hashlib
import os
from typing import Final, TypeVar

import msgspec

from doorward.link import keys
from doorward.link.frames import Session

PROTOCOL: Final = 1
_LONGEST: Final = 1024

_First = TypeVar("_First", "Offer", "Answer")


class HandshakeFailed(Exception):
    """What came is no beginning of a session; the text says why, for the record."""


class Offer(msgspec.Struct, frozen=True, tag="offer"):
    """The controller's first message."""

    protocol: int
    controller_id: int
    public_key: bytes
    nonce: bytes


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The server's."""

    protocol: int
    public_key: bytes
    nonce: bytes


class Initiator:
    """The controller's side."""

    def __init__(self, controller_id: int, link_key: bytes) -> None:
        self._link_key = link_key
        self._private_key = keys.new_private_key()
        offer = Offer(PROTOCOL, controller_id, keys.public_key_of(self._private_key), os.urandom(keys.NONCE_BYTES))
        self.offer = msgspec.msgpack.encode(offer)
        """What to send."""

    def session(self, answer: bytes) -> Session:
        """The session, from the server's answer. Raises HandshakeFailed."""
        read = _decoded(answer, Answer)
        return _session(self._link_key, self._private_key, read.public_key, self.offer, answer, is_server=False)


class Responder:
    """The server's side."""

    def __init__(self, offer: bytes) -> None:
        """Raises HandshakeFailed."""
        read = _decoded(offer, Offer)
        self._offer = offer
        self._other = read.public_key
        self.controller_id = read.controller_id
        """Who it says it is; not proven yet."""

    def session(self, link_key: bytes) -> tuple[bytes, Session]:
        """The answer to send, and the session. Raises HandshakeFailed."""
        private_key = keys.new_private_key()
        answer = msgspec.msgpack.encode(Answer(PROTOCOL, keys.public_key_of(private_key), os.urandom(keys.NONCE_BYTES)))
        return answer, _session(link_key, private_key, self._other, self._offer, answer, is_server=True)


def _decoded(raw: bytes, kind: type[_First]) -> _First:
    if len(raw) > _LONGEST:
        raise HandshakeFailed("the message is too long")
    try:
        read = msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise HandshakeFailed("the message cannot be read") from None
    if read.protocol != PROTOCOL:
        raise HandshakeFailed(f"the other end speaks version {read.protocol} of the protocol, this one {PROTOCOL}")
    if len(read.nonce) != keys.NONCE_BYTES or len(read.public_key) != keys.KEY_BYTES:
        raise HandshakeFailed("the message has keys of another length")
    return read


def _session(
    link_key: bytes, private_key: bytes, other: bytes, offer: bytes, answer: bytes, *, is_server: bool
) -> Session:
    transcript = hashlib.sha256(len(offer).to_bytes(4, "big") + offer + answer).digest()
    try:
        shared = keys.shared_secret(private_key, other)
    except keys.WrongKey as error:
        raise HandshakeFailed(str(error)) from None
    secret = keys.derive(link_key + shared, transcript, "session")
    return Session(secret, transcript, "to controller" if is_server else "to server")
