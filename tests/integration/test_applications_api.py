"""/api/3/applications [ours]: integrations, their use, and their end with one action."""

from typing import Any

import httpx
from sqlalchemy import select

from doorward.applications.service import command_line_application, secret_hash_of
from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import password_matches
from doorward.oauth.codes import add_code, present_code
from doorward.oauth.families import Grant, add_family
from doorward.oauth.refreshing import add_refresh_token, present_refresh_token
from doorward.oauth.tokens import create_token
from doorward.oauth.usage import write_usage
from tests.integration.conftest import Served
from tests.support.services import other_account, write
from tests.support.world import World

CALLBACK = "https://example.com/callback"
BOOKINGS: dict[str, Any] = {"name": "Bookings", "redirect_uris": [CALLBACK]}
AUDIT = Query(
    select(audit_log.c.action, audit_log.c.resource_type, audit_log.c.before, audit_log.c.after).order_by(
        audit_log.c.id
    ),
    lambda *row: row,
)


def is_secret_of(world: World, application_id: int, secret: str) -> bool:
    stored = world.database.read_now(lambda tx: secret_hash_of(tx, application_id))
    return stored is not None and password_matches(stored, secret)


def connect(world: World, application_id: int, user_id: int, scopes: str = "account.role.readonly") -> dict[str, str]:
    """What a user's consent gives an application: an access token, a refresh token; and a code not exchanged yet."""
    now = world.clock.now()
    grant = Grant(world.account_id, application_id, user_id, scopes)

    def make(tx: Transaction) -> dict[str, str]:
        family = add_family(tx, grant, now)
        access = create_token(
            tx, account_id=grant.account_id, application_id=application_id, user_id=user_id, scopes=scopes, now=now,
            family_id=family,
        )  # fmt: skip
        refresh = add_refresh_token(tx, family, scopes, now)
        return {
            "access": access,
            "refresh": refresh,
            "code": add_code(tx, grant, redirect_uri=CALLBACK, code_challenge=None, now=now),
        }

    return world.database.write_now(make)


def is_good(served: Served, token: str) -> bool:
    with served.client(token) as client:
        status = client.get("/api/3/personal_tokens").status_code
    assert status in (200, 401)
    return status == 200


def test_an_application_is_made_changed_and_removed(api: httpx.Client, world: World) -> None:
    made = api.post("/api/3/applications", json={**BOOKINGS, "webhook_url": "https://example.com/hook"})
    assert made.status_code == 201, made.text
    body = made.json()
    secret, webhook_secret = body.pop("client_secret"), body.pop("webhook_secret")
    assert body == {
        "id": body["id"], "name": "Bookings", "client_id": body["client_id"], "kind": "registered", "service": False,
        "service_user_id": None, "service_scopes": None, "redirect_uris": [CALLBACK], "webhook_url": "https://example.com/hook",
        "created_at": "2026-03-02T09:00:00.000Z", "updated_at": "2026-03-02T09:00:00.000Z",
    }  # fmt: skip
    path = f"/api/3/applications/{body['id']}"
    assert is_secret_of(world, body["id"], secret)
    assert api.get(path).json() == body
    assert body in api.get("/api/3/applications").json()
    changed = api.put(path, json={"name": "Rooms", "webhook_url": None}).json()
    assert changed == {**body, "name": "Rooms", "webhook_url": None, "webhook_secret": None}
    rotated = api.post(f"{path}/rotate_secret")
    assert rotated.status_code == 200
    assert is_secret_of(world, body["id"], rotated.json()["client_secret"])
    assert not is_secret_of(world, body["id"], secret)
    assert api.delete(path).json() == {"result": "ok", "revoked": 0}
    assert [api.get(path).status_code, api.put(path, json={}).status_code, api.delete(path).status_code] == [404] * 3
    logged = world.database.read_now(lambda tx: tx.all(AUDIT))
    of_applications = [action for action, kind, _, _ in logged if kind == "application"]
    assert of_applications == ["create", "update", "update", "delete"]
    assert secret not in str(logged)
    assert webhook_secret not in str(logged)


