"""When a reservation ends, its role and shift are removed; the record stays; nothing else is touched."""

import asyncio

from sqlalchemy import func, select

from doorward.db.query import Query, number
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import authenticate
from doorward.reservations.service import create_reservation
from doorward.reservations.tables import reservations
from doorward.roles.grants import next_expiry
from doorward.roles.service import create_role
from doorward.roles.tables import roles
from doorward.shifts.tables import shifts
from doorward.worker.sweeper import Sweeper
from tests.support.world import World

COUNTS = [Query(select(func.count()).select_from(table), number) for table in (reservations, roles, shifts)]


def counts(world: World) -> list[int | None]:
    return world.database.read_now(lambda tx: [tx.one(count) for count in COUNTS])


def test_at_the_end_role_and_shift_go_and_the_record_stays(world: World, clock: FixedClock) -> None:
    now = clock.now()
    principal = world.database.read_now(lambda tx: authenticate(tx, world.token, now))
    for hour in (10, 11, 12):
        body = {
            "person_id": world.person_id,
            "start_time": "2026-03-02T09:30:00Z",
            "end_time": f"2026-03-02T{hour}:00:00Z",
            "channel_ids": world.channel_ids,
        }
        world.database.write_now(lambda tx, body=body: create_reservation(tx, principal, body, now))  # type: ignore[misc]
    world.database.write_now(lambda tx: create_role(tx, world.account_id, {"name": "Stays"}, now))
    sweeper = Sweeper(world.database, clock)
    assert asyncio.run(sweeper.sweep()) == 0
    assert counts(world) == [3, 4, 3]
    clock.advance(2 * 3_600_000 - 1)
    assert asyncio.run(sweeper.sweep()) == 1
    clock.advance(1)
    assert asyncio.run(sweeper.sweep()) == 1
    assert counts(world) == [3, 2, 1]
    assert world.database.read_now(next_expiry) == now + 3 * 3_600_000


def test_a_running_sweeper_sweeps_when_the_time_comes(world: World, clock: FixedClock) -> None:
    now = clock.now()
    principal = world.database.read_now(lambda tx: authenticate(tx, world.token, now))

    async def run() -> None:
        sweeping = asyncio.create_task(Sweeper(world.database, clock).run())
        body = {
            "person_id": world.person_id,
            "start_time": "2026-03-02T09:30:00Z",
            "end_time": "2026-03-02T10:00:00Z",
            "channel_ids": world.channel_ids[:1],
        }
        await world.database.write(lambda tx: create_reservation(tx, principal, body, now))
        clock.advance(3_600_000)
        # Another change wakes it; the clock of this test does not tick by itself.
        await world.database.write(lambda tx: create_role(tx, world.account_id, {"name": "Wakes it"}, now))
        for _ in range(500):
            if await world.database.read(next_expiry) is None:
                break
            await asyncio.sleep(0.02)
        sweeping.cancel()

    asyncio.run(run())
    assert counts(world) == [1, 1, 0]
