"""What a connected controller is told: everything at first, then what changes, and after an absence what differs."""

import time

import httpx
import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from doorward.changes import service as changes
from doorward.db.unit_of_work import DatabaseUnavailable
from doorward.decision.engine import decide
from doorward.decision.snapshot import Credential, DoorState, Presented
from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.link.messages import Goodbye, Pulse
from doorward.people.service import create_person, delete_person, update_person
from doorward.roles.service import create_role, update_role
from doorward.shifts.holidays import add_holiday
from tests.integration.conftest import world
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Controller, enrolled
from tests.support.link_sessions import (
    api,
    assert_same,
    controller,
    crowd,
    decide_ada,
    events,
    has_what_the_server_has,
    links,
    server,
    sync,
    until_confirmed,
)
from tests.support.server import serving
from tests.support.services import write, write_sealed
from tests.support.world import World

__all__ = ["api", "controller", "server", "world"]


def test_a_new_controller_is_told_everything_and_decides_as_the_server_does(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    world = server.world
    assert [(update.before, update.parts) for update in controller.updates] == [(None, 1)] * 2
    assert has_what_the_server_has(server, controller)
    door = controller.channels[world.channel_ids[0]].snapshot()
    ada = Presented(Credential("card", "1234"))
    verdict = decide(door, DoorState(), ada, world.clock.now())
    assert (int(verdict.event_code), verdict.person_name) == (10, "Ada Lovelace")
    until_confirmed(api, controller)
    [shown] = api.get("/api/3/controllers").json()
    assert shown["online"]
    assert shown["software"] == "test 1.0"
    assert shown["address"] == "127.0.0.1"
    assert [channel["status"] for channel in shown["channels"]] == ["ok", "ok"]


@on_sqlite
def test_a_channel_is_ok_only_when_its_controller_has_confirmed(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    channel_id = server.world.channel_ids[0]
    until_confirmed(api, controller)
    api.put(f"/api/3/people/{server.world.person_id}", json={"enabled": False})
    time.sleep(0.3)
    assert sync(api, channel_id) == "syncing", "it has been sent, and nobody has confirmed it"
    until_confirmed(api, controller)


@on_sqlite
def test_a_change_to_a_person_is_told_at_once_and_alone(
    server: HubServer, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.controllers.hub._FOLLOW_EVERY_S", 60.0)  # nobody is told because it is time to look
    world = server.world
    write_sealed(world, create_person, {"first_name": "Bob", "last_name": "Babbage", "card_number": "99"})
    controller.take_all()
    controller.updates.clear()
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    controller.until(lambda: len([update for update in controller.updates if update.people]) == 2)
    for update in controller.updates:
        assert update.channel is None
        assert len(update.people) <= 1
    assert has_what_the_server_has(server, controller)
    assert all(decide_ada(world, channel) == 27 for channel in controller.channels.values())


def test_what_comes_and_goes_is_told_whatever_it_is(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    """People, groups, roles, shifts, holidays, the channel's own settings: in the end both have the same."""
    world = server.world
    front = world.channel_ids[0]
    group = write(world, create_group, {"name": "Visitors"}).id
    bob = write_sealed(
        world, create_person, {"first_name": "Bob", "last_name": "B", "card_number": "99", "group_ids": [group]}
    ).id
    shift = api.post(
        "/api/3/shifts", json={"name": "Days", "windows": [{"days": ["mon"], "start": "08:00", "end": "18:00"}]}
    ).json()["id"]
    role = write(world, create_role, {"name": "Visits", "channel_ids": [front], "group_ids": [group]})
    assert_same(server, controller)
    assert bob in controller.channels[front].people
    assert bob not in controller.channels[world.channel_ids[1]].people, "of no matter there"
    write(world, update_role, role.id, {"shift_id": shift})
    write(world, add_holiday, {"day": "2026-12-25", "name": "Christmas"})
    assert_same(server, controller)
    api.post(f"/api/3/channels/{front}/lockdown")
    api.put(f"/api/3/channels/{front}", json={"name": "Main door", "pulse_ms": 1234, "two_person": True})
    assert_same(server, controller)
    told = controller.channels[front]
    assert told.snapshot().channel.name == "Main door"
    assert told.snapshot().channel.two_person
    write_sealed(world, update_person, bob, {"group_ids": []})
    write(world, delete_person, world.person_id)
    assert_same(server, controller)
    assert bob not in controller.channels[front].people
    write(world, update_role, role.id, {"channel_ids": []})
    assert_same(server, controller)
    assert all(update.before is not None for update in controller.updates[2:]), "never everything again"
    assert not [message for _, message in controller.received if isinstance(message, Goodbye)]


@on_sqlite
def test_a_controller_that_takes_nothing_is_told_once_and_not_for_every_change(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    """What it has still to be told is a set of people, whatever their changes; then it is told the last state."""
    world = server.world
    until_confirmed(api, controller)
    for name in range(30):
        write_sealed(world, update_person, world.person_id, {"first_name": f"Ada {name}"})
    newest = world.database.read_now(changes.last)
    eventually(lambda: server.ask(lambda: server.hub.version(world.account_id)) >= newest)
    link = links(server)[world.channel_ids[0]]
    assert link.changed <= {world.person_id}
    controller.updates.clear()
    assert_same(server, controller)
    assert len([update for update in controller.updates if update.people]) <= 4, "one under way, one for the rest"


@on_sqlite
def test_a_controller_that_reads_nothing_holds_nobody_up_and_is_let_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that it is there, and never takes what is sent: the others do not notice, and it does not last."""
    monkeypatch.setattr("doorward.controllers.session.TAKEN_WITHIN_S", 5.0)
    monkeypatch.setattr("doorward.controllers.channel_link.MOST_PEOPLE", 100)
    front, back, far = world.channel_ids
    role = write(world, create_role, {"name": "Crowd", "channel_ids": [front, far], "person_ids": [world.person_id]}).id
    crowd(world, role, 2_000, "P" * 200)
    with hub_serving(world, send_buffer=4_096) as server:
        stuck, other = enrolled(server.base_url, world, front), enrolled(server.base_url, world, far)
        assert stuck.connect(receive_buffer=4_096)
        stuck.beat()
        other.connect()
        assert_same(server, other)
        before = len(other.updates)
        write_sealed(world, update_person, world.person_id, {"enabled": False})
        other.until(lambda: any(update.people for update in other.updates[before:]))
        assert front in links(server), "it has not been let go of yet"
        held = links(server)[front]
        assert held.outstanding is not None, "it is still being told everything"
        assert held.changed <= {world.person_id}
        stuck.beat()
        eventually(lambda: len(server.ask(lambda: list(server.hub.sessions))) == 1, within=30)
        assert back not in links(server)
        other.close()
        stuck.drop()


@on_sqlite
def test_many_people_are_told_in_parts(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.controllers.channel_link.MOST_PEOPLE", 7)
    world = server.world
    role = write(world, create_role, {"name": "Crowd", "channel_ids": world.channel_ids[:1]}).id
    crowd(world, role, 20)
    controller = enrolled(server.base_url, world, world.channel_ids[0])
    controller.connect()
    assert_same(server, controller)
    assert [(update.part, update.parts) for update in controller.updates[:3]] == [(0, 3), (1, 3), (2, 3)]
    assert [update.channel is not None for update in controller.updates[:3]] == [True, False, False]
    controller.close()


@on_sqlite
def test_a_channel_that_takes_nothing_at_all_fails_and_says_why_once(
    server: HubServer, controller: Controller, api: httpx.Client, clock: FixedClock
) -> None:
    world = server.world
    front = world.channel_ids[0]
    until_confirmed(api, controller)
    controller.channels[front].takes_nothing = True
    write_sealed(world, update_person, world.person_id, {"enabled": False})
    controller.until(lambda: len([update for update in controller.updates if update.before is None]) == 3)
    controller.take_all()
    clock.advance(61_000)
    server.call(server.hub.reporting.write_heard())
    assert sync(api, front) == "fail"
    eventually(lambda: events(api, 103))
    failed = events(api, 103)
    assert [(event["channel_id"]) for event in failed] == [front]


@on_sqlite
def test_what_hardware_cannot_represent_is_not_confirmed_and_is_on_record(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    until_confirmed(api, controller)
    controller.refuses = ("A shift of three windows does not fit on the board.",)
    write_sealed(server.world, update_person, server.world.person_id, {"enabled": False})
    controller.until(lambda: decide_ada(server.world, controller.channels[server.world.channel_ids[0]]) == 27)
    controller.take_all()
    assert sync(api, server.world.channel_ids[0]) == "syncing"
    eventually(lambda: len(events(api, 103)) == 2)


@on_sqlite
def test_a_beat_is_answered_and_says_how_the_controller_is(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    controller.skew_ms = server.world.clock.now() - controller.now() + 12_000
    controller.happen(server.world.channel_ids[0], 31, server.world.clock.now())
    controller.beat()
    controller.until(lambda: any(isinstance(message, Pulse) for _, message in controller.received))
    [pulse] = [message for _, message in controller.received if isinstance(message, Pulse)]
    assert pulse.at == server.world.clock.now()
    assert pulse.beat_at is not None
    server.call(server.hub.reporting.write_heard())
    [shown] = api.get("/api/3/controllers").json()
    assert abs(shown["clock_skew_ms"] - 12_000) < 5_000
    assert shown["spool_length"] == 1


@pytest.mark.en60839("6.7/loss", "6.8/20")
def test_a_lost_controller_is_on_record_once_and_moves_nothing(
    server: HubServer, controller: Controller, api: httpx.Client, clock: FixedClock
) -> None:
    until_confirmed(api, controller)
    clock.advance(46_000)
    server.call(server.hub.reporting.write_heard())
    before = [channel.digest for channel in controller.channels.values()]
    controller.drop()
    eventually(lambda: not server.ask(lambda: list(server.hub.sessions)))
    for _ in range(3):
        server.call(server.hub.reporting.look_for_lost())
    assert events(api, 3) == []
    clock.advance(46_000)
    for _ in range(3):
        server.call(server.hub.reporting.look_for_lost())
    assert [event["channel_id"] for event in events(api, 3)] == server.world.channel_ids[:2]
    assert not api.get("/api/3/controllers").json()[0]["online"]
    with hub_serving(server.world) as again:
        clock.advance(46_000)
        again.call(again.hub.reporting.look_for_lost())
        assert len(events(api, 3)) == 2, "also a server that was started again says it once"
    controller.connect()
    server.call(server.hub.reporting.write_heard())
    assert [channel.digest for channel in controller.channels.values()] == before
    controller.drop()
    eventually(lambda: not server.ask(lambda: list(server.hub.sessions)))
    clock.advance(46_000)
    server.call(server.hub.reporting.look_for_lost())
    assert len(events(api, 3)) == 4, "the next loss is another one"


@on_sqlite
def test_channels_without_hardware_are_told_but_not_there(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    front, back = server.world.channel_ids[:2]
    controller.close()
    hello = controller.hello()
    held = tuple(msgspec.structs.replace(each, is_driven=each.channel_id == front) for each in hello.channels)
    write_sealed(server.world, update_person, server.world.person_id, {"first_name": "Augusta"})
    controller.connect(hello=msgspec.structs.replace(hello, channels=held))
    assert_same(server, controller)
    eventually(lambda: sync(api, front) == "ok")
    assert sync(api, back) != "ok"


@on_sqlite
def test_a_server_without_a_hub_lets_nobody_connect(world: World) -> None:
    with serving(world.database, world.clock, world.vault) as (base_url, _):
        address = f"ws{base_url.removeprefix('http')}/api/3/controllers/link"
        with pytest.raises(InvalidStatus), connect(address, proxy=None):
            pass


@on_sqlite
def test_a_server_that_is_cut_off_from_its_database_confirms_nothing(
    server: HubServer, controller: Controller, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that it is there, and up to when it knows what was changed."""

    def pulse() -> Pulse:
        controller.received.clear()
        controller.beat()
        controller.until(lambda: any(isinstance(message, Pulse) for _, message in controller.received))
        return next(message for _, message in controller.received if isinstance(message, Pulse))

    def knows_by_now() -> bool:
        server.call(server.hub.reporting.write_heard())
        said = pulse()
        return (said.as_of, said.behind) == (clock.now(), ())

    controller.take_all()
    assert all(update.as_of == clock.now() for update in controller.updates)
    clock.advance(3_600_000)
    eventually(knows_by_now)
    known = clock.now()

    async def gone(*_: object) -> None:
        raise DatabaseUnavailable("the database is gone")

    with monkeypatch.context() as broken:
        broken.setattr(server.live._database, "read", gone)
        time.sleep(0.1)  # what is being read by now still is
        clock.advance(3_600_000)
        server.call(server.hub.reporting.write_heard())
        time.sleep(1.2)  # it looks twice a second
        assert (pulse().at, pulse().as_of) == (clock.now(), known)
    eventually(knows_by_now)
    # Whom it could not tell everything it confirms nothing of, the others go on.
    front, back = server.world.channel_ids[:2]
    controller.channels[front].takes_nothing = True
    write_sealed(server.world, update_person, server.world.person_id, {"enabled": False})
    controller.until(lambda: decide_ada(server.world, controller.channels[back]) == 27)
    controller.take_all()
    assert pulse().behind == (front,)