def test_a_public_application_has_no_secret(api: httpx.Client) -> None:
    made = api.post("/api/3/applications", json={**BOOKINGS, "public": True}).json()
    assert (made["kind"], made["client_secret"]) == ("public", None)
    assert api.post(f"/api/3/applications/{made['id']}/rotate_secret").status_code == 409
    assert api.put(f"/api/3/applications/{made['id']}", json={"service": True}).json()["errors"] == {
        "service": ["can't be public: it needs a secret of its own"]
    }


def test_only_an_owner_makes_a_service_or_has_its_secret(api: httpx.Client, served: Served, world: World) -> None:
    made = api.post("/api/3/applications", json={"name": "Nightly", "service": True}).json()
    assert (made["service"], made["service_user_id"]) == (True, world.owner_id)
    path = f"/api/3/applications/{made['id']}"
    plain = api.post("/api/3/applications", json=BOOKINGS).json()
    own = write(world, lambda tx, account_id, now: create_token(
        tx, account_id=account_id, application_id=made["id"], user_id=world.owner_id,
        scopes="account.role.readonly", now=now,
    ))  # fmt: skip
    _, token = world.user("admin")
    with served.client(token) as admin:
        assert admin.post("/api/3/applications", json={"name": "Mine", "service": True}).status_code == 403
        assert admin.put(f"/api/3/applications/{plain['id']}", json={"service": True}).status_code == 403
        assert admin.put(f"/api/3/applications/{plain['id']}", json={"name": "Rooms"}).status_code == 200
        assert admin.put(path, json={"redirect_uris": ["https://evil.example/"]}).status_code == 403
        assert admin.post(f"{path}/rotate_secret").status_code == 403, "it would act in the owner's name"
        assert admin.get(path).status_code == 200
    assert is_good(served, own)
    assert api.put(path, json={"service": False}).json()["errors"] == {"redirect_uris": ["can't be blank"]}
    back = api.put(path, json={"service": False, "redirect_uris": [CALLBACK]}).json()
    assert (back["service"], back["service_user_id"]) == (False, None)
    assert not is_good(served, own), "what it held in its own name is gone"
    assert api.put(path, json={"service": True}).json()["service_user_id"] == world.owner_id


def test_built_in_applications_stay_as_they_are(api: httpx.Client, world: World) -> None:
    found = write(world, command_line_application)
    path = f"/api/3/applications/{found.id}"
    assert api.get(path).json()["kind"] == "command_line"
    assert api.put(path, json={"name": "Mine"}).status_code == 409
    assert api.post(f"{path}/rotate_secret").status_code == 409


def test_one_action_revokes_all_that_an_integration_holds(api: httpx.Client, served: Served, world: World) -> None:
    made, other = (api.post("/api/3/applications", json=BOOKINGS).json()["id"] for _ in range(2))
    user_id, _ = world.user("operator")
    held = [connect(world, made, world.owner_id), connect(world, made, user_id)]
    kept = connect(world, other, world.owner_id)
    grants = api.get(f"/api/3/applications/{made}/grants").json()
    assert [(grant["user"]["id"], grant["scopes"], grant["created_at"]) for grant in grants] == [
        (world.owner_id, ["account.role.readonly"], "2026-03-02T09:00:00.000Z"),
        (user_id, ["account.role.readonly"], "2026-03-02T09:00:00.000Z"),
    ]
    answer = api.post(f"/api/3/applications/{made}/revoke")
    assert (answer.status_code, answer.json()) == (200, {"result": "ok", "revoked": 2})
    assert not any(is_good(served, each["access"]) for each in held)
    now = world.clock.now()
    for each in held:
        refresh, code = each["refresh"], each["code"]

        def still_good(tx: Transaction, refresh: str = refresh, code: str = code) -> list[object]:
            return [present_refresh_token(tx, refresh, made, arrived=now, now=now), present_code(tx, code, made, now)]

        assert world.database.write_now(still_good) == [None, None]
    assert api.get(f"/api/3/applications/{made}/grants").json() == []
    assert is_good(served, kept["access"])
    assert len(api.get(f"/api/3/applications/{other}/grants").json()) == 1
    assert is_good(served, connect(world, made, user_id)["access"]), "it may be connected anew"
    assert api.delete(f"/api/3/applications/{made}").json()["revoked"] == 1


