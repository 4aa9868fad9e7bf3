"""Who is limited to sites does not decide who passes at others by way of people; on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from doorward.credentials.types import list_types
from doorward.db.postgresql import PostgresqlTransaction
from doorward.db.sqlite import SqliteTransaction
from doorward.db.unit_of_work import Transaction
from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import authenticate
from doorward.roles.reach import PERSON_BEYOND, people_beyond
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.people_import import ended, imported, post
from tests.support.services import read, reserve, write
from tests.support.world import World

BEYOND = {"error": "forbidden", "error_description": PERSON_BEYOND}
MAC = "02:00:00:00:00:77"


@pytest.fixture
def limited(served: Served, world: World) -> Iterator[httpx.Client]:
    """An operator of the second site."""
    _, token = world.user("operator", site_ids=world.site_ids[1:])
    with served.client(token) as client:
        yield client


def card_type(world: World) -> int:
    return next(found.id for found in read(world, list_types) if found.kind == "card")


def by_a_role(_: httpx.Client, world: World) -> None:
    body = {"name": "There", "channel_ids": world.channel_ids[:1], "person_ids": [world.person_id]}
    write(world, create_role, body)


def group_there(world: World) -> int:
    role = write(world, create_role, {"name": "There", "channel_ids": world.channel_ids[:1]}).id
    return write(world, create_group, {"name": "There", "role_ids": [role]}).id


def by_a_group(api: httpx.Client, world: World) -> None:
    assert api.put(f"/api/3/people/{world.person_id}", json={"group_ids": [group_there(world)]}).status_code == 201


def by_a_reservation_to_come(_: httpx.Client, world: World) -> None:
    reserve(world, world.person_id)


def by_a_group_reservation_to_come(api: httpx.Client, world: World) -> None:
    now = world.clock.now() / 1000
    start, end = (datetime.fromtimestamp(now + hours * 3600, UTC).isoformat() for hours in (1, 2))
    body = {"person_id": world.person_id, "group_ids": [group_there(world)], "start_time": start, "end_time": end}
    assert api.post("/api/3/group_reservations", json={"group_reservation": body}).status_code == 201


WAYS: list[Callable[[httpx.Client, World], None]] = [
    by_a_role,
    by_a_group,
    by_a_reservation_to_come,
    by_a_group_reservation_to_come,
]


@pytest.mark.parametrize("way", WAYS)
def test_who_opens_doors_at_another_site_keeps_their_access(
    api: httpx.Client, limited: httpx.Client, world: World, way: Callable[[httpx.Client, World], None]
) -> None:
    person = f"/api/3/people/{world.person_id}"
    credentials = f"{person}/credentials"
    own = api.get(credentials).json()[0]["id"]
    way(api, world)
    before = api.get(person).json()
    given = {"person_credential": {"credential_type_id": card_type(world), "value": "777"}}
    for answer in (
        limited.post(credentials, json=given),
        limited.put(f"{credentials}/{own}", json={"person_credential": {"value": "777"}}),
        limited.delete(f"{credentials}/{own}"),
        limited.put(person, json={"card_number": "777"}),
        limited.put(person, json={"card_number": None}),
        limited.put(person, json={"pin": "4711"}),
        limited.put(person, json={"pin": "4712"}),
        limited.put(person, json={"pin": "******"}),
        limited.put(person, json={"enabled": False}),
        limited.put(person, json={"valid_from": "2027-01-01"}),
        limited.put(person, json={"valid_to": "2027-01-01", "first_name": ""}),
        limited.delete(person),
    ):
        assert (answer.status_code, answer.json()) == (403, BEYOND)
    assert api.get(person).json() == before
    # What decides nothing is free, also where the whole person is given back.
    free = {name: before[name] for name in ("card_number", "enabled", "valid_from", "valid_to")}
    answer = limited.put(person, json={**free, "notes": "Prefers tea", "first_name": "Augusta"})
    assert (answer.status_code, answer.json()["notes"]) == (201, "Prefers tea")
    assert (answer.json()["card_number"], answer.json()["pin"]) == ("1234", "******")


def test_what_has_ended_or_opens_nothing_elsewhere_is_no_matter(
    api: httpx.Client, limited: httpx.Client, world: World, clock: FixedClock
) -> None:
    by_a_reservation_to_come(api, world)
    by_a_group_reservation_to_come(api, world)
    body = {"name": "Here", "channel_ids": world.channel_ids[2:], "person_ids": [world.person_id]}
    write(world, create_role, body)
    write(world, create_role, {"name": "Nowhere", "person_ids": [world.person_id]})
    person = f"/api/3/people/{world.person_id}"
    assert limited.put(person, json={"enabled": False}).status_code == 403
    clock.advance(3 * 3_600_000)
    changed = limited.put(person, json={"enabled": False, "card_number": "777", "pin": "4712"})
    assert (changed.status_code, changed.json()["pin"]) == (201, "4712"), "who sets it, sees it"
    assert limited.delete(person).status_code == 200


def test_a_file_decides_nothing_beyond_either(api: httpx.Client, limited: httpx.Client, world: World) -> None:
    api.put(f"/api/3/people/{world.person_id}", json={"email": "ada@x.ex"})
    by_a_role(api, world)
    before = api.get(f"/api/3/people/{world.person_id}").json()
    head = "email,card_number,pin,enabled,valid_to,notes\n"
    for cells, columns in (
        (",4711,,,", ["pin"]),
        ("1234,,,,", []),
        ("777,,no,2027-01-01,", ["enabled", "valid_to", "card_number"]),
        (",******,,,", ["pin"]),
    ):
        found = ended(limited, post(limited, f"{head}ada@x.ex,{cells}\n", dry_run="true"))
        assert [(each["row"], each["field"], each["message"]) for each in found["errors"]] == [
            (2, column, PERSON_BEYOND) for column in columns
        ]
    assert imported(limited, head + "ada@x.ex,1234,,yes,,Prefers tea\n")["updated"] == 1
    after = api.get(f"/api/3/people/{world.person_id}").json()
    assert after == before | {"notes": "Prefers tea", "updated_at": after["updated_at"]}


def test_reach_takes_two_statements_in_indexes_whatever_the_number_of_people(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = world.user("operator", site_ids=world.site_ids[1:])
    people = [world.person_id, *(world.person("P", str(number)) for number in range(20))]
    write(world, create_role, {"name": "There", "channel_ids": world.channel_ids[:1], "person_ids": people[:11]})
    asked: list[tuple[Any, dict[str, Any]]] = []
    for kind in (SqliteTransaction, PostgresqlTransaction):
        original = kind.all

        def spied(self: Any, query: Any, _original: Any = original, **params: Any) -> Any:
            asked.append((query, params))
            return _original(self, query, **params)

        monkeypatch.setattr(kind, "all", spied)

    def ask(transaction: Transaction) -> frozenset[int]:
        limited = authenticate(transaction, token, world.clock.now())
        asked.clear()
        return people_beyond(transaction, limited, people, world.clock.now())

    assert world.database.read_now(ask) == {*people[:11]}
    monkeypatch.undo()
    assert len(asked) == 2
    if world.database.backend == "sqlite":
        for query, params in asked:
            compiled = query.compiled("sqlite")
            sql = f"EXPLAIN QUERY PLAN {compiled.sql}"
            plan = world.database.read_now(
                lambda tx, sql=sql, values={**compiled.constants, **params}: tx._connection.execute(  # type: ignore[misc]
                    sql, values
                ).fetchall()
            )
            assert not [step for *_, step in plan if step.startswith("SCAN") and "json_each" not in step], plan


def test_a_controller_of_another_site_gets_no_channel_here(served: Served, api: httpx.Client, world: World) -> None:
    north, south = world.site_ids
    body = {"name": "A", "site_id": north, "mac_address": MAC, "unit": 1}
    assert api.post("/api/3/channels", json=body).status_code == 201
    _, token = world.user("admin", site_ids=[south])
    with served.client(token) as client:
        answers = [
            client.post("/api/3/channels", json=body | {"site_id": south, "unit": unit, "mac_address": MAC.upper()})
            for unit in (1, 2)
        ]
        door = client.post("/api/3/channels", json={"name": "B", "site_id": south}).json()["id"]
        answers += [client.put(f"/api/3/channels/{door}", json={"mac_address": MAC, "unit": unit}) for unit in (1, 2)]
        for answer in answers:
            assert answer.status_code == 422
            assert answer.json()["errors"] == {
                "mac_address": ["Beyond the sites that you are limited to: a controller of others has it"]
            }
        assert client.put(f"/api/3/channels/{door}", json={"mac_address": MAC[:-1] + "8"}).status_code == 200
        assert client.put(f"/api/3/channels/{door}", json={"unit": 3}).status_code == 200
    assert api.post("/api/3/channels", json=body | {"site_id": south, "unit": 2}).status_code == 201
