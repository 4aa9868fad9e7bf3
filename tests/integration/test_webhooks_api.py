"""The webhooks of applications and the log of deliveries over the API, in commands and in metrics."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from doorward.kit.clock import FixedClock
from doorward.webhooks.sending import Outcome
from doorward.wire.context import Edge
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.server import serving
from tests.support.web import Web, somebody_elses_web
from tests.support.webhooks import Recording, endpoint_of, happened, listening, rows, send_all
from tests.support.world import World


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with somebody_elses_web() as served:
        served.give("/hook", b"thanks")
        yield served


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    """The API, which may send to this machine."""
    edge = Edge(outbound_allow=("127.0.0.0/8",))
    with serving(world.database, world.clock, world.vault, edge=edge) as (base_url, context):
        yield Served(base_url, context)


def _application(api: httpx.Client, **more: object) -> dict[str, Any]:
    body = {"name": "Intranet", "redirect_uris": ["https://app.example/back"], **more}
    answer = api.post("/api/3/applications", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_secret_is_shown_with_the_url_and_never_again(api: httpx.Client) -> None:
    assert _application(api)["webhook_secret"] is None
    made = _application(api, webhook_url="https://app.example/hook")
    path = f"/api/3/applications/{made['id']}"
    assert len(made["webhook_secret"]) >= 40
    assert made["webhook_secret"] not in api.get(path).text + api.get(f"{path}/webhook").text
    moved = api.put(path, json={"webhook_url": "https://app.example/other"}).json()
    assert (moved["webhook_secret"], moved["webhook_url"]) == (None, "https://app.example/other")
    api.put(path, json={"webhook_url": None})
    assert api.get(f"{path}/webhook").status_code == 404
    assert api.post(f"{path}/webhook_test").status_code == 409
    again = api.put(path, json={"webhook_url": "https://app.example/hook"}).json()
    assert again["webhook_secret"] not in (None, made["webhook_secret"])
    log = json.dumps(api.get("/api/3/audit_log").json())
    assert made["webhook_secret"] not in log
    assert again["webhook_secret"] not in log


def test_a_secret_is_replaced_with_or_without_overlap(api: httpx.Client) -> None:
    made = _application(api, webhook_url="https://app.example/hook")
    path = f"/api/3/applications/{made['id']}/webhook_secret"
    new = api.post(path).json()
    assert new["webhook_secret"] != made["webhook_secret"]
    assert new["previous_secret_until"] == "2026-03-03T09:00:00.000Z"
    at_once = api.post(path, json={"at_once": True}).json()
    assert at_once["previous_secret_until"] is None
    refused = api.post(path, json={"at_once": "yes"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["at_once"])
    assert api.post("/api/3/applications/999/webhook_secret").status_code == 404


def test_a_test_says_at_once_what_came_of_it(api: httpx.Client, web: Web, world: World) -> None:
    web.asked.clear()
    made = _application(api, webhook_url=web.url("/hook"))
    found = api.post(f"/api/3/applications/{made['id']}/webhook_test").json()
    assert (found["delivered"], found["status"], found["error"]) == (True, 200, None)
    [told] = json.loads(web.asked[0][3])
    assert (told["resource_type"], told["resource_id"]) == ("Test", str(found["delivery_id"]))
    assert api.get(told["resource"]).json()["state"] == "delivered"
    other = _application(api, webhook_url=web.url("/nothing"))
    failed = api.post(f"/api/3/applications/{other['id']}/webhook_test", headers={"Idempotency-Key": "once"}).json()
    assert (failed["delivered"], failed["status"], failed["error"]) == (False, 404, "was answered with 404")
    again = api.post(f"/api/3/applications/{other['id']}/webhook_test", headers={"Idempotency-Key": "once"}).json()
    assert (again["delivery_id"], again["delivered"]) == (failed["delivery_id"], None)
    assert [(each.state, each.attempts, each.due_at) for each in rows(world)] == [
        ("delivered", 1, None),
        ("given_up", 1, None),
    ], "a test is sent once"


def test_the_log_shows_each_attempt_and_sends_again(api: httpx.Client, world: World, web: Web) -> None:
    first, second = listening(world, web.url("/nothing")), listening(world, web.url("/hook"))
    event_id = happened(world)
    send_all(world)
    listed = api.get("/api/3/webhook_deliveries")
    assert [(each["application_id"], each["state"], each["status"]) for each in listed.json()] == [
        (second.application_id, "delivered", 200),
        (first.application_id, "pending", 404),
    ]
    for query, wanted in (
        ({"app": str(first.application_id)}, [first]),
        ({"failed": "true"}, [first]),
        ({"state": "delivered"}, [second]),
        ({"since": "2026-03-02T09:00:00Z"}, [second, first]),
        ({"since": "2026-03-02T09:00:00.001Z"}, []),
        ({"app": "999"}, []),
        ({"per_page": "1", "page": "2"}, [first]),
    ):
        found = api.get("/api/3/webhook_deliveries", params=query)
        assert [each["application_id"] for each in found.json()] == [each.application_id for each in wanted], query
    assert listed.headers["Total"] == "2"
    for bad in ({"state": "lost"}, {"app": "x"}, {"since": "soon"}, {"failed": "maybe"}):
        assert api.get("/api/3/webhook_deliveries", params=bad).status_code == 400, bad

    number = api.get("/api/3/webhook_deliveries", params={"failed": "true"}).json()[0]["id"]
    shown = api.get(f"/api/3/webhook_deliveries/{number}").json()
    assert (shown["resource_id"], shown["error"]) == (str(event_id), "was answered with 404")
    [made] = shown["made"]
    assert (made["status"], made["error"]) == (404, "was answered with 404")
    assert "404" in made["answer"]
    again = api.post(f"/api/3/webhook_deliveries/{number}/resend").json()
    assert (again["state"], again["attempts"], again["error"]) == ("pending", 0, None)
    send_all(world)
    assert len(api.get(f"/api/3/webhook_deliveries/{number}").json()["made"]) == 2
    assert api.post("/api/3/webhook_deliveries/999/resend").status_code == 404


def test_what_is_disabled_is_told_again_once_it_is_enabled(api: httpx.Client, world: World) -> None:
    listener = listening(world, "https://app.example/hook")
    happened(world)
    send_all(world, Recording(lambda _: Outcome("was answered with 410", 410, is_gone=True)))
    path = f"/api/3/applications/{listener.application_id}"
    shown = api.get(f"{path}/webhook").json()
    assert (shown["disabled_reason"], shown["disabled_at"]) == ("gone", "2026-03-02T09:00:00.000Z")
    number = rows(world)[0].id
    assert api.post(f"/api/3/webhook_deliveries/{number}/resend").status_code == 409
    assert api.post(f"{path}/webhook_test").status_code == 409
    assert api.post(f"{path}/webhook_enable").json()["disabled_at"] is None
    assert endpoint_of(world, listener).disabled_at is None
    assert api.post(f"/api/3/webhook_deliveries/{number}/resend").status_code == 200
    assert api.delete(path).status_code == 200
    assert endpoint_of(world, listener).disabled_reason == "removed"


def test_metrics_say_how_many_wait_and_for_how_long(api: httpx.Client, world: World, clock: FixedClock) -> None:
    listening(world, "https://app.example/hook")
    happened(world)
    happened(world)
    clock.advance(90_000)
    text = api.get("/metrics").text
    assert "doorward_deliveries_waiting 2.0" in text
    assert "doorward_deliveries_overdue_seconds 90.0" in text
    assert "doorward_deliveries_oldest_seconds 90.0" in text


def test_commands_about_webhooks(doorward: Commands, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORWARD_OUTBOUND_ALLOW", "127.0.0.0/8")
    back = ("--redirect-uri", "https://app.example/back")
    made = doorward.json("app", "create", "Intranet", *back, "--webhook-url", web.url("/hook"))
    assert len(made["webhook_secret"]) >= 40
    assert doorward.json("app", "create", "Silent", *back)["webhook_secret"] is None
    tested = doorward.json("webhook", "test", "--app", made["client_id"])
    assert (tested["delivered"], tested["status"]) == (True, 200)
    [listed] = doorward.json("webhook", "deliveries", "--app", str(made["id"]))
    assert (listed["id"], listed["resource_type"]) == (tested["delivery_id"], "Test")
    assert doorward.json("webhook", "deliveries", "--failed") == []
    assert doorward.json("webhook", "resend", str(listed["id"]))["state"] == "pending"
    rotated = doorward.json("webhook", "rotate-secret", "--app", str(made["id"]), "--at-once")
    assert rotated["previous_secret_until"] is None
    assert doorward.json("webhook", "enable", "--app", str(made["id"]))["disabled_at"] is None
