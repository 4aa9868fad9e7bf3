"""The vendor's own client, which nobody here wrote, against a running server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.installation import Installation, Server
from tests.vendor_client.client import Call, VendorClient

START = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)


def wanted(made: dict[str, Any], **changed: object) -> dict[str, object]:
    body = {
        "personId": made["people"][0]["id"],
        "startTime": START,
        "endTime": START + timedelta(hours=8),
        "channelIds": [made["channels"][0]["id"]],
    }
    return {"reservationInput": body | changed}


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_it_creates_lists_and_deletes_reservations_and_lists_roles(made: dict[str, Any], server: Server) -> None:
    client = VendorClient(server.base_url, made["token"])
    created = client.call("ReservationsApi", "createReservation", wanted(made))
    assert (created.ok, created.status) == (True, 201), created.raw_body
    assert created.value["personId"] == made["people"][0]["id"]
    assert created.value["startTime"] == iso(START)
    assert created.value["channelIds"] == [made["channels"][0]["id"]]
    number = created.value["id"]
    listed, paged, roles, deleted, again, left = client.batch(
        [
            Call("ReservationsApi", "listReservations"),
            Call("ReservationsApi", "listReservations", {"perPage": 1, "page": 1, "since": START - timedelta(days=9)}),
            Call("RolesApi", "listRoles"),
            Call("ReservationsApi", "deleteReservation", {"id": number}),
            Call("ReservationsApi", "deleteReservation", {"id": number}),
            Call("RolesApi", "listRoles"),
        ]
    )
    assert number in [reservation["id"] for reservation in listed.value]
    assert paged.headers["per-page"] == "1"
    assert f"Reservation {number}" in [role["name"] for role in roles.value]
    assert all("createdAt" in role for role in roles.value)
    assert (deleted.status, deleted.value) == (200, {"result": "ok"})
    assert (again.ok, again.status, again.error_name) == (False, 404, "ResponseError")
    assert f"Reservation {number}" not in [role["name"] for role in left.value]


def test_door_controller_ids_is_understood_and_null_ids_are_no_ids(made: dict[str, Any], server: Server) -> None:
    client = VendorClient(server.base_url, made["token"])
    door = made["channels"][1]["id"]
    created = client.call(
        "ReservationsApi", "createReservation", wanted(made, channelIds=None, doorControllerIds=[door])
    )
    assert created.value["channelIds"] == [door]


@pytest.mark.parametrize(
    ("token", "api", "method", "status", "error"),
    [
        (None, "RolesApi", "listRoles", 401, "unauthorized"),
        ("wrong", "RolesApi", "listRoles", 401, "unauthorized"),
        ("other scope", "RolesApi", "listRoles", 403, "forbidden"),
        ("other scope", "ReservationsApi", "createReservation", 403, "forbidden"),
    ],
)
def test_it_gets_the_errors_of_the_contract(
    house: Installation,
    made: dict[str, Any],
    server: Server,
    token: str | None,
    api: str,
    method: str,
    status: int,
    error: str,
) -> None:
    if token == "other scope":
        owner = made["owner"]["email"]
        token = house.run("token", "create", "--user", owner, "--scope", "account.person.readonly").stdout.strip()
    args = wanted(made) if method == "createReservation" else None
    answer = VendorClient(server.base_url, token).call(api, method, args)
    assert (answer.ok, answer.status, answer.error_name) == (False, status, "ResponseError")
    assert answer.body["error"] == error
    assert answer.body["error_description"]


def test_it_gets_every_broken_rule_of_a_422_at_once(made: dict[str, Any], server: Server) -> None:
    answer = VendorClient(server.base_url, made["token"]).call(
        "ReservationsApi",
        "createReservation",
        wanted(made, personId=999_999, endTime=START - timedelta(hours=1), channelIds=[999_999]),
    )
    assert (answer.ok, answer.status) == (False, 422)
    assert set(answer.body["errors"]) == {"person_id", "end_time", "channel_ids"}
