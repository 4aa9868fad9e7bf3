"""Who has a session: one for each controller, with its key, for as long as it is there."""

import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from doorward.kit.clock import FixedClock
from doorward.link.messages import Pulse
from doorward.people.service import update_person
from tests.integration.conftest import world
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Controller, Ended, enrolled
from tests.support.link_sessions import api, assert_same, controller, server
from tests.support.services import write_sealed

__all__ = ["api", "controller", "server", "world"]


@on_sqlite
def test_a_second_session_of_a_controller_takes_the_place_of_the_first(
    server: HubServer, controller: Controller
) -> None:
    again = Controller(controller.base_url, controller.id, controller.link_key, dict(controller.channels))
    again.connect()
    assert controller.ended()
    write_sealed(server.world, update_person, server.world.person_id, {"first_name": "Augusta"})
    assert_same(server, again)
    assert len(server.ask(lambda: list(server.hub.sessions))) == 1
    again.close()


@on_sqlite
@pytest.mark.en60839("6.7")
def test_nobody_without_the_key_takes_a_controllers_place(server: HubServer, controller: Controller) -> None:
    impostor = Controller(controller.base_url, controller.id, bytes(32), {})
    with pytest.raises(Ended):
        impostor.connect()
    nobody = Controller(controller.base_url, 987_654, controller.link_key, {})
    with pytest.raises(Ended):
        nobody.connect()
    controller.beat()
    controller.until(lambda: any(isinstance(message, Pulse) for _, message in controller.received))
    assert server.ask(lambda: server.hub.strangers.turned_away_count) == 2


def test_a_controller_in_another_process_ends_its_session_here(
    server: HubServer, controller: Controller, clock: FixedClock
) -> None:
    with hub_serving(server.world) as other:
        clock.advance(5)
        again = Controller(other.base_url, controller.id, controller.link_key, dict(controller.channels))
        again.connect()
        assert controller.ended()
        write_sealed(server.world, update_person, server.world.person_id, {"first_name": "Augusta"})
        assert_same(other, again)
        again.close()


def test_a_removed_controller_is_told_so_and_its_keys_are_worth_nothing(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    before = {channel_id: list(channel.keys) for channel_id, channel in controller.channels.items()}
    assert api.delete(f"/api/3/controllers/{controller.id}").json() == {"result": "ok"}
    assert controller.ended()
    assert controller.goodbye == "removed"
    assert api.get(f"/api/3/controllers/{controller.id}").status_code == 404
    welcome = controller.connect()
    assert welcome.channels == ()
    assert controller.ended()
    assert controller.goodbye == "removed"
    again = enrolled(server.base_url, server.world, name="Another")
    assert all(again.channels[channel_id].keys != keys for channel_id, keys in before.items())


def test_a_channel_that_goes_to_another_controller_is_no_longer_told_to_the_first(
    server: HubServer, controller: Controller
) -> None:
    front, back = server.world.channel_ids[:2]
    other = enrolled(server.base_url, server.world, front)
    assert controller.ended()
    assert controller.goodbye == "again"
    welcome = controller.connect()
    assert [channel_id for channel_id, _ in welcome.channels] == [back]
    other.connect()
    assert_same(server, other)
    write_sealed(server.world, update_person, server.world.person_id, {"first_name": "Augusta"})
    assert_same(server, controller)
    other.close()


@on_sqlite
def test_a_channel_that_is_removed_ends_at_its_controller(
    server: HubServer, controller: Controller, api: httpx.Client
) -> None:
    front, back = server.world.channel_ids[:2]
    assert api.delete(f"/api/3/channels/{front}").status_code == 200
    assert controller.ended()
    assert [channel_id for channel_id, _ in controller.connect().channels] == [back]


@on_sqlite
def test_connections_that_prove_nothing_are_few_and_short(
    server: HubServer, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.controllers.hub.PROVEN_WITHIN_S", 1.0)
    server.hub.strangers._most_of_one = 3
    address = f"ws{server.base_url.removeprefix('http')}/api/3/controllers/link"
    idle = [connect(address, proxy=None, legacy=True) for _ in range(3)]
    eventually(lambda: server.hub.strangers._waiting.total() == 3)
    with pytest.raises(ConnectionClosed):
        connect(address, proxy=None, legacy=True).recv(20)
    for each in idle:
        with pytest.raises(ConnectionClosed):
            each.recv(20)
    controller.beat()
    controller.until(lambda: isinstance(controller.received[-1][1], Pulse))
    for junk in (b"", b"\x00" * 2000, "text", b"x" * 100_000):
        with connect(address, proxy=None) as stranger:
            stranger.send(junk)
            with pytest.raises(ConnectionClosed):
                stranger.recv(20)
    with pytest.raises(InvalidStatus), connect(address.replace("/link", "/nothing"), proxy=None):
        pass


@on_sqlite
def test_a_connection_lasts_longer_than_a_request_may_take(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.process.http.SLOWEST_REQUEST_S", 0.2)
    controller = enrolled(server.base_url, server.world)
    controller.connect()
    controller.settle()
    time.sleep(0.5)
    controller.beat()
    controller.until(lambda: any(isinstance(message, Pulse) for _, message in controller.received))
    controller.close()
