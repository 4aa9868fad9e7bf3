"""Routes of /api/3/groups: contract operation listGroups, and what is ours."""

import httpx
from sqlalchemy import text

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from tests.integration.conftest import Served
from tests.support.world import World

GROUPS = "/api/3/groups"
AUDIT = {"resource_type": "group"}
PEOPLE = Query[None](
    text(
        "INSERT INTO people (account_id, first_name, last_name, name_key, enabled, created_at, updated_at) "
        "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 3000) "
        "SELECT :account_id, 'P', 'Q', 'p q', 1, 0, 0 FROM g"
    )
)
MEMBERS = Query[None](
    text("INSERT INTO person_groups (person_id, group_id) SELECT id, :group_id FROM people WHERE name_key = 'p q'")
)


def test_groups_have_exactly_the_contracts_fields_by_name_and_without_pages(api: httpx.Client) -> None:
    for name in ("zeta", "Émile", "alpha"):
        assert api.post(GROUPS, json={"name": name, "notes": "n"}).status_code == 201
    answer = api.get(GROUPS, params={"per_page": 1, "page": 2})
    assert [group["name"] for group in answer.json()] == ["alpha", "Émile", "zeta"]
    assert "total" not in answer.headers
    assert answer.json()[0] == {
        "id": 3,
        "name": "alpha",
        "notes": "n",
        "global_across_sites": False,
        "created_at": "2026-03-02T09:00:00.000Z",
        "updated_at": "2026-03-02T09:00:00.000Z",
    }


def test_a_group_is_created_changed_and_deleted(api: httpx.Client, world: World) -> None:
    role = api.post("/api/3/roles", json={"name": "Day", "channel_ids": world.channel_ids[:1]}).json()["id"]
    grace = world.person("Grace", "Hopper", system_id="G1")
    made = api.post(GROUPS, json={"name": "Staff", "role_ids": [role], "person_ids": [world.person_id]})
    assert made.status_code == 201
    group = made.json()
    assert (group["role_ids"], group["people_count"], "person_ids" in group) == ([role], 1, False)
    path = f"{GROUPS}/{group['id']}"
    assert api.get(path).json() == group
    changed = api.put(path, json={"name": "Crew", "global_across_sites": True, "person_ids": [world.person_id, grace]})
    assert changed.status_code == 200
    assert changed.json() == {**group, "name": "Crew", "global_across_sites": True, "people_count": 2}
    people = api.get(f"{path}/people", params={"per_page": 1, "page": 2})
    assert people.json() == [{"id": grace, "first_name": "Grace", "last_name": "Hopper", "system_id": "G1"}]
    assert (people.headers["total"], people.headers["per-page"]) == ("2", "1")
    assert api.delete(path).json() == {"result": "ok"}
    assert api.get(path).status_code == api.get(f"{path}/people").status_code == 404
    before, after = (
        (entry["before"], entry["after"]) for entry in reversed(api.get("/api/3/audit_log", params=AUDIT).json()[:2])
    )
    assert before == (
        {"name": "Staff", "global_across_sites": False, "people_count": 1},
        {"name": "Crew", "global_across_sites": True, "people_count": 2, "people_added": [grace]},
    )
    assert (after[0]["people_count"], after[0]["role_ids"], after[1]) == (2, [role], None)


def test_who_came_and_who_went_is_logged_and_what_changes_nothing_is_not(api: httpx.Client, world: World) -> None:
    grace = world.person("Grace", "Hopper")
    path = f"{GROUPS}/{api.post(GROUPS, json={'name': 'Staff', 'person_ids': [world.person_id]}).json()['id']}"
    api.put(path, json={"person_ids": [grace]})
    entry = api.get("/api/3/audit_log", params=AUDIT).json()[0]
    assert (entry["before"], entry["after"]) == ({"people_removed": [world.person_id]}, {"people_added": [grace]})
    assert api.put(path, json={"name": "Staff", "person_ids": [grace]}).status_code == 200
    assert api.put(path, json={"name": "", "person_ids": [grace, 99_999]}).status_code == 422
    assert len(api.get("/api/3/audit_log", params=AUDIT).json()) == 2


