"""Run the process at the door: take over the doors, keep the link, until told to stop."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from doorward.controller.chores import begun
from doorward.controller.clock import DoorClock
from doorward.controller.commanding import ControllerControl
from doorward.controller.control import SOCKET
from doorward.controller.identity import Identity
from doorward.controller.link import Link, connecting
from doorward.controller.lock import only_one
from doorward.controller.plan import Plan
from doorward.controller.runtime import Controller
from doorward.kit.clock import SystemClock
from doorward.kit.log import configure_logging

_log = structlog.get_logger("doorward.controller")

_LONGEST_TURN_S: Final = 0.0005
"""How long a thread that compiles much keeps the event loop waiting."""
_COLLECT_EVERY_S: Final = 1.0
_LONGEST_COLLECTION_S: Final = 0.002

OnReady = Callable[[Controller], None]


def run(directory: Path, identity: Identity, plan: Plan, on_ready: OnReady) -> None:
    """Run until SIGINT or SIGTERM; `on_ready` is called once the doors are taken over.

    Raises AlreadyRunning, or Removed if the server no longer knows this controller.
    """
    configure_logging()
    sys.setswitchinterval(_LONGEST_TURN_S)
    with only_one(directory, "controller"):
        asyncio.run(_run(directory, identity, plan, on_ready))


async def _run(directory: Path, identity: Identity, plan: Plan, on_ready: OnReady) -> None:
    controller = Controller(identity, directory, DoorClock(SystemClock()), plan)
    link = Link(controller, connecting(identity))
    control = ControllerControl(controller, link)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await controller.start()
    path = directory / SOCKET
    with suppress(OSError):  # a disk that cannot be written does not keep the doors from working
        await control.start(path)
    chores = [
        *map(begun, controller.chores()),
        asyncio.create_task(_collect(controller)),
    ]
    linked = asyncio.create_task(link.run())
    stopping = asyncio.create_task(stop.wait())
    on_ready(controller)
    try:
        await asyncio.wait({linked, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (linked, stopping, *chores):
            task.cancel()
        results = await asyncio.gather(linked, stopping, *chores, return_exceptions=True)
        control.close()
        with suppress(OSError):
            path.unlink(missing_ok=True)
        await controller.stop()
    # Whoever started the process is to know that it did not end because it was told to.
    failed = next((result for result in results[:1] if isinstance(result, Exception)), None)
    if failed is not None:
        raise failed


async def _collect(controller: Controller) -> None:
    """Collect garbage when there is little of it. Of its own accord Python would look at everybody who is known.

    What has been there for a while is not looked at again: it is let go of when nothing refers to it any more.
    """
    gc.disable()
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.freeze()
    was_applying = False
    while True:
        await asyncio.sleep(_COLLECT_EVERY_S)
        if controller.is_applying:
            was_applying = True
            continue
        if was_applying:
            was_applying = False
            gc.freeze()
        began = loop.time()
        gc.collect()
        if loop.time() - began > _LONGEST_COLLECTION_S:
            gc.freeze()
