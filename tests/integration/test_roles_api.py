"""Routes of /api/3/roles beyond the list: one, created, changed, deleted, and by whom."""

import httpx

from tests.integration.conftest import Served
from tests.support.services import other_account, reserve
from tests.support.world import World

ROLES = "/api/3/roles"


def test_a_role_is_created_changed_and_deleted_with_all_it_links(api: httpx.Client, world: World) -> None:
    group = api.post("/api/3/groups", json={"name": "Staff"}).json()["id"]
    body = {"name": "Day", "channel_ids": world.channel_ids[:2], "group_ids": [group], "person_ids": [world.person_id]}
    made = api.post(ROLES, json=body)
    assert made.status_code == 201
    role = made.json()
    assert role == {
        "id": role["id"],
        "name": "Day",
        "shift_id": None,
        "notes": None,
        "created_at": "2026-03-02T09:00:00.000Z",
        "updated_at": "2026-03-02T09:00:00.000Z",
        "reservation_id": None,
        "channel_ids": world.channel_ids[:2],
        "group_ids": [group],
        "person_ids": [world.person_id],
    }
    path = f"{ROLES}/{role['id']}"
    assert api.get(path).json() == role
    changed = api.put(path, json={"notes": "n", "channel_ids": world.channel_ids[2:], "person_ids": []})
    assert (changed.status_code, changed.json()) == (
        200,
        {**role, "notes": "n", "channel_ids": world.channel_ids[2:], "person_ids": []},
    )
    assert [each["name"] for each in api.get(ROLES).json()] == ["Day"]
    gone = api.delete(path)
    assert (gone.status_code, gone.json()) == (200, {"result": "ok"})
    assert api.get(path).status_code == api.put(path, json={}).status_code == api.delete(path).status_code == 404


def test_a_reservations_role_is_shown_but_is_its_reservations(api: httpx.Client, world: World) -> None:
    role_id = reserve(world, world.person_id)
    shown = api.get(f"{ROLES}/{role_id}").json()
    assert (shown["name"], shown["channel_ids"]) == (f"Reservation {shown['reservation_id']}", world.channel_ids[:1])
    assert api.put(f"{ROLES}/{role_id}", json={"notes": "mine"}).status_code == 409
    assert api.delete(f"{ROLES}/{role_id}").status_code == 409


HOSTILE: list[dict[str, object]] = [
    {},
    {"name": ""},
    {"name": "x" * 256},
    {"name": "a\x00b"},
    {"name": 5},
    {"name": "R", "channel_ids": list(range(1, 100_001))},
    {"name": "R", "channel_ids": ["1"]},
    {"name": "R", "channel_ids": [2**63]},
    {"name": "R", "channel_ids": [2**63 - 1]},
    {"name": "R", "person_ids": {"a": 1}},
    {"name": "R", "shift_id": 2**63},
    {"name": "R", "shift_id": True},
    {"name": "R", "notes": "x" * 10_001},
]


def test_hostile_input_is_refused_and_leaves_nothing(api: httpx.Client, world: World) -> None:
    for body in HOSTILE:
        assert api.post(ROLES, json=body).status_code == 422, body
    assert api.get(ROLES).json() == []
    assert api.get("/api/3/audit_log", params={"user_id": world.owner_id}).json() == []
    for text in ("0", "-1", "1.5", "x", "9" * 40, "99999", str(2**63)):
        path = f"{ROLES}/{text}"
        for answer in (api.get(path), api.put(path, json={}), api.delete(path)):
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_another_accounts_things_are_not_found(api: httpx.Client, world: World, served: Served) -> None:
    role = api.post(ROLES, json={"name": "Day"}).json()["id"]
    elsewhere = World(world.database, world.vault, world.clock).build()
    assert other_account(world) != elsewhere.account_id
    with served.client(elsewhere.token) as stranger:
        assert stranger.get(f"{ROLES}/{role}").status_code == 404
        assert stranger.put(f"{ROLES}/{role}", json={"name": "x"}).status_code == 404
        assert stranger.delete(f"{ROLES}/{role}").status_code == 404
        refused = stranger.post(ROLES, json={"name": "R", "channel_ids": world.channel_ids[:1]})
        assert refused.json()["errors"] == {"channel_ids": [f"Not found for this account: {world.channel_ids[0]}"]}


def test_who_is_limited_to_sites_makes_and_changes_roles_for_the_doors_there_alone(
    api: httpx.Client, world: World, served: Served
) -> None:
    north, far = world.channel_ids[0], world.channel_ids[2]
    both = api.post(ROLES, json={"name": "Both", "channel_ids": [north, far]}).json()["id"]
    theirs = api.post(ROLES, json={"name": "North", "channel_ids": [north]}).json()["id"]
    nowhere = api.post(ROLES, json={"name": "Nowhere"}).json()["id"]
    _, token = world.user("admin", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        seen = limited.get(f"{ROLES}/{both}")
        assert (seen.status_code, seen.json()["channel_ids"]) == (200, [far]), "the doors elsewhere are left out"
        assert limited.put(f"{ROLES}/{both}", json={"notes": "x"}).status_code == 403
        assert limited.put(f"{ROLES}/{both}", json={"channel_ids": [far]}).status_code == 403
        assert limited.delete(f"{ROLES}/{both}").status_code == 403
        for hidden in (theirs, nowhere):
            assert limited.get(f"{ROLES}/{hidden}").status_code == 404
            assert limited.put(f"{ROLES}/{hidden}", json={"channel_ids": [far]}).status_code == 404
            assert limited.delete(f"{ROLES}/{hidden}").status_code == 404
        refused = limited.post(ROLES, json={"name": "Mine", "channel_ids": [far, north]})
        assert refused.json()["errors"] == {"channel_ids": [f"Not found for this account: {north}"]}
        assert limited.post(ROLES, json={"name": "Mine"}).status_code == 422
        made = limited.post(ROLES, json={"name": "Mine", "channel_ids": [far], "person_ids": [world.person_id]})
        assert made.status_code == 201
        path = f"{ROLES}/{made.json()['id']}"
        assert limited.put(path, json={"channel_ids": [north]}).status_code == 422
        assert limited.put(path, json={"channel_ids": []}).status_code == 422
        assert limited.put(path, json={"notes": "ours"}).status_code == 200
        assert limited.delete(path).json() == {"result": "ok"}
    assert {role["name"] for role in api.get(ROLES).json()} == {"Both", "North", "Nowhere"}


def test_a_viewer_and_a_token_without_the_scope_change_nothing(world: World, served: Served) -> None:
    _, viewer = world.user("viewer")
    reader = world.new_token(world.owner_id, "account.role.readonly")
    for token in (viewer, reader):
        with served.client(token) as asking:
            assert asking.get(ROLES).status_code == 200
            assert asking.post(ROLES, json={"name": "R"}).status_code == 403
            assert asking.put(f"{ROLES}/1", json={"name": "R"}).status_code == 403
            assert asking.delete(f"{ROLES}/1").status_code == 403
