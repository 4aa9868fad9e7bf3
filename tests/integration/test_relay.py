"""The relay: everything at once, and no endpoint waits for another."""

import asyncio
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import null

from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.kit.clock import SystemClock
from doorward.kit.crypto import Vault
from doorward.webhooks import log, queue
from doorward.webhooks.dispatching import Dispatcher
from doorward.webhooks.retrying import Retries
from doorward.webhooks.sending import Delivery, Endpoint, Outcome
from doorward.webhooks.tables import deliveries
from doorward.worker import relay as relay_module
from doorward.worker.relay import MOST_TO_ONE, Relay
from tests.support.webhooks import Listener, happened, listening, rows
from tests.support.world import World

pytestmark = pytest.mark.anyio
_WITHIN_S = 30.0


@pytest.fixture
def world(migrated_file: Path, tmp_path: Path, vault: Vault) -> Iterator[World]:
    """With the machine's clock: it is real time that must not be lost."""
    path = tmp_path / "doorward.db"
    shutil.copy(migrated_file, path)
    database = open_database(f"sqlite:///{path}")
    yield World(database, vault, SystemClock()).build()
    database.close()


class Endpoints:
    """A sender whose endpoints answer when they are let; what is held is counted."""

    most = 5
    awaits_acknowledgement = False
    rests_ms = 0

    def __init__(self) -> None:
        self.gates: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self.held: defaultdict[int, int] = defaultdict(int)
        self.told: defaultdict[int, list[int]] = defaultdict(list)
        self.outcome: Callable[[int], Outcome] = lambda _: Outcome(None, 200)

    async def send(self, endpoint: Endpoint, deliveries: Sequence[Delivery], now: int) -> Outcome:  # noqa: ARG002
        """Wait until the endpoint is let."""
        self.held[endpoint.id] += 1
        try:
            await self.gates[endpoint.id].wait()
        finally:
            self.held[endpoint.id] -= 1
        self.told[endpoint.id] += [each.resource_id for each in deliveries]
        return self.outcome(endpoint.id)

    def let(self, *listeners: Listener) -> None:
        """Let endpoints answer."""
        for each in listeners:
            self.gates[each.endpoint_id].set()


@asynccontextmanager
async def relaying(world: World, sender: Endpoints, waits: tuple[int, ...] = (50,) * 20) -> AsyncIterator[Relay]:
    """A relay that runs until the block ends."""
    dispatcher = Dispatcher(world.database, world.clock, {"webhook": sender}, Retries(waits))
    found = Relay(world.database, world.clock, dispatcher)
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        for gate in sender.gates.values():
            gate.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while not holds():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)


async def test_what_is_recorded_wakes_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_LOOK_EVERY_S", 3600.0)
    listener, sender = listening(world, "https://app.example/hook"), Endpoints()
    sender.let(listener)
    async with relaying(world, sender):
        await asyncio.sleep(0.05)
        event_id = await asyncio.to_thread(happened, world)
        await until(lambda: sender.told[listener.endpoint_id] == [event_id])


