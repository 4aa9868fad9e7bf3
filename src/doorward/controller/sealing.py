"""What a controller keeps on its disk is sealed with a key of its own (docs/decisions/0019)."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from doorward.link import keys

_NONCE_BYTES: Final = 12


class Unsealable(Exception):
    """What was read has been damaged, stands in another place, or was sealed by another controller."""


class Seal:
    """Seals and opens records of one purpose. `secret`: what only this controller has."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._aead = ChaCha20Poly1305(keys.derive(secret, b"", f"at rest: {purpose}"))

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """The record sealed; `place` binds it to where it is kept."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The record again. Raises Unsealable."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise Unsealable("what was kept has been damaged, or was sealed with another key") from None
