"""What becomes of a push is on record for each door; and that a door locked while no server ran."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from doorward.changes import reports
from doorward.changes import service as changes
from doorward.channels import relocking
from doorward.channels.service import get_channel, update_channel
from doorward.db.query import Query
from doorward.decision.codes import EventCode
from doorward.events.service import Event, record
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.sync import pushes
from doorward.worker.sweeper import Sweeper
from tests.support.doors import eventually, running_doors
from tests.support.services import read, write
from tests.support.world import World

MINUTE = 60_000


def happened(world: World, *codes: int) -> list[tuple[int, str | None, int]]:
    """The events with these codes so far: code, door, and seconds after the tests' beginning."""
    query = Query(
        select(events.c.event_code, events.c.channel_name, events.c.occurred_at).order_by(events.c.id),
        lambda code, name, at: (code, name, (at - 1_772_442_000_000) // 1000),
    )
    found = world.database.read_now(lambda tx: tx.all(query))
    return [each for each in found if each[0] in codes or not codes]


def report(world: World, *channel_ids: int, up_to_now: bool = True) -> None:
    now = world.clock.now()
    world.database.write_now(lambda tx: reports.report(tx, channel_ids, changes.last(tx) if up_to_now else 0, now))


def settle(world: World) -> int:
    return world.database.write_now(lambda tx: pushes.settle(tx, world.clock.now()))


def change(world: World) -> None:
    write(world, update_channel, world.channel_ids[0], {"notes": "something"})


@pytest.fixture
def behind(world: World) -> World:
    """Two doors are there and behind, the third is not there."""
    report(world, *world.channel_ids[:2])
    change(world)
    return world


def test_each_door_that_is_behind_has_begun_and_is_done_when_it_confirms(
    api: httpx.Client, behind: World, clock: FixedClock
) -> None:
    assert api.post("/api/3/sync").status_code == 200
    began = [(100, "all doors", 0), (101, "Front door", 0), (101, "Back door", 0), (105, "Far door", 0)]
    assert happened(behind) == began
    assert settle(behind) == 0
    clock.advance(2_000)
    report(behind, behind.channel_ids[0])
    clock.advance(3_000)
    assert settle(behind) == 1
    assert happened(behind)[4:] == [(102, "Front door", 2)], "when it confirmed, not when that was noticed"
    report(behind, behind.channel_ids[1])
    change(behind)
    assert settle(behind) == 1, "what comes after the push is no matter"
    assert settle(behind) == 0
    assert happened(behind)[5:] == [(102, "Back door", 5)]
    assert not behind.database.read_now(pushes.any_outstanding)


def test_a_door_that_does_not_manage_to_within_a_minute_has_failed(
    api: httpx.Client, behind: World, clock: FixedClock
) -> None:
    api.post("/api/3/sync")
    clock.advance(MINUTE - 1)
    report(behind, *behind.channel_ids[:2], up_to_now=False)
    assert settle(behind) == 0
    clock.advance(1)
    assert settle(behind) == 2
    assert happened(behind, 103) == [(103, "Front door", 60), (103, "Back door", 60)]
    report(behind, *behind.channel_ids[:2])
    assert settle(behind) == 0, "it is over"


def test_a_later_push_supersedes_one_that_is_under_way(api: httpx.Client, behind: World, clock: FixedClock) -> None:
    api.post("/api/3/sync")
    clock.advance(MINUTE)
    report(behind, behind.channel_ids[0])
    report(behind, behind.channel_ids[1], up_to_now=False)
    change(behind)
    assert api.post("/api/3/sync").status_code == 200
    assert happened(behind)[4:] == [
        (100, "all doors", 60),
        (102, "Front door", 60),
        (104, "Back door", 60),
        (101, "Front door", 60),
        (101, "Back door", 60),
        (105, "Far door", 60),
    ]
    report(behind, *behind.channel_ids[:2])
    assert settle(behind) == 2


def test_changes_that_follow_by_themselves_leave_no_such_events(behind: World) -> None:
    report(behind, *behind.channel_ids)
    assert settle(behind) == 0
    assert happened(behind) == []


def swept(world: World, until: Callable[[], object]) -> float:
    """Let the sweeper run until it holds."""
    took: list[float] = []

    async def run() -> None:
        sweeping = asyncio.create_task(Sweeper(world.database, world.clock).run())
        took.append(await asyncio.to_thread(eventually, until))
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

    asyncio.run(run())
    return took[0]


def test_the_sweeper_notices_soon_that_a_door_is_done(api: httpx.Client, world: World) -> None:
    report(world, *world.channel_ids)
    change(world)
    assert api.post("/api/3/sync").status_code == 200
    with running_doors(world):
        assert swept(world, lambda: len(happened(world, 102)) == 3) < 2.0


def unlock(world: World, channel_id: int) -> None:
    body = {"mode": "unlock", "relock_at": "2026-03-02T09:10:00Z"}
    write(world, update_channel, channel_id, body)


def test_a_relock_that_no_server_saw_is_on_record_once(world: World, clock: FixedClock) -> None:
    front = world.channel_ids[0]
    unlock(world, front)
    clock.advance(11 * MINUTE)
    assert not world.database.read_now(lambda tx: relocking.overdue(tx, clock.now() - 1)), "its door may be about to"
    assert swept(world, lambda: happened(world, 58)) < 5.0
    assert happened(world, 58) == [(58, "Front door", 600)]
    stored = read(world, get_channel, front)
    assert (stored.mode, stored.relock_at, stored.mode_changed_at) == ("normal", None, clock.now() - MINUTE)
    assert not world.database.read_now(lambda tx: relocking.overdue(tx, clock.now()))


def test_a_relock_that_the_door_has_told_of_is_not_told_again(world: World, clock: FixedClock) -> None:
    front, back, _ = world.channel_ids
    for channel_id in (front, back):
        unlock(world, channel_id)
    write(world, update_channel, back, {"driver": "osdp"})
    clock.advance(12 * MINUTE)
    told = Event(world.account_id, EventCode.RELOCKED_ON_TIME, clock.now() - 2 * MINUTE, channel_id=front)
    world.database.write_now(lambda tx: record(tx, told, clock.now()))
    assert world.database.write_now(lambda tx: relocking.settle(tx, clock.now())) == 1
    assert len(happened(world, 58)) == 1
    assert read(world, get_channel, back).mode == "unlock", "its controller will tell"
