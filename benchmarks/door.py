"""From card to relay at a controller of simulated doors, left alone and while it is told of 100,000 people.

`python -m benchmarks.door` measures this alone. The controller is the real process; its reader is a thread that holds a
card to it every few milliseconds, as the thread of a line does. The server is the tests' small one, in another process.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.running import rss_mb
from doorward.controller import identity, process
from doorward.controller.content import begin
from doorward.controller.enrolment import EnrolledChannel
from doorward.controller.plan import Plan, PlannedUnit
from doorward.controller.runtime import Controller
from doorward.decision.snapshot import Credential, Presented
from doorward.drivers.simulated.driver import SimulatedDriver
from doorward.kit.clock import Clock
from tests.support.link_server import channel, link_server, member

PEOPLE: Final = 100_000
ROUNDS: Final = 3
_CHANNEL: Final = 5
_EVERY_S: Final = 0.004
_ROOT: Final = Path(__file__).parents[1]


class Report(msgspec.Struct, frozen=True):
    """Milliseconds from card to relay, and what syncing took."""

    alone: list[float]
    syncing: list[float]
    seconds: list[float]
    """From the first part of an Update of everybody to its being decided by, durably."""
    megabytes: float
    rss_mb: float


def measure(quick: bool = False) -> Report:
    """Run the controller, tell it everybody again and again, and ask it how long cards took meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory), PEOPLE // 20 if quick else PEOPLE, 1 if quick else ROUNDS))


def table(report: Report) -> str:
    """The report as rows."""
    lines = ["| | cards | p50 ms | p99 ms | highest ms |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, found in (("left alone", report.alone), ("being told everybody", report.syncing)):
        if not found:  # a small account is told before anybody comes
            lines.append(f"| {name} | 0 | - | - | - |")
            continue
        lines.append(f"| {name} | {len(found)} | {_at(found, 0.5):.2f} | {_at(found, 0.99):.2f} | {max(found):.2f} |")
    took = ", ".join(f"{each:.1f}" for each in report.seconds)
    return "\n".join(lines) + (
        f"\n\nEverybody is {report.megabytes:.1f} MB on the wire, decided by and kept after {took} s; "
        f"the controller is then {report.rss_mb:.0f} MB large."
    )


def _at(found: list[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * part))]


async def _measure(directory: Path, people: int, rounds: int) -> Report:
    async with link_server() as server:
        told = server.add(channel(_CHANNEL), *(member(number) for number in range(1, people + 1)))
        own = server.identity()
        begin(directory, own.secret, [EnrolledChannel(_CHANNEL, "Door")])
        identity.save(directory, own)
        with (directory / "errors.log").open("wb") as errors:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.door", "--controller", str(directory)),
                cwd=_ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            seconds = []
            for number in range(rounds):
                began = time.monotonic()
                if number:
                    told.version += 1
                    await server.send(_CHANNEL, *told.everything())
                while not server.has_applied(_CHANNEL):
                    await asyncio.sleep(0.01)
                    if child.returncode is not None:
                        raise RuntimeError((directory / "errors.log").read_text())
                seconds.append(time.monotonic() - began)
                await asyncio.sleep(3)
            size = sum(len(record) for part in told.everything() for record in part.people)
            rss = rss_mb(child.pid)
            child.terminate()
            output, _ = await child.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    found = json.loads(output.splitlines()[-1])
    return Report(found["alone"], found["syncing"], seconds, size / 1e6, rss)


class _Timed(SimulatedDriver):
    """Knows when a card was held to its reader, and when the relay moved."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.held_at = 0.0
        self.took: list[float] = []

    def unlock(self, channel_id: int, milliseconds: int, command_id: int | None = None) -> None:
        self.took.append((time.perf_counter() - self.held_at) * 1000)
        super().unlock(channel_id, milliseconds, command_id)

    def hold(self, at: float, card: str) -> None:
        """A card has been held to the reader at an instant."""
        self.held_at = at
        self.present(_CHANNEL, Presented(Credential("card", card)))


def _be_the_controller(directory: Path) -> None:
    found: dict[str, list[float]] = {"alone": [], "syncing": []}
    ended = threading.Event()

    def read(controller: Controller, loop: asyncio.AbstractEventLoop) -> None:
        instants = random.Random(20260302)  # noqa: S311 - when cards are held to the reader is no secret
        served = controller.channels[_CHANNEL]
        while not ended.wait(_EVERY_S * instants.uniform(0.5, 1.5)):
            if (
                served.unit is None
                or not isinstance(driver := served.unit.driver, _Timed)
                or not served.replica.is_told
            ):
                continue
            was = "syncing" if served.is_outstanding else "alone"
            before = len(driver.took)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(driver.hold, time.perf_counter(), str(1_000 + instants.randint(1, 1_000)))
            while len(driver.took) == before and not ended.wait(0.002):
                pass
            if len(driver.took) > before:
                found[was].append(driver.took[-1])

    def ready(controller: Controller) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=read, args=(controller, loop), daemon=True).start()

    plan = Plan((PlannedUnit("timed", frozenset({_CHANNEL}), _Timed),), simulates=False)
    process.run(directory, identity.load(directory), plan, ready)
    ended.set()
    print(json.dumps(found), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--controller", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.controller is not None:
        _be_the_controller(given.controller)
        return
    print(table(measure(given.quick)))


if __name__ == "__main__":
    main()
