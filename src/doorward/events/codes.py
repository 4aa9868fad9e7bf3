"""Event codes as lists of events and rules show them, and those that may be asked for (contract, listEvents)."""

from typing import Final

from doorward.decision.codes import EventCode

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
"""What may be asked for: the contract's, and ours (38, 39, 92, 93, 110, 111).

Remote control (50-63) is had one by one.
"""

_ACRONYMS: Final = frozenset({"PIN", "REX", "AUX"})


def name_of(code: EventCode) -> str:
    """The code in words: "Admit Card"."""
    words = code.name.split("_")
    return " ".join(word if word in _ACRONYMS else word.capitalize() for word in words)
