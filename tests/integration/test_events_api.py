"""Routes of /api/3/events: contract operations listEvents and getEvent."""

from collections.abc import Mapping
from typing import Any

import httpx

from doorward.events.codes import ACCESS, ALLOWED
from doorward.events.service import Event, record
from doorward.people.service import delete_person, update_person
from tests.integration.conftest import Served
from tests.support.services import write, write_sealed
from tests.support.world import World

EVENTS = "/api/3/events"
DAY = 86_400_000


def happen(world: World, code: int, ago: int = 0, **more: Any) -> int:
    """Something happens `ago` milliseconds before now; gives the event's id."""
    event = Event(world.account_id, code, world.clock.now() - ago, **more)
    return world.database.write_now(lambda tx: record(tx, event, world.clock.now()))


def ids(client: httpx.Client, **query: object) -> list[int]:
    answer = client.get(EVENTS, params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()]


def test_an_event_has_exactly_the_contracts_fields(api: httpx.Client, world: World) -> None:
    front = world.channel_ids[0]
    event_id = happen(
        world,
        10,
        5000,
        channel_id=front,
        channel_name="Front door",
        person_id=world.person_id,
        person_name="Ada Lovelace",
        credential="1234",
    )
    expected = {
        "id": event_id,
        "event_id": event_id,
        "event_code": 10,
        "event_label": "Ada Lovelace admitted using card",
        "door_controller_id": front,
        "door_controller_name": "Front door",
        "channel_id": front,
        "channel_name": "Front door",
        "person_id": world.person_id,
        "person_name": "Ada Lovelace",
        "credentials_number": "1234",
        "created_at": "2026-03-02T08:59:55.000Z",
        "updated_at": "2026-03-02T09:00:00.000Z",
    }
    assert api.get(EVENTS).json() == [expected]
    path = f"{EVENTS}/{event_id}"
    assert api.get(path).json() == api.get(path, params={"callback": "7", "ack_token": "x"}).json() == expected
    for text in ("0", "x", "99999", str(2**63), "9" * 50):
        assert api.get(f"{EVENTS}/{text}").status_code == 404


def test_who_was_admitted_and_rejected_in_90_days_is_shown_unless_more_is_asked_for(
    api: httpx.Client, world: World
) -> None:
    found = {code: happen(world, code) for code in sorted(ALLOWED | {50, 63})}
    old = happen(world, 10, 91 * DAY)
    shown = [found[code] for code in sorted(ACCESS)]
    assert ids(api) == shown[::-1]
    assert ids(api, level="debug") == [found[code] for code in sorted(ACCESS | {1, 2, 3})][::-1]
    assert ids(api, event_codes="33, 10") == [found[33], found[10]]
    assert ids(api, event_codes="33", level="debug", sort="ASC") == [found[code] for code in (1, 2, 3, 33)]
    assert ids(api, event_codes=",".join(map(str, sorted(ALLOWED))), n=1000, sort="ASC") == [
        found[code] for code in sorted(ALLOWED)
    ]
    assert ids(api, since="2025-01-01T00:00:00Z", event_codes=10) == [found[10], old]
    assert ids(api, since="2026-03-02T09:00:00.001Z") == []
    assert api.get(f"{EVENTS}/{found[50]}").json()["event_code"] == 50


def test_pages_are_newest_first_and_say_how_many_there_are(api: httpx.Client, world: World) -> None:
    made = [happen(world, 10, ago) for ago in (3000, 1000, 2000, 1000, 5000)]
    newest_first = [made[3], made[1], made[2], made[0], made[4]]
    answer = api.get(EVENTS, params={"n": 2, "page": 2})
    assert [event["id"] for event in answer.json()] == newest_first[2:4]
    assert (answer.headers["total"], answer.headers["per-page"]) == ("5", "2")
    assert "n=2" in answer.headers["link"]
    assert ids(api, sort="ASC") == newest_first[::-1]
    assert ids(api, n=2, page=4) == []
    assert api.get(EVENTS, params={"n": 5000}).headers["per-page"] == "1000"
    assert api.get(EVENTS).headers["per-page"] == "50"


