"""After an absence, or a restart of either end, only what differs is told."""

import httpx
from sqlalchemy import select, update

from doorward.db.query import Query, number
from doorward.people.service import create_person, delete_person, update_person
from doorward.roles.service import create_role
from doorward.sync.tables import channel_reports
from tests.integration.conftest import world
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Channel, Controller, enrolled
from tests.support.link_sessions import api, assert_same, controller, crowd, decide_ada, server, until_confirmed
from tests.support.services import write, write_sealed
from tests.support.world import World

__all__ = ["api", "controller", "server", "world"]


@on_sqlite
def test_after_an_absence_only_what_differs_is_told(server: HubServer, controller: Controller) -> None:
    world = server.world
    [role] = controller.channels[world.channel_ids[0]].snapshot().grants
    many = crowd(world, role, 600)
    assert_same(server, controller)
    controller.drop()
    write_sealed(world, update_person, many[3], {"first_name": "Changed"})
    write(world, delete_person, many[4])
    write_sealed(world, update_person, many[5], {"role_ids": []})
    write_sealed(world, create_person, {"first_name": "New", "last_name": "One", "role_ids": [role]})
    controller.updates.clear()
    controller.connect()
    assert_same(server, controller)
    told = [update for update in controller.updates if update.people]
    assert len(told) == 2
    assert all(update.buckets is not None for update in told), "by the buckets that differ"
    assert all(len(update.people) < 300 for update in told)
    assert all(update.channel is None for update in told)


@on_sqlite
def test_who_has_the_same_after_an_absence_is_told_nothing_but_the_version(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    until_confirmed(api, controller)
    controller.close()
    write_sealed(server.world, create_person, {"first_name": "No", "last_name": "Matter"})
    controller.updates.clear()
    controller.connect()
    until_confirmed(api, controller)
    assert len(controller.updates) >= 2
    assert not any(update.people or update.channel for update in controller.updates)


@on_sqlite
def test_that_a_door_is_there_is_on_record_before_it_is_told_anything(
    server: HubServer, controller: Controller
) -> None:
    """It counts from what it is told how long it may go by what it knows, be it cut off a moment later."""
    database, [channel_id] = server.world.database, server.world.channel_ids[:1]
    controller.drop()
    long_ago = Query[None](update(channel_reports).values(last_seen_at=1))
    seen = Query(select(channel_reports.c.last_seen_at).where(channel_reports.c.channel_id == channel_id), number)
    database.write_now(lambda tx: tx.run(long_ago))
    controller.connect()
    assert (database.read_now(lambda tx: tx.one(seen)) or 0) > 1


@on_sqlite
def test_a_controller_that_speaks_of_other_records_or_has_nothing_is_told_everything(
    server: HubServer, controller: Controller
) -> None:
    hello = controller.hello(record_format=99)
    controller.updates.clear()
    controller.connect(hello=hello)
    controller.until(lambda: len(controller.updates) == 2)
    assert [update.before for update in controller.updates[:2]] == [None, None]
    controller.channels = {channel_id: Channel(channel_id) for channel_id in controller.channels}
    controller.updates.clear()
    controller.connect()
    assert_same(server, controller)
    assert [update.before for update in controller.updates[:2]] == [None, None]


@on_sqlite
def test_a_controller_that_has_something_else_than_it_should_is_told_everything_again(
    server: HubServer, controller: Controller
) -> None:
    world = server.world
    channel = controller.channels[world.channel_ids[0]]
    channel.people.clear()
    channel.content.add(1, b"this is not what it was told")
    write_sealed(world, update_person, world.person_id, {"first_name": "Augusta"})
    assert_same(server, controller)
    assert [update.before for update in controller.updates if update.people][-1] is None


@on_sqlite
def test_a_server_that_was_stopped_and_started_again_goes_on_with_what_a_controller_has(
    world: World,
) -> None:
    body = {"name": "Staff", "channel_ids": world.channel_ids[:2], "person_ids": [world.person_id]}
    write(world, create_role, body)
    with hub_serving(world) as first:
        controller = enrolled(first.base_url, world)
        controller.connect()
        controller.settle()
        first.stop()
        assert controller.ended()
        assert controller.goodbye == "again"
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    with hub_serving(world) as second:
        controller.base_url = second.base_url
        controller.updates.clear()
        controller.connect()
        assert_same(second, controller)
        assert all(update.before is not None or not update.people for update in controller.updates[:2])
        assert all(decide_ada(world, channel) == 27 for channel in controller.channels.values())
        controller.close()
