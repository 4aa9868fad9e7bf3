"""Channels over HTTP: what a client sees of them, and what it tells them."""

import json
import sqlite3
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.channels.commands import key_context
from doorward.channels.service import get_channel
from doorward.channels.tables import channels
from doorward.channels.wire import lockdown_message
from doorward.db.query import Query
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.shifts.service import create_shift
from doorward.shifts.stretches import create_stretch
from tests.integration.conftest import Served
from tests.support.doors import eventually, running_doors
from tests.support.services import other_account, write
from tests.support.world import World

FIELDS = [
    *("id", "name", "mac_address", "status", "unit", "model", "model_long", "serial_number", "card_format"),
    *("pin_format", "freescale_version", "pic_version", "reader_device_class_name", "site_id", "updated_at"),
    *("created_at", "sync", "lockdown", "mode", "auto_unlock"),
]
HOURS = {"name": "Office hours", "windows": [{"days": ["mon"], "start": "09:00", "end": "17:00"}]}


def happened(world: World) -> list[tuple[int, int | None, str]]:
    """The events so far: code, channel, and the first reason."""
    query = Query(
        select(events.c.event_code, events.c.channel_id, events.c.reasons).order_by(events.c.id),
        lambda code, channel, reasons: (code, channel, next((each["text"] for each in json.loads(reasons)), "")),
    )
    return world.database.read_now(lambda tx: tx.all(query))


def logged(world: World) -> list[tuple[str, str, str | None]]:
    """The audit log of channels: action, before and after."""
    query = Query(
        select(audit_log.c.action, audit_log.c.before, audit_log.c.after)
        .where(audit_log.c.resource_type == "channel", audit_log.c.user_id.is_not(None))
        .order_by(audit_log.c.id),
        lambda *row: row,
    )
    return world.database.read_now(lambda tx: tx.all(query))


def test_a_channel_has_the_fields_of_the_contract_in_their_order(api: httpx.Client, world: World) -> None:
    found = api.get("/api/3/channels")
    assert found.status_code == 200
    assert [each["id"] for each in found.json()] == world.channel_ids
    assert (found.headers["Total"], found.headers["Per-Page"]) == ("3", "500")
    first = found.json()[0]
    assert list(first) == FIELDS
    assert api.get(f"/api/3/channels/{first['id']}").json() == first
    assert (first["status"], first["model"], first["lockdown"], first["auto_unlock"]) == (
        "offline",
        "Simulated",
        None,
        None,
    )
    assert first["sync"] == {"status": "pending", "last_sync_completed_at": None}
    assert first["mode"] == {"description": "normal", "relock_at": None, "change_stamp": None}
    assert len(first["mac_address"].split(":")) == 6


def test_channels_page_and_are_found_by_site(api: httpx.Client, world: World) -> None:
    second = api.get("/api/3/channels", params={"per_page": 2, "page": 2})
    assert [each["id"] for each in second.json()] == world.channel_ids[2:]
    assert second.headers["Total"] == "3"
    south = api.get("/api/3/channels", params={"site_id": world.site_ids[1]})
    assert [each["id"] for each in south.json()] == world.channel_ids[2:]
    assert api.get("/api/3/channels", params={"site_id": 999_999}).json() == []
    assert api.get("/api/3/channels", params={"site_id": "north"}).status_code == 400
    assert len(api.get("/api/3/channels", params={"skip_pagination": "true"}).json()) == 3


