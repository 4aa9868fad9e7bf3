"""Paging of lists (behaviour.md, "HTTP")."""

from dataclasses import dataclass
from typing import Final

EVERYTHING: Final = 2**62
_MOST_PAGES: Final = 2**31


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `number` counts from 1; not `paged` asks for everything."""

    number: int = 1
    size: int = 500
    paged: bool = True

    @property
    def limit(self) -> int:
        """At most this many rows."""
        return self.size if self.paged else EVERYTHING

    @property
    def offset(self) -> int:
        """After this many rows."""
        return (min(self.number, _MOST_PAGES) - 1) * self.size if self.paged else 0
