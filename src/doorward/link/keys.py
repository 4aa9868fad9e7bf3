"""The keys of the link: what enrolment agrees on, and what a session derives (X25519, RFC 7748; HKDF, RFC 5869).

A controller enrols with a one-time code. The code's second part never crosses the wire: it proves each end to the
other and goes into every key, so that enrolment is safe over plain HTTP and through a proxy that reads everything.
"""

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 32

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is taken for another
_GROUP: Final = 5
_GROUPS: Final = 4
_LOOKALIKES: Final = str.maketrans("OIL", "011")
_ZERO_NONCE: Final = bytes(12)


class WrongKey(Exception):
    """The other end does not have the key, or what it sent was altered."""


class EnrolmentCode(NamedTuple):
    """A one-time code: `lookup` (25 bits) finds it, `secret` (75 bits) is never sent."""

    lookup: str
    secret: str

    def __str__(self) -> str:
        text = self.lookup + self.secret
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    def __repr__(self) -> str:
        return f"EnrolmentCode({self.lookup!r}, …)"


def new_code() -> EnrolmentCode:
    """A code of four groups of five letters and digits, to be read out or typed."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP * _GROUPS))
    return EnrolmentCode(letters[:_GROUP], letters[_GROUP:])


def parse_code(text: str) -> EnrolmentCode | None:
    """The code that somebody typed, with or without dashes, in any case; None if it is none."""
    letters = "".join(text.split()).replace("-", "").upper().translate(_LOOKALIKES)
    if len(letters) != _GROUP * _GROUPS or any(letter not in _ALPHABET for letter in letters):
        return None
    return EnrolmentCode(letters[:_GROUP], letters[_GROUP:])


def new_private_key() -> bytes:
    """A private key, raw."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private_key: bytes) -> bytes:
    """The public key that belongs to it, raw."""
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def shared_secret(private_key: bytes, public_key: bytes) -> bytes:
    """What both ends compute of their own private and the other's public key. Raises WrongKey for no proper key."""
    try:
        other = X25519PublicKey.from_public_bytes(public_key)
        return X25519PrivateKey.from_private_bytes(private_key).exchange(other)
    except ValueError:
        raise WrongKey("that is no public key") from None


def derive(secret: bytes, salt: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=f"doorward link {purpose}".encode()).derive(
        secret
    )


def fingerprint(key: bytes) -> str:
    """By which a key is known; it reveals nothing of it."""
    return hashlib.sha256(b"doorward key fingerprint" + key).hexdigest()[:16]


def proof(code: EnrolmentCode, public_key: bytes, nonce: bytes) -> bytes:
    """What shows that whoever asks to be enrolled has the code, for this key and no other."""
    return hmac.digest(_code_key(code), b"enrol" + public_key + nonce, "sha256")


def is_proof(code: EnrolmentCode, public_key: bytes, nonce: bytes, given: bytes) -> bool:
    """Whether a proof holds, in constant time."""
    return hmac.compare_digest(proof(code, public_key, nonce), given)


class Enrolment(NamedTuple):
    """What both ends share after an enrolment: the key that each answer is sealed with, and the link's own."""

    answer_key: bytes
    link_key: bytes

    def __repr__(self) -> str:
        return "Enrolment(…)"


def agree(code: EnrolmentCode, own_private_key: bytes, other_public_key: bytes, nonces: bytes) -> Enrolment:
    """Compute what both ends share; `nonces`: the controller's, then the server's. Raises WrongKey."""
    secret = shared_secret(own_private_key, other_public_key) + _code_key(code)
    return Enrolment(derive(secret, nonces, "enrolment answer"), derive(secret, nonces, "link key"))


def seal_once(key: bytes, text: bytes) -> bytes:
    """Seal the one message that a key is for."""
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, text, None)


def open_once(key: bytes, sealed: bytes) -> bytes:
    """The message again. Raises WrongKey."""
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, sealed, None)
    except (InvalidTag, ValueError):
        raise WrongKey("the message was sealed with another key, or altered") from None


def _code_key(code: EnrolmentCode) -> bytes:
    return derive(code.secret.encode(), code.lookup.encode(), "enrolment code")
