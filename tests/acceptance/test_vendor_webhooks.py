"""The vendor's own client receives webhooks, verifies, fetches, and so acknowledges them; on each database."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.support.installation import Installation, Server
from tests.support.server import client
from tests.vendor_client.receiver import Receiver, receiving

ALLOWED = {"DOORWARD_OUTBOUND_ALLOW": "127.0.0.0/8", "DOORWARD_DELIVERY_RETRIES": "0.5,0.5,0.5,0.5"}


def test_it_receives_verifies_fetches_and_acknowledges_each_kind(installation: Installation) -> None:
    made = installation.demo()
    with installation.serving(**ALLOWED) as server, receiving() as receiver:
        application = installation.json(
            *("app", "create", "Integration", "--redirect-uri", "https://app.example/back"),
            *("--webhook-url", receiver.url),
        )
        scopes = "account.event.access.readonly account.person"
        arguments = ("--user", made["owner"]["email"], "--scope", scopes, "--app", application["client_id"])
        token = installation.run("token", "create", *arguments).stdout.strip()
        receiver.listen(application["webhook_secret"], server.base_url, token)
        with client(server.base_url, made["token"]) as api:
            _each_kind_arrives(installation, made, api, receiver)
            deliveries = _eventually(lambda: _log(api), lambda log: {each["state"] for each in log} == {"acknowledged"})
            assert {each["resource_type"] for each in deliveries} == {"Event", "PersonCredential", "PerimeterEvent"}
            assert all(each["error"] is None and each["status"] == 200 for each in deliveries)
            _what_is_not_genuine_is_refused(installation, made, api, receiver, application["webhook_secret"])
        _commands_show_it(installation, application, server)


def _each_kind_arrives(installation: Installation, made: dict[str, Any], api: httpx.Client, receiver: Receiver) -> None:
    channel, person = made["channels"][0]["id"], made["people"][0]["id"]
    verdict = installation.json("door", "present", channel, "--card", made["people"][0]["card"])
    assert verdict["person_id"] == person, verdict
    told = _told(receiver, "Event", "CREATE")
    assert told["resource"]["id"] == int(told["event"]["resourceId"])
    assert told["resource"]["personId"] == person
    assert told["event"]["accountId"] == made["account_id"]

    installation.json("door", "rex", channel)
    told = _told(receiver, "PerimeterEvent", "CREATE")
    assert told["resource"]["id"] == int(told["event"]["resourceId"])

    path = f"/api/3/people/{person}/credentials"
    (card,) = (each for each in api.get(path).json() if each["value"] == made["people"][0]["card"])
    api.delete(f"{path}/{card['id']}")
    assert _told(receiver, "PersonCredential", "DESTROY").get("resource") is None, "there is nothing to fetch"
    body = {"person_credential": {"credential_type_id": card["credential_type_id"], "value": "8765"}}
    credential = api.post(path, json=body).json()
    told = _told(receiver, "PersonCredential", "CREATE")
    assert (told["resource"]["id"], told["resource"]["value"]) == (credential["id"], "8765")
    api.put(f"{path}/{credential['id']}", json={"person_credential": {"value": "8766"}})
    assert _told(receiver, "PersonCredential", "UPDATE")["resource"]["value"] == "8766"


def _what_is_not_genuine_is_refused(
    installation: Installation, made: dict[str, Any], api: httpx.Client, receiver: Receiver, secret: str
) -> None:
    receiver.listen("another secret", "http://127.0.0.1:1", None)
    installation.json("door", "present", made["channels"][0]["id"], "--card", "4040404")
    refused = receiver.next()
    assert (refused["status"], refused["error"], refused["events"]) == (401, "WebhookSignatureError", [])
    failed = _eventually(lambda: _log(api, failed="true"), bool)
    assert failed[0]["error"] == "was answered with 401"
    body, signature, timestamp = refused["body"], refused["signature"], refused["timestamp"]
    assert receiver.verify(body, signature, timestamp, secret)["verified"][0]["resourceType"] == "Event"
    for altered in (
        (body.replace('"CREATE"', '"DESTROY"'), signature, timestamp, secret),
        (body, signature, str(int(timestamp) + 1), secret),
        (body, signature[:-1] + ("0" if signature[-1] != "0" else "1"), timestamp, secret),
        (body, signature, timestamp, "another secret"),
    ):
        assert receiver.verify(*altered) == {"verified": None, "error": "WebhookSignatureError"}


def _commands_show_it(installation: Installation, application: dict[str, Any], server: Server) -> None:
    assert server.process.poll() is None
    number = application["id"]
    failed = installation.json("webhook", "deliveries", "--app", number, "--failed")
    assert failed
    assert all(each["application_id"] == number and each["error"] for each in failed)
    again = installation.json("webhook", "resend", failed[0]["id"])
    assert (again["id"], again["state"]) == (failed[0]["id"], "pending")


def _told(receiver: Receiver, resource_type: str, action: str) -> dict[str, Any]:
    """The next of this kind; others, such as that the door was locked again, may come before it."""
    for _ in range(20):
        received = receiver.next()
        assert received["status"] == 200, received
        for each in received["events"]:
            if (each["event"]["resourceType"], each["event"]["action"]) == (resource_type, action):
                told: dict[str, Any] = each
                return told
    raise AssertionError(f"no {resource_type} {action} has come")


def _log(api: httpx.Client, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/3/webhook_deliveries", params=query).json()
    return found


def _eventually(look: Callable[[], list[dict[str, Any]]], holds: Callable[[Any], bool]) -> list[dict[str, Any]]:
    until = time.monotonic() + 30
    while not holds(found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    assert holds(found), found
    return found
