"""The account and its doors: in step or not, brought up to date on demand, once a minute."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select, update

from doorward.changes import service as changes
from doorward.changes.reports import FAILING_AFTER_MS, AccountStanding, Standing, summary
from doorward.channels.service import create_channel, update_channel
from doorward.db.query import Query
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.kit.public_ids import decode
from doorward.sync.tables import channel_reports
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.services import other_account, write
from tests.support.world import World

AFTER = 1_000


def happened(world: World) -> list[tuple[int, str | None]]:
    """The events so far: code and door."""
    query = Query(select(events.c.event_code, events.c.channel_name).order_by(events.c.id), lambda *row: row)
    return world.database.read_now(lambda tx: tx.all(query))


@pytest.mark.parametrize(
    ("standing", "online", "status"),
    [
        (Standing(None, None, None, None), False, "pending"),
        (Standing(0, 7, 0, None), True, "ok"),
        (Standing(-60_000, 7, 0, None), False, "ok"),
        (Standing(0, 7, 0, 0), True, "syncing"),
        (Standing(-60_000, 7, 0, 0), False, "pending"),
        (Standing(0, 7, 0, AFTER - FAILING_AFTER_MS), True, "syncing"),
        (Standing(0, 7, 0, AFTER - FAILING_AFTER_MS - 1), True, "fail"),
    ],
)
def test_a_door_is_ok_only_if_it_has_confirmed_what_the_database_has(
    standing: Standing, online: bool, status: str
) -> None:
    assert (standing.is_online(AFTER), standing.sync(AFTER)) == (online, status)


def test_of_many_doors_the_worst_is_said() -> None:
    assert summary([]) == AccountStanding("complete", None)
    assert summary(["ok", "ok"]) == AccountStanding("complete", None)
    assert summary(["ok", "pending"]) == AccountStanding("pending", "1 of 2 pending")
    assert summary(["pending", "syncing", "ok"]) == AccountStanding("syncing", "1 of 3 syncing")
    assert summary(["fail", "ok", "fail", "syncing", "ok"]) == AccountStanding("failing", "2 of 5 failed")


def test_the_account_is_the_one_of_the_token(served: Served, world: World) -> None:
    for scopes in ("account.channel.readonly", "account.sync"):
        with served.client(world.new_token(world.owner_id, scopes)) as client:
            found = client.get("/api/3/account")
            assert found.status_code == 200
            body = found.json()
            assert list(body) == ["id", "name", "time_zone", "monitored", "reseller", "sync", "user", "passport"]
            assert decode("account", body["id"]) == world.account_id
            assert (body["name"], body["time_zone"], body["monitored"]) == ("Acme", "Europe/London", False)
            assert body["user"]["id"] == world.owner_id
            assert list(body["user"]) == ["id", "first_name", "last_name", "email"]
            assert body["passport"] == {"remote_unlock_enabled": False, "hid_mobile_access": False}
            assert body["sync"] == {"status": "pending", "last_sync": None, "description": "3 of 3 pending"}
    with served.client(None) as client:
        assert client.get("/api/3/account").status_code == 401


def test_the_account_is_in_step_a_second_after_a_change(api: httpx.Client, world: World) -> None:
    with running_doors(world):
        assert api.get("/api/3/account").json()["sync"]["status"] == "complete"
        write(world, create_channel, {"name": "New door", "site_id": world.site_ids[0]})
        eventually(lambda: api.get("/api/3/account").json()["sync"]["status"] == "complete", within=1.0)
        state = api.get("/api/3/sync").json()
        assert [each["status"] for each in state["channels"]] == ["ok"] * 4
        assert {each["version"] for each in state["channels"]} == {world.database.read_now(changes.last)}


def test_what_changes_in_another_account_puts_no_door_behind(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    with running_doors(world):
        before = api.get("/api/3/sync").json()
    clock.advance(AFTER)
    theirs = other_account(world)
    world.database.write_now(lambda tx: changes.note(tx, theirs, clock.now()))
    assert api.get("/api/3/sync").json() == before
    with running_doors(world):
        confirmed = [each["confirmed_at"] for each in api.get("/api/3/sync").json()["channels"]]
    assert confirmed == ["2026-03-02T09:00:00.000Z"] * 3, "nothing new was there to confirm"


def test_a_door_that_does_not_follow_is_said_to_fail(api: httpx.Client, world: World, clock: FixedClock) -> None:
    with running_doors(world):
        pass
    write(world, update_channel, world.channel_ids[0], {"name": "Renamed"})
    clock.advance(FAILING_AFTER_MS + 1)
    heard = Query[None](update(channel_reports).values(last_seen_at=clock.now()))
    world.database.write_now(lambda tx: tx.run(heard))
    found = api.get("/api/3/account").json()["sync"]
    assert (found["status"], found["description"]) == ("failing", "3 of 3 failed")
    assert api.get(f"/api/3/channels/{world.channel_ids[1]}").json()["sync"]["status"] == "fail"
    first = api.get("/api/3/sync").json()["channels"][0]
    assert (first["online"], first["behind_since"]) == (True, "2026-03-02T09:00:00.000Z")


def test_sync_is_asked_for_once_a_minute(api: httpx.Client, world: World, clock: FixedClock) -> None:
    assert api.post("/api/3/sync").json() == {"result": "ok"}
    assert api.get("/api/3/account").json()["sync"]["last_sync"] == "2026-03-02T09:00:00.000Z"
    clock.advance(20_500)
    refused = api.post("/api/3/sync", headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    body = refused.json()
    assert (body["error"], body["retry_in"]) == ("rate_limited", 40)
    assert body["description"]
    clock.advance(39_500)
    assert api.post("/api/3/sync").status_code == 200
    offline = [(105, name) for name in ("Front door", "Back door", "Far door")]
    assert happened(world) == [(100, "all doors"), *offline] * 2


def test_of_many_who_ask_for_sync_at_once_one_is_heard(served: Served, world: World) -> None:
    with ThreadPoolExecutor(8) as pool, served.client(world.token) as client:
        statuses = list(pool.map(lambda _: client.post("/api/3/sync").status_code, range(16)))
    assert sorted(statuses) == [200] + [429] * 15


def test_where_all_are_in_step_sync_is_done_at_once(api: httpx.Client, world: World) -> None:
    with running_doors(world):
        assert api.post("/api/3/sync").status_code == 200
    assert happened(world) == [(100, "all doors"), (102, "all doors")]


def test_a_user_who_is_limited_to_sites_sees_how_their_doors_stand(served: Served, world: World) -> None:
    _, token = world.user("operator", site_ids=[world.site_ids[1]])
    with served.client(token) as client:
        assert [each["channel_id"] for each in client.get("/api/3/sync").json()["channels"]] == world.channel_ids[2:]
        assert client.get("/api/3/account").status_code == 200
        assert client.post("/api/3/sync").status_code == 200
    _, viewer = world.user("viewer")
    with served.client(viewer) as client:
        assert client.post("/api/3/sync").status_code == 403


def test_the_account_is_changed_by_those_who_configure_all_of_it(served: Served, world: World) -> None:
    with served.client(world.token) as client:
        bad = client.put("/api/3/account", json={"name": " ", "time_zone": "Mars/Olympus", "monitored": "yes"})
        assert (bad.status_code, set(bad.json()["errors"])) == (422, {"name", "time_zone", "monitored"})
        before = world.database.read_now(changes.last)
        done = client.put("/api/3/account", json={"monitored": True, "passport_enabled": True})
        assert (done.status_code, done.json()["monitored"]) == (200, True)
        assert done.json()["passport"]["remote_unlock_enabled"] is True
        assert world.database.read_now(changes.last) == before, "no door decides by that"
        done = client.put("/api/3/account", json={"time_zone": "Europe/Berlin", "name": "Acme AG"})
        assert (done.json()["name"], done.json()["time_zone"]) == ("Acme AG", "Europe/Berlin")
        assert world.database.read_now(changes.last) == before + 1
    _, limited = world.user("admin", site_ids=world.site_ids)
    _, operator = world.user("operator")
    for token in (limited, operator):
        with served.client(token) as client:
            assert client.put("/api/3/account", json={"name": "Mine"}).status_code == 403


def test_the_newest_note_of_each_account_is_kept(world: World, clock: FixedClock) -> None:
    theirs = other_account(world)
    world.database.write_now(lambda tx: changes.note(tx, theirs, clock.now()))
    mine = world.database.read_now(changes.last) - 1
    clock.advance(8 * 86_400_000)
    world.database.write_now(lambda tx: changes.forget_old(tx, clock.now()))
    left = world.database.read_now(lambda tx: [each.id for each in changes.after(tx, 0, 100)])
    assert left == [mine, mine + 1]
