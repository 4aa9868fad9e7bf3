"""/api/3/users [ours]: who may make, change and disable whom."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.services import other_account
from tests.support.world import PASSWORD, World

AUDIT = Query(
    select(audit_log.c.action, audit_log.c.resource_type, audit_log.c.user_id, audit_log.c.before, audit_log.c.after)
    .order_by(audit_log.c.id),
    lambda *row: row,
)  # fmt: skip
OLGA: dict[str, Any] = {"email": "Olga@example.com", "role": "operator", "first_name": "Olga", "last_name": "Nowak"}


def test_a_user_is_made_with_a_password_that_is_shown_once(api: httpx.Client, served: Served, world: World) -> None:
    made = api.post("/api/3/users", json={**OLGA, "site_ids": [world.site_ids[1]]})
    assert made.status_code == 201, made.text
    body = made.json()
    password = body.pop("password")
    assert body == {
        "id": body["id"], "email": "Olga@example.com", "first_name": "Olga", "last_name": "Nowak", "role": "operator",
        "site_ids": [world.site_ids[1]], "disabled": False, "disabled_at": None, "two_factor": False,
        "created_at": "2026-03-02T09:00:00.000Z", "updated_at": "2026-03-02T09:00:00.000Z",
    }  # fmt: skip
    assert FormBrowser(served.base_url).sign_in("olga@example.com", password).status_code == 303
    assert api.get(f"/api/3/users/{body['id']}").json() == body
    assert [user["id"] for user in api.get("/api/3/users").json()] == [world.owner_id, body["id"]]
    given = api.post("/api/3/users", json={**OLGA, "email": "two@example.com", "password": PASSWORD}).json()
    assert (given["password"], given["site_ids"]) == (None, None)
    assert FormBrowser(served.base_url).sign_in("two@example.com").status_code == 303
    logged = world.database.read_now(lambda tx: tx.all(AUDIT))
    made_by = [user for action, kind, user, _, _ in logged if (action, kind) == ("create", "user")]
    assert made_by[-2:] == [world.owner_id] * 2
    assert password not in str(logged)
    assert "argon2" not in str(logged)


def test_all_that_is_wrong_is_said_at_once(api: httpx.Client) -> None:
    answer = api.post("/api/3/users", json={"email": "no", "role": "god", "password": "short", "site_ids": [99]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "email": ["is not an e-mail address"],
        "role": ["must be one of: owner, admin, operator, viewer"],
        "password": ["is too short (at least 12 characters)"],
        "site_ids": ["Not found for this account: 99"],
    }
    assert api.post("/api/3/users", content=b"[]").status_code == 400
    assert api.put("/api/3/users/1", json={"disabled": "yes"}).status_code == 422


def test_what_is_given_changes_and_a_new_password_ends_the_sessions(
    api: httpx.Client, served: Served, world: World
) -> None:
    made = api.post("/api/3/users", json={**OLGA, "password": PASSWORD}).json()
    path = f"/api/3/users/{made['id']}"
    browser = FormBrowser(served.base_url)
    browser.sign_in("olga@example.com")
    changed = api.put(path, json={"role": "viewer", "site_ids": []}).json()
    assert (changed["role"], changed["site_ids"], changed["last_name"]) == ("viewer", [], "Nowak")
    assert browser.get("/account/security").status_code == 200
    assert api.put(path, json={"password": "another horse, another battery"}).status_code == 200
    assert browser.get("/account/security").status_code == 303
    assert browser.sign_in("olga@example.com").status_code == 422
    assert browser.sign_in("olga@example.com", "another horse, another battery").status_code == 303
    assert api.delete(path).json() == {"result": "ok"}
    assert browser.get("/account/security").status_code == 303
    disabled = api.get(path).json()
    assert (disabled["disabled"], disabled["disabled_at"]) == (True, "2026-03-02T09:00:00.000Z")
    assert api.put(path, json={"disabled": False}).json()["disabled"] is False
    assert api.put(path, json={"disabled": True, "first_name": "Ola"}).json()["disabled"] is True
    last = world.database.read_now(lambda tx: tx.all(AUDIT))[-1]
    assert json.loads(last[3]) == {"first_name": "Olga", "disabled_at": None}
    assert json.loads(last[4]) == {"first_name": "Ola", "disabled_at": "2026-03-02T09:00:00.000Z"}


def test_an_admin_has_no_power_over_owners(served: Served, world: World) -> None:
    admin_id, token = world.user("admin")
    second_owner, _ = world.user("owner")
    with served.client(token) as admin:
        refused = [
            admin.post("/api/3/users", json={**OLGA, "role": "owner"}),
            admin.put(f"/api/3/users/{second_owner}", json={"first_name": "X"}),
            admin.put(f"/api/3/users/{second_owner}", json={"password": PASSWORD + "!"}),
            admin.put(f"/api/3/users/{second_owner}", json={"role": "viewer"}),
            admin.put(f"/api/3/users/{second_owner}", json={"disabled": True}),
            admin.delete(f"/api/3/users/{second_owner}"),
            admin.put(f"/api/3/users/{admin_id}", json={"role": "owner"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * len(refused)
        made = admin.post("/api/3/users", json={**OLGA, "role": "admin"})
        assert made.status_code == 201
        assert admin.put(f"/api/3/users/{made.json()['id']}", json={"role": "owner"}).status_code == 403
        assert admin.put(f"/api/3/users/{made.json()['id']}", json={"role": "viewer"}).status_code == 200
        assert admin.put(f"/api/3/users/{admin_id}", json={"role": "operator"}).status_code == 200, "down is allowed"
        assert admin.get("/api/3/users").status_code == 403, "and holds at once"


def test_users_are_for_owners_and_admins_of_the_whole_account(served: Served, world: World) -> None:
    tokens = [world.user(role)[1] for role in ("operator", "viewer")]
    tokens += [world.user(role, site_ids=world.site_ids)[1] for role in ("admin", "owner")]
    for token in tokens:
        with served.client(token) as client:
            for method, path in (
                ("GET", "/api/3/users"), ("GET", f"/api/3/users/{world.owner_id}"), ("POST", "/api/3/users"),
                ("PUT", f"/api/3/users/{world.owner_id}"), ("DELETE", f"/api/3/users/{world.owner_id}"),
            ):  # fmt: skip
                body: dict[str, object] | None = None if method in ("GET", "DELETE") else {}
                assert client.request(method, path, json=body).status_code == 403, (method, path)


def test_the_last_owner_who_can_sign_in_stays_one(api: httpx.Client, world: World) -> None:
    path = f"/api/3/users/{world.owner_id}"
    for refused in (api.delete(path), api.put(path, json={"role": "admin"}), api.put(path, json={"disabled": True})):
        assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    second, _ = world.user("owner")
    assert api.delete(f"/api/3/users/{second}").status_code == 200
    assert api.put(path, json={"role": "admin"}).status_code == 409, "a disabled owner is none"
    assert api.put(f"/api/3/users/{second}", json={"disabled": False}).status_code == 200
    assert api.put(path, json={"role": "admin"}).status_code == 200
    assert api.put(path, json={"role": "owner"}).status_code == 403, "nobody raises their own role"


def test_owners_who_disable_each_other_at_the_same_moment_leave_one(served: Served, world: World) -> None:
    owners = [(world.owner_id, world.token), *(world.user("owner") for _ in range(3))]

    def disable_all(owner: tuple[int, str]) -> list[int]:
        with served.client(owner[1]) as client:
            return [client.delete(f"/api/3/users/{other}").status_code for other, _ in owners if other != owner[0]]

    with ThreadPoolExecutor(4) as pool:
        statuses = [status for found in pool.map(disable_all, owners) for status in found]
    assert set(statuses) <= {200, 401, 409}
    left = []
    for owner_id, token in owners:
        with served.client(token) as client:
            if client.get(f"/api/3/users/{owner_id}").status_code == 200:
                left.append(owner_id)
    assert len(left) == 1


def test_another_accounts_user_is_not_found(api: httpx.Client, world: World) -> None:
    from doorward.users.service import create_user

    other, now = other_account(world), world.clock.now()
    theirs = world.database.write_now(lambda tx: create_user(tx, other, OLGA, None, now)).id
    for number in (theirs, 999, "x", 2**63):
        path = f"/api/3/users/{number}"
        answers = (api.get(path), api.put(path, json={"role": "viewer"}), api.delete(path))
        assert [answer.status_code for answer in answers] == [404] * 3
    assert api.post("/api/3/users", json=OLGA).json()["errors"] == {"email": ["is already in use"]}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_repeated_request_gives_the_same_password_again(api: httpx.Client, world: World) -> None:
    key = {"Idempotency-Key": "one"}
    first, second = (api.post("/api/3/users", json=OLGA, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert len(api.get("/api/3/users").json()) == 2
    assert [row[0] for row in world.database.read_now(lambda tx: tx.all(AUDIT)) if row[1] == "user"][-1:] == ["create"]
