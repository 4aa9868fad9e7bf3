"""What connected controllers confirm, written when it can be: a door was there when it said so, whenever that is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update

from doorward.changes import reports
from doorward.changes import service as changes
from doorward.changes.reports import REPORTS, STANDING, Standing
from doorward.channels.tables import channels
from doorward.controllers import contact
from doorward.controllers.reporting import Reporting
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number
from doorward.db.unit_of_work import require
from doorward.kit.clock import FixedClock
from tests.integration.conftest import world
from tests.support.hub_server import hub_serving, on_sqlite
from tests.support.link_client import enrolled
from tests.support.link_sessions import events
from tests.support.world import World

__all__ = ["world"]

_STANDING = Query(select(*STANDING).select_from(REPORTS).where(channels.c.id == bindparam("the_id")), Standing)


def standing(world: World, channel_id: int) -> Standing:
    found = world.database.read_now(lambda tx: tx.one(_STANDING, the_id=channel_id))
    assert found is not None
    return found


@pytest.fixture
def served(world: World) -> int:
    """The controller that all doors of the account have; written down by hand, for to enrol takes two."""
    row = {"account_id": world.account_id, "name": "Cellar", "public_key": "", "link_key": ""}
    add = Query(insert(controllers).values(**row, enrolled_at=world.clock.now()).returning(controllers.c.id), number)
    controller_id = require(world.database.write_now(lambda tx: tx.one(add)))
    serve = Query[None](update(channels).values(controller_id=controller_id))
    world.database.write_now(lambda tx: tx.run(serve))
    return controller_id


def test_a_door_whose_confirmation_is_written_late_was_seen_when_it_confirmed(
    world: World, clock: FixedClock, served: int
) -> None:
    channel_id, version = world.channel_ids[0], world.database.read_now(changes.last)

    async def confirm_late() -> None:
        reporting = Reporting(world.database, clock, list)
        on_record = [reporting.is_all_on_record]
        reporting.confirmed(served, channel_id, version)
        on_record.append(reporting.is_all_on_record)
        clock.advance(46_000)  # such as a database that could not be reached for so long
        assert await reporting.write_confirmed()
        assert [*on_record, reporting.is_all_on_record] == [True, False, True]

    said_at = clock.now()
    asyncio.run(confirm_late())
    found = standing(world, channel_id)
    assert (found.last_seen_at, found.synced_at) == (said_at, said_at)
    assert not found.is_online(clock.now())
    assert found.sync(clock.now()) == "ok"


def test_what_is_written_late_does_not_take_back_that_a_door_was_heard_since(world: World, clock: FixedClock) -> None:
    channel_id, version, said_at = world.channel_ids[0], world.database.read_now(changes.last), clock.now()
    clock.advance(46_000)
    heard_at = clock.now()
    world.database.write_now(lambda tx: reports.report(tx, [channel_id], 0, heard_at))
    clock.advance(1_000)
    world.database.write_now(lambda tx: reports.report(tx, [channel_id], version, clock.now(), heard_at=said_at))
    found = standing(world, channel_id)
    assert (found.last_seen_at, found.synced_at) == (heard_at, said_at)
    assert found.sync(clock.now()) == "ok", "it has confirmed all the same"


def test_a_door_is_not_seen_in_the_future_once_the_servers_clock_is_put_right(world: World, clock: FixedClock) -> None:
    channel_id, right = world.channel_ids[0], clock.now()
    clock.advance(86_400_000)
    world.database.write_now(lambda tx: reports.report(tx, [channel_id], 0, clock.now()))
    world.database.write_now(lambda tx: reports.report(tx, [channel_id], 0, right + 100, heard_at=right))
    assert standing(world, channel_id).last_seen_at == right


def test_those_that_confirm_together_are_seen_together_and_others_each_at_its_time(
    world: World, clock: FixedClock, served: int
) -> None:
    first, second, third = world.channel_ids
    version = world.database.read_now(changes.last)
    clock.advance(-clock.now() % 1_000)
    began = clock.now()

    async def confirm() -> None:
        reporting = Reporting(world.database, clock, list)
        reporting.confirmed(served, first, version)
        clock.advance(20)
        reporting.confirmed(served, second, version)
        clock.advance(30_000)
        reporting.confirmed(served, third, version)
        assert await reporting.write_confirmed()

    asyncio.run(confirm())
    seen = [standing(world, channel_id).last_seen_at for channel_id in world.channel_ids]
    assert seen == [began + 20, began + 20, began + 30_020]


@on_sqlite
def test_a_database_that_takes_long_to_record_who_is_there_lets_nobody_go_missing(
    world: World, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_serving(world) as server:
        controller = enrolled(server.base_url, world)
        controller.connect()
        controller.settle()
        reporting = Reporting(world.database, clock, lambda: server.hub.sessions)
        heard, looked = contact.heard, asyncio.Event()
        clock.advance(46_000)
        began = clock.now()

        def slow(*given: Any) -> None:
            heard(*given)
            clock.advance(46_000)

        async def look_once() -> None:
            look = reporting.look_for_lost

            async def noted(as_of: int | None = None) -> None:
                await look(as_of)
                looked.set()

            monkeypatch.setattr(reporting, "look_for_lost", noted)
            keeping = asyncio.create_task(reporting.keep_contact())
            await asyncio.wait_for(looked.wait(), 20)
            keeping.cancel()

        monkeypatch.setattr(contact, "heard", slow)
        asyncio.run(look_once())
        assert began <= reporting.on_record_at < clock.now()
        monkeypatch.setattr(contact, "heard", heard)
        with server.client() as api:
            assert events(api, 3) == []
        controller.close()
