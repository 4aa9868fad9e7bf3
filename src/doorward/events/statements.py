"""What events say of the record itself, in words that are made here and read again when the record is verified."""

from typing import Final

ERASED: Final = "erased_positions"
REMOVED: Final = "removed_to"

Reason = tuple[str, str]


def erased(count: int, digest: str) -> Reason:
    """So many events have lost name and credential; the digest is that of the list of their positions."""
    return ERASED, f"{count} events say no name any more; SHA-256 of the list of their positions: {digest}."


def removed(position: int, digest: str) -> Reason:
    """The events up to a position are removed; the digest is the chain up to there."""
    return REMOVED, f"The events up to position {position} are removed; the chain up to there: {digest}."
