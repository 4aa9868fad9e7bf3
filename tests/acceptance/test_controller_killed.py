"""kill -9 of the controller at random instants under load: what happened is on record once and in order, nothing half.

DOORWARD_KILLS=200 kills it two hundred times.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from doorward.controller import identity
from doorward.controller.content import begin
from doorward.controller.control import SOCKET
from doorward.controller.enrolment import EnrolledChannel
from doorward.link.records import SettingRecord
from tests.support.controllers import until
from tests.support.link_server import LinkServer, channel, link_server, member

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("DOORWARD_KILLS", "25"))
PEOPLE = 3_000
CLIENTS = 3
LONGEST_LIFE_S = 0.9


class Zygote:
    """Starts controllers, one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self) -> int:
        """The process id of the next; it may not have taken over its doors yet."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"start\n")
        while True:
            line = await self.line()
            if line != "ready":
                return int(line)

    async def line(self) -> str:
        """What it says next."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def zygote(directory: Path) -> AsyncIterator[Zygote]:
    command = [sys.executable, "-m", "tests.support.killed_controller", str(directory)]
    with (directory / "errors.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
        try:
            yield Zygote(process)
        finally:
            process.kill()
            await process.wait()


class Load:
    """Presents cards, as many as it can; remembers what was answered."""

    def __init__(self, directory: Path) -> None:
        self._path = str(directory / SOCKET)
        self._numbers = count(1)
        self.asked = 0
        self.answered: dict[str, int] = {}

    async def run(self) -> None:
        while True:
            number = next(self._numbers)
            # Each card is presented once; every second one is somebody's.
            card = str(1_000 + number // 2) if number % 2 else str(10_000_000 + number)
            self.asked += 1
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                self.answered[card] = await self._present(card)
                continue
            await asyncio.sleep(0.005)

    async def _present(self, card: str) -> int:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            request = {"op": "present", "channel_id": 5, "credentials": [["card", card]]}
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readuntil(b"\n"))
            return int(answer["ok"]["event_code"])
        finally:
            writer.close()


async def keep_changing(server: LinkServer, digests: set[bytes]) -> None:
    """Change people who present nothing, now a few, now many."""
    for number in count():
        told = server.channels[5]
        digests.add(told.content.digest())
        some = 1 if number % 10 else 300
        people = [member(100_000 + each, card=str(500_000 + number * 1_000 + each)) for each in range(some)]
        change = asyncio.create_task(server.change(5, *people))
        await asyncio.sleep(0)
        digests.add(told.content.digest())
        await change
        await asyncio.sleep(0.02)


@pytest.mark.en60839("6.8/power", "6.8/17")
@pytest.mark.en60839("6.8/17", "6.8/power")
async def test_killed_at_random_instants_under_load(tmp_path: Path) -> None:
    instants = random.Random(20260302)
    async with link_server() as server:
        server.add(channel(5), *(member(number) for number in range(1, PEOPLE + 1)))
        server.add(channel(6, setting=SettingRecord(5_000, 30_000, unlocked=True)), member(1))
        own = server.identity()
        begin(tmp_path, own.secret, [EnrolledChannel(5, "Door 5"), EnrolledChannel(6, "Door 6")])
        identity.save(tmp_path, own)
        digests = {b""}
        async with zygote(tmp_path) as controllers:
            pid = await controllers.start()
            await until(lambda: server.has_applied(5) and server.has_applied(6), within=30)
            relays = tmp_path / "relays.log"
            load = Load(tmp_path)
            chores = [asyncio.create_task(load.run()) for _ in range(CLIENTS)]
            chores.append(asyncio.create_task(keep_changing(server, digests)))
            began = time.monotonic()
            for _ in range(KILLS):
                await asyncio.sleep(instants.uniform(0, LONGEST_LIFE_S))
                os.kill(pid, signal.SIGKILL)
                await until(lambda gone=pid: not is_there(gone))  # type: ignore[misc]
                pid = await controllers.start()
            await asyncio.sleep(0.3)
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            took = time.monotonic() - began
            digests.update(told.content.digest() for told in server.channels.values())
            # The last one lives: it tells all that is left.
            await until(lambda: server.is_up and server.beats and server.has_applied(5), within=30)
            await until(lambda: len(server.events) and told_all(server, load), within=30)
            os.kill(pid, signal.SIGTERM)
            await until(lambda: not (tmp_path / SOCKET).exists(), within=20)

    # Each that was answered is on record once, and what was decided is what is on record.
    told = [each for box, each in server.events if box == 5]
    recorded = Counter(each.credential for each in told if each.code in (10, 20))
    assert set(recorded.values()) == {1}
    codes = {each.credential: each.code for each in told if each.code in (10, 20)}
    assert {card: codes.get(card) for card in load.answered} == load.answered
    # In order, and without a number that is left out (the server looks at each).
    assert server.skipped == []
    assert [each.sequence for _, each in server.events] == list(range(1, server.last_sequence + 1))
    instants_told = [each.at for _, each in server.events]
    assert instants_told == sorted(instants_told)
    # Nothing was ever there by half.
    assert {held.digest for hello in server.hellos for held in hello.channels if held.channel_id == 5} <= digests
    # The locks did what is on record and nothing else: an admission that is on record may have been the last moment.
    lines = relays.read_text().splitlines()
    moves = Counter(lines)
    admitted = sum(code == 10 for code in codes.values())
    assert moves["5 released"] <= admitted <= moves["5 released"] + KILLS
    assert moves.keys() <= {"5 released", "5 locked", "5 controlled", "6 locked", "6 controlled", "6 unlocked"}
    # Whoever had been told that its door stands open never locked it.
    of_unlocked = [line for line in lines if line.startswith("6 ")]
    assert set(of_unlocked[of_unlocked.index("6 unlocked") :]) == {"6 unlocked"}
    assert len(load.answered) > KILLS
    print(
        f"{KILLS} kills in {took:.0f} s: {len(load.answered)} of {load.asked} answered, {len(server.events)} events on "
        f"record, {len(server.hellos)} sessions, {moves['5 released']} releases"
    )


def is_there(pid: int) -> bool:
    """Whether a process is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def told_all(server: LinkServer, load: Load) -> bool:
    """Whether all that was answered has been told."""
    told = {each.credential for _, each in server.events}
    return load.answered.keys() <= told
