"""Positions in the record, as few stretches: [[3, 3], [17, 40]]."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import sha256


def spans_of(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending positions as stretches of the first and the last."""
    spans: list[tuple[int, int]] = []
    for position in positions:
        if spans and spans[-1][1] == position - 1:
            spans[-1] = (spans[-1][0], position)
        else:
            spans.append((position, position))
    return spans


def stored_spans(spans: Sequence[tuple[int, int]]) -> str:
    """As a column holds them."""
    return json.dumps(spans, separators=(",", ":"))


def digest_of(stored: str) -> str:
    """The SHA-256 of stored stretches, in hex."""
    return sha256(stored.encode()).hexdigest()


class Spans:
    """Stretches to look positions up in."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(spans)
        self._firsts = [first for first, _ in ordered]
        self._lasts = [last for _, last in ordered]

    def __contains__(self, position: int) -> bool:
        place = bisect_right(self._firsts, position) - 1
        return place >= 0 and position <= self._lasts[place]
