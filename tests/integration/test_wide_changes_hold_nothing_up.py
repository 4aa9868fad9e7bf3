"""While the people of an account are read anew, all else goes on: lockdowns, revocations, whoever stands at a door."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from doorward.changes import people as noting
from doorward.channels.service import update_channel
from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.decision.engine import decide, decide_person
from doorward.decision.snapshot import Credential, DoorState, Presented
from doorward.groups.service import create_group, update_group
from doorward.kit.clock import FixedClock
from doorward.kit.errors import DoorwardError
from doorward.people.service import update_person
from doorward.process.doors import LocalDoors
from doorward.roles.service import create_role
from doorward.shifts.holidays import add_holiday
from doorward.sync.live import LiveSnapshots
from tests.integration.test_doors_follow_the_configuration import Changes, same_decisions
from tests.support.doors import eventually
from tests.support.services import write, write_sealed
from tests.support.world import World

CARD = Presented(Credential("card", "1234"))


@pytest.fixture(autouse=True)
def _every_change_of_people_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "MOST_NOTED", 0)


class SlowPeople:
    """A database from which everybody is read at once, and given when the test says so."""

    def __init__(self) -> None:
        self.given = asyncio.Event()
        self.begun = 0
        self.failures = 0

    async def pass_on(self, read: Any, work: Any) -> Any:
        if "_read_anew" not in getattr(work, "__qualname__", ""):
            return await read(work)
        self.begun += 1
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("gone for now")
        found = await read(work)
        await self.given.wait()
        return found


@contextmanager
def slowed(world: World) -> Iterator[SlowPeople]:
    """Everybody is read slowly until the block ends."""
    slow, read = SlowPeople(), world.database.read

    async def passed_on(work: Any) -> Any:
        return await slow.pass_on(read, work)

    world.database.read = passed_on  # type: ignore[method-assign]
    try:
        yield slow
    finally:
        world.database.read = read  # type: ignore[method-assign]


def admitting(world: World) -> tuple[int, int]:
    """A role for the first door, and a group that gives Ada something as soon as it has that role."""
    role = write(world, create_role, {"name": "Members", "channel_ids": world.channel_ids[:1]})
    group = write(world, create_group, {"name": "Many", "person_ids": [world.person_id]})
    return role.id, group.id


def lock_down(world: World, channel_id: int) -> None:
    write(world, update_channel, channel_id, {"card_lockdown": True})


async def until(holds: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, holds)


def test_a_lockdown_does_not_wait_for_a_wide_change_that_came_before(world: World, clock: FixedClock) -> None:
    role_id, group_id = admitting(world)
    door = world.channel_ids[0]

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, clock)
        await doors.start()
        tasks = [asyncio.create_task(chore()) for chore in (doors.follow, doors.keep_time)]
        loop = asyncio.get_running_loop()
        before = doors._live.version
        with slowed(world) as slow:
            await asyncio.to_thread(write, world, update_group, group_id, {"role_ids": [role_id]})
            await until(lambda: slow.begun == 1)
            began = loop.time()
            await asyncio.to_thread(lock_down, world, door)
            await until(lambda: doors._doors[door].setting.card_lockdown)
            assert loop.time() - began < 0.5
            assert (await doors.present(door, CARD)).event_code == 22
            assert doors._version == before, "the door does not say that it knows of what is still being read"
            slow.given.set()
            await until(lambda: doors._version == before + 2)
            assert not doors._live._overdue
        assert doors._doors[door].setting.card_lockdown
        for task in tasks:
            task.cancel()
        await doors.stop()

    asyncio.run(run())


def test_whoever_stands_at_a_door_need_not_wait_for_everybody_to_be_read(world: World, clock: FixedClock) -> None:
    role_id, group_id = admitting(world)
    door = world.channel_ids[0]

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, clock)
        await doors.start()
        with slowed(world) as slow:
            await asyncio.to_thread(write, world, update_group, group_id, {"role_ids": [role_id]})
            assert (await doors.present(door, CARD)).admitted
            await asyncio.to_thread(write, world, update_group, group_id, {"role_ids": []})
            assert (await doors.present(door, CARD)).event_code == 27
            await asyncio.to_thread(write_sealed, world, update_person, world.person_id, {"card_number": "77"})
            assert (await doors.present(door, CARD)).event_code == 20
            assert slow.begun == 1, "one reading at a time"
            slow.given.set()
            await until(lambda: doors._live._overdue[world.account_id].directory is not None)
            assert (await doors.present(door, CARD)).event_code == 20
            await doors._live.refresh()
            assert slow.begun == 2, "a wide change that came meanwhile is read, too"
            assert (await doors.present(door, CARD)).event_code == 20
            assert (await doors.present(door, Presented(Credential("card", "77")))).event_code == 27
        await doors.stop()

    asyncio.run(run())


def test_who_is_revoked_while_everybody_is_read_stays_revoked(world: World, clock: FixedClock) -> None:
    body = {"name": "Members", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    write(world, create_role, body)
    live = LiveSnapshots(world.database, world.vault, clock)

    def admitted() -> bool:
        compiled = live.channel(world.channel_ids[0])
        assert compiled is not None
        return decide_person(compiled.snapshot, DoorState(), world.person_id, clock.now()).admitted

    async def run() -> None:
        await live.refresh()
        with slowed(world) as slow:
            await asyncio.to_thread(write, world, add_holiday, {"day": "2026-03-05", "name": "Day off"})
            await live.advance()
            await until(lambda: slow.begun == 1)
            await asyncio.sleep(0.2)  # it is read by now, and Ada in it as she was
            assert admitted()
            await asyncio.to_thread(write_sealed, world, update_person, world.person_id, {"enabled": False})
            await live.advance()
            assert not admitted()
            slow.given.set()
            await live.refresh()
            assert not admitted()
            assert not live._overdue

    asyncio.run(run())


def test_people_who_cannot_be_read_are_read_again(world: World, clock: FixedClock) -> None:
    role_id, group_id = admitting(world)
    live = LiveSnapshots(world.database, world.vault, clock)

    async def run() -> None:
        await live.refresh()
        before = live.version
        with slowed(world) as slow:
            slow.failures = 2
            slow.given.set()
            await asyncio.to_thread(write, world, update_group, group_id, {"role_ids": [role_id]})
            await live.advance()
            assert live.version == before
            await live.refresh()
            assert (slow.begun, live.version) == (3, before + 1)
        compiled = live.channel(world.channel_ids[0])
        assert compiled is not None
        assert decide_person(compiled.snapshot, DoorState(), world.person_id, clock.now()).admitted

    asyncio.run(run())


def test_what_is_going_on_in_the_background_ends_with_the_doors(world: World, clock: FixedClock) -> None:
    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, clock)
        await doors.start()
        with slowed(world):
            await asyncio.to_thread(write, world, add_holiday, {"day": "2026-03-05", "name": "Day off"})
            await doors._freshen()
            await doors.stop()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(4))
def test_a_credential_that_is_looked_at_gets_the_verdict_of_the_database_while_everybody_is_read(
    world: World, seed: int
) -> None:
    changes = Changes(world, seed)
    chance = random.Random(seed)
    live = LiveSnapshots(world.database, world.vault, world.clock)

    async def compare() -> None:
        truth = LiveSnapshots(world.database, world.vault, world.clock)
        await truth.refresh()
        known = [account.directory for each in (live, truth) for account in each._accounts.values()]
        credentials = {
            Credential(kind, value) for each in known for kind, holders in each.by_kind.items() for value in holders
        }
        live.look_at(*credentials)
        await live.advance()
        assert live.version <= truth.version
        assert {each.snapshot.channel.id for each in live.channels()} == {
            each.snapshot.channel.id for each in truth.channels()
        }
        for expected in truth.channels():
            compiled = live.channel(expected.snapshot.channel.id)
            assert compiled is not None
            assert compiled.controls == expected.controls
            for credential in credentials:
                ours, theirs = (
                    decide(each.snapshot, DoorState(), Presented(credential), world.clock.now())
                    for each in (compiled, expected)
                )
                assert (ours.event_code, ours.person_id) == (theirs.event_code, theirs.person_id)

    async def run() -> None:
        for _ in range(4):
            world.database.write_now(changes.new_person)
        await live.refresh()
        with slowed(world) as slow:
            for _ in range(60):
                changes.make_one()
                with suppress(DoorwardError):  # such as somebody who has been removed
                    world.database.write_now(changes.new_role)
                if chance.random() < 0.5:
                    await live.advance()
                if chance.random() < 0.3:
                    slow.given.set()
                    await asyncio.sleep(0.01)
                    slow.given.clear()
                if chance.random() < 0.2:
                    await compare()
            assert slow.begun > 1
            slow.given.set()
            await live.refresh()
            same_decisions(world, live, changes.people)
            assert live.version == live._cursor

    asyncio.run(run())
