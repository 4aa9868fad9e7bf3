"""The connection of one controller, apart from what carries it."""

from dataclasses import dataclass
from typing import Protocol


class WireClosed(Exception):
    """The connection is no more."""


class Wire(Protocol):
    """A connection that carries whole frames in order."""

    async def receive(self) -> bytes:
        """The next frame. Raises WireClosed."""
        ...

    async def send(self, frame: bytes) -> None:
        """Send a frame; waits while the other end takes nothing. Raises WireClosed."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """The controller at the other end."""

    controller_id: int
    account_id: int
    address: str
