"""Route /api/3/events/stream: who listens hears of each event once, in order, also after being cut off."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from doorward.db.connect import open_database
from doorward.db.unit_of_work import Transaction
from doorward.events.service import Event, record_all
from doorward.events.view import OnRecord, read_all
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import revoke_token
from doorward.users.service import update_user
from tests.integration.conftest import Served
from tests.support.event_stream import STREAM, listening
from tests.support.services import happen, write
from tests.support.world import World

EVENTS = "/api/3/events"


def test_each_event_is_told_once_as_it_is_recorded_and_looks_as_in_the_list(api: httpx.Client, world: World) -> None:
    happen(world, 10, 10)
    with listening(api) as stream:
        assert stream.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["x-accel-buffering"] == "no"
        assert "no-store" in stream.answer.headers["cache-control"]
        front = world.channel_ids[0]
        made = happen(world, 20, 31, 21, channel_id=front, channel_name="Front door", person_id=world.person_id)
        told = stream.take(2)
        made += happen(world, 10)
        told += stream.take(1)
    assert [message.id for message in told] == [3, 5, 6]
    listed = {event["id"]: event for event in api.get(EVENTS).json()}
    assert [message.data for message in told] == [listed[made[place]] for place in (0, 2, 3)]


def test_who_comes_back_with_the_last_id_is_told_what_it_has_missed_and_then_what_happens(
    api: httpx.Client, world: World
) -> None:
    happen(world, *[10] * 900)
    with listening(api, after=0) as stream:
        assert [message.id for message in stream.take(900)] == list(range(1, 901))
        happen(world, 10)
        assert stream.take(1)[0].id == 901
    happen(world, 10, 31, 10)
    with listening(api, last_event_id=901) as stream:
        assert [message.id for message in stream.take(2)] == [902, 904]
    with listening(api, after=904) as stream:
        happen(world, 11)
        assert stream.take(1)[0].id == 905


def test_a_listener_that_is_cut_off_at_random_misses_nothing_and_hears_nothing_twice(
    api: httpx.Client, world: World
) -> None:
    chance = random.Random(5)
    batches = [[chance.choice((10, 20, 31, 33)) for _ in range(chance.choice((1, 1, 2, 30, 200)))] for _ in range(60)]

    def write_some(mine: list[list[int]]) -> None:
        for batch in mine:
            happen(world, *batch)
            time.sleep(0.005)

    def write_all() -> None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(write_some, (batches[start::3] for start in range(3))))
        happen(world, 27)  # the last

    writer = threading.Thread(target=write_all)
    writer.start()
    heard: list[tuple[int, int]] = []
    last, cuts, ended = 0, 0, False
    while not ended:
        with listening(api, after=last, event_codes="10,20,33,27") as stream:
            for message in stream.messages():
                assert message.id is not None
                assert message.id > last, "told twice, or out of order"
                last = message.id
                heard.append((last, message.data["event_code"]))
                ended = message.data["event_code"] == 27
                if ended or chance.random() < 0.01:
                    break
        cuts += 1
    writer.join()
    recorded: list[OnRecord] = []

    def read_further(tx: Transaction) -> list[OnRecord]:
        return read_all(tx, world.account_id, len(recorded), last)

    while len(recorded) < last:
        recorded += world.database.read_now(read_further)
    assert heard == [(each.position, each.event.event_code) for each in recorded if each.event.event_code != 31]
    assert cuts > 3


def test_what_another_process_records_is_told_too(api: httpx.Client, world: World, database_url: str) -> None:
    other = open_database(database_url)
    try:
        with listening(api) as stream:
            happen(world, 10, database=other)
            assert stream.take(1)[0].id == 1
    finally:
        other.close()


def test_the_streams_filters_are_the_lists(api: httpx.Client, world: World) -> None:
    front, back, far = world.channel_ids
    grace = world.person("Grace", "Hopper")
    queries: list[dict[str, Any]] = [
        {},
        {"event_codes": "10,33"},
        {"event_codes": "31", "level": "debug"},
        {"channels": f"{front},{far}"},
        {"door_controllers": back, "event_codes": "10"},
        {"person_id": grace},
        {"first_name": "grace"},
        {"last_name": "HOPPER", "channels": front},
        {"first_name": "Ada", "person_id": grace},
        {"since_utc": "2026-03-02T09:00:00Z"},
    ]
    now, made = world.clock.now(), []
    for number in range(60):
        code = (10, 20, 31, 33, 1)[number % 5]
        person = (None, world.person_id, grace)[number % 3]
        made.append(
            Event(
                world.account_id,
                code,
                now - number % 2,
                channel_id=(front, back, far, None)[number * 7 % 4],
                person_id=person,
            )
        )
    world.database.write_now(lambda tx: record_all(tx, made, now))
    for query in queries:
        listed = [event["id"] for event in api.get(EVENTS, params={"n": 1000, **query}).json()]
        with listening(api, after=0, **query) as stream:
            past = [message.data["id"] for message in stream.take(len(listed))]
            assert sorted(listed) == past, query
    # And what is live: for each query a listener at the same time.
    with ThreadPoolExecutor(len(queries)) as pool:
        ready = threading.Barrier(len(queries) + 1)

        def listen(query: dict[str, Any]) -> list[int]:
            expected = len(api.get(EVENTS, params={"n": 1000, **query}).json())
            with listening(api, **query) as stream:
                ready.wait(30)
                return [message.data["id"] for message in stream.take(expected)]

        results = [pool.submit(listen, query) for query in queries]
        ready.wait(30)
        ids = world.database.write_now(lambda tx: record_all(tx, made, now))
        for query, result in zip(queries, results, strict=True):
            listed = [event["id"] for event in api.get(EVENTS, params={"n": 1000, **query}).json()]
            assert result.result(30) == sorted(set(listed) & set(ids)), query


def test_who_is_limited_to_sites_hears_of_channels_there_and_a_change_of_that_counts_at_once(
    world: World, served: Served
) -> None:
    front, _, far = world.channel_ids
    user_id, token = world.user("viewer", site_ids=[world.site_ids[1]])
    with served.client(token) as limited, listening(limited) as stream:
        happen(world, 10, channel_id=front)
        happen(world, 10, channel_id=far)
        assert [message.id for message in stream.take(1)] == [2]
        write(world, update_user, user_id, {"site_ids": [world.site_ids[0]]}, None)
        time.sleep(1.5)
        happen(world, 10, channel_id=far)
        happen(world, 10, channel_id=front)
        assert [message.id for message in stream.take(1)] == [4]
    with served.client(token) as limited, listening(limited, after=0) as stream:
        assert [message.id for message in stream.take(2)] == [1, 4]


def test_a_stream_ends_with_its_token_and_says_why(world: World, served: Served, clock: FixedClock) -> None:
    user_id, disabled = world.user("viewer")
    _, revoked = world.user("viewer")
    with served.client(revoked) as one, served.client(disabled) as other:
        with listening(one) as first, listening(other) as second:
            world.database.write_now(lambda tx: revoke_token(tx, revoked, clock.now()))
            write(world, update_user, user_id, {"disabled": True}, None)
            for stream in (first, second):
                (last,) = stream.messages()
                assert (last.type, last.data["error_description"]) == ("end", "The access token was revoked")
        assert one.get(STREAM).status_code == 401
