"""/api/3/personal_tokens [ours]: a user's own, never more than the token they were asked for with."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from doorward.applications.client_secrets import ClientSecret
from doorward.applications.service import Application, create_application
from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import FixedClock
from doorward.oauth.families import Grant, add_family
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import authenticate, create_token
from doorward.users.service import disable_user
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.world import World

PATH = "/api/3/personal_tokens"
DAY = 86_400_000
AFTER = Query(select(audit_log.c.after).order_by(audit_log.c.id), lambda after: after or "")


def application(world: World, **body: object) -> Application:
    fields = {"name": "App", "redirect_uris": ["https://example.com/"], **body}
    return write(world, create_application, fields, ClientSecret("x", "x").secret_hash)


def test_a_token_is_shown_once_listed_and_revoked(
    api: httpx.Client, served: Served, world: World, clock: FixedClock
) -> None:
    made = api.post(PATH, json={"name": "Backup", "scopes": ["account.role.readonly", "account.person"]})
    assert made.status_code == 201, made.text
    body = made.json()
    token = body.pop("token")
    assert body == {
        "id": body["id"], "name": "Backup", "scopes": ["account.person", "account.role.readonly"],
        "created_at": "2026-03-02T09:00:00.000Z", "expires_at": "2026-05-31T09:00:00.000Z",
    }  # fmt: skip
    assert api.get(PATH).json() == [body]
    assert token not in "".join(world.database.read_now(lambda tx: tx.all(AFTER)))
    _, elsewhere = world.user("admin")
    with served.client(token) as program, served.client(elsewhere) as stranger:
        assert program.get("/api/3/roles").status_code == 200
        assert program.get("/api/3/users").status_code == 403
        assert program.get(PATH).json() == [body], "it is its user's as well"
        assert stranger.get(PATH).json() == []
        assert stranger.delete(f"{PATH}/{body['id']}").status_code == 404
        clock.advance(90 * DAY - 1)
        assert program.get("/api/3/roles").status_code == 200
        clock.advance(1)
        assert program.get("/api/3/roles").status_code == 401
        clock.advance(-DAY)
        assert program.delete(f"{PATH}/{body['id']}").json() == {"result": "ok"}
        assert program.get("/api/3/roles").status_code == 401
    assert world.database.read_now(lambda tx: tx.all(AFTER))


def test_a_token_lasts_as_long_as_was_asked_for(api: httpx.Client) -> None:
    for days, until in ((1, "2026-03-03"), (365, "2027-03-02"), (None, "2036-03-02")):
        body = {"name": "x", "scopes": "account.role.readonly", "expires_in_days": days}
        assert api.post(PATH, json=body).json()["expires_at"].startswith(until)


def test_all_that_is_wrong_is_said_at_once(api: httpx.Client) -> None:
    answer = api.post(PATH, json={"scopes": ["account.everything"], "expires_in_days": 366})
    assert answer.json()["errors"] == {
        "name": ["can't be blank"],
        "scopes": ["has an unknown scope: account.everything"],
        "expires_in_days": ["must be between 1 and 365"],
    }
    unusable: tuple[object, ...] = (None, "", " ", [], 5, [5], {}, ["x"] * 101)
    for scopes in unusable:
        answer = api.post(PATH, json={"name": "x", "scopes": scopes})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["scopes"]), scopes


def test_a_token_never_has_more_than_the_one_it_was_asked_for_with(served: Served, world: World) -> None:
    parent = world.new_token(world.owner_id, "account.person account.role.readonly")
    now = world.clock.now()
    allowed = world.database.read_now(lambda tx: authenticate(tx, parent, now)).scopes
    with served.client(parent) as client:

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.sets(st.sampled_from(sorted(ALL_SCOPES)), min_size=1, max_size=4))
        def holds(wanted: set[str]) -> None:
            answer = client.post(PATH, json={"name": "x", "scopes": sorted(wanted)})
            assert answer.status_code == (201 if wanted <= allowed else 422)
            if answer.status_code == 201:
                token = answer.json()["token"]
                made = world.database.read_now(lambda tx: authenticate(tx, token, now))
                assert made.scopes <= allowed
                assert made.user_id == world.owner_id

        holds()
        assert client.post(PATH, json={"name": "x", "scopes": "account.person.readonly"}).status_code == 201


@pytest.mark.parametrize("kind", ["a service", "an application", "a personal token"])
def test_neither_an_application_nor_a_personal_token_makes_any(
    api: httpx.Client, served: Served, world: World, kind: str
) -> None:
    body = {"name": "x", "scopes": "account.role.readonly"}
    if kind == "a personal token":
        made = api.post(PATH, json=body).json()
        token, own = made["token"], [made["id"]]
    else:
        application_id = application(world, service=kind == "a service").id
        grant = Grant(world.account_id, application_id, world.owner_id, "account.role.readonly")

        def give(tx: Transaction) -> str:
            now = world.clock.now()
            family_id = None if kind == "a service" else add_family(tx, grant, now)
            return create_token(tx, **grant._asdict(), now=now, family_id=family_id)

        token, own = world.database.write_now(give), []
    with served.client(token) as client:
        refused = client.post(PATH, json=body)
        assert refused.status_code == 403
        assert "can't be made with" in refused.json()["error_description"]
        assert [each["id"] for each in client.get(PATH).json()] == own
        assert all(client.delete(f"{PATH}/{each}").status_code == 200 for each in own)


def test_a_user_has_fifty_that_hold(api: httpx.Client, served: Served, world: World, clock: FixedClock) -> None:
    body = {"name": "x", "scopes": "account.role.readonly", "expires_in_days": 1}
    last = [api.post(PATH, json=body) for _ in range(50)][-1]
    assert last.status_code == 201
    refused = api.post(PATH, json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"] == {"name": ["would be one too many: you have 50 personal tokens that hold"]}
    with served.client(world.user("viewer")[1]) as other:
        assert other.post(PATH, json=body).status_code == 201, "another user has their own"
    assert api.delete(f"{PATH}/{last.json()['id']}").status_code == 200
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: api.post(PATH, json=body).status_code, range(4)))
    assert sorted(statuses) == [201, 422, 422, 422]
    clock.advance(DAY)
    with served.client(world.new_token(world.owner_id)) as later:
        assert later.post(PATH, json=body).status_code == 201, "those that have expired do not count"


def test_tokens_of_a_disabled_user_are_dead_at_once(served: Served, world: World) -> None:
    user_id, token = world.user("operator")
    with served.client(token) as client:
        made = client.post(PATH, json={"name": "x", "scopes": "account.role.readonly"}).json()["token"]
    with served.client(made) as program:
        assert program.get("/api/3/roles").status_code == 200
        write(world, disable_user, user_id)
        assert program.get("/api/3/roles").status_code == 401
