"""Connections of /api/3/events/stream: what is refused, who is cut off, how it ends. SQL makes no difference here."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from doorward.events.stream import MOST_OF_TOKEN, Streams
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.support.event_stream import STREAM, deaf, listening
from tests.support.server import client, serving
from tests.support.services import happen
from tests.support.world import World


@pytest.fixture
def database_url(migrated_copy: str) -> str:
    """SQLite alone."""
    return migrated_copy


def test_what_is_no_position_is_refused(api: httpx.Client, world: World) -> None:
    happen(world, 10)
    for text in ("x", "-1", "1.5", "2", "9" * 30, "٣"):
        answer = api.get(STREAM, params={"last_event_id": text})
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
        assert "last_event_id" in answer.json()["error_description"]
    assert api.get(STREAM, params={"event_codes": "999"}).status_code == 400


def test_a_head_is_answered_without_listening(api: httpx.Client) -> None:
    answer = api.head(STREAM)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_a_token_has_a_limited_number_of_streams(api: httpx.Client) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_TOKEN):
            stack.enter_context(listening(api))
        refused = api.get(STREAM)
        assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with api.stream("GET", STREAM) as answer:
            if answer.status_code == 200:
                return
        time.sleep(0.05)
    pytest.fail("a stream that was closed still counts")


@pytest.fixture
def impatient(world: World, vault: Vault, clock: FixedClock) -> Iterator[tuple[str, Streams]]:
    """A server whose streams are soon cut when nothing is taken, and say often that they live."""
    streams = Streams(world.database, clock, stuck_after=1.0, beat_after=0.2)
    with serving(world.database, clock, vault, streams=streams) as (base_url, _):
        yield base_url, streams


def test_who_takes_nothing_holds_neither_the_others_nor_memory_and_is_cut_off(
    impatient: tuple[str, Streams], world: World
) -> None:
    base_url, streams = impatient
    long = "x" * 250
    with deaf(base_url, world.token) as stuck, client(base_url, world.token) as other, listening(other) as stream:
        count = 0
        for _ in range(20):
            happen(world, *[10] * 400, channel_name=long, person_name=long)
            assert [message.id for message in stream.take(400)] == list(range(count + 1, count + 401))
            count += 400
            assert streams.waiting < 400_000
        deadline = time.monotonic() + 30
        while streams.number > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert streams.number == 1, "whoever takes nothing is cut off"
        with suppress(ConnectionResetError):
            while stuck.recv(1_000_000):
                pass  # what was on its way; then comes an end


def test_a_stream_that_is_still_says_that_it_lives_and_ends_with_the_server(
    world: World, vault: Vault, clock: FixedClock
) -> None:
    server = serving(world.database, clock, vault, streams=Streams(world.database, clock, beat_after=0.2))
    base_url, _ = server.__enter__()
    stopping = threading.Thread(target=server.__exit__, args=(None, None, None))
    with client(base_url, world.token) as listener, listening(listener) as stream:
        assert stream.wait_for_comment() == ": after 0"
        stopping.start()
        assert list(stream.messages()) == [], "the end is a proper one"
    stopping.join()
