"""Secrets: made, hashed, encrypted (THREAT_MODEL.md). Nothing here logs."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_NONCE_BYTES: Final = 12
_HASHER: Final = PasswordHasher()


class SecretKeyError(RuntimeError):
    """The installation's key is missing, malformed, or is not the one the data was encrypted with."""


def new_token() -> str:
    """A bearer token: 256 random bits in URL-safe base64."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored of a bearer token: its SHA-256 in hex. It needs no salt: it has 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_password() -> str:
    """A password that can be read out: four groups of four letters and digits, 78 random bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def hash_password(password: str) -> str:
    """argon2id with the library's current parameters."""
    return _HASHER.hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than the library's current ones."""
    return _HASHER.check_needs_rehash(password_hash)


class Vault:
    """Encrypts what must be read again (PINs) and makes blind indexes of what must be found again.

    Both keys are derived from the installation's one secret key (RFC 5869).
    """

    def __init__(self, secret_key: bytes) -> None:
        if len(secret_key) != 32:
            raise SecretKeyError("the secret key must be 32 bytes")
        self._aead = AESGCM(_derive(secret_key, b"doorward encryption"))
        self._index_key = _derive(secret_key, b"doorward blind index")
        self.fingerprint = _derive(secret_key, b"doorward key fingerprint")[:16].hex()
        """By which the key is known again; it reveals nothing of it."""

    def encrypt(self, text: str, context: str) -> str:
        """AES-256-GCM; `context` binds the ciphertext to its place."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, text.encode(), context.encode())
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, sealed: str, context: str) -> str:
        """The text again. Raises SecretKeyError if the key or the context is another one, or the text was altered."""
        raw = base64.b64decode(sealed)
        try:
            return self._aead.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
        except InvalidTag:
            raise SecretKeyError("this data was encrypted with another secret key") from None

    def blind_index(self, context: str, value: str) -> str:
        """A keyed digest by which a value is found without being readable: HMAC-SHA256, 128 bits of it."""
        return hmac.digest(self._index_key, f"{context}\0{value}".encode(), "sha256")[:16].hex()


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose).derive(secret_key)


def load_secret_key(configured: str | None, path: Path, *, may_create: bool) -> bytes:
    """The installation's key: configured (base64 of 32 bytes), or kept in a file of the data directory.

    Raises SecretKeyError for a malformed key, and for a missing one unless it may be made.
    """
    if configured:
        return _decoded(configured)
    try:
        return _decoded(path.read_text())
    except FileNotFoundError:
        if not may_create:
            raise SecretKeyError(
                f"the secret key is missing: restore {path} from the backup, or set DOORWARD_SECRET_KEY"
            ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(candidate, path)  # atomic, and the first of two processes wins
    except FileExistsError:
        pass
    finally:
        candidate.unlink()
    return _decoded(path.read_text())


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise SecretKeyError("the secret key is not base64") from None
    if len(key) != 32:
        raise SecretKeyError("the secret key must be 32 bytes in base64")
    return key
