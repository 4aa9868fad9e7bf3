"""Who is where, and being forgiven: anti-passback over HTTP and at the door."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.changes import service as changes
from doorward.channels.service import update_channel
from doorward.db.query import Query
from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Credential, Presence, Presented
from doorward.events.service import Event, record
from doorward.kit.clock import FixedClock
from doorward.process.doors import LocalDoors
from doorward.roles.service import create_role
from doorward.sites.areas import create_area
from doorward.sync.compiler import read_presence
from doorward.sync.live import LiveSnapshots
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.services import other_account, write
from tests.support.world import World

CARD = Presented(Credential("card", "1234"))


@pytest.fixture
def hall(world: World) -> int:
    """An area behind the front door, into which one passes once; the back door leads out of it."""
    front, back, _ = world.channel_ids
    area = write(world, create_area, world.site_ids[0], {"name": "Hall"}).id
    write(world, update_channel, front, {"passback_mode": "hard", "area_to_id": area})
    write(world, update_channel, back, {"passback_mode": "hard", "area_from_id": area})
    write(world, create_role, {"name": "R", "channel_ids": [front, back], "person_ids": [world.person_id]})
    return int(area)


def go(world: World, person_id: int, area: int | None, at: int) -> None:
    """A door tells that somebody went somewhere."""
    event = Event(world.account_id, EventCode.ADMIT_CARD, at, person_id=person_id, moved_to=Presence(area, at))
    world.database.write_now(lambda tx: record(tx, event, world.clock.now()))


def where(world: World) -> dict[int, Presence]:
    return world.database.read_now(lambda tx: read_presence(tx, world.account_id))


def forgive(api: httpx.Client, person_id: int) -> None:
    answer = api.post(f"/api/3/people/{person_id}/forgive")
    assert (answer.status_code, answer.json()) == (200, {"result": "ok"})


def test_whoever_is_forgiven_passes_again_within_a_second(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    front = world.channel_ids[0]

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, world.clock)
        await doors.start()
        follow = asyncio.create_task(doors.follow())
        assert (await doors.present(front, CARD)).event_code == 10
        assert (await doors.present(front, CARD)).event_code == 28
        clock.advance(1_000)
        await asyncio.to_thread(forgive, api, world.person_id)
        await asyncio.to_thread(eventually, lambda: not doors._live.presence(world.account_id), 1.0)
        clock.advance(1)
        assert (await doors.present(front, CARD)).event_code == 10
        assert doors._live.presence(world.account_id)[world.person_id].area == hall
        follow.cancel()
        await doors.stop()

    asyncio.run(run())
    assert where(world) == {world.person_id: Presence(hall, clock.now())}


def test_what_a_door_has_just_seen_is_not_undone_by_another_change(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    """What is not on record yet is newer than what the database says."""

    async def run() -> None:
        doors = LocalDoors(world.database, world.vault, world.clock)
        await doors.start()
        presence = doors._live.presence(world.account_id)
        presence[world.person_id] = inside = Presence(hall, clock.now())
        await asyncio.to_thread(api.put, f"/api/3/people/{world.person_id}", json={"notes": "Changed"})
        await doors._live.refresh()
        assert doors._live.presence(world.account_id) == {world.person_id: inside}
        await asyncio.to_thread(forgive, api, world.person_id)
        clock.advance(1)
        doors._live.presence(world.account_id)[world.person_id] = again = Presence(hall, clock.now())
        await doors._live.refresh()
        assert doors._live.presence(world.account_id) == {world.person_id: again}, "that was after the forgiving"
        await doors.stop()

    asyncio.run(run())


def test_what_a_door_tells_later_of_an_earlier_time_does_not_undo_it(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    forgive(api, world.person_id)
    go(world, world.person_id, hall, clock.now() - 60_000)
    assert where(world) == {}
    clock.advance(1)
    go(world, world.person_id, hall, clock.now())
    assert where(world) == {world.person_id: Presence(hall, clock.now())}
    go(world, world.person_id, None, clock.now() + 5_000)
    forgive(api, world.person_id)
    assert where(world) == {}, "also of a door whose clock is ahead"


def test_everybody_in_the_areas_of_a_site_is_forgiven_at_once(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    elsewhere = write(world, create_area, world.site_ids[1], {"name": "Yard"}).id
    many = [world.person(f"P{count}", "Q") for count in range(5)]
    for person_id in many:
        go(world, person_id, hall, clock.now())
    go(world, world.person_id, elsewhere, clock.now())
    gone = world.person("Out", "Side")
    go(world, gone, None, clock.now())
    before = world.database.read_now(changes.last)
    with running_doors(world) as doors:
        assert len(doors._live.presence(world.account_id)) == 7
        answer = api.post(f"/api/3/sites/{world.site_ids[0]}/forgive")
        assert answer.json() == {"forgiven": 5}
        eventually(lambda: set(doors._live.presence(world.account_id)) == {world.person_id, gone}, within=1.0)
    assert set(where(world)) == {world.person_id, gone}
    noted = world.database.read_now(lambda tx: changes.after(tx, before, 100))
    assert [each.person_id for each in noted] == many
    assert api.post(f"/api/3/sites/{world.site_ids[0]}/forgive").json() == {"forgiven": 0}
    log = Query(
        select(audit_log.c.resource_type, audit_log.c.resource_id).where(audit_log.c.action == "forgive"),
        lambda *row: row,
    )
    assert world.database.read_now(lambda tx: tx.all(log)) == [("site", world.site_ids[0])]


def occupancy(api: httpx.Client, site_id: int, **params: int) -> Any:
    answer = api.get(f"/api/3/sites/{site_id}/occupancy", params=params)
    assert answer.status_code == 200
    return answer.json()


def test_occupancy_is_who_was_last_seen_to_go_into_each_area(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    north = world.site_ids[0]
    cellar = write(world, create_area, north, {"name": "Cellar"}).id
    many = [world.person(f"P{count}", "Q") for count in range(4)]
    for count, person_id in enumerate(many):
        go(world, person_id, hall, clock.now() + count)
    go(world, world.person_id, cellar, clock.now())
    api.delete(f"/api/3/people/{many[0]}")
    forgive(api, many[1])
    clock.advance(60_000)
    found = occupancy(api, north)
    assert found == {
        "site_id": north,
        "count": 3,
        "areas": [
            {
                "area_id": hall,
                "name": "Hall",
                "count": 2,
                "people": [
                    {"id": many[3], "name": "P3 Q", "since": "2026-03-02T09:00:00.003Z"},
                    {"id": many[2], "name": "P2 Q", "since": "2026-03-02T09:00:00.002Z"},
                ],
            },
            {
                "area_id": cellar,
                "name": "Cellar",
                "count": 1,
                "people": [{"id": world.person_id, "name": "Ada Lovelace", "since": "2026-03-02T09:00:00.000Z"}],
            },
        ],
    }
    second = occupancy(api, north, n=1, page=2)
    assert second["count"] == 3
    assert [[person["id"] for person in area["people"]] for area in second["areas"]] == [[many[2]], []]
    assert occupancy(api, world.site_ids[1]) == {"site_id": world.site_ids[1], "count": 0, "areas": []}
    assert api.get(f"/api/3/sites/{north}/occupancy", params={"n": "all"}).status_code == 400


def test_other_sites_and_other_accounts_are_not_to_be_seen_or_forgiven(served: Served, world: World, hall: int) -> None:
    go(world, world.person_id, hall, world.clock.now())
    north, south = world.site_ids
    stranger = World(world.database, world.vault, world.clock, account_id=other_account(world))
    _, foreign = stranger.user("owner")
    _, limited = world.user("operator", site_ids=[south])
    _, viewer = world.user("viewer")
    with served.client(foreign) as client:
        assert client.get(f"/api/3/sites/{north}/occupancy").status_code == 404
        assert client.post(f"/api/3/sites/{north}/forgive").status_code == 404
        assert client.post(f"/api/3/people/{world.person_id}/forgive").status_code == 404
    with served.client(limited) as client:
        assert client.get(f"/api/3/sites/{north}/occupancy").status_code == 404
        assert client.post(f"/api/3/sites/{north}/forgive").status_code == 404
        assert client.post(f"/api/3/people/{world.person_id}/forgive").status_code == 403, "they pass doors elsewhere"
        assert client.get(f"/api/3/sites/{south}/occupancy").status_code == 200
    with served.client(viewer) as client:
        assert client.get(f"/api/3/sites/{north}/occupancy").status_code == 200
        assert client.post(f"/api/3/people/{world.person_id}/forgive").status_code == 403
    assert where(world), "nobody was forgiven"
    with served.client(world.token) as client:
        assert client.post("/api/3/people/999999/forgive").status_code == 404
        client.delete(f"/api/3/people/{world.person_id}")
        assert client.post(f"/api/3/people/{world.person_id}/forgive").status_code == 404


@pytest.mark.anyio
async def test_what_is_told_late_does_not_undo_it_for_doors_that_follow_either(
    api: httpx.Client, world: World, hall: int, clock: FixedClock
) -> None:
    forgiven_at = clock.now()
    forgive(api, world.person_id)
    live = LiveSnapshots(world.database, world.vault, clock)
    told: list[int] = []
    live.when_moved(lambda _, person_id: told.append(person_id))
    await live.refresh()
    account_id = world.account_id
    live.move(account_id, world.person_id, Presence(hall, forgiven_at - 60_000))
    assert live.presence(account_id) == {}
    assert told == [world.person_id], "the door that told it learns that it is not known any more"
    live.move(account_id, world.person_id, Presence(hall, forgiven_at + 1))
    assert live.presence(account_id) == {world.person_id: Presence(hall, forgiven_at + 1)}
    await live.close()