async def test_endpoints_that_do_not_answer_hold_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are fewer places than dead endpoints would take, and yet the quick one is told of everything."""
    monkeypatch.setattr(relay_module, "SLOW_S", 0.05)
    monkeypatch.setattr(relay_module, "MOST_QUICK", 8)
    monkeypatch.setattr(relay_module, "MOST_SLOW", 12)
    dead = [listening(world, "https://dead.example/hook") for _ in range(6)]
    quick, sender = listening(world, "https://quick.example/hook"), Endpoints()
    sender.let(quick)
    for _ in range(30):
        happened(world)
    async with relaying(world, sender):
        await until(lambda: len(sender.told[quick.endpoint_id]) == 30)
        await until(lambda: sum(sender.held[each.endpoint_id] for each in dead) == 12)
        assert max(sender.held.values()) <= MOST_TO_ONE
        for _ in range(3):
            event_id = await asyncio.to_thread(happened, world)
            await until(lambda wanted=event_id: sender.told[quick.endpoint_id][-1] == wanted)  # type: ignore[misc]
        assert not any(sender.told[each.endpoint_id] for each in dead)
        assert sum(sender.held[each.endpoint_id] for each in dead) <= 12, "what they hold is bounded"


async def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while(world: World) -> None:
    failing, sender = listening(world, "https://failing.example/hook"), Endpoints()
    sender.outcome = lambda _: Outcome("could not be reached")
    sender.let(failing)
    for _ in range(100):
        happened(world)
    async with relaying(world, sender, waits=(1,) * 100) as found:
        await until(lambda: found._failures[failing.endpoint_id] > 8)
        requests = len(sender.told[failing.endpoint_id]) // sender.most
        await asyncio.sleep(0.3)
        assert len(sender.told[failing.endpoint_id]) // sender.most <= requests + MOST_TO_ONE
        sender.outcome = lambda _: Outcome(None, 200)
        await until(lambda: {each.state for each in rows(world)} == {"delivered"})


async def test_a_worker_that_lives_keeps_what_it_sends_however_long_that_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.webhooks.dispatching.LEASE_MS", 300)
    monkeypatch.setattr(relay_module, "_HOLD_EVERY_S", 0.05)
    monkeypatch.setattr(relay_module, "_LOOK_EVERY_S", 0.05)
    listener, sender, other = listening(world, "https://app.example/hook"), Endpoints(), Endpoints()
    happened(world)
    async with relaying(world, sender):
        await until(lambda: sender.held[listener.endpoint_id] == 1)
        async with relaying(world, other):
            await asyncio.sleep(0.9)
            assert (sender.held[listener.endpoint_id], other.held[listener.endpoint_id]) == (1, 0)
            sender.let(listener)
            await until(lambda: rows(world)[0].state == "delivered")
        assert other.told[listener.endpoint_id] == []


async def test_a_hundred_thousand_that_wait_at_one_endpoint_are_not_looked_at_for_another(world: World) -> None:
    """SQLite says how it finds what is due, and counts the steps it takes."""
    dead, quick = listening(world, "https://dead.example/hook"), listening(world, "https://quick.example/hook")
    happened(world)
    now = world.clock.now()
    path = world.database._path  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def steps(work: Query[Any], **params: object) -> int:
            """How many hundreds of steps a statement takes."""
            counted = 0

            def count() -> None:
                nonlocal counted
                counted += 1

            compiled = work.compiled("sqlite")
            connection.set_progress_handler(count, 100)
            connection.execute(compiled.sql, {**compiled.constants, **params}).fetchall()
            connection.set_progress_handler(None, 0)
            return counted

        def look() -> int:
            found = {"the_endpoint": quick.endpoint_id, "now": now, "alone": 0, "most": 20}
            return steps(queue._DUE) + steps(queue._FIND, **found)

        before = look()
        connection.execute(
            "WITH RECURSIVE many(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM many WHERE number < 100000) "
            "INSERT INTO deliveries (account_id, endpoint_id, resource_type, action, resource_id, created_at, due_at) "
            "SELECT ?, ?, 'Event', 'CREATE', number, ?, ? FROM many",
            (world.account_id, dead.endpoint_id, now, now - 1),
        )
        assert look() <= before + 1
        one_batch = steps(queue._FIND, the_endpoint=dead.endpoint_id, now=now, alone=0, most=20)
        assert one_batch <= 20, "nor are all that wait there, for the few that are sent now"
    sender = Endpoints()
    sender.let(quick)
    async with relaying(world, sender):
        await until(lambda: len(sender.told[quick.endpoint_id]) == 1)


def test_old_deliveries_are_forgotten_and_those_that_wait_are_not(world: World) -> None:
    listening(world, "https://app.example/hook")
    happened(world)
    happened(world)
    close = Query[None](deliveries.update().where(deliveries.c.id == 1).values(due_at=null()))
    world.database.write_now(lambda tx: tx.run(close))
    later = world.clock.now() + log.KEPT_MS + 1000
    assert world.database.write_now(lambda tx: log.forget_old(tx, later - 10_000)) == 0
    assert world.database.write_now(lambda tx: log.forget_old(tx, later)) == 1
    assert [each.id for each in rows(world)] == [2]
