"""Client secrets: made and hashed before any transaction begins, for argon2 is slow."""

from typing import NamedTuple

from doorward.kit.crypto import hash_password, new_token
from doorward.oauth.hashing import hashed


class ClientSecret(NamedTuple):
    """A new secret, and what is stored of it."""

    secret: str
    secret_hash: str

    def __repr__(self) -> str:
        return "ClientSecret(…)"


def new_client_secret() -> ClientSecret:
    """A new secret, for callers without an event loop."""
    secret = new_token()
    return ClientSecret(secret, hash_password(secret))


async def make_client_secret() -> ClientSecret:
    """A new secret, hashed beside the event loop. Raises TooManyRequests where too many wait already."""
    secret = new_token()
    return ClientSecret(secret, await hashed(secret))
