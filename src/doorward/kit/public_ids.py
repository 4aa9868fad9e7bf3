"""Ids that are opaque strings on the wire (account, credential) and integers inside."""

from typing import Final

from sqids import Sqids

LARGEST_ID: Final = 2**63 - 1

_ALPHABETS: Final = {
    # Each kind has its own alphabet: an id of one kind is no id of the other.
    "account": "k3zG7dXvQ1mYw5TbS9hLc2RjN8fPq4KgVx6JrWtDnHpBsMyZC",
    "credential": "Wn5RtK8pLzXc3VbM1qDf7GhJ2sYw9TgNrPxQ4vBkS6mHdZjCy",
}
_CODECS: Final = {kind: Sqids(alphabet=alphabet, min_length=9) for kind, alphabet in _ALPHABETS.items()}


def encode(kind: str, number: int) -> str:
    """The public form of an id."""
    return _CODECS[kind].encode([number])


def decode(kind: str, public_id: str) -> int | None:
    """The id behind a public form, None for anything that encode() has not made."""
    numbers = _CODECS[kind].decode(public_id)
    if len(numbers) != 1 or numbers[0] > LARGEST_ID or _CODECS[kind].encode(numbers) != public_id:
        return None
    return numbers[0]