def test_a_wrong_parameter_is_a_bad_request_that_names_it(api: httpx.Client) -> None:
    answer = api.get(EVENTS, params={"event_codes": "10,999,50"})
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "bad_request",
            "error_description": "The following event codes are not valid for this method: 999, 50",
        },
    )
    wrong: list[Mapping[str, str]] = [
        {"event_codes": "ten"},
        {"channels": "1;2"},
        {"channels": ",".join(map(str, range(1, 1200)))},
        {"channels": "1", "door_controllers": "2"},
        {"sort": "up"},
        {"level": "loud"},
        {"n": "0"},
        {"page": "-1"},
        {"since": "yesterday"},
        {"person_id": "x"},
        {"first_name": "a\x00b"},
        {"last_name": "x" * 256},
    ]
    for query in wrong:
        refused = api.get(EVENTS, params=query)
        assert (refused.status_code, refused.json()["error"]) == (400, "bad_request"), query
        assert any(name in refused.json()["error_description"] for name in query)


def test_events_are_found_by_channel(api: httpx.Client, world: World) -> None:
    front, back, _ = world.channel_ids
    at_front, at_back = happen(world, 10, channel_id=front), happen(world, 10, channel_id=back)
    happen(world, 10)
    assert ids(api, channels=front) == ids(api, door_controllers=front) == [at_front]
    assert ids(api, channels=f"{front},{back}", door_controllers=f"{back},{front}") == [at_back, at_front]
    assert ids(api, channels=99_999) == ids(api, channels="9" * 18) == []


def test_events_are_found_by_the_name_that_people_have_today(api: httpx.Client, world: World) -> None:
    emile = world.person("Émile", "de la Tour")
    other = world.person("Emil", "Tour")
    two_names = world.person("Émile Jean", "Zola")
    events = {
        person: happen(world, 10, person_id=person, person_name="As it was") for person in (emile, other, two_names)
    }
    assert ids(api, first_name="EMILE") == [events[emile]]
    assert ids(api, last_name="tour") == [events[other]]
    assert ids(api, last_name="De La Tour") == [events[emile]]
    assert ids(api, first_name="émile jean", last_name="zola") == [events[two_names]]
    assert ids(api, first_name="Emil", last_name="Zola") == ids(api, first_name="%") == ids(api, last_name="_our") == []
    assert ids(api, person_id=other) == ids(api, person_id=other, first_name="emil") == [events[other]]
    assert ids(api, person_id=other, first_name="Émile") == ids(api, person_id=99_999) == []
    write_sealed(world, update_person, other, {"last_name": "Other"})
    write(world, delete_person, other)
    assert ids(api, last_name="tour") == []
    assert ids(api, last_name="other") == [events[other]], "a deleted person's events can still be found"


def test_who_is_limited_to_sites_sees_the_events_of_channels_there(
    api: httpx.Client, world: World, served: Served
) -> None:
    front, _, far = world.channel_ids
    at_front, at_far = happen(world, 10, channel_id=front), happen(world, 10, channel_id=far)
    nowhere = happen(world, 10)
    assert ids(api) == [nowhere, at_far, at_front]
    _, token = world.user("viewer", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        assert ids(limited) == ids(limited, channels=f"{front},{far}") == [at_far]
        assert ids(limited, channels=front) == []
        assert limited.get(EVENTS, params={"n": 1}).headers["total"] == "1"
        assert limited.get(f"{EVENTS}/{at_far}").status_code == 200
        assert limited.get(f"{EVENTS}/{at_front}").status_code == 404
        assert limited.get(f"{EVENTS}/{nowhere}").status_code == 404
    _, token = world.user("viewer", site_ids=[])
    with served.client(token) as limited:
        assert ids(limited) == []


def test_another_accounts_events_are_not_found(api: httpx.Client, world: World, served: Served) -> None:
    event_id = happen(world, 10, channel_id=world.channel_ids[0], person_id=world.person_id)
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(elsewhere.token) as stranger:
        assert stranger.get(f"{EVENTS}/{event_id}").status_code == 404
        for query in ({}, {"channels": world.channel_ids[0]}, {"person_id": world.person_id}, {"first_name": "Ada"}):
            assert ids(stranger, **query) == []
    assert ids(api) == [event_id]
