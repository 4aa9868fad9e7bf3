"""What integrations may not make, so that revoking one is the end of it; and what a service never gets."""

from collections.abc import Callable

import httpx
import pytest

from doorward.applications.service import rotate_secret
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import FixedClock
from doorward.oauth.families import Grant, add_family
from doorward.oauth.hashing import matches
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import create_token
from doorward.provider import clients
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.oauth import Browser, OAuthApp, new_app, refused, signed_in
from tests.support.services import write
from tests.support.world import ALL, PASSWORD, World

APPLICATIONS = "/api/3/applications"
USERS = "/api/3/users"
CALLBACK = "https://example.com/callback"
OLGA = {"email": "olga@example.com", "role": "operator", "password": PASSWORD}


@pytest.fixture
def integration(served: Served, world: World) -> httpx.Client:
    """A client with a token that the owner's consent gave an application, of all scopes."""
    app = new_app(world, served.base_url)

    def give(tx: Transaction) -> str:
        grant, now = Grant(world.account_id, app.id, world.owner_id, ALL), world.clock.now()
        return create_token(tx, **grant._asdict(), now=now, family_id=add_family(tx, grant, now))

    return served.client(world.database.write_now(give))


def asks(service: OAuthApp, scope: str) -> httpx.Response:
    return service.post("token", {"grant_type": "client_credentials", "scope": scope, **service.credentials})


def as_client(served: Served, made: dict[str, object]) -> OAuthApp:
    return OAuthApp(served.base_url, int(str(made["id"])), str(made["client_id"]), str(made["client_secret"]))


def test_a_service_has_no_more_scopes_than_the_token_that_made_it_one(
    api: httpx.Client, served: Served, world: World
) -> None:
    narrow = world.new_token(world.owner_id, "account.application account.person")
    with served.client(narrow) as client:
        made = client.post(APPLICATIONS, json={"name": "Nightly", "service": True}).json()
        plain = api.post(APPLICATIONS, json={"name": "App", "redirect_uris": [CALLBACK]}).json()
        assert client.put(f"{APPLICATIONS}/{plain['id']}", json={"service": True}).status_code == 200
    held = ["account.application", "account.application.readonly", "account.credential_type.readonly",
            "account.group.readonly", "account.person", "account.person.readonly"]  # fmt: skip
    assert made["service_scopes"] == held
    assert api.get(f"{APPLICATIONS}/{plain['id']}").json()["service_scopes"] == held
    for service in (as_client(served, made), as_client(served, plain)):
        assert asks(service, "account.person account.group.readonly").status_code == 200
        for scope in ("account.role", "account.person account.role.readonly", ALL):
            refused(asks(service, scope), "invalid_scope")
    again = api.put(f"{APPLICATIONS}/{plain['id']}", json={"name": "Apps", "service": True}).json()
    assert again["service_scopes"] == held, "it was one already"
    assert api.put(f"{APPLICATIONS}/{plain['id']}", json={"service": False}).json()["service_scopes"] is None
    wide = api.put(f"{APPLICATIONS}/{plain['id']}", json={"service": True}).json()
    assert wide["service_scopes"] == sorted(ALL_SCOPES)
    assert asks(as_client(served, plain), ALL).status_code == 200
    unlimited = new_app(world, served.base_url, service=True, redirect_uris=[])
    assert asks(unlimited, ALL).status_code == 200, "the command line of the machine sets no limit"


def test_who_gets_a_services_secret_has_its_scopes_already(api: httpx.Client, served: Served, world: World) -> None:
    wide = api.post(APPLICATIONS, json={"name": "Nightly", "service": True}).json()
    unlimited = new_app(world, served.base_url, service=True, redirect_uris=[]).id
    with served.client(world.new_token(world.owner_id, "account.application")) as narrow:
        small = narrow.post(APPLICATIONS, json={"name": "Small", "service": True}).json()["id"]
        assert narrow.post(f"{APPLICATIONS}/{small}/rotate_secret").status_code == 200
        for service in (wide["id"], unlimited):
            answer = narrow.post(f"{APPLICATIONS}/{service}/rotate_secret")
            assert answer.status_code == 403
            assert "account.audit.readonly account.channel" in answer.json()["error_description"]
    for service in (wide["id"], unlimited, small):
        assert api.post(f"{APPLICATIONS}/{service}/rotate_secret").status_code == 200


def test_an_integration_makes_no_credentials(api: httpx.Client, served: Served, integration: httpx.Client) -> None:
    app = api.post(APPLICATIONS, json={"name": "App", "redirect_uris": [CALLBACK]}).json()["id"]
    service = api.post(APPLICATIONS, json={"name": "Nightly", "service": True}).json()["id"]
    tries: list[Callable[[], httpx.Response]] = [
        lambda: integration.post(APPLICATIONS, json={"name": "Mine", "redirect_uris": [CALLBACK]}),
        lambda: integration.post(APPLICATIONS, json={"name": "Mine", "service": True}),
        lambda: integration.put(f"{APPLICATIONS}/{app}", json={"service": True}),
        lambda: integration.put(f"{APPLICATIONS}/{app}", json={"redirect_uris": ["https://evil.example/"]}),
        lambda: integration.put(f"{APPLICATIONS}/{service}", json={"name": "Mine"}),
        lambda: integration.post(f"{APPLICATIONS}/{app}/rotate_secret"),
        lambda: integration.post(f"{APPLICATIONS}/{service}/rotate_secret"),
    ]
    for attempt in tries:
        answer = attempt()
        assert answer.status_code == 403
        assert answer.json()["error_description"] == (
            "Only a personal token or one of the command line makes or changes applications"
        )
    assert len(api.get(APPLICATIONS).json()) == 4
    assert integration.post(f"{APPLICATIONS}/{service}/revoke").status_code == 200
    assert integration.delete(f"{APPLICATIONS}/{app}").status_code == 200
    own = api.post("/api/3/personal_tokens", json={"name": "x", "scopes": ["account.application"]}).json()["token"]
    with served.client(own) as personal:
        assert personal.post(APPLICATIONS, json={"name": "Mine", "service": True}).status_code == 201


