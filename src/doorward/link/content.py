"""What both ends compare: the sums of what a channel has been told, so that each knows that the other has the same.

Each person's record has a digest of 128 bits; a bucket's sum is that of the digests of the people in it, modulo 2**128,
so that one person's change is a subtraction and an addition. The whole has one digest, over the channel's own record,
the sums and the number of people. Ends that disagree, after days apart or a server's restart, compare the buckets' sums
and send the buckets that differ. The sums find mistakes; whoever could forge them is kept out by the seals.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

_DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _DIGEST_BYTES)
_PER_BUCKET: Final = 32
MOST_BUCKETS: Final = 4096


def digest_of(record: bytes) -> int:
    """The digest of one record."""
    return int.from_bytes(hashlib.blake2b(record, digest_size=_DIGEST_BYTES).digest(), "big")


def buckets_for(people: int) -> int:
    """How many buckets so many people are best compared by: a power of two."""
    return min(MOST_BUCKETS, 1 << max(0, (people // _PER_BUCKET).bit_length()))


class Content:
    """The sums of one channel's content, kept up as it changes."""

    __slots__ = ("_sums", "_total", "channel", "people")

    def __init__(self, buckets: int = MOST_BUCKETS) -> None:
        """`buckets`: into how many the people are parted, a power of two; every coarser view is there, too."""
        self.channel = 0
        """The digest of the channel's own record; 0: it has been told nothing."""
        self.people = 0
        self._sums = [0] * buckets
        self._total = 0

    def add(self, person_id: int, record: bytes) -> None:
        """A person's record is there."""
        digest = digest_of(record)
        self._sums[person_id % len(self._sums)] += digest
        self._total += digest
        self.people += 1

    def remove(self, person_id: int, record: bytes) -> None:
        """It is there no more."""
        digest = digest_of(record)
        self._sums[person_id % len(self._sums)] -= digest
        self._total -= digest
        self.people -= 1

    def set_channel(self, record: bytes) -> None:
        """The channel's own record is this one."""
        self.channel = digest_of(record)

    def copy(self) -> "Content":
        """Another with the same sums."""
        other = Content(len(self._sums))
        other.channel, other.people = self.channel, self.people
        other._sums, other._total = list(self._sums), self._total
        return other

    def sums(self, buckets: int) -> list[int]:
        """The sums of `buckets` buckets, a power of two that is no more than this has."""
        finest = self._sums
        return [sum(finest[at::buckets]) % _MODULUS for at in range(buckets)]

    def digest(self) -> bytes:
        """The digest of everything."""
        whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for number in (self.channel, self.people, self._total % _MODULUS):
            whole.update(number.to_bytes(_DIGEST_BYTES, "big"))
        return whole.digest()


def packed(sums: Sequence[int]) -> bytes:
    """Sums as they are sent."""
    return b"".join(each.to_bytes(_DIGEST_BYTES, "big") for each in sums)


def differing(ours: Iterable[int], theirs: bytes) -> list[int]:
    """Which buckets differ, by number. Raises ValueError for a number of sums that is not ours."""
    own = packed(list(ours))
    if len(own) != len(theirs):
        raise ValueError("another number of buckets")
    size = _DIGEST_BYTES
    return [at // size for at in range(0, len(own), size) if own[at : at + size] != theirs[at : at + size]]
