"""Keeps chores going: of a controller, of a server, of a simulated site."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from doorward.kit.chores import Chore

_log = structlog.get_logger("doorward")

_AGAIN_AFTER_S: Final = 1.0


def begun(chore: Chore) -> "asyncio.Task[None]":
    """A task that keeps it going."""
    return asyncio.create_task(forever(*chore))


async def forever(name: str, chore: Callable[[], Awaitable[None]]) -> None:
    """Keep a chore going: a bug in one round must not end the rounds."""
    while True:
        try:
            await chore()
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("a chore failed and is begun again", chore=name)
        await asyncio.sleep(_AGAIN_AFTER_S)
