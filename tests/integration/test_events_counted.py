"""The list of events among millions: `Total` and pages are what counting and sorting everything would give."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, select

from doorward.db.query import Query
from doorward.db.unit_of_work import Database, Transaction
from doorward.events import counting, listing
from doorward.events.codes import ACCESS
from doorward.events.counting import FEW, Order
from doorward.events.service import Event, record_all
from doorward.events.tables import event_tallies, events
from doorward.events.tallies import HOUR_MS, forget, sweep, tally, waiting
from doorward.kit.pages import Page
from doorward.oauth.tokens import authenticate
from doorward.worker.tallying import tally_all
from tests.support.services import happen
from tests.support.world import World

HOURS = st.one_of(st.integers(0, 3), st.integers(0, 30), st.integers(0, 300), st.integers(0, 20_000))
CODES = (10, 11, 20, 31, 33)


class Happened(NamedTuple):
    """What the list has to be held against."""

    id: int
    code: int
    at: int
    channel_id: int | None
    person_id: int | None


@pytest.fixture
def history(world: World) -> list[Happened]:
    """Events of two years, some at the same instant, most of one day; not in the order in which they happened."""
    people = (None, world.person_id, world.person("Grace", "Hopper"))
    now, made = world.clock.now(), []
    for number in range(400):
        hours = (number * 37 % 20_000) if number % 3 else number % 25
        made.append(
            Event(
                world.account_id,
                CODES[number * 7 % 5],
                now - hours * HOUR_MS - number // 3 % 4 * 900_000,
                channel_id=(None, *world.channel_ids)[number * 3 % 4],
                person_id=people[number * 5 % 7 % 3],
            )
        )
    ids = world.database.write_now(lambda tx: record_all(tx, made, now))
    other = World(world.database, world.vault, world.clock).build()
    happen(other, *CODES, *CODES, channel_id=other.channel_ids[0])
    write_tallies(world, 5)
    return [
        Happened(event_id, event.event_code, event.occurred_at, event.channel_id, event.person_id)
        for event_id, event in zip(ids, made, strict=True)
    ]


@pytest.fixture
def token_of_south(world: World) -> str:
    """A token of somebody who sees the second site alone."""
    return world.user("viewer", site_ids=[world.site_ids[1]])[1]


def write_tallies(world: World, most: int) -> int:
    """Tally so many events more."""
    return world.database.write_now(lambda tx: tally(tx, world.account_id, most))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    codes=st.just({*ACCESS}) | st.just({*ACCESS, 33}) | st.sets(st.sampled_from(CODES), min_size=1),
    hours=HOURS,
    minutes=st.integers(0, 59),
    channels=st.none() | st.sets(st.integers(0, 2), min_size=1),
    person=st.none() | st.integers(0, 2),
    order=st.sampled_from(["ASC", "DESC"]),
    page=st.builds(Page, st.integers(1, 40), st.integers(1, 20)),
    limited=st.booleans(),
    few=st.sampled_from([0, 1, 10, FEW]),
    tallied=st.sampled_from([0, 0, 7, 100]),
)
def test_what_is_found_and_counted_is_what_sorting_everything_would_give(
    world: World,
    history: list[Happened],
    token_of_south: str,
    codes: set[int],
    hours: int,
    minutes: int,
    channels: set[int] | None,
    person: int | None,
    order: Order,
    page: Page,
    limited: bool,
    few: int,
    tallied: int,
) -> None:
    if tallied:
        write_tallies(world, tallied)  # from one example to the next more, until all are
    since = world.clock.now() - hours * HOUR_MS - minutes * 60_000
    channel_ids = None if channels is None else {world.channel_ids[each] for each in channels}
    person_id = None if person is None else world.person_id + person  # the third is nobody
    wanted = listing.Wanted(codes, since, channel_ids=channel_ids, person_id=person_id, order=order)
    token = token_of_south if limited else world.token

    def read(tx: Transaction) -> tuple[list[int], int]:
        principal = authenticate(tx, token, world.clock.now())
        found, total = listing.list_events(tx, principal.account_id, wanted, page, by=principal, few=few)
        return [event.id for event in found], total

    fitting = [
        (event.at, event.id)
        for event in history
        if event.code in codes
        and event.at >= since
        and (channel_ids is None or event.channel_id in channel_ids)
        and (not limited or event.channel_id == world.channel_ids[2])
        and (person_id is None or event.person_id == person_id)
    ]
    fitting.sort(reverse=order == "DESC")
    on_page = [event_id for _, event_id in fitting][page.offset : page.offset + page.limit]
    assert world.database.read_now(read) == (on_page, len(fitting))


_REMOVE = Query[None](
    delete(events).where(events.c.account_id == bindparam("the_account"), events.c.position <= bindparam("to"))
)
_LEFT = Query(
    select(event_tallies.c.channel_id, event_tallies.c.span, event_tallies.c.events).where(
        event_tallies.c.account_id == bindparam("the_account"), event_tallies.c.event_code > 0
    ),
    lambda *columns: tuple(columns),
)


@pytest.mark.parametrize("tallied", [0, 150, 400])
@pytest.mark.usefixtures("history")
def test_what_is_removed_is_counted_no_more(world: World, tallied: int) -> None:
    write_tallies(world, tallied)

    def remove(to: int) -> int:
        def work(tx: Transaction) -> None:
            forget(tx, world.account_id, to)
            tx.run(_REMOVE, the_account=world.account_id, to=to)
            sweep(tx, world.account_id)

        world.database.write_now(work)
        return _total(world)

    assert _total(world) == 400
    assert [remove(to) for to in (1, 10, 200, 200)] == [399, 390, 200, 200]
    while write_tallies(world, 50):
        pass
    assert _total(world) == 200
    left = world.database.read_now(lambda tx: tx.all(_LEFT, the_account=world.account_id))
    assert all(count > 0 for _, _, count in left)
    assert sum(count for channel, span, count in left if (channel, span) == (0, 1)) == 200
    assert remove(400) == 0
    assert world.database.read_now(lambda tx: tx.all(_LEFT, the_account=world.account_id)) == []


def _total(world: World) -> int:
    def read(tx: Transaction) -> int:
        return counting.Count(tx, world.account_id, CODES, None, 0).total

    return world.database.read_now(read)


def test_where_somebody_has_removed_events_by_hand_a_list_is_still_answered(world: World) -> None:
    happen(world, *[10] * 30)
    write_tallies(world, 30)
    world.database.write_now(lambda tx: tx.run(_REMOVE, the_account=world.account_id, to=30))

    def read(tx: Transaction) -> list[listing.StoredEvent]:
        principal = authenticate(tx, world.token, world.clock.now())
        wanted = listing.Wanted(CODES, 0)
        return listing.list_events(tx, principal.account_id, wanted, Page(1, 5), by=principal, few=0)[0]

    assert world.database.read_now(read) == []


@pytest.mark.anyio
async def test_enough_untallied_events_are_tallied(world: World, database: Database) -> None:
    happen(world, *[10] * 999)
    assert database.read_now(waiting) == []
    happen(world, 10)
    assert database.read_now(waiting) == [world.account_id]
    await tally_all(database)
    assert database.read_now(waiting) == []
    left = database.read_now(lambda tx: tx.all(_LEFT, the_account=world.account_id))
    assert sum(count for channel, span, count in left if (channel, span) == (0, 1)) == 1000


@pytest.mark.parametrize("by_channel", [False, True])
def test_what_is_asked_for_is_counted_in_its_index(migrated_file: Path, by_channel: bool) -> None:
    params: dict[str, Any] = {"channel_id": "[1, 2]", "event_code": "[1, 2]"}
    params |= {"account_id": 1, "since": 0, "until": 1, "after": 0}
    kind = "channel_id_occurred_at_id_event_code_person_id" if by_channel else "account_id_event_code_occurred_at_id"
    asked: list[tuple[str, Query[Any]]] = [
        (kind, counting._counted(by_channel)),
        (kind, counting._by_hour(by_channel)),
        ("account_id_position", counting._untallied(by_channel)),
    ]
    with closing(sqlite3.connect(migrated_file)) as connection:
        for name, query in asked:
            compiled = query.compiled("sqlite")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **params})
            steps = [row[3] for row in plan]
            assert f"INDEX ix_events_{name} (" in steps[0], steps
