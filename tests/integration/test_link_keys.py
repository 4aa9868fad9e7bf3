"""A channel's encryption key is replaced while its controller is connected; at no moment is there none that fits."""

import time
from collections.abc import Iterator

import httpx
import pytest

from doorward.link import keys
from doorward.link.messages import KeyInUse, NewKey
from doorward.people.service import update_person
from doorward.roles.service import create_role
from tests.integration.conftest import world
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.link_client import Controller, enrolled
from tests.support.services import write, write_sealed
from tests.support.world import World

__all__ = ["world"]


@pytest.fixture
def server(world: World) -> Iterator[HubServer]:
    write(world, create_role, {"name": "All", "channel_ids": world.channel_ids, "person_ids": [world.person_id]})
    with hub_serving(world) as running:
        yield running


@pytest.fixture
def front(server: HubServer) -> int:
    """The channel whose key is replaced."""
    return server.world.channel_ids[0]


@pytest.fixture
def controller(server: HubServer) -> Iterator[Controller]:
    made = enrolled(server.base_url, server.world)
    made.connect()
    made.settle()
    yield made
    made.close()


@pytest.fixture
def api(server: HubServer) -> Iterator[httpx.Client]:
    with server.client() as opened:
        yield opened


def command(api: httpx.Client, channel_id: int, name: str) -> str:
    answer = api.post(f"/api/3/channels/{channel_id}/{name}_encryption_key")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def status(api: httpx.Client, channel_id: int) -> str:
    return str(api.get(f"/api/3/channels/{channel_id}").json()["status"])


def given(controller: Controller) -> list[bytes]:
    return [message.key for _, message in controller.received if isinstance(message, NewKey)]


def still_works(server: HubServer, controller: Controller, front: int) -> None:
    """A change arrives and an event is recorded, both in the channel's box."""
    name = f"Ada {time.monotonic_ns()}"
    write_sealed(server.world, update_person, server.world.person_id, {"first_name": name})
    controller.until(lambda: name.encode() in controller.channels[front].people[server.world.person_id])
    controller.happen(front, 31, server.world.clock.now())
    controller.tell()
    controller.until(lambda: not controller.events)


def test_a_new_key_is_pending_until_the_controller_uses_it(
    server: HubServer, controller: Controller, api: httpx.Client, front: int
) -> None:
    before = controller.channels[front].keys
    controller.takes_keys = False
    began = time.perf_counter()
    assert command(api, front, "regenerate") == "pending_encryption"
    controller.until(lambda: given(controller))
    assert time.perf_counter() - began < 1.0
    assert status(api, front) == "pending_encryption"
    write_sealed(server.world, update_person, server.world.person_id, {"first_name": "Augusta"})
    controller.take_all(0.3)
    assert not [box for box, message in controller.received if box == front and isinstance(message, KeyInUse)]
    assert b"Augusta" not in controller.channels[front].people[server.world.person_id], "nothing else in that box"
    assert b"Augusta" in controller.channels[server.world.channel_ids[1]].people[server.world.person_id]
    controller.take_key(front, given(controller)[0])
    eventually(lambda: status(api, front) == "online")
    assert controller.channels[front].keys == given(controller) != before
    still_works(server, controller, front)
    assert dict(controller.connect().channels)[front] == keys.fingerprint(given(controller)[0])


@on_sqlite
@pytest.mark.parametrize("kept", [False, True], ids=["before it was kept", "after it was kept"])
def test_a_controller_that_is_killed_in_between_goes_on_with_the_key_that_it_has(
    server: HubServer, controller: Controller, api: httpx.Client, front: int, kept: bool
) -> None:
    old = controller.channels[front].keys[0]
    controller.takes_keys = False
    command(api, front, "regenerate")
    controller.until(lambda: given(controller))
    new = given(controller)[0]
    if kept:
        controller.take_key(front, new, tells=False)
    controller.drop()
    controller.takes_keys = True
    controller.received.clear()
    used = dict(controller.connect().channels)[front]
    assert used == keys.fingerprint(new if kept else old)
    eventually(lambda: controller.take(0.02) is None and status(api, front) == "online")
    assert given(controller) == ([] if kept else [new])
    still_works(server, controller, front)
    assert controller.channels[front].keys[0] == new


@on_sqlite
def test_a_server_that_is_killed_in_between_goes_on_with_the_key_that_the_controller_has(
    server: HubServer, controller: Controller, api: httpx.Client, front: int
) -> None:
    """The controller uses the new key, and the server did not hear of it."""
    controller.takes_keys = False
    command(api, front, "regenerate")
    controller.until(lambda: given(controller))
    controller.take_key(front, given(controller)[0], tells=False)
    server.stop()
    with hub_serving(server.world) as again:
        controller.base_url = again.base_url
        controller.channels[front].keys = controller.channels[front].keys[:1]
        welcome = controller.connect()
        assert dict(welcome.channels)[front] == keys.fingerprint(given(controller)[0])
        with again.client() as other:
            assert status(other, front) == "online"
        still_works(again, controller, front)


@on_sqlite
def test_a_controller_that_lost_its_keys_is_given_the_channels_one(
    server: HubServer, controller: Controller, api: httpx.Client, front: int
) -> None:
    key = controller.channels[front].keys[0]
    controller.channels[front].keys = [b"something else that it believes in"]
    assert dict(controller.connect().channels)[front] is None
    controller.until(lambda: given(controller))
    assert given(controller) == [key]
    still_works(server, controller, front)
    assert dict(controller.connect().channels)[front] == keys.fingerprint(key)
    assert status(api, front) == "online"


def test_a_key_that_is_removed_is_gone_from_the_controller_at_once(
    server: HubServer, controller: Controller, api: httpx.Client, front: int
) -> None:
    began = time.perf_counter()
    command(api, front, "remove")
    controller.until(lambda: given(controller) == [b""])
    assert time.perf_counter() - began < 1.0
    still_works(server, controller, front)
    assert dict(controller.connect().channels)[front] is None
    still_works(server, controller, front)
    # One that was away when it was removed still has it, and lets go of it.
    command(api, front, "regenerate")
    controller.until(lambda: len(given(controller)) == 2)
    eventually(lambda: status(api, front) == "online")
    controller.close()
    command(api, front, "remove")
    assert dict(controller.connect().channels)[front] is None
    controller.until(lambda: given(controller)[-1] == b"" and not controller.channels[front].keys)
    still_works(server, controller, front)


@on_sqlite
def test_keys_that_are_replaced_faster_than_they_are_taken_end_with_the_last(
    server: HubServer, controller: Controller, api: httpx.Client, front: int
) -> None:
    controller.takes_keys = False
    command(api, front, "regenerate")
    controller.until(lambda: given(controller))
    for _ in range(5):
        command(api, front, "regenerate")
    controller.take_all(0.3)
    assert len(given(controller)) == 1, "one at a time"
    controller.takes_keys = True
    controller.take_key(front, given(controller)[0])
    eventually(lambda: controller.take(0.02) is None and status(api, front) == "online")
    assert len(given(controller)) == 2, "and of those after it the last"
    still_works(server, controller, front)
    assert dict(controller.connect().channels)[front] == keys.fingerprint(given(controller)[-1])