def test_use_is_shown_per_user_operation_and_day(api: httpx.Client, served: Served, world: World) -> None:
    made = api.post("/api/3/applications", json=BOOKINGS).json()["id"]
    user_id, _ = world.user("operator")
    path = f"/api/3/applications/{made}/usage"
    empty = api.get(path).json()
    assert empty == {
        "from": "2026-02-01", "to": "2026-03-02", "uses": 0, "last_used_at": None, "last_address": None, "rows": [],
    }  # fmt: skip
    for _ in range(2):
        for user in (world.owner_id, user_id):
            with served.client(connect(world, made, user)["access"]) as client:
                for _ in range(3):
                    assert client.get("/api/3/roles").status_code == 200
        counts = served.context.usage.take()
        world.database.write_now(lambda tx, counts=counts: write_usage(tx, counts))  # type: ignore[misc]
        world.clock.advance(86_400_000)  # type: ignore[attr-defined]
    owner_token = world.new_token(world.owner_id)
    with served.client(owner_token) as owner:
        found = owner.get(path, params={"per_page": 3})
        body = found.json()
        assert (body["uses"], body["last_address"], body["last_used_at"]) == (
            12, "127.0.0.1", "2026-03-03T09:00:00.000Z",
        )  # fmt: skip
        assert found.headers["total"] == "4"
        assert [(row["day"], row["user"]["id"], row["endpoint"], row["uses"]) for row in body["rows"]] == [
            ("2026-03-03", world.owner_id, "listRoles", 3),
            ("2026-03-03", user_id, "listRoles", 3),
            ("2026-03-02", world.owner_id, "listRoles", 3),
        ]
        one_day = owner.get(path, params={"from": "2026-03-02", "to": "2026-03-02"}).json()
        assert (one_day["uses"], len(one_day["rows"])) == (6, 2)
        for bad in ({"from": "yesterday"}, {"to": "2026-13-01"}, {"from": "2026-03-02", "to": "2026-03-01"}):
            assert owner.get(path, params=bad).status_code == 400


def test_applications_are_for_owners_and_admins_of_the_whole_account(served: Served, world: World) -> None:
    tokens = [world.user("operator")[1], world.user("viewer")[1], world.user("owner", site_ids=world.site_ids)[1]]
    found = write(world, command_line_application).id
    for token in tokens:
        with served.client(token) as client:
            for method, rest in (
                ("GET", ""), ("POST", ""), ("GET", f"/{found}"), ("PUT", f"/{found}"), ("DELETE", f"/{found}"),
                ("POST", f"/{found}/rotate_secret"), ("POST", f"/{found}/revoke"), ("GET", f"/{found}/usage"),
                ("GET", f"/{found}/grants"),
            ):  # fmt: skip
                assert client.request(method, f"/api/3/applications{rest}").status_code == 403, (method, rest)


def test_another_accounts_application_is_not_found(api: httpx.Client, world: World) -> None:
    other, now = other_account(world), world.clock.now()
    theirs = world.database.write_now(lambda tx: command_line_application(tx, other, now).id)
    path = f"/api/3/applications/{theirs}"
    answers = [
        *(api.get(each) for each in (path, f"{path}/usage", f"{path}/grants")),
        *(api.post(each) for each in (f"{path}/rotate_secret", f"{path}/revoke")),
        api.put(path, json={}),
        api.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
