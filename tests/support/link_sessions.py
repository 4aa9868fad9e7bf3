"""A server with a controller of two doors, and how what one has is held against what the other has."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from doorward.changes import service as changes
from doorward.controllers.channel_link import ChannelLink
from doorward.db.unit_of_work import Transaction
from doorward.decision.engine import decide
from doorward.decision.snapshot import Credential, DoorState, Presented
from doorward.people.service import create_person
from doorward.roles.service import create_role
from tests.support.doors import eventually
from tests.support.hub_server import HubServer, hub_serving
from tests.support.link_client import Channel, Controller, enrolled
from tests.support.services import write
from tests.support.world import World


@pytest.fixture
def server(world: World) -> Iterator[HubServer]:
    """A server with a role for everybody at the first two doors, which Ada holds."""
    body = {"name": "Staff", "channel_ids": world.channel_ids[:2], "person_ids": [world.person_id]}
    write(world, create_role, body)
    with hub_serving(world) as running:
        yield running


@pytest.fixture
def controller(server: HubServer) -> Iterator[Controller]:
    """A controller of the first two doors that has been told everything."""
    made = enrolled(server.base_url, server.world)
    made.connect()
    made.settle()
    yield made
    made.close()


@pytest.fixture
def api(server: HubServer) -> Iterator[httpx.Client]:
    """The owner's client."""
    with server.client() as opened:
        yield opened


def has_what_the_server_has(server: HubServer, controller: Controller) -> bool:
    """Whether each channel's content is the server's, and decides as it does about everybody."""

    def compare(channel: Channel) -> bool:
        content = server.hub.projection(server.world.account_id).content(channel.id)
        return content is not None and content.digest() == channel.digest

    return all(server.ask(lambda channel=channel: compare(channel)) for channel in controller.channels.values())  # type: ignore[misc]


def links(server: HubServer) -> dict[int, ChannelLink]:
    return server.ask(lambda: {link.id: link for session in server.hub.sessions for link in session.links.values()})


def sync(api: httpx.Client, channel_id: int) -> str:
    found = {each["channel_id"]: each["status"] for each in api.get("/api/3/sync").json()["channels"]}
    return str(found[channel_id])


def until_confirmed(api: httpx.Client, controller: Controller) -> None:
    """Let the controller confirm what there is, and wait until that is on record."""

    def confirmed() -> bool:
        controller.take(0.02)
        return all(sync(api, channel_id) == "ok" for channel_id in controller.channels)

    eventually(confirmed)


def decide_ada(world: World, channel: Channel) -> int:
    verdict = decide(channel.snapshot(), DoorState(), Presented(Credential("card", "1234")), world.clock.now())
    return int(verdict.event_code)


def assert_same(server: HubServer, controller: Controller) -> None:
    def same() -> bool:
        controller.take(0.02)
        version = server.world.database.read_now(changes.last)
        told = all(channel.version >= version for channel in controller.channels.values())
        return told and has_what_the_server_has(server, controller)

    eventually(same)


def crowd(world: World, role_id: int, many: int, name: str = "P") -> list[int]:
    """So many people who hold a role."""

    def make(tx: Transaction) -> list[int]:
        bodies = [{"first_name": name, "last_name": str(each), "role_ids": [role_id]} for each in range(many)]
        return [create_person(tx, world.vault, world.account_id, body, world.clock.now()).id for body in bodies]

    return world.database.write_now(make)


def events(api: httpx.Client, *codes: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(
        "/api/3/events", params={"event_codes": ",".join(map(str, codes)), "sort": "ASC"}
    ).json()
    return found
