"""Duress PINs: like PINs to whoever looks on, never anybody's PIN, and at the door a silent alarm."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.credentials.tables import credentials
from doorward.db.query import Query
from doorward.decision.snapshot import Credential, Presented
from doorward.events.tables import events
from doorward.kit.clock import FixedClock
from doorward.process.doors import LocalDoors
from doorward.roles.service import create_role
from doorward.sync.live import LiveSnapshots
from tests.integration.conftest import Served
from tests.support.people_import import errors_of, imported
from tests.support.services import write
from tests.support.world import World

IN_USE = "value is already in use on your account"


def typed(pin: str) -> Presented:
    return Presented(Credential("pin", pin))


@pytest.fixture
def duress(api: httpx.Client) -> int:
    """The credential type."""
    made = api.post("/api/3/credential_types", json={"label": "Duress PIN", "kind": "duress"})
    assert (made.status_code, made.json()["slug"], made.json()["kind"]) == (201, "duress_pin", "duress")
    return int(made.json()["id"])


def give(api: httpx.Client, person_id: int, type_id: int, value: str) -> httpx.Response:
    body = {"person_credential": {"credential_type_id": type_id, "value": value}}
    return api.post(f"/api/3/people/{person_id}/credentials", json=body)


def test_a_duress_pin_has_the_form_of_a_pin(api: httpx.Client, world: World, duress: int) -> None:
    for value in ("123", "12345678", "12a4", "٤٧١٢"):
        refused = give(api, world.person_id, duress, value)
        assert refused.json()["errors"] == {"value": ["must be between 4 and 7 digits in length"]}
    made = give(api, world.person_id, duress, "******")
    assert made.status_code == 201
    assert len(made.json()["value"]) == 4
    assert api.get(f"/api/3/people/{world.person_id}").json()["duress_pin"] == made.json()["value"]
    assert give(api, world.person_id, duress, "9999").status_code == 409


def test_no_duress_pin_is_a_pin_and_no_pin_a_duress_pin(api: httpx.Client, world: World, duress: int) -> None:
    grace, other = world.person("Grace", "Hopper"), world.person("Joan", "Clarke")
    for person_id in (world.person_id, grace):
        assert give(api, person_id, duress, "4711").json()["errors"] == {"value": [IN_USE]}, "Ada's PIN"
    assert give(api, grace, duress, "4712").status_code == 201
    assert give(api, other, duress, "4712").json()["errors"] == {"value": [IN_USE]}
    for name in ("pin", "duress_pin"):
        refused = api.put(f"/api/3/people/{other}", json={name: "4712"})
        assert refused.json()["errors"] == {name: [IN_USE]}
    refused = api.post("/api/3/people", json={"first_name": "A", "last_name": "B", "pin": "5005", "duress_pin": "5005"})
    assert refused.json()["errors"] == {"duress_pin": [IN_USE]}
    assert api.put(f"/api/3/people/{grace}", json={"duress_pin": None}).status_code == 201
    assert api.put(f"/api/3/people/{other}", json={"pin": "4712"}).status_code == 201, "it is free again"


def test_many_duress_pins_make_all_pins_longer(api: httpx.Client, world: World, duress: int) -> None:
    """Ada has a PIN; nine more people with a duress PIN make ten holders, the most for four digits."""
    people = [world.person(f"P{count}", "Q") for count in range(10)]
    for person_id in people[:9]:
        assert give(api, person_id, duress, "******").status_code == 201
    refused = api.put(f"/api/3/people/{people[9]}", json={"pin": "8123"})
    assert refused.json()["errors"] == {"pin": ["is too short: where 11 people have a PIN, it needs at least 5 digits"]}
    refused = api.put(f"/api/3/people/{people[9]}", json={"duress_pin": "8123"})
    assert "at least 5 digits" in refused.json()["errors"]["duress_pin"][0]


def test_it_is_hidden_where_pins_are_and_nowhere_kept_in_the_clear(served: Served, world: World, duress: int) -> None:
    with served.client(world.token) as owner:
        given = give(owner, world.person_id, duress, "6262")
        path = f"/api/3/people/{world.person_id}"
        assert owner.get(path).json()["duress_pin"] == "6262"
    _, viewer = world.user("viewer")
    reading = world.new_token(world.owner_id, "account.person.readonly")
    for token in (viewer, reading):
        with served.client(token) as client:
            person = client.get(path).json()
            assert (person["pin"], person["duress_pin"]) == ("******", "******")
            for listed in (client.get(f"{path}/credentials").json(), client.get("/api/3/credentials").json()):
                assert {each["value"] for each in listed} == {"1234", "******"}
            one = client.get(f"{path}/credentials/{given.json()['id']}")
            assert one.json()["value"] == "******"
            assert "6262" not in client.get("/api/3/people").text
    stored = Query(select(credentials.c.value, credentials.c.lookup), lambda *row: row)
    log = Query(select(audit_log.c.before, audit_log.c.after), lambda *row: row)
    kept = world.database.read_now(lambda tx: [tx.all(stored), tx.all(log)])
    assert "6262" not in json.dumps(kept)


def test_at_the_door_it_opens_and_tells_silently(api: httpx.Client, world: World, duress: int) -> None:
    front = world.channel_ids[0]
    write(world, create_role, {"name": "R", "channel_ids": [front], "person_ids": [world.person_id]})
    give(api, world.person_id, duress, "6262")

    async def run() -> list[Any]:
        doors = LocalDoors(world.database, world.vault, world.clock)
        await doors.start()
        found = [await doors.present(front, typed(pin)) for pin in ("6262", "4711")]
        await asyncio.to_thread(api.put, f"/api/3/people/{world.person_id}", json={"duress_pin": "7373"})
        found += [await doors.present(front, typed(pin)) for pin in ("6262", "7373")]
        await doors.stop()
        return found

    verdicts = asyncio.run(run())
    assert [(int(each.event_code), each.admitted) for each in verdicts] == [
        (11, True), (11, True), (24, False), (11, True),
    ]  # fmt: skip
    told = Query(
        select(events.c.event_code, events.c.person_id, events.c.credential).order_by(events.c.id), lambda *row: row
    )
    happened = world.database.read_now(lambda tx: tx.all(told))
    assert happened.count((63, world.person_id, None)) == 2
    assert {credential for _, _, credential in happened} == {None}, "what was typed is nowhere kept"


def test_a_door_that_is_reading_everybody_anew_knows_a_duress_pin_that_was_taken_away(
    api: httpx.Client, world: World, clock: FixedClock, duress: int
) -> None:
    give(api, world.person_id, duress, "6262")

    async def run() -> None:
        live = LiveSnapshots(world.database, world.vault, clock)
        await live.refresh()
        found = live.channel(world.channel_ids[0])
        assert found is not None
        directory = found.snapshot.directory
        assert directory.find("duress", "6262") is not None
        assert directory.find("pin", "6262") is None
        await asyncio.to_thread(api.put, f"/api/3/people/{world.person_id}", json={"duress_pin": None})
        live.look_at(Credential("pin", "6262"))
        await live.refresh()
        assert directory.find("duress", "6262") is None
        await live.close()

    asyncio.run(run())


@pytest.mark.usefixtures("duress")
def test_a_file_gives_duress_pins_by_the_same_rules(api: httpx.Client, world: World) -> None:
    head = "first_name,last_name,pin,duress_pin\n"
    wrong = "A,One,,4711\nB,Two,,6262\nC,Three,6262,\nD,Four,,12\n"
    assert errors_of(api, head + wrong, match="none") == [
        (2, "duress_pin", IN_USE),
        (4, "pin", "is in row 3, too"),
        (5, "duress_pin", "must be between 4 and 7 digits in length"),
    ]
    found = imported(api, f"{head}E,Five,******,******\nF,Six,,6262\n", match="none")
    assert found["created"] == 2
    five, six = api.get("/api/3/people").json()[1:]
    assert len({five["pin"], five["duress_pin"], six["duress_pin"], "4711"}) == 4
    stored = Query(select(credentials.c.value), lambda value: value)
    assert "6262" not in world.database.read_now(lambda tx: tx.all(stored))
