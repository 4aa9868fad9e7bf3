"""What carries a session's messages, and how a session ends."""

from typing import Protocol

from doorward.link.frames import CONTROL


class Pipe(Protocol):
    """Carries messages between the ends, whole and in order."""

    async def send(self, message: bytes) -> None:
        """Raises ConnectionLost."""
        ...

    async def recv(self) -> bytes | str:
        """The next message. Raises ConnectionLost."""
        ...


class ConnectionLost(Exception):
    """The connection is gone, or the server has said nothing for too long."""


class Refused(Exception):
    """What the server sent is not to be believed; the text says why. `box`: where it was."""

    def __init__(self, reason: str, box: int = CONTROL) -> None:
        super().__init__(reason)
        self.box = box


class Ended(Exception):
    """The server ends the session; `is_removed`: for good."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.is_removed = reason == "removed"