def test_another_account_and_a_user_of_another_site_do_not_find_a_channel(served: Served, world: World) -> None:
    theirs = other_account(world)
    _, limited = world.user("operator", site_ids=[world.site_ids[0]])
    stranger = World(world.database, world.vault, world.clock, account_id=theirs)
    _, foreign = stranger.user("owner")
    far = world.channel_ids[2]
    for token in (limited, foreign):
        with served.client(token) as client:
            assert client.get(f"/api/3/channels/{far}").status_code == 404
            assert client.get(f"/api/3/channels/{far}/settings").status_code in (403, 404)
            commands = ("lockdown", "unlockdown", "unlock", "normal", "auto_unlock", "admit")
            keys = ("regenerate_encryption_key", "remove_encryption_key")
            for command in (*commands, *keys):
                assert client.post(f"/api/3/channels/{far}/{command}").status_code == 404
            who = {"person_id": world.person_id}
            assert client.post(f"/api/3/channels/{far}/admit_person", json=who).status_code == 404
    with served.client(limited) as client:
        assert [each["id"] for each in client.get("/api/3/channels").json()] == world.channel_ids[:2]
    assert happened(world) == []


@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_a_command_needs_no_body(served: Served, world: World, content_type: str | None) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"
    headers = {} if content_type is None else {"Content-Type": content_type}
    with served.client(world.token) as client:
        for command in ("lockdown", "unlockdown", "unlock", "normal", "auto_unlock"):
            done = client.post(f"{door}/{command}", headers=headers)
            assert (done.status_code, list(done.json())) == (200, FIELDS)
        assert client.post(f"{door}/lockdown", content="null", headers=headers).status_code == 200
        assert client.post(f"{door}/lockdown", content="{", headers=headers).status_code == 400
        assert client.post(f"{door}/lockdown", json=[]).status_code == 400
        assert client.post(f"{door}/lockdown", json={"card_lockdown": "yes"}).status_code == 422
        assert client.post(f"{door}/lockdown", data={"card_lockdown": "1"}).status_code == 415


def test_a_lockdown_spares_who_wants_to_leave_unless_it_says_otherwise(api: httpx.Client, world: World) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"
    found = api.post(f"{door}/lockdown").json()["lockdown"]
    assert found["card_lockdown"] == {"state": True}
    assert found["rex_lockdown"] == {"state": False}
    assert found["aux_lockdown"] == {"state": True}
    assert found["message"] == "Cards and PINs as well as auxiliary inputs are rejected at this door"
    whole = api.post(f"{door}/lockdown", json={"rex_lockdown": True}).json()["lockdown"]
    assert [whole[f"{each}_lockdown"]["state"] for each in ("card", "rex", "aux")] == [True] * 3
    nothing = api.post(f"{door}/lockdown", json={"card_lockdown": False, "aux_lockdown": False})
    assert nothing.status_code == 400
    assert nothing.json()["lockdown"] == whole, "a lockdown of nothing leaves the door as it is"
    assert api.post(f"{door}/unlockdown").json()["lockdown"] is None
    assert api.post(f"{door}/unlockdown").status_code == 200
    assert [code for code, _, _ in happened(world)] == [55, 55, 56]


def test_every_lockdown_is_said_in_words() -> None:
    flags = (False, True)
    told = {lockdown_message(a, b, c) for a in flags for b in flags for c in flags if a or b or c}
    assert len(told) == 7
    assert all(text[0].isupper() and text.endswith("are rejected at this door") for text in told)


