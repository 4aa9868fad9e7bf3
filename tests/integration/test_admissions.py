"""A door released from afar: asked for, taken up once and soon or not at all, answered, and on record."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.admissions.service import claim, sweep
from doorward.channels.service import delete_channel, update_channel
from doorward.db.query import Query
from doorward.db.unit_of_work import DatabaseUnavailable, Transaction
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.people.service import delete_person, update_person
from doorward.process.doors import LocalDoors
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.services import write, write_sealed
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("served")


def happened(world: World) -> list[int]:
    """The codes of the events so far."""
    query = Query(select(events.c.event_code).order_by(events.c.id), lambda code: code)
    return world.database.read_now(lambda tx: tx.all(query))


def told(world: World, code: int) -> list[tuple[int | None, str | None, list[str]]]:
    """Channel, person's name and reasons of the events of one code."""
    query = Query(
        select(events.c.channel_id, events.c.person_name, events.c.reasons)
        .where(events.c.event_code == code)
        .order_by(events.c.id),
        lambda channel, person, reasons: (channel, person, [each["code"] for each in json.loads(reasons)]),
    )
    return world.database.read_now(lambda tx: tx.all(query))


def grant(world: World) -> None:
    """Let Ada pass the first door at any time."""
    body = {"name": "Members", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    write(world, create_role, body)


async def doors_at(world: World) -> LocalDoors:
    """The doors, taken over but not running: a test moves them step by step."""
    doors = LocalDoors(world.database, world.vault, world.clock)
    await doors.start()
    return doors


def status(api: httpx.Client, request_id: int) -> dict[str, Any]:
    """What the API says of a request."""
    found = api.get(f"/api/3/admission_requests/{request_id}")
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    return body


def test_an_admission_opens_the_door_within_a_second_and_is_answered(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    with running_doors(world) as doors:
        asked = api.post(f"/api/3/channels/{channel}/admit")
        assert asked.status_code == 202
        assert list(asked.json()) == ["admission_request_id", "status"]
        assert asked.json()["status"] == "pending"
        request_id = asked.json()["admission_request_id"]
        assert eventually(lambda: doors.driver.is_released(channel), within=1.0) < 1.0
        eventually(lambda: status(api, request_id)["status"] == "admitted")
    assert status(api, request_id) == {
        "id": request_id,
        "status": "admitted",
        "channel_id": channel,
        "person_id": None,
        "requested_at": "2026-03-02T09:00:00.000Z",
        "completed_at": "2026-03-02T09:00:00.000Z",
        "door_controller": {"id": channel, "name": "Front door"},
        "person": None,
    }
    assert happened(world) == [61, 15, 50]
    assert told(world, 50) == [(channel, None, ["released_remotely"])]


def test_a_person_is_admitted_by_name_if_the_engine_admits_them(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    url, who = f"/api/3/channels/{channel}/admit_person", {"person_id": world.person_id}
    with running_doors(world) as doors:
        refused = api.post(url, json=who)
        assert refused.status_code == 403
        assert refused.json() == {"error": "Access denied", "reason": "No role of this person names this door."}
        assert not doors.driver.is_released(channel)
        assert told(world, 51) == [(channel, "Ada Lovelace", ["no_role_here", "by"])]
        grant(world)
        asked = api.post(url, json=who)
        assert asked.status_code == 202
        request_id = asked.json()["admission_request_id"]
        eventually(lambda: status(api, request_id)["status"] == "admitted")
        assert doors.driver.is_released(channel)
    found = status(api, request_id)
    assert (found["person_id"], found["person"]) == (world.person_id, {"id": world.person_id, "name": "Ada Lovelace"})
    assert happened(world) == [51, 61, 15, 50]
    assert told(world, 15) == [(channel, "Ada Lovelace", ["role_grants"])]


def test_nobody_who_is_not_there_is_admitted(api: httpx.Client, world: World) -> None:
    url = f"/api/3/channels/{world.channel_ids[0]}/admit_person"
    gone = world.person("Gone", "Away")
    write(world, delete_person, gone)
    for person_id in (999_999, gone, -1, 2**62):
        assert api.post(url, json={"person_id": person_id}).status_code == 404
    for body in ({}, {"person_id": None}, {"person_id": "x"}, {"person_id": True}):
        wrong = api.post(url, json=body)
        assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["person_id"])
    assert api.post(url).status_code == 400
    assert happened(world) == []


def test_a_door_in_unlock_mode_needs_no_admission_and_one_in_auto_unlock_takes_it(
    api: httpx.Client, world: World
) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"
    grant(world)
    api.post(f"{door}/unlock")
    with running_doors(world):
        refused = api.post(f"{door}/admit")
        assert refused.status_code == 400
        assert refused.json() == api.get(door).json()
        assert refused.json()["mode"]["description"] == "unlock"
        asked = api.post(f"{door}/admit_person", json={"person_id": world.person_id})
        request_id = asked.json()["admission_request_id"]
        eventually(lambda: status(api, request_id)["status"] == "admitted")
    assert happened(world) == [53, 61, 16, 50]


def test_a_door_that_is_not_heard_is_offline_and_opens_for_nobody(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    asked = api.post(f"/api/3/channels/{channel}/admit")
    assert (asked.status_code, asked.json()["status"]) == (202, "offline")
    found = status(api, asked.json()["admission_request_id"])
    assert (found["status"], found["completed_at"]) == ("offline", "2026-03-02T09:00:00.000Z")
    with running_doors(world) as doors:
        asyncio.run(asyncio.sleep(0.7))
        assert not doors.driver.is_released(channel)
    assert happened(world) == [61, 52]


def test_a_lockdown_between_request_and_door_denies(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/lockdown")
        doors._freshen = lambda: asyncio.sleep(0)  # type: ignore[method-assign]  # the door does not know of it yet
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    assert status(api, asyncio.run(run()))["status"] == "denied"
    assert happened(world) == [61, 55, 51]
    assert told(world, 51) == [(channel, None, ["card_lockdown"])]


def test_a_lockdown_while_the_door_waits_for_the_configuration_denies(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")

        async def locked_down_meanwhile() -> None:
            locked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/lockdown")
            assert locked.status_code == 200
            # And the door, which has waited for as long as it may, has not heard of it.

        doors._freshen = locked_down_meanwhile  # type: ignore[method-assign]
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    assert status(api, asyncio.run(run()))["status"] == "denied"
    assert told(world, 51) == [(channel, None, ["card_lockdown"])]


def test_a_person_revoked_while_the_door_waits_for_the_configuration_is_denied(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    grant(world)

    async def run() -> None:
        doors = await doors_at(world)
        who = {"person_id": world.person_id}
        await asyncio.to_thread(lambda: api.post(f"/api/3/channels/{channel}/admit_person", json=who))

        async def revoked_meanwhile() -> None:
            await asyncio.to_thread(write_sealed, world, update_person, world.person_id, {"enabled": False})

        doors._freshen = revoked_meanwhile  # type: ignore[method-assign]
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()

    asyncio.run(run())
    assert told(world, 51) == [(channel, "Ada Lovelace", ["person_disabled"])]


@pytest.mark.parametrize("hangs", [True, False])
def test_a_door_that_cannot_find_out_whether_it_is_locked_down_denies(
    api: httpx.Client, world: World, hangs: bool
) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        read, write_it = world.database.read, world.database.write

        async def gone(_: object) -> Any:
            await asyncio.sleep(5 if hangs else 0)
            raise DatabaseUnavailable("gone")

        async def claimed(work: Any) -> Any:
            done = await write_it(work)
            world.database.read = gone  # type: ignore[method-assign,assignment]
            return done

        world.database.write = claimed  # type: ignore[method-assign]
        await doors.answer()
        world.database.read, world.database.write = read, write_it  # type: ignore[method-assign]
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    assert status(api, asyncio.run(run()))["status"] == "denied"
    assert told(world, 51) == [(channel, None, ["rule_failed"])]


def test_what_the_person_lost_meanwhile_counts_at_the_door(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    grant(world)

    async def run() -> int:
        doors = await doors_at(world)
        who = {"person_id": world.person_id}
        asked = await asyncio.to_thread(lambda: api.post(f"/api/3/channels/{channel}/admit_person", json=who))
        await asyncio.to_thread(write_sealed, world, update_person, world.person_id, {"enabled": False})
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    assert status(api, asyncio.run(run()))["status"] == "denied"
    assert told(world, 51) == [(channel, "Ada Lovelace", ["person_disabled"])]


def test_a_tampered_controller_denies(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        doors.driver.tamper(channel, True)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    assert status(api, asyncio.run(run()))["status"] == "denied"


@pytest.mark.parametrize("waited_ms", [10_001, 60_000])
def test_a_request_that_nobody_took_up_in_time_opens_nothing(
    api: httpx.Client, world: World, clock: FixedClock, waited_ms: int
) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        clock.advance(waited_ms)
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    request_id = asyncio.run(run())
    assert status(api, request_id)["status"] == "pending"
    clock.advance(120_000 - waited_ms - 1)
    assert status(api, request_id)["status"] == "pending"
    assert world.database.write_now(lambda tx: sweep(tx, clock.now())) == 0
    clock.advance(1)
    over = status(api, request_id)
    assert (over["status"], over["completed_at"]) == ("timeout", "2026-03-02T09:02:00.000Z")
    clock.advance(5_000)
    assert [world.database.write_now(lambda tx: sweep(tx, clock.now())) for _ in range(2)] == [1, 0]
    assert status(api, request_id) == over
    assert happened(world) == [61, 62]


def test_a_request_that_grew_old_while_it_was_taken_up_opens_nothing(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    channel = world.channel_ids[0]

    async def run() -> None:
        doors = await doors_at(world)
        await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        write_it = world.database.write

        async def slow(work: Any) -> Any:
            done = await write_it(work)
            clock.advance(10_001)
            return done

        world.database.write = slow  # type: ignore[method-assign]
        await doors.answer()
        world.database.write = write_it  # type: ignore[method-assign]
        assert not doors.driver.is_released(channel)
        await doors.answer()
        assert not doors.driver.is_released(channel)
        await doors.stop()

    asyncio.run(run())
    assert happened(world) == [61]


def test_doors_that_were_taken_over_later_leave_a_request_alone(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    channel = world.channel_ids[0]

    async def run() -> None:
        first = await doors_at(world)
        await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        await first.stop()
        clock.advance(1)
        second = await doors_at(world)
        await second.answer()
        assert not second.driver.is_released(channel)
        await second.stop()

    asyncio.run(run())
    assert happened(world) == [61]


def test_of_many_who_take_a_request_up_one_does(api: httpx.Client, world: World, clock: FixedClock) -> None:
    channel = world.channel_ids[0]

    async def report() -> None:
        await (await doors_at(world)).stop()

    asyncio.run(report())
    request_id = api.post(f"/api/3/channels/{channel}/admit").json()["admission_request_id"]

    def take(_: int) -> bool:
        def work(transaction: Transaction) -> bool:
            return claim(transaction, request_id, 0, clock.now()) is not None

        return world.database.write_now(work)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_a_door_that_is_removed_meanwhile_is_offline(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]

    async def run() -> int:
        doors = await doors_at(world)
        asked = await asyncio.to_thread(api.post, f"/api/3/channels/{channel}/admit")
        await asyncio.to_thread(write, world, delete_channel, channel)
        await doors.answer()
        await doors.stop()
        request_id: int = asked.json()["admission_request_id"]
        return request_id

    found = status(api, asyncio.run(run()))
    assert (found["status"], found["door_controller"]["name"]) == ("offline", "Front door")
    assert happened(world) == [61, 52]


def test_a_hundred_doors_are_released_at_once(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    with running_doors(world):
        asked = [api.post(f"/api/3/channels/{channel}/admit").json()["admission_request_id"] for _ in range(30)]
        eventually(lambda: all(status(api, each)["status"] == "admitted" for each in asked), within=10)
    assert sorted(happened(world)) == [15] * 30 + [50] * 30 + [61] * 30


def test_a_request_is_seen_by_those_who_see_its_door(served: Served, world: World) -> None:
    far = world.channel_ids[2]
    _, limited = world.user("operator", site_ids=[world.site_ids[0]])
    with served.client(world.token) as client:
        request_id = client.post(f"/api/3/channels/{far}/admit").json()["admission_request_id"]
        assert client.get("/api/3/admission_requests/999999").status_code == 404
        assert client.get("/api/3/admission_requests/x").status_code == 404
        write(world, update_channel, far, {"name": "Another name"})
        assert status(client, request_id)["door_controller"]["name"] == "Far door", "as it was"
    with served.client(limited) as client:
        assert client.get(f"/api/3/admission_requests/{request_id}").status_code == 404
    for scopes in ("account.channel.admit", "account.channel.admit.person"):
        with served.client(world.new_token(world.owner_id, scopes)) as client:
            assert client.get(f"/api/3/admission_requests/{request_id}").status_code == 200
    with served.client(world.new_token(world.owner_id, "account.channel.readonly")) as client:
        assert client.get(f"/api/3/admission_requests/{request_id}").status_code == 403


def test_the_same_key_asks_once(api: httpx.Client, world: World) -> None:
    url = f"/api/3/channels/{world.channel_ids[0]}/admit"
    with running_doors(world):
        first, second = (api.post(url, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == second.json()
    assert happened(world).count(61) == 1


def test_who_asked_for_whom_is_in_the_audit_log(api: httpx.Client, world: World) -> None:
    channel = f"/api/3/channels/{world.channel_ids[0]}"
    ada = {"person_id": world.person_id}
    assert api.post(f"{channel}/admit").status_code == 202
    assert api.post(f"{channel}/admit_person", json=ada).status_code == 403
    grant(world)
    assert api.post(f"{channel}/admit_person", json=ada).status_code == 202
    assert api.post(f"{channel}/unlock").status_code == 200
    assert api.post(f"{channel}/admit").status_code == 400, "nothing is asked of the door"
    log = api.get("/api/3/audit_log", params={"resource_type": "channel"}).json()[::-1]
    found = [each for each in log if each["action"].startswith("admit")]
    named = ada | {"person_name": "Ada Lovelace"}
    assert [(each["action"], each["after"]) for each in found] == [
        ("admit", {"person_id": None, "person_name": None}),
        ("admit_denied", named),
        ("admit", named),
    ]
    assert {each["user_id"] for each in found} == {world.owner_id}
    assert {each["resource_id"] for each in found} == {world.channel_ids[0]}
