"""Credentials and their types over HTTP on both databases: contract, Credential and CredentialType."""

from typing import Any

import httpx
import pytest

from doorward.credentials.types import create_type, list_types
from doorward.db.unit_of_work import Transaction
from doorward.kit import public_ids
from doorward.people.service import create_person
from tests.integration.conftest import Served
from tests.support.services import read, write
from tests.support.world import World


@pytest.fixture
def visitor(world: World) -> int:
    """A second type of card: everybody can have one beside the first."""
    return write(world, create_type, {"label": "Visitor card", "kind": "card"}).id


def path_of(person_id: int, credential_id: str = "") -> str:
    return f"/api/3/people/{person_id}/credentials" + (f"/{credential_id}" if credential_id else "")


def give(api: httpx.Client, person_id: int, type_id: int, value: str | None) -> httpx.Response:
    body = {"person_credential": {"credential_type_id": type_id, "value": value}}
    return api.post(path_of(person_id), json=body)


def held(api: httpx.Client, person_id: int) -> list[dict[str, Any]]:
    answer = api.get(path_of(person_id))
    assert answer.status_code == 200
    assert answer.headers["total"] == str(len(answer.json()))
    found: list[dict[str, Any]] = answer.json()
    return found


def test_a_credential_is_given_shown_changed_and_taken_away(api: httpx.Client, world: World, visitor: int) -> None:
    made = give(api, world.person_id, visitor, "000778")
    assert made.status_code == 201
    body = made.json()
    assert list(body) == ["id", "credential_type_id", "label", "person_id", "value"]
    assert body | {"id": ""} == {
        "id": "",
        "credential_type_id": visitor,
        "label": "Visitor card",
        "person_id": world.person_id,
        "value": "000778",
    }
    path = path_of(world.person_id, body["id"])
    assert held(api, world.person_id)[-1] == body
    assert api.get(path, params={"callback": "1", "ack_token": "x"}).json() == body
    changed = api.put(path, json={"person_credential": {"value": "779"}})
    assert (changed.status_code, changed.json()) == (201, body | {"value": "779"})
    assert api.get(f"/api/3/people/{world.person_id}").json()["visitor_card"] == "779"
    gone = api.delete(path)
    assert gone.status_code == 200
    assert gone.headers["content-type"].startswith("text/plain")
    assert gone.text
    for method in ("GET", "PUT", "DELETE"):
        answer = api.request(method, path, json={"value": "1"} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_body_need_not_be_wrapped_and_names_nobody_else(api: httpx.Client, world: World, visitor: int) -> None:
    body = {"credential_type_id": visitor, "value": "778", "person_id": world.person_id + 1}
    answer = api.post(path_of(world.person_id), json=body)
    assert answer.json()["errors"] == {"person_id": ["must be the person whose credential it is"]}
    answer = api.post(path_of(world.person_id), json=body | {"person_id": world.person_id})
    assert answer.status_code == 201
    answer = api.put(path_of(world.person_id, answer.json()["id"]), json={"value": "779"})
    assert (answer.status_code, answer.json()["value"]) == (201, "779")


def test_a_second_credential_of_a_type_is_a_conflict_with_the_first_as_the_body(
    api: httpx.Client, world: World, visitor: int
) -> None:
    first = give(api, world.person_id, visitor, "778")
    second = give(api, world.person_id, visitor, "779")
    assert (second.status_code, second.json()) == (409, first.json())


def test_what_is_wrong_is_said_by_field(api: httpx.Client, world: World, visitor: int) -> None:
    grace = world.person("Grace", "Hopper")
    pin = next(found.id for found in read(world, list_types) if found.kind == "pin")
    cases: list[tuple[int, str | None, dict[str, list[str]]]] = [
        (visitor, "01234", {"value": ["value is already in use on your account"]}),
        (visitor, None, {"value": ["can't be blank"]}),
        (visitor, "******", {"value": ["can be made at random only for a PIN"]}),
        (pin, "123", {"value": ["must be between 4 and 7 digits in length"]}),
        (99, "1", {"credential_type_id": ["Not found for this account"]}),
    ]
    for type_id, value, expected in cases:
        answer = give(api, grace, type_id, value)
        assert (answer.status_code, answer.json()["errors"]) == (422, expected)
    assert held(api, grace) == []
    assert api.post(path_of(grace), json={}).json()["errors"].keys() == {"credential_type_id", "value"}
    assert api.post(path_of(grace), json=[]).status_code == 400
    made = give(api, grace, pin, "******").json()
    assert made["value"].isdigit()
    answer = api.put(path_of(grace, made["id"]), json={"person_credential": {"value": "4711"}})
    assert answer.json()["errors"] == {"value": ["value is already in use on your account"]}


def test_another_accounts_and_another_persons_credentials_do_not_exist(
    api: httpx.Client, served: Served, world: World, visitor: int
) -> None:
    mine = held(api, world.person_id)[0]["id"]
    grace = world.person("Grace", "Hopper")
    stranger = World(world.database, world.vault, world.clock).build()
    with served.client(stranger.token) as other:
        for client, person in ((other, world.person_id), (other, stranger.person_id), (api, grace), (api, 99)):
            for method in ("GET", "PUT", "DELETE"):
                answer = client.request(method, path_of(person, mine), json={"value": "1"} if method == "PUT" else None)
                assert answer.status_code == 404, (person, method)
        assert other.get(path_of(world.person_id)).status_code == 404
        assert give(other, world.person_id, visitor, "1").status_code == 404
        assert "credential_type_id" in give(other, stranger.person_id, visitor, "1").json()["errors"]
    for strange in ("1", "9912345678", "x", "x" * 500, mine + "x", public_ids.encode("account", 1), "%00", "é"):
        assert api.get(path_of(world.person_id, strange)).status_code == 404
    assert len(held(api, world.person_id)) == 2


def test_everybodys_credentials_are_listed_by_age_in_pages(api: httpx.Client, world: World) -> None:
    people = [world.person("Person", str(number), card_number=str(5000 + number)) for number in range(30)]
    gone = people.pop()
    api.delete(f"/api/3/people/{gone}")
    World(world.database, world.vault, world.clock).build()
    everything = api.get("/api/3/credentials", params={"skip_pagination": "true"})
    assert [entry["person_id"] for entry in everything.json()] == [world.person_id, world.person_id, *people]
    assert [entry["value"] for entry in everything.json()][:3] == ["1234", "4711", "5000"]
    assert everything.headers["total"] == "31"
    assert api.get("/api/3/credentials").json() == everything.json()
    pages = [api.get("/api/3/credentials", params={"page": page, "per_page": 20}) for page in (1, 2, 3)]
    assert [entry for page in pages for entry in page.json()] == everything.json()
    assert [(page.headers["total"], page.headers["per-page"]) for page in pages] == [("31", "20")] * 3
    assert api.get("/api/3/credentials", params={"page": "0"}).status_code == 400
    assert api.get(path_of(world.person_id), params={"page": 2, "per_page": 1}).json() == everything.json()[1:2]


def test_everything_at_once_comes_in_whole_whatever_its_length(api: httpx.Client, world: World) -> None:
    world.database.write_now(
        lambda tx: [
            create_person(
                tx,
                world.vault,
                world.account_id,
                {"first_name": "P", "last_name": "P", "card_number": str(9000 + n)},
                0,
            )
            for n in range(1101)
        ]
    )
    found = api.get("/api/3/credentials", params={"skip_pagination": "true"})
    assert [entry["value"] for entry in found.json()[2:]] == [str(9000 + number) for number in range(1101)]
    assert found.headers["total"] == "1103"


def test_a_pass_in_a_telephone_says_so(api: httpx.Client, world: World) -> None:
    for kind in ("apple", "google"):
        made = write(world, create_type, {"label": f"{kind} pass", "kind": kind})
        body = give(api, world.person_id, made.id, f"{kind}-1").json()
        assert (body["status"], body["wallet_type"], "url" in body) == ("active", kind, False)


def test_types_are_listed_as_the_contract_has_them(api: httpx.Client, visitor: int) -> None:
    answer = api.get("/api/3/credential_types")
    assert [list(entry) for entry in answer.json()] == [["id", "label", "slug", "code"]] * 3
    assert [entry["slug"] for entry in answer.json()] == ["card_number", "pin", "visitor_card"]
    assert (answer.headers["total"], answer.headers["per-page"]) == ("3", "500")
    second = api.get("/api/3/credential_types", params={"page": 3, "per_page": 1})
    assert [entry["id"] for entry in second.json()] == [visitor]


def test_types_are_created_changed_and_deleted(api: httpx.Client, world: World) -> None:
    made = api.post("/api/3/credential_types", json={"label": "Fob", "kind": "card", "code": 100})
    assert made.status_code == 201
    path = f"/api/3/credential_types/{made.json()['id']}"
    expected = {"id": made.json()["id"], "label": "Fob", "slug": "fob", "code": 100, "kind": "card"}
    assert api.get(path).json() == made.json() == expected
    changed = api.put(path, json={"label": "Key fob", "slug": "key_fob"})
    assert (changed.status_code, changed.json()) == (200, expected | {"label": "Key fob", "slug": "key_fob"})
    api.put(f"/api/3/people/{world.person_id}", json={"key_fob": "88"})
    refused = api.delete(path)
    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    api.put(f"/api/3/people/{world.person_id}", json={"key_fob": ""})
    assert api.delete(path).json() == {"result": "ok"}
    assert api.get(path).status_code == api.delete(path).status_code == api.put(path, json={}).status_code == 404
    wrong = api.post("/api/3/credential_types", json={"label": "PIN", "kind": "key", "slug": "person"})
    assert wrong.json()["errors"].keys() == {"kind", "slug"}


def test_a_user_who_is_limited_to_sites_changes_no_types(served: Served, world: World) -> None:
    token = world.user("admin", site_ids=world.site_ids[:1])[1]
    with served.client(token) as api:
        path = f"/api/3/credential_types/{read(world, list_types)[0].id}"
        assert api.get(path).status_code == 200
        assert api.post("/api/3/credential_types", json={"label": "Fob", "kind": "card"}).status_code == 403
        assert api.put(path, json={"label": "Fob"}).status_code == 403
        assert api.delete(path).status_code == 403


def test_an_account_has_at_most_a_hundred_types(api: httpx.Client, world: World) -> None:
    def fill(tx: Transaction) -> None:
        for number in range(98):
            create_type(tx, world.account_id, {"label": f"Type {number}", "kind": "card"}, 0)

    world.database.write_now(fill)
    answer = api.post("/api/3/credential_types", json={"label": "One more", "kind": "card"})
    assert answer.json()["errors"] == {"label": ["can't be added: an account has at most 100 credential types"]}
