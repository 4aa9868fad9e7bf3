"""Holding a card to a door from a page: only where the doors are in the same process (`doorward serve`)."""

from typing import Any, Protocol

from litestar.connection import ASGIConnection

from doorward.decision.snapshot import Presented
from doorward.decision.verdict import Verdict


class Presenting(Protocol):
    """The doors of this process, as far as a page may reach them."""

    async def present(self, channel_id: int, presented: Presented) -> Verdict:
        """Hold credentials to a door's reader; the event is on record when this returns. Raises NotFound."""
        ...


def presenting_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Presenting | None:
    """The doors of this process; None: it has none."""
    found: Presenting | None = connection.app.state.presenting
    return found
