"""Controllers as operators see and change them, over HTTP and from the command line."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.installation.vault import open_vault
from doorward.kit.clock import SystemClock
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.hub_server import on_sqlite
from tests.support.link_client import Controller, enrolled
from tests.support.server import serving
from tests.support.world import World

KEYS = Query(
    select(channels.c.controller_id, channels.c.encryption_key).order_by(channels.c.id), lambda *values: values
)
SECRETS = Query(select(controllers.c.link_key, controllers.c.public_key), lambda *values: values)
LOGGED = Query(
    select(audit_log.c.action, audit_log.c.resource_id, audit_log.c.before, audit_log.c.after)
    .where(audit_log.c.resource_type == "controller")
    .order_by(audit_log.c.id),
    lambda *values: values,
)


def ids(api: httpx.Client) -> list[int]:
    return [each["id"] for each in api.get("/api/3/controllers").json()]


def test_a_controller_is_shown_with_its_channels_and_no_secret(served: Served, api: httpx.Client, world: World) -> None:
    made = enrolled(served.base_url, world)
    shown = api.get(f"/api/3/controllers/{made.id}").json()
    assert shown == {
        "id": made.id,
        "name": "Hall",
        "software": "test 1.0",
        "address": "127.0.0.1",
        "online": False,
        "enrolled_at": "2026-03-02T09:00:00.000Z",
        "connected_at": None,
        "last_seen_at": None,
        "clock_skew_ms": None,
        "spool_length": None,
        "refused_frames": 0,
        "channels": [
            {
                "id": channel_id,
                "name": name,
                "status": "pending",
                "online": False,
                "version": None,
                "confirmed_at": None,
                "behind_since": "2026-03-02T09:00:00.000Z",
            }
            for channel_id, name in zip(world.channel_ids, ("Front door", "Back door"), strict=False)
        ],
    }
    assert api.get("/api/3/controllers").json() == [shown]
    secrets = str(world.database.read_now(lambda tx: tx.all(SECRETS)))
    assert made.link_key.hex() not in secrets
    settings = api.get(f"/api/3/channels/{world.channel_ids[0]}/settings").json()
    assert settings["controller_id"] == made.id


def test_a_controller_is_renamed_and_removed_and_both_are_logged(
    served: Served, api: httpx.Client, world: World
) -> None:
    made = enrolled(served.base_url, world)
    path = f"/api/3/controllers/{made.id}"
    assert api.put(path, json={"name": "Cellar"}).json()["name"] == "Cellar"
    for name in ("", None, "x" * 256, 7, "a\nb"):
        assert api.put(path, json={"name": name}).status_code == 422
    before = world.database.read_now(lambda tx: tx.all(KEYS))
    assert api.delete(path).json() == {"result": "ok"}
    after = world.database.read_now(lambda tx: tx.all(KEYS))
    assert [controller_id for controller_id, _ in after] == [None, None, None]
    assert all(old[1] != new[1] and new[1] for old, new in zip(before[:2], after[:2], strict=True))
    assert ids(api) == []
    for request in (api.get(path), api.put(path, json={"name": "X"}), api.delete(path)):
        assert request.status_code == 404
    logged = world.database.read_now(lambda tx: tx.all(LOGGED))
    assert [entry[0] for entry in logged] == ["create", "update", "delete"]
    assert logged[1][2:] == ('{"name": "Hall"}', '{"name": "Cellar"}')
    assert "key" not in str(logged)


@on_sqlite
def test_who_is_limited_to_sites_sees_what_serves_there_and_changes_what_serves_nothing_else(
    served: Served, api: httpx.Client, world: World
) -> None:
    front, back, far = world.channel_ids
    north = enrolled(served.base_url, world, front)
    both = enrolled(served.base_url, world, back, far)
    _, token = world.user("admin", site_ids=world.site_ids[1:])
    with served.client(token) as limited:
        [shown] = limited.get("/api/3/controllers").json()
        assert (shown["id"], [each["id"] for each in shown["channels"]]) == (both.id, [far])
        assert limited.get(f"/api/3/controllers/{north.id}").status_code == 404
        assert limited.put(f"/api/3/controllers/{north.id}", json={"name": "Mine"}).status_code == 404
        assert limited.put(f"/api/3/controllers/{both.id}", json={"name": "Mine"}).status_code == 403
        assert limited.delete(f"/api/3/controllers/{both.id}").status_code == 403
        alone = enrolled(served.base_url, world, far)
        assert limited.put(f"/api/3/controllers/{alone.id}", json={"name": "Mine"}).status_code == 200
        assert limited.delete(f"/api/3/controllers/{alone.id}").status_code == 200
    assert ids(api) == [north.id, both.id]
    other = World(world.database, world.vault, world.clock).build()
    with served.client(other.token) as theirs:
        assert theirs.get("/api/3/controllers").json() == []
        assert theirs.delete(f"/api/3/controllers/{north.id}").status_code == 404


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value", "server"),
    [
        ("DOORWARD_PUBLIC_URL", "https://doors.example.com", "https://doors.example.com"),
        ("DOORWARD_HOST", "192.0.2.7", "http://192.0.2.7:8080"),
        ("DOORWARD_HOST", "2001:db8::7", "http://[2001:db8::7]:8080"),
        ("DOORWARD_HOST", "doors.example.com", "http://doors.example.com:8080"),
        ("DOORWARD_HOST", "::", None),
        ("DOORWARD_HOST", "localhost", None),
        ("DOORWARD_PORT", "8080", None),
    ],
)
def test_the_command_to_enrol_names_an_address_that_other_machines_reach_or_says_what_to_write(
    doorward: Commands, monkeypatch: pytest.MonkeyPatch, name: str, value: str, server: str | None
) -> None:
    doorward.json("channel", "create", "Front", "--site", 1)
    monkeypatch.setenv(name, value)
    made = doorward.json("controller", "code", "--channel", 1)
    assert made["server"] == server
    assert f" --server {server or 'SERVER'} --code {made['code']} " in made["command"]
    _, printed, _ = doorward("controller", "code", "--channel", 1)
    told = "Write for SERVER the address under which the controller reaches this server" in printed
    assert told == (server is None)


def test_the_command_line_gives_codes_and_shows_controllers(doorward: Commands) -> None:
    site: int = doorward.json("site", "list")[0]["id"]
    channel: int = doorward.json("channel", "create", "Front", "--site", str(site))["id"]
    made: dict[str, Any] = doorward.json("controller", "code", "--channel", str(channel))
    assert made["channels"] == [{"id": channel, "name": "Front", "controller_id": None}]
    assert made["server"] is None
    assert made["command"].startswith("doorward controller enrol --server SERVER ")
    assert made["code"] in made["command"]
    assert doorward.json("controller", "list") == []
    assert doorward.json("controller", "status") == []
    assert "Not found for this account: 999" in doorward.refusal("controller", "code", "--channel", "999")
    assert doorward.refusal("controller", "remove", "5") == "there is no controller 5"
    database = open_database(doorward.url)
    vault = open_vault(None, Path(doorward.where[3]) / "secret.key", database)
    with serving(database, SystemClock(), vault) as (base_url, _):
        here = Controller.enrol(base_url, made["code"])
    database.close()
    [shown] = doorward.json("controller", "list")
    assert (shown["id"], shown["name"], shown["online"], shown["channels"]) == (here.id, "Hall", False, [channel])
    [row] = doorward.json("controller", "status")
    assert (row["channel_id"], row["controller"], row["version"], row["status"]) == (channel, "Hall", None, "pending")
    assert row["last_contact"] is None
    _, printed, _ = doorward("controller", "code", "--channel", channel)
    assert "Front (1) stays with controller 1 until the code is used." in printed
    assert doorward.json("controller", "rename", here.id, "--name", "Cellar")["name"] == "Cellar"
    code, printed, _ = doorward("controller", "list")
    assert code == 0
    assert "Cellar" in printed
    assert doorward.json("controller", "remove", here.id) == {"removed": here.id}
    assert doorward.json("controller", "list") == []
