"""The server and the controller as they are, over a real connection: what one changes the other decides by."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from doorward.channels.tables import channels
from doorward.controller import content, enrolment
from doorward.controller.identity import Identity
from doorward.controllers.enrolment import create_code
from doorward.db.query import Query
from doorward.db.unit_of_work import Database
from doorward.decision.codes import EventCode
from doorward.events.tables import events
from doorward.kit.clock import SystemClock
from doorward.kit.crypto import Vault
from doorward.people.service import create_person, update_person
from doorward.roles.service import create_role
from tests.support.controllers import running, until
from tests.support.hub_server import HubServer, hub_serving, on_sqlite
from tests.support.services import write, write_sealed
from tests.support.world import World

pytestmark = pytest.mark.anyio

TOLD = Query(
    select(events.c.sequence, events.c.event_code, events.c.person_id, events.c.is_replayed)
    .where(events.c.controller_id.is_not(None))
    .order_by(events.c.id),
    lambda *values: values,
)
KEYS = Query(
    select(channels.c.encryption_key, channels.c.pending_encryption_key).order_by(channels.c.id), lambda *values: values
)


@pytest.fixture
def world(database: Database, vault: Vault) -> World:
    """With a clock that runs: a real controller has one, too."""
    made = World(database, vault, SystemClock()).build()
    body = {"name": "Staff", "channel_ids": made.channel_ids[:2], "person_ids": [made.person_id]}
    write(made, create_role, body)
    return made


@pytest.fixture
def server(world: World) -> Iterator[HubServer]:
    with hub_serving(world) as made:
        yield made


def enrol(server: HubServer, directory: Path, *channel_ids: int) -> Identity:
    """As `doorward controller enrol` does."""
    world = server.world
    body = {"channel_ids": list(channel_ids or world.channel_ids[:2])}
    now = world.clock.now()
    made = world.database.write_now(lambda tx: create_code(tx, world.vault, world.account_id, body, now))
    done = enrolment.enrol(server.base_url, made.code, "Hall", None)
    directory.mkdir(exist_ok=True)
    content.begin(directory, done.identity.secret, done.channels)
    return done.identity


def told(world: World) -> list[tuple[Any, ...]]:
    return [each for each in world.database.read_now(lambda tx: tx.all(TOLD)) if each[1] != 1]


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


async def confirmed(server: HubServer) -> None:
    """Wait until every door has confirmed everything that there is."""

    def all_ok() -> bool:
        with server.client() as api:
            [shown] = api.get("/api/3/controllers").json()
        return bool(shown["channels"]) and all(each["status"] == "ok" for each in shown["channels"])

    began = time.monotonic()
    while not await in_thread(all_ok):
        assert time.monotonic() - began < 10, "the doors did not confirm in time"
        await asyncio.sleep(0.02)


async def eventually(holds: Callable[[], Awaitable[Any]], within: float = 20.0) -> None:
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < within, "it did not come to hold in time"
        await asyncio.sleep(0.01)


async def test_a_door_decides_by_what_the_server_has_and_the_server_has_what_happened(
    server: HubServer, tmp_path: Path
) -> None:
    world = server.world
    front = world.channel_ids[0]
    identity = await in_thread(lambda: enrol(server, tmp_path / "here"))
    bob = await in_thread(
        lambda: write_sealed(world, create_person, {"first_name": "Bob", "last_name": "B", "card_number": "99"}).id
    )
    async with running(tmp_path / "here", identity) as here:
        await confirmed(server)
        assert here.present(front, "1234").event_code is EventCode.ADMIT_CARD
        assert here.is_released(front)
        assert here.present(front, "99").event_code is EventCode.REJECT_CARD
        began = time.monotonic()
        await in_thread(lambda: write_sealed(world, update_person, world.person_id, {"enabled": False}))
        await until(lambda: not here.present(front, "1234").admitted, within=1.0)
        print(f"refused {1000 * (time.monotonic() - began):.0f} ms after the change")
        await confirmed(server)

        async def recorded() -> bool:
            found = await in_thread(lambda: told(world))
            return len(found) >= 3

        await eventually(recorded)
    found = told(world)
    assert [each[0] for each in found] == sorted(each[0] for each in found)
    assert found[0][1:] == (10, world.person_id, 0)
    assert (27, bob, 0) in [each[1:] for each in found], "the door did not know whose card it was"


@on_sqlite
async def test_server_and_link_may_go_and_come_and_the_door_goes_on(server: HubServer, tmp_path: Path) -> None:
    world = server.world
    front = world.channel_ids[0]
    port = server.port
    identity = await in_thread(lambda: enrol(server, tmp_path / "here"))
    async with running(tmp_path / "here", identity) as here:
        await confirmed(server)
        await in_thread(server.stop)
        await until(lambda: not here.link.is_up)
        assert here.present(front, "1234").admitted
        assert not here.present(front, "5").admitted
        await in_thread(lambda: write_sealed(world, update_person, world.person_id, {"enabled": False}))
        with hub_serving(world, port=port) as again:
            await until(lambda: here.link.is_up)
            await until(lambda: not here.present(front, "1234").admitted)
            await confirmed(again)

            async def recorded() -> bool:
                return any(each[1] == 27 for each in await in_thread(lambda: told(world)))

            await eventually(recorded)
    found = told(world)
    assert [each[1:] for each in found[:2]] == [(10, world.person_id, 1), (20, None, 1)], "told later, as replayed"
    assert len({each[0] for each in found}) == len(found)


@on_sqlite
async def test_keys_are_replaced_and_doors_released_from_afar(server: HubServer, tmp_path: Path) -> None:
    world = server.world
    front = world.channel_ids[0]
    identity = await in_thread(lambda: enrol(server, tmp_path / "here"))
    async with running(tmp_path / "here", identity) as here:
        await confirmed(server)
        with server.client() as api:
            before = world.database.read_now(lambda tx: tx.all(KEYS))[0]
            await in_thread(lambda: api.post(f"/api/3/channels/{front}/regenerate_encryption_key"))

            async def used() -> bool:
                current, pending = (await in_thread(lambda: world.database.read_now(lambda tx: tx.all(KEYS))))[0]
                return pending is None and current != before[0]

            await eventually(used)
            await in_thread(lambda: api.post(f"/api/3/channels/{front}/remove_encryption_key"))
            await in_thread(lambda: write_sealed(world, update_person, world.person_id, {"first_name": "Augusta"}))
            await confirmed(server)
            asked = await in_thread(lambda: api.post(f"/api/3/channels/{front}/admit").json())
            assert asked["status"] == "pending"
            await until(lambda: here.is_released(front))
            path = f"/api/3/admission_requests/{asked['admission_request_id']}"

            async def admitted() -> bool:
                found = await in_thread(lambda: api.get(path).json())
                return bool(found["status"] == "admitted")

            await eventually(admitted)
            await in_thread(lambda: api.post(f"/api/3/channels/{front}/lockdown"))
            await until(lambda: here.present(front, "1234").event_code is EventCode.REJECT_LOCKDOWN, within=1.0)
            assert (
                await in_thread(lambda: api.delete(f"/api/3/controllers/{identity.controller_id}"))
            ).status_code == 200
            await until(lambda: not here.controller.channels)


async def test_two_controllers_share_where_people_are(server: HubServer, tmp_path: Path) -> None:
    """In by one door, and not in again by the other, of another controller."""
    world = server.world
    front, back = world.channel_ids[:2]
    one = await in_thread(lambda: enrol(server, tmp_path / "one", front))
    two = await in_thread(lambda: enrol(server, tmp_path / "two", back))
    with server.client() as api:
        made = await in_thread(lambda: api.post(f"/api/3/sites/{world.site_ids[0]}/areas", json={"name": "Hall"}))
        body = {"passback_mode": "hard", "area_from_id": None, "area_to_id": made.json()["id"]}
        await in_thread(lambda: [api.put(f"/api/3/channels/{channel_id}", json=body) for channel_id in (front, back)])
    async with running(tmp_path / "one", one) as first, running(tmp_path / "two", two) as second:

        def both_ok() -> bool:
            with server.client() as api:
                shown = api.get("/api/3/controllers").json()
            return [[each["status"] for each in seen["channels"]] for seen in shown] == [["ok"], ["ok"]]

        await eventually(lambda: in_thread(both_ok))
        assert first.present(front, "1234").admitted
        await until(lambda: second.present(back, "1234").event_code is EventCode.REJECT_PASSED_BACK, within=2.0)
