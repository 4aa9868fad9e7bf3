"""Fifty clients at once that want the same thing of the served API: exactly one gets it, and nobody gets a 5xx."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from doorward.credentials.types import create_type, list_types
from tests.integration.conftest import Served
from tests.support.services import read, write
from tests.support.world import World

MANY = 50
TAKEN = "value is already in use on your account"
Send = Callable[[httpx.Client, int], httpx.Response]
AtOnce = Callable[[Send], list[httpx.Response]]


@pytest.fixture
def at_once(served: Served, world: World) -> Iterator[AtOnce]:
    """What each of many clients, with connections of their own that are open already, is answered."""
    clients = [served.client(world.token) for _ in range(MANY)]
    with ThreadPoolExecutor(MANY) as pool:

        def send_all(send: Send) -> list[httpx.Response]:
            ready = threading.Barrier(MANY)

            def attempt(number: int) -> httpx.Response:
                clients[number].get("/")
                ready.wait(60)
                return send(clients[number], number)

            return list(pool.map(attempt, range(MANY)))

        yield send_all
    for each in clients:
        each.close()


def create(api: httpx.Client, number: int, **more: object) -> httpx.Response:
    return api.post("/api/3/people", json={"first_name": "Person", "last_name": f"No. {number}", **more})


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def people(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/3/people", params={"skip_pagination": "true"}).json()
    return found


def test_one_of_many_who_are_created_with_an_email_address_gets_it(at_once: AtOnce, api: httpx.Client) -> None:
    addresses = ["same@example.com", "Same@Example.com"]
    answers = at_once(lambda client, number: create(client, number, email=addresses[number % 2]))
    assert statuses(answers) == {201: 1, 422: MANY - 1}
    refused = [answer.json()["errors"] for answer in answers if answer.status_code == 422]
    assert refused == [{"email": ["is already in use on your account"]}] * (MANY - 1)
    won = next(answer.json() for answer in answers if answer.status_code == 201)
    assert people(api)[1:] == [won], "those who were refused left nothing"


def test_one_of_many_who_are_created_or_changed_with_a_card_gets_it(
    at_once: AtOnce, api: httpx.Client, world: World
) -> None:
    write(world, create_type, {"label": "Visitor card", "kind": "card"})
    there = [world.person("Person", str(number)) for number in range(MANY // 2)]
    slugs = ["card_number", "visitor_card"]

    def want(client: httpx.Client, number: int) -> httpx.Response:
        card = {slugs[number % 3 % 2]: "0099"[number % 2 :]}
        if number % 2:
            return client.put(f"/api/3/people/{there[number // 2]}", json=card)
        return create(client, number, **card)

    answers = at_once(want)
    assert statuses(answers) == {201: 1, 422: MANY - 1}
    refused = [answer.json()["errors"] for answer in answers if answer.status_code == 422]
    assert {(name in slugs, *messages) for errors in refused for name, messages in errors.items()} == {(True, TAKEN)}
    cards = [person[slug] for person in people(api)[1:] for slug in slugs if person[slug]]
    assert len(cards) == 1


def test_one_of_many_who_are_given_the_same_card_gets_it(at_once: AtOnce, api: httpx.Client, world: World) -> None:
    card = next(found.id for found in read(world, list_types) if found.kind == "card")
    there = [world.person("Person", str(number)) for number in range(MANY)]
    body = {"person_credential": {"credential_type_id": card, "value": "4242"}}
    answers = at_once(lambda client, number: client.post(f"/api/3/people/{there[number]}/credentials", json=body))
    assert statuses(answers) == {201: 1, 422: MANY - 1}
    assert {str(answer.json()["errors"]) for answer in answers if answer.status_code == 422} == {
        str({"value": [TAKEN]})
    }
    everything = api.get("/api/3/credentials").json()
    assert [entry["value"] for entry in everything].count("4242") == 1


def test_random_pins_that_are_made_at_once_are_all_given_and_all_differ(at_once: AtOnce, api: httpx.Client) -> None:
    answers = at_once(lambda client, number: create(client, number, pin="******"))
    assert statuses(answers) == {201: MANY}
    pins = [answer.json()["pin"] for answer in answers]
    assert len({*pins, "4711"}) == MANY + 1
    # With Ada, ten people may have four digits; the others need five (EN 60839-11-1: 1000 PINs for each holder).
    assert Counter(map(len, pins)) == {4: 9, 5: MANY - 9}
    assert sorted(person["pin"] for person in people(api)) == sorted([*pins, "4711"])


def test_of_many_credentials_of_one_type_for_one_person_one_is_given(
    at_once: AtOnce, api: httpx.Client, world: World
) -> None:
    card = next(found.id for found in read(world, list_types) if found.kind == "card")
    person = world.person("Grace", "Hopper")

    def want(client: httpx.Client, number: int) -> httpx.Response:
        body = {"person_credential": {"credential_type_id": card, "value": str(7000 + number)}}
        return client.post(f"/api/3/people/{person}/credentials", json=body)

    answers = at_once(want)
    assert statuses(answers) == {201: 1, 409: MANY - 1}
    assert len({answer.text for answer in answers}) == 1, "who lost is told what the person has"
    assert api.get(f"/api/3/people/{person}/credentials").json() == [answers[0].json()]


def test_a_request_that_is_sent_many_times_at_once_is_done_once(at_once: AtOnce, api: httpx.Client) -> None:
    def want(client: httpx.Client, _: int) -> httpx.Response:
        body = {"first_name": "Grace", "last_name": "Hopper", "pin": "******"}
        return client.post("/api/3/people", json=body, headers={"Idempotency-Key": "the-same"})

    answers = at_once(want)
    assert statuses(answers) == {201: MANY}
    assert len({answer.text for answer in answers}) == 1
    assert len(people(api)) == 2