def test_hostile_input_is_refused(api: httpx.Client) -> None:
    hostile: list[dict[str, object]] = [
        {"notes": "no name"},
        {"name": "G", "person_ids": list(range(100_000))},
        {"name": "G", "person_ids": [2**63]},
        {"name": "G", "role_ids": "all"},
        {"name": "G", "global_across_sites": "yes"},
    ]
    for body in hostile:
        assert api.post(GROUPS, json=body).status_code == 422, body
    assert api.post(GROUPS, json=[]).status_code == 400
    assert api.get(GROUPS).json() == []


def test_names_of_people_need_the_scope_for_people(api: httpx.Client, world: World, served: Served) -> None:
    group = api.post(GROUPS, json={"name": "Staff", "person_ids": [world.person_id]}).json()["id"]
    with served.client(world.new_token(world.owner_id, "account.group.readonly")) as reader:
        assert reader.get(f"{GROUPS}/{group}").status_code == 200
        assert reader.get(f"{GROUPS}/{group}/people").status_code == 403
    with served.client(world.new_token(world.owner_id, "account.person.readonly")) as reader:
        assert reader.get(f"{GROUPS}/{group}/people").json()[0]["first_name"] == "Ada"


def test_who_is_limited_to_sites_changes_groups_that_open_doors_there_alone(
    api: httpx.Client, world: World, served: Served
) -> None:
    north, far = world.channel_ids[0], world.channel_ids[2]
    roles = [
        api.post("/api/3/roles", json={"name": name, "channel_ids": ids}).json()["id"]
        for name, ids in (("North", [north]), ("South", [far]), ("Both", [north, far]))
    ]
    in_north, in_south, in_both = roles
    wide = api.post(GROUPS, json={"name": "Wide", "role_ids": roles}).json()["id"]
    theirs = api.post(GROUPS, json={"name": "South", "role_ids": [in_south]}).json()["id"]
    _, token = world.user("admin", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert len(limited.get(GROUPS).json()) == 2
        assert limited.get(f"{GROUPS}/{wide}").json()["role_ids"] == [in_south, in_both]
        bodies: list[dict[str, object]] = [{"name": "x"}, {"person_ids": [world.person_id]}, {"role_ids": []}]
        for body in bodies:
            assert limited.put(f"{GROUPS}/{wide}", json=body).status_code == 403
        assert limited.delete(f"{GROUPS}/{wide}").status_code == 403
        refused = limited.put(f"{GROUPS}/{theirs}", json={"role_ids": [in_south, in_both]})
        assert list(refused.json()["errors"]) == ["role_ids"]
        assert limited.post(GROUPS, json={"name": "New", "role_ids": [in_north]}).status_code == 422
        assert limited.put(f"{GROUPS}/{theirs}", json={"person_ids": [world.person_id]}).status_code == 200
        assert limited.post(GROUPS, json={"name": "New", "role_ids": [in_south]}).status_code == 201
        assert limited.delete(f"{GROUPS}/{theirs}").status_code == 200
    assert api.get(f"{GROUPS}/{wide}").json()["role_ids"] == sorted(roles)


def test_a_group_of_many_is_counted_and_paged_and_changed_without_naming_them(api: httpx.Client, world: World) -> None:
    group = api.post(GROUPS, json={"name": "Everybody"}).json()["id"]

    def fill(tx: Transaction) -> None:
        tx.run(PEOPLE, account_id=world.account_id)
        tx.run(MEMBERS, group_id=group)

    world.database.write_now(fill)
    assert api.get(f"{GROUPS}/{group}").json()["people_count"] == 3000
    last = api.get(f"{GROUPS}/{group}/people", params={"per_page": 1000, "page": 3})
    assert (len(last.json()), last.headers["total"]) == (1000, "3000")
    role = api.post("/api/3/roles", json={"name": "R", "channel_ids": world.channel_ids[:1]}).json()["id"]
    changed = api.put(f"{GROUPS}/{group}", json={"name": "All", "role_ids": [role]})
    assert (changed.status_code, changed.json()["people_count"]) == (200, 3000)
    assert api.put(f"{GROUPS}/{group}", json={"person_ids": []}).json()["people_count"] == 0
    entry = api.get("/api/3/audit_log", params=AUDIT).json()[0]
    assert (entry["before"]["people_count"], len(entry["before"]["people_removed"])) == (3000, 1000)
