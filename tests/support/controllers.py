"""A controller in the test's loop, with its link; and what a test waits for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from doorward.controller.chores import begun
from doorward.controller.identity import Identity
from doorward.controller.journal import Limits
from doorward.controller.link import Link, connecting
from doorward.controller.plan import Plan
from doorward.controller.runtime import Controller
from doorward.decision.snapshot import Credential, Presented
from doorward.decision.verdict import Verdict
from doorward.kit.clock import Clock, SystemClock
from tests.support.link_server import LinkServer

ACCESS = [*range(10, 29), 50, 51]


def access(server: LinkServer) -> list[tuple[int, int | None]]:
    """Codes and people of what happened at doors, as told."""
    return [(told.code, told.person_id) for _, told in server.events if told.code in ACCESS]


@dataclass
class Running:
    """A controller at work."""

    controller: Controller
    link: Link

    def present(self, channel_id: int, card: str) -> Verdict:
        """Hold a card to a reader."""
        return self.controller.doors.present(channel_id, Presented(Credential("card", card)))

    def is_released(self, channel_id: int) -> bool:
        """Whether a lock would let its door open."""
        return self.controller.doors.simulated(channel_id).is_released(channel_id)


@asynccontextmanager
async def running(
    directory: Path,
    identity: Identity,
    clock: Clock | None = None,
    plan: Plan | None = None,
    limits: Limits | None = None,
    *,
    linked: bool = True,
) -> AsyncIterator[Running]:
    """A controller, stopped in the end as an operator would."""
    controller = Controller(identity, directory, clock or SystemClock(), plan, limits)
    link = Link(controller, connecting(identity), wait=lambda _: 0.05)
    await controller.start()
    tasks = [begun(chore) for chore in controller.chores()]
    if linked:
        tasks.append(asyncio.create_task(link.run()))
    try:
        yield Running(controller, link)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await controller.stop()


async def until(holds: Callable[[], object], within: float = 20.0) -> None:
    """Wait until it holds; fails if it does not in time."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it did not come to hold in time"
        await asyncio.sleep(0.005)