def test_a_door_is_unlocked_until_an_instant_or_until_it_is_told_otherwise(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"
    past = api.post(f"{door}/unlock", json={"relock_at": "2026-03-02T08:59:59Z"})
    assert (past.status_code, list(past.json()["errors"])) == (422, ["relock_at"])
    assert api.post(f"{door}/unlock", json={"relock_at": "soon"}).status_code == 422
    assert api.get(door).json()["mode"]["description"] == "normal"
    mode = api.post(f"{door}/unlock", json={"relock_at": "2026-03-02T17:00:00+01:00"}).json()["mode"]
    assert mode == {
        "description": "unlock",
        "relock_at": "2026-03-02T16:00:00.000Z",
        "change_stamp": "2026-03-02T09:00:00.000Z",
    }
    clock.advance(7 * 3_600_000)
    assert api.get(door).json()["mode"] == {
        "description": "normal",
        "relock_at": None,
        "change_stamp": "2026-03-02T16:00:00.000Z",
    }
    assert api.post(f"{door}/normal").status_code == 200
    assert api.post(f"{door}/unlock").json()["mode"]["relock_at"] is None
    assert api.post(f"{door}/normal").json()["mode"]["description"] == "normal"
    assert [code for code, _, _ in happened(world)] == [53, 53, 54]


def test_auto_unlock_takes_a_shift_of_the_account_that_lasts(api: httpx.Client, world: World) -> None:
    door, now = f"/api/3/channels/{world.channel_ids[0]}", world.clock.now()
    shift = write(world, create_shift, HOURS)
    passing = world.database.write_now(
        lambda tx: create_stretch(tx, world.account_id, "Reservation 1", now, now + 3_600_000, now)
    )
    theirs = other_account(world)
    foreign = world.database.write_now(lambda tx: create_shift(tx, theirs, HOURS, now)).id
    for shift_id in (999, passing, foreign, -1, 2**62):
        refused = api.post(f"{door}/auto_unlock", json={"shift_id": shift_id})
        assert refused.status_code == 400
        assert refused.json() == {"success": False, "message": f"No shift found for shift_id - {shift_id}"}
    assert api.post(f"{door}/auto_unlock", json={"shift_id": "x"}).status_code == 422
    wanted = {"id": shift.id, "name": "Office hours"}
    assert api.post(f"{door}/auto_unlock", json={"shift_id": shift.id}).json()["auto_unlock"] == wanted
    assert api.get(door).json()["auto_unlock"] == wanted
    assert api.post(f"{door}/auto_unlock", json={"shift_id": None}).json()["auto_unlock"] is None
    assert [code for code, _, _ in happened(world)] == [57, 57]


def test_commands_are_on_record_with_who_gave_them(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    api.post(f"/api/3/channels/{channel}/unlock")
    api.post(f"/api/3/channels/{channel}/unlock")
    api.post(f"/api/3/channels/{channel}/remove_encryption_key")
    assert happened(world) == [(53, channel, f"By owner1.{world.account_id}@acme.example.")], (
        "nothing done, nothing said"
    )
    [(action, before, after)] = logged(world)
    assert (action, json.loads(before)["mode"], json.loads(after or "")["mode"]) == ("update", "normal", "unlock")


def test_a_key_is_pending_until_the_door_uses_it_and_is_never_told(api: httpx.Client, world: World) -> None:
    channel = world.channel_ids[0]
    door = f"/api/3/channels/{channel}"
    keys = Query(
        select(channels.c.encryption_key, channels.c.pending_encryption_key).where(channels.c.id == channel),
        lambda *row: row,
    )
    said = api.post(f"{door}/regenerate_encryption_key")
    assert said.json()["status"] == "offline", "it is not there, which a key that waits for it does not hide"
    assert api.get(f"{door}/settings").json()["encryption_key_pending"] is True
    _, pending = world.database.read_now(lambda tx: tx.one(keys)) or ("", "")
    row = world.database.read_now(lambda tx: get_channel(tx, world.account_id, channel))
    secret = world.vault.decrypt(pending, key_context(row))
    assert len(bytes.fromhex(secret)) == 32
    with running_doors(world):
        assert api.get(door).json()["status"] == "online", "taken over when the door reports"
        current, pending = world.database.read_now(lambda tx: tx.one(keys)) or ("", "")
        assert world.vault.decrypt(current, key_context(row)) == secret
        assert pending is None
        assert api.get(f"{door}/settings").json()["encryption_key_pending"] is False
        assert api.post(f"{door}/regenerate_encryption_key").json()["status"] == "pending_encryption"
        eventually(lambda: api.get(door).json()["status"] == "online")
        assert world.database.read_now(lambda tx: tx.one(keys)) != (current, None)
        assert api.post(f"{door}/remove_encryption_key").json()["status"] == "online"
        assert world.database.read_now(lambda tx: tx.one(keys)) == (None, None)
    assert [code for code, _, _ in happened(world)] == [59, 59, 60]
    everything = json.dumps([said.json(), api.get(f"{door}/settings").json(), logged(world), happened(world)])
    assert secret not in everything
    assert str(current) not in everything


def test_a_channel_is_online_while_its_door_is_heard_and_in_step_when_it_has_confirmed(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    door = f"/api/3/channels/{world.channel_ids[0]}"

    def sync() -> Any:
        return api.get(door).json()["sync"]

    with running_doors(world):
        assert api.get(door).json()["status"] == "online"
        assert sync() == {"status": "ok", "last_sync_completed_at": "2026-03-02T09:00:00.000Z"}
        clock.advance(1_000)
        assert api.post(f"{door}/lockdown").json()["sync"]["status"] == "syncing"
        assert eventually(lambda: sync()["status"] == "ok", within=1.0) < 1.0
        assert sync()["last_sync_completed_at"] == "2026-03-02T09:00:01.000Z"
    clock.advance(45_000)
    assert api.get(door).json()["status"] == "online"
    clock.advance(1)
    assert api.get(door).json()["status"] == "offline"
    assert sync()["status"] == "ok"
    assert api.post(f"{door}/unlockdown").json()["sync"]["status"] == "pending"


def test_channels_are_made_changed_and_removed(api: httpx.Client, world: World) -> None:
    body = {"name": "Side door", "site_id": world.site_ids[0], "pulse_ms": 3_000, "accepts": ["card"]}
    made = api.post("/api/3/channels", json=body)
    assert made.status_code == 201
    assert list(made.json()) == [*FIELDS, "settings"]
    assert (made.json()["settings"]["pulse_ms"], made.json()["settings"]["accepts"]) == (3_000, ["card"])
    door = f"/api/3/channels/{made.json()['id']}"
    changed = api.put(door, json={"name": "Garden door", "staleness_hours": None, "mode": "unlock"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Garden door")
    assert api.get(f"{door}/settings").json() == {**made.json()["settings"], "staleness_hours": None}
    bad = api.put(door, json={"name": "", "pulse_ms": 0, "site_id": 999, "accepts": ["key"]})
    assert (bad.status_code, set(bad.json()["errors"])) == (422, {"name", "pulse_ms", "site_id", "accepts"})
    assert api.delete(door).json() == {"result": "ok"}
    assert api.get(door).status_code == 404
    assert api.delete(door).status_code == 404
    assert [action for action, _, _ in logged(world)] == ["create", "update", "delete"]
    assert [code for code, _, _ in happened(world)] == [53]


def test_a_user_who_is_limited_to_sites_puts_doors_there_only(served: Served, world: World) -> None:
    north, south = world.site_ids
    _, token = world.user("admin", site_ids=[north])
    with served.client(token) as client:
        assert client.post("/api/3/channels", json={"name": "A", "site_id": north}).status_code == 201
        for answer in (
            client.post("/api/3/channels", json={"name": "B", "site_id": south}),
            client.put(f"/api/3/channels/{world.channel_ids[0]}", json={"site_id": south}),
        ):
            assert answer.status_code == 422
            assert answer.json()["errors"] == {"site_id": ["Not found for this account"]}
        assert client.put(f"/api/3/channels/{world.channel_ids[2]}", json={"name": "C"}).status_code == 404
        assert client.delete(f"/api/3/channels/{world.channel_ids[2]}").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_of_channels_reads_no_table_as_a_whole(database_url: str) -> None:
    from doorward.channels.listing import _PAGE

    compiled = _PAGE.compiled("sqlite")
    params = {"account_id": 1, "user_id": 1, "site_limited": 0, "the_site": 0, "limit": 500, "offset": 0}
    with sqlite3.connect(database_url.removeprefix("sqlite:///")) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **params}).fetchall()
    assert not [step for *_, step in plan if step.startswith("SCAN")], plan
