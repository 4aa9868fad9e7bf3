"""GET /api/3/audit_log, which is ours: who changed what, through which application, before and after."""

from typing import Any

import httpx

from tests.integration.conftest import Served
from tests.support.world import World

LOG = "/api/3/audit_log"


def log(api: httpx.Client, **query: object) -> list[dict[str, Any]]:
    answer = api.get(LOG, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_an_entry_says_who_did_what_through_which_application(api: httpx.Client, world: World) -> None:
    made = api.post("/api/3/groups", json={"name": "Staff"}, headers={"X-Request-Id": "request-0001"})
    entry = log(api, user_id=world.owner_id)[0]
    application = entry["application_id"]
    assert {**entry, "user_name": entry["user_name"].strip()} == {
        "id": entry["id"],
        "at": "2026-03-02T09:00:00.000Z",
        "user_id": world.owner_id,
        "user_name": f"<owner1.{world.account_id}@acme.example>",
        "application_id": application,
        "application_name": "Command line",
        "request_id": made.headers["x-request-id"],
        "address": "127.0.0.1",
        "action": "create",
        "resource_type": "group",
        "resource_id": made.json()["id"],
        "before": None,
        "after": {
            "id": made.json()["id"],
            "name": "Staff",
            "notes": None,
            "global_across_sites": False,
            "created_at": "2026-03-02T09:00:00.000Z",
            "role_ids": [],
            "people_count": 0,
        },
    }


def test_every_kind_of_change_is_logged_once_and_what_is_refused_never(api: httpx.Client, world: World) -> None:
    window = [{"days": ["mon"], "start": "07:00", "end": "22:00"}]
    rule = {"name": "R", "call_back_url": "https://example.com/", "match_event_codes": [10]}
    kinds: list[tuple[str, str, dict[str, Any], dict[str, Any] | None]] = [
        ("group", "groups", {"name": "G"}, {"name": "H"}),
        ("role", "roles", {"name": "R"}, {"channel_ids": world.channel_ids}),
        ("shift", "shifts", {"name": "S", "windows": window}, {"holidays": "replace"}),
        ("site", "sites", {"name": "S"}, {"notes": "n"}),
        ("area", f"sites/{world.site_ids[0]}/areas", {"name": "A"}, {"name": "B"}),
        ("holiday", "holidays", {"day": "2026-12-25", "name": "C"}, None),
        ("notification_rule", "notification_rules", rule, {**rule, "match_event_codes": [20]}),
        (
            "reservation",
            "reservations",
            {
                "person_id": world.person_id,
                "start_time": "2026-03-02T10:00:00Z",
                "end_time": "2026-03-02T11:00:00Z",
                "channel_ids": world.channel_ids,
            },
            None,
        ),
    ]
    for kind, path, body, changes in kinds:
        the_id = api.post(f"/api/3/{path}", json=body).json()["id"]
        one = f"/api/3/{'areas' if kind == 'area' else path}/{the_id}"
        expected = ["create"]
        if changes is not None:
            for _ in range(2):  # the second changes nothing
                assert api.put(one, json=changes).status_code == 200
            assert api.put(one, json={**changes, "name": ""}).status_code == 422
            expected.append("update")
        assert api.post(f"/api/3/{path}", json={}).status_code == 422
        assert api.delete(one).status_code == 200
        assert api.delete(one).status_code == 404
        expected.append("delete")
        entries = log(api, resource_type=kind, user_id=world.owner_id)[::-1]
        assert [entry["action"] for entry in entries] == expected, kind
        assert {entry["resource_id"] for entry in entries} == {the_id}
        created, deleted = entries[0], entries[-1]
        assert (created["before"], deleted["after"]) == (None, None)
        assert created["after"]["id"] == deleted["before"]["id"] == the_id
        if changes is not None:
            assert entries[1]["before"].keys() == entries[1]["after"].keys() != set()
            assert entries[1]["before"] != entries[1]["after"]


def test_a_repeated_key_does_and_logs_it_once(api: httpx.Client, world: World) -> None:
    for _ in range(2):
        answer = api.post("/api/3/groups", json={"name": "Staff"}, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 201
    assert len(log(api, user_id=world.owner_id)) == 1


def test_the_log_is_narrowed_by_what_who_and_when_and_pages_newest_first(api: httpx.Client, world: World) -> None:
    groups = [api.post("/api/3/groups", json={"name": name}).json()["id"] for name in ("A", "B", "C")]
    api.put(f"/api/3/groups/{groups[1]}", json={"name": "D"})
    mine = log(api, user_id=world.owner_id)
    assert [entry["resource_id"] for entry in mine] == [groups[1], *groups[::-1]]
    assert [entry["id"] for entry in mine] == sorted((entry["id"] for entry in mine), reverse=True)
    assert log(api, resource_type="group", resource_id=groups[0]) == mine[3:]
    assert log(api, resource_type="group", action="update") == mine[:1]
    assert log(api, application_id=mine[0]["application_id"], user_id=world.owner_id) == mine
    assert log(api, user_id=99_999) == log(api, resource_type="nothing") == []
    assert log(api, user_id=world.owner_id, since="2026-03-02T09:00:00Z", until="2026-03-02T09:00:00.001Z") == mine
    assert log(api, user_id=world.owner_id, until="2026-03-02T09:00:00Z") == []
    page = api.get(LOG, params={"user_id": world.owner_id, "per_page": 2, "page": 2})
    assert (page.json(), page.headers["total"]) == (mine[2:], "4")
    for wrong in ({"user_id": "x"}, {"since": "x"}, {"until": "x"}, {"page": "0"}, {"action": "a\x00"}):
        assert api.get(LOG, params=wrong).status_code == 400


def test_the_log_is_for_those_who_configure_the_whole_account(api: httpx.Client, world: World, served: Served) -> None:
    api.post("/api/3/groups", json={"name": "A"})
    refused = [
        world.user("viewer")[1],
        world.user("operator")[1],
        world.user("admin", site_ids=world.site_ids)[1],
        world.new_token(world.owner_id, "account.group account.role"),
    ]
    for token in refused:
        with served.client(token) as asking:
            assert asking.get(LOG).status_code == 403
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(elsewhere.token) as stranger:
        assert all(entry["user_id"] != world.owner_id for entry in log(stranger))
        assert log(stranger, user_id=world.owner_id) == []
