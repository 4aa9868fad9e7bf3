"""Routes of /api/3/events: contract operations listEvents and getEvent."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events import listing
from doorward.events.codes import ACCESS, ALLOWED
from doorward.events.service import Event, record
from doorward.kit.pages import Page
from doorward.oauth.tokens import authenticate
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


class Happened(NamedTuple):
    """What the list has to be held against."""

    id: int
    code: int
    at: int
    channel_id: int | None
    person_id: int | None
    replayed: bool


@pytest.fixture
def history(world: World) -> list[Happened]:
    """Forty events of all kinds, three at each instant."""
    people = (None, world.person_id, world.person("Grace", "Hopper"))
    found = []
    for number in range(40):
        code = (10, 11, 20, 31, 33)[number * 7 % 5]
        channel, person = (None, *world.channel_ids)[number * 3 % 4], people[number * 5 % 7 % 3]
        ago = number // 3 * 3
        replayed = number % 6 == 1
        event_id = happen(world, code, ago, channel_id=channel, person_id=person, is_replayed=replayed)
        found.append(Happened(event_id, code, world.clock.now() - ago, channel, person, replayed))
    return found


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    codes=st.none() | st.sets(st.sampled_from([10, 11, 20, 31, 33]), min_size=1),
    ago=st.integers(0, 40),
    until=st.none() | st.integers(0, 40),
    channels=st.none() | st.sets(st.integers(0, 2), min_size=1),
    sites=st.none() | st.sets(st.integers(0, 1), min_size=1),
    replayed=st.none() | st.booleans(),
    person=st.none() | st.integers(0, 2),
    order=st.sampled_from(["ASC", "DESC"]),
    page=st.builds(Page, st.integers(1, 4), st.integers(1, 7)),
    most_merged=st.sampled_from([0, listing.MOST_MERGED]),
)
def test_each_way_to_find_a_page_finds_what_sorting_everything_would(
    world: World,
    history: list[Happened],
    codes: set[int] | None,
    ago: int,
    until: int | None,
    channels: set[int] | None,
    sites: set[int] | None,
    replayed: bool | None,
    person: int | None,
    order: listing.Order,
    page: Page,
    most_merged: int,
) -> None:
    since = world.clock.now() - ago
    channel_ids = None if channels is None else {world.channel_ids[each] for each in channels}
    person_id = None if person is None else world.person_id + person  # the third is nobody
    site_ids = None if sites is None else {world.site_ids[each] for each in sites}
    at_sites = {
        channel_id for channel_id, site in zip(world.channel_ids, (0, 0, 1), strict=True) if site in (sites or ())
    }
    before = None if until is None else world.clock.now() - until
    wanted = listing.Wanted(codes, since, before, channel_ids, site_ids, person_id, replayed=replayed, order=order)

    def read(tx: Transaction) -> tuple[list[int], int]:
        principal = authenticate(tx, world.token, world.clock.now())
        found, total = listing.list_events(
            tx, principal.account_id, wanted, page, by=principal, most_merged=most_merged
        )
        return [event.id for event in found], total

    fitting = [
        (event.at, event.id)
        for event in history
        if (codes is None or event.code in codes)
        and event.at >= since
        and (before is None or event.at < before)
        and (sites is None or event.channel_id in at_sites)
        and (replayed is None or event.replayed == replayed)
        and (channel_ids is None or event.channel_id in channel_ids)
        and (person_id is None or event.person_id == person_id)
    ]
    fitting.sort(reverse=order == "DESC")
    on_page = [event_id for _, event_id in fitting][page.offset : page.offset + page.limit]
    assert world.database.read_now(read) == (on_page, len(fitting))


@pytest.mark.parametrize(
    ("kinds", "replayed", "index"),
    [
        ((), None, "account_id_occurred_at_id"),
        (("event_code",), None, "account_id_event_code_occurred_at_id"),
        (("channel_id", "event_code"), None, "channel_id_occurred_at_id_event_code_person_id"),
        (("person_id", "event_code", "channel_id"), None, "person_id_occurred_at_id_event_code"),
        ((), True, "replayed"),
        (("channel_id", "event_code"), True, "replayed"),
        (("person_id",), True, "person_id_occurred_at_id_event_code"),
    ],
)
def test_what_is_asked_for_is_found_in_its_index_in_order(
    migrated_file: Path, kinds: tuple[Any, ...], replayed: bool | None, index: str
) -> None:
    asked_by = frozenset(kinds)
    driver = listing._driver(asked_by, replayed)
    params: dict[str, Any] = dict.fromkeys(kinds, "[1, 2]")
    params |= {"account_id": 1, "since": 0, "until": 1, "the_one": 1, "most": 50, "offset": 0}
    in_time = "replayed" if replayed else "account_id_occurred_at_id"
    queries: list[tuple[str, Query[Any]]] = [
        (index, listing._in_range(driver, asked_by, replayed, "DESC")),
        (index, listing._count(driver, asked_by, replayed)),
        (in_time, listing._in_time(asked_by, replayed, "ASC")),
        (in_time, listing._in_time(asked_by, replayed, "DESC")),
    ]
    with closing(sqlite3.connect(migrated_file)) as connection:
        for name, query in queries:
            compiled = query.compiled("sqlite")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **params})
            steps = [row[3] for row in plan]
            assert f"INDEX ix_events_{name} (" in steps[0], steps
            assert not any("B-TREE" in step for step in steps), steps
