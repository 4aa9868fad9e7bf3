"""Events are found as they would be by sorting all of them, however they are asked for."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events import listing
from doorward.events.counting import FEW, Order
from doorward.events.tallies import tally
from doorward.kit.pages import Page
from doorward.oauth.tokens import authenticate
from tests.integration.test_events_api import happen
from tests.support.world import World


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


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    few=st.sampled_from([1, 5, FEW]),
    tallied=st.integers(0, 40),
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
    order: Order,
    page: Page,
    few: int,
    tallied: int,
) -> None:
    world.database.write_now(lambda tx: tally(tx, world.account_id, tallied))
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
        found, total = listing.list_events(tx, principal.account_id, wanted, page, by=principal, few=few)
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
    ("driver", "kinds", "replayed", "index"),
    [
        ("event_code", ("event_code",), None, "account_id_event_code_occurred_at_id"),
        ("channel_id", ("channel_id", "event_code"), None, "channel_id_occurred_at_id_event_code_person_id"),
        ("person_id", ("person_id", "event_code"), None, "person_id_occurred_at_id_event_code_channel_id"),
        ("person_id", ("person_id", "event_code"), True, "person_id_occurred_at_id_event_code_channel_id"),
        ("is_replayed", ("event_code",), True, "replayed"),
        ("is_replayed", ("channel_id", "event_code"), True, "replayed"),
    ],
)
def test_what_is_asked_for_is_found_in_its_index(
    migrated_file: Path, driver: Any, kinds: tuple[Any, ...], replayed: bool | None, index: str
) -> None:
    asked_by = frozenset(kinds)
    params: dict[str, Any] = dict.fromkeys(kinds, "[1, 2]")
    params |= {"account_id": 1, "since": 0, "until": 1, "most": 50, "skipped": 0}
    orders: tuple[Order, Order] = ("ASC", "DESC")
    queries: list[Query[Any]] = [listing._in_window(driver, asked_by, replayed, order) for order in orders]
    queries.append(listing._count(driver, asked_by, replayed))
    with closing(sqlite3.connect(migrated_file)) as connection:
        for query in queries:
            compiled = query.compiled("sqlite")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **params})
            steps = [row[3] for row in plan]
            assert f"INDEX ix_events_{index} (" in steps[0], steps
            # Those that were told later are in order there, however many they are.
            assert driver != "is_replayed" or not any("B-TREE" in step for step in steps), steps