def test_a_revoked_service_gets_nothing_until_its_secret_is_rotated(
    api: httpx.Client, served: Served, world: World
) -> None:
    made = api.post(APPLICATIONS, json={"name": "Nightly", "service": True}).json()
    service, path = as_client(served, made), f"{APPLICATIONS}/{made['id']}"
    token = asks(service, "account.role.readonly").json()["access_token"]
    assert api.post(f"{path}/revoke").json() == {"result": "ok", "revoked": 1}
    assert not service.works(token)
    refused(asks(service, "account.role.readonly"), "invalid_client", 401)
    assert api.post(f"{path}/revoke").json() == {"result": "ok", "revoked": 0}
    rotated = as_client(served, api.post(f"{path}/rotate_secret").json())
    assert asks(rotated, "account.role.readonly").status_code == 200
    refused(asks(service, "account.role.readonly"), "invalid_client", 401)
    app = new_app(world, served.base_url)
    assert api.post(f"{APPLICATIONS}/{app.id}/revoke").status_code == 200
    assert app.exchange("x").json()["error"] == "invalid_grant", "who needs a user's consent keeps the secret"


def test_a_secret_that_is_replaced_while_it_is_verified_is_too_late(
    served: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = new_app(world, served.base_url, service=True, redirect_uris=[])

    async def overtaken(stored: str, secret: str) -> bool:
        found = await matches(stored, secret)
        write(world, rotate_secret, service.id, "another hash")
        return found

    monkeypatch.setattr(clients, "matches", overtaken)
    refused(asks(service, "account.role.readonly"), "invalid_client", 401)


def test_an_integration_changes_names_and_takes_power_away_but_gives_none(
    api: httpx.Client, integration: httpx.Client, world: World
) -> None:
    other, _ = world.user("operator", site_ids=world.site_ids[:1])
    path = f"{USERS}/{other}"
    given: list[dict[str, object]] = [
        {"password": PASSWORD + "!"}, {"role": "admin"}, {"email": "evil@example.com"}, {"site_ids": None},
        {"site_ids": world.site_ids}, {"first_name": "X", "role": "owner"},
    ]  # fmt: skip
    before = api.get(path).json()
    for body in given:
        assert integration.put(path, json=body).status_code == 403, body
    assert integration.post(USERS, json=OLGA).status_code == 403
    refused_own = integration.put(f"{USERS}/{world.owner_id}", json={"password": PASSWORD + "!"})
    assert refused_own.status_code == 403
    assert "makes no users" in refused_own.json()["error_description"]
    assert api.get(path).json() == before
    taken = {"first_name": "Nina", "last_name": "", "role": "viewer", "site_ids": []}
    changed = integration.put(path, json={**taken, "email": before["email"].upper()}).json()
    assert {name: changed[name] for name in taken} == taken
    assert integration.put(path, json={"disabled": True}).status_code == 200
    assert integration.put(path, json={"disabled": False}).status_code == 403
    assert api.put(path, json={"disabled": False}).status_code == 200
    assert integration.delete(path).status_code == 200


def test_ones_own_password_is_changed_where_the_old_one_is_asked_for(
    api: httpx.Client, served: Served, world: World
) -> None:
    answer = api.put(f"{USERS}/{world.owner_id}", json={"password": PASSWORD + "!", "role": "god"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "role": ["must be one of: owner, admin, operator, viewer"],
        "password": ["is changed on the page /account/security"],
    }
    assert api.put(f"{USERS}/{world.owner_id}", json={"password": None, "first_name": "Ida"}).status_code == 200
    email = api.get(f"{USERS}/{world.owner_id}").json()["email"]
    assert FormBrowser(served.base_url).sign_in(email).status_code == 303


def test_a_password_that_somebody_else_sets_ends_all_that_the_user_had(
    api: httpx.Client, served: Served, world: World, clock: FixedClock
) -> None:
    app = new_app(world, served.base_url)
    user_id, token = world.user("admin")
    browser: Browser = signed_in(world, served.base_url, user_id)
    tokens, code = browser.connect(app), browser.code_for(app)
    others = signed_in(world, served.base_url, world.owner_id).connect(app)
    clock.advance(1)
    assert api.put(f"{USERS}/{user_id}", json={"password": PASSWORD + "!"}).status_code == 200
    assert not app.works(token)
    assert not app.works(tokens["access_token"])
    for answer in (app.refresh(tokens["refresh_token"]), app.exchange(code)):
        refused(answer, "invalid_grant")
    assert browser.get("/account/security").status_code == 303
    assert app.refresh(others["refresh_token"]).status_code == 200
