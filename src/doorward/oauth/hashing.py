"""argon2id off the event loop, and few at a time: each hash takes tens of milliseconds and 64 MiB.

Never to be awaited for within a transaction. Callers without an event loop use kit.crypto.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from doorward.kit.crypto import hash_password, needs_rehash, new_password, password_matches
from doorward.kit.errors import TooManyRequests

T = TypeVar("T")

_AT_ONCE: Final = max(1, min(4, os.cpu_count() or 1))
_MOST_WAITING: Final = 200
_POOL: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")


class Verified(NamedTuple):
    """Whether the secret is the right one; and its hash with today's parameters where the stored one has older ones."""

    matches: bool
    fresh_hash: str | None = None


async def hashed(secret: str) -> str:
    """The argon2id hash of a password or client secret. Raises TooManyRequests where too many wait already."""
    return await _run(lambda: hash_password(secret))


async def verify(stored: str | None, secret: str) -> Verified:
    """Whether the secret is the one that was hashed. It takes as long if there is none (`stored` None) to compare with.

    Raises TooManyRequests where too many wait already.
    """
    return await _run(lambda: _verify(stored, secret))


async def matches(stored: str, secret: str) -> bool:
    """Whether the secret is the one that was hashed. Raises TooManyRequests where too many wait already."""
    return await _run(lambda: password_matches(stored, secret))


def _verify(stored: str | None, secret: str) -> Verified:
    decoy = _decoy()  # always, so that the first call is no different for one who does not exist
    matches = password_matches(stored or decoy, secret)
    if stored is None or not matches:
        return Verified(False)
    return Verified(True, hash_password(secret) if needs_rehash(stored) else None)


@lru_cache(maxsize=1)
def _decoy() -> str:
    return hash_password(new_password())


async def _run(work: Callable[[], T]) -> T:
    if _POOL._work_queue.qsize() > _MOST_WAITING:  # noqa: SLF001
        raise TooManyRequests(2)
    return await asyncio.get_running_loop().run_in_executor(_POOL, work)
