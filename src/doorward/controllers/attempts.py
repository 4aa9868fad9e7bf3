"""How often an address may be wrong about enrolment codes: guessing finds nothing, but might end somebody's code."""

from typing import Final

from doorward.kit.errors import TooManyRequests

WINDOW_MS: Final = 60_000
MOST: Final = 20
_MOST_ADDRESSES: Final = 4_096


class Attempts:
    """Those of one process, in memory. Used from one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._failed: dict[str, tuple[int, int]] = {}
        """By address: since when it is counted, and how many there have been."""

    def check(self, address: str, now: int) -> None:
        """Raises TooManyRequests for an address that has been wrong too often within a minute."""
        since, count = self._failed.get(address, (now, 0))
        if count >= self._most and now - since < WINDOW_MS:
            raise TooManyRequests(-(-(since + WINDOW_MS - now) // 1000))

    def failed(self, address: str, now: int) -> None:
        """It was wrong once more."""
        since, count = self._failed.pop(address, (now, 0))
        if now - since >= WINDOW_MS:
            since, count = now, 0
        self._failed[address] = (since, count + 1)
        if len(self._failed) > _MOST_ADDRESSES:
            del self._failed[next(iter(self._failed))]
