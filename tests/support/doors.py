"""The doors of a test's database, running in a thread as they do in the server's process."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from doorward.process.doors import LocalDoors
from tests.support.world import World


@contextmanager
def running_doors(world: World) -> Iterator[LocalDoors]:
    """Every door of the database, followed until the block ends. Look at what is there; act by `present` in a loop."""
    doors = LocalDoors(world.database, world.vault, world.clock)
    started = threading.Event()
    ended = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        await doors.start()
        chores = (doors.follow, doors.keep_time, doors.keep_record, doors.keep_contact, doors.keep_answering)
        tasks = [asyncio.create_task(chore()) for chore in chores]
        loops.append(asyncio.get_running_loop())
        started.set()
        await ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 15)
        await doors.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield doors
    finally:
        loops[0].call_soon_threadsafe(ended.set)
        thread.join(20)
        assert not thread.is_alive(), "the doors' thread did not end"


def eventually(holds: Callable[[], object], within: float = 20.0) -> float:
    """Wait until it holds; gives the seconds that took, and fails if it does not in time."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it did not come to hold in time"
        time.sleep(0.005)
    return time.monotonic() - began
