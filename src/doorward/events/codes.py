"""Event codes as lists of events and rules show them, and those that may be asked for (contract, listEvents)."""

from collections.abc import Collection
from typing import Final

from doorward.decision.codes import EventCode
from doorward.kit.errors import BadRequest

CHANNEL_STATUS: Final = frozenset(range(1, 4))
ACCESS: Final = frozenset((*range(10, 19), *range(20, 30), *range(70, 74)))
"""Who was admitted and who was rejected: what a list shows unless other codes are asked for."""

ALLOWED: Final = frozenset(
    (
        *ACCESS,
        *CHANNEL_STATUS,
        *range(30, 40),
        *range(40, 43),
        *range(90, 94),
        *range(100, 108),
        *(110, 111, 220, 223, 224, 225),
    )
)
"""What may be asked for: the contract's, and ours (38, 39, 92, 93, 110, 111). Remote control (50-63) is had one by one,
and in the log."""

EVERY: Final = frozenset(map(int, EventCode))
"""What the log may be asked for."""

_ACRONYMS: Final = frozenset({"PIN", "REX", "AUX"})


def read_codes(asked: Collection[int], allowed: frozenset[int]) -> frozenset[int]:
    """The codes that are asked for. Raises BadRequest naming those that are not allowed (contract, listEvents)."""
    wrong = [str(code) for code in asked if code not in allowed]
    if wrong:
        raise BadRequest(f"The following event codes are not valid for this method: {', '.join(wrong)}")
    return frozenset(asked)


def name_of(code: int) -> str:
    """The code in words: "Admit Card"; one that there is no word for, as of a later version: "Event 999"."""
    if code not in EVERY:
        return f"Event {code}"
    words = EventCode(code).name.split("_")
    return " ".join(word if word in _ACRONYMS else word.capitalize() for word in words)
