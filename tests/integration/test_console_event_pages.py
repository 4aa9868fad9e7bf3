"""The console's pages of events: the same as the API's list, whatever is asked for; and the proof of one event."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from doorward.console.events.filters import NEWEST, Cursor, Filters
from doorward.console.events.kinds import GROUPS, USUAL
from doorward.console.events.proof import proof_of
from doorward.console.events.reading import number_of_events, page_of_events
from doorward.console.sites_and_doors import sites_and_doors
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events.codes import EVERY
from doorward.events.listing import Wanted, list_events
from doorward.events.service import Event, record_all
from doorward.kit.pages import Page
from doorward.kit.timestamps import EARLIEST, LATEST
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import ALL_SCOPES
from tests.support.world import World

ALL_GROUPS = tuple(group.key for group in GROUPS)
NARROWED = ("not at all", "kinds", "a door", "alarms at a door", "a person", "a person at a door", "a stretch")
ANYTHING = Filters(ALL_GROUPS, None, None, None, None, None, EARLIEST, LATEST + 1, NEWEST, newer=False)


@pytest.fixture
def recorded(world: World) -> World:
    """Events of all codes at some doors and nowhere, many at the same instant."""
    random, now = Random(6), world.clock.now()
    happened = [
        Event(
            world.account_id,
            random.choice(sorted(EVERY)),
            now - random.randrange(40) * 60_000,
            channel_id=random.choice([*world.channel_ids, None]),
            channel_name="A door",
            person_id=random.choice([world.person_id, None]),
            person_name="Ada",
            reasons=(("role_grants", "A role of this person admits here."),),
        )
        for _ in range(300)
    ]
    world.database.write_now(lambda tx: record_all(tx, happened, now))
    return world


def asking(world: World, limited_user: int | None = None) -> Principal:
    zone, is_limited = ZoneInfo("Europe/London"), limited_user is not None
    return Principal(
        world.account_id, zone, limited_user or world.owner_id, "operator", is_limited, None, None, ALL_SCOPES
    )


def walk(transaction: Transaction, principal: Principal, filters: Filters, size: int = 7) -> Iterator[list[int]]:
    """The ids of all pages, from the newest to the oldest."""
    places = sites_and_doors(transaction, principal)
    while True:
        found = page_of_events(transaction, principal, filters, places, size)
        yield [event.id for event in found.events]
        if not found.has_older:
            return
        last = found.events[-1]
        filters = replace(filters, cursor=Cursor(last.occurred_at, last.id))


@pytest.mark.parametrize("narrowed", NARROWED)
def test_its_pages_are_the_list_of_the_api_and_so_is_their_number(recorded: World, narrowed: str) -> None:
    world, now = recorded, recorded.clock.now()
    filters, wanted = ANYTHING, Wanted(None, EARLIEST)
    if narrowed == "kinds":
        filters = replace(filters, groups=USUAL)
        wanted = replace(wanted, codes=filters.codes)
    if narrowed == "alarms at a door":
        filters = replace(filters, groups=("alarms", "system"))
        wanted = replace(wanted, codes=filters.codes)
    if narrowed.endswith("a door"):
        filters = replace(filters, channel_ids=(world.channel_ids[0],))
        wanted = replace(wanted, channel_ids=[world.channel_ids[0]])
    if narrowed.startswith("a person"):
        filters, wanted = replace(filters, person_id=world.person_id), replace(wanted, person_id=world.person_id)
    if narrowed == "a stretch":
        since, until = now - 1_200_000, now - 600_000
        filters, wanted = replace(filters, since=since, until=until), replace(wanted, since=since, until=until)

    def read(transaction: Transaction) -> tuple[list[int], list[int], int]:
        listed, _ = list_events(transaction, world.account_id, wanted, Page(1, 1000))
        pages = list(walk(transaction, asking(world), filters))
        total = number_of_events(transaction, asking(world), filters, sites_and_doors(transaction, asking(world)))
        return [event_id for page in pages for event_id in page], [event.id for event in listed], total

    walked, listed, total = world.database.read_now(read)
    assert (walked, total) == (listed, len(listed))
    assert len(listed) > 10


def test_going_back_towards_the_newest_shows_the_same_pages(recorded: World) -> None:
    world = recorded

    def read(transaction: Transaction) -> tuple[list[int], list[int], bool]:
        principal = asking(world)
        places = sites_and_doors(transaction, principal)
        first = page_of_events(transaction, principal, ANYTHING, places, 10)
        edge = Cursor(first.events[-1].occurred_at, first.events[-1].id)
        second = page_of_events(transaction, principal, replace(ANYTHING, cursor=edge), places, 10)
        start = Cursor(second.events[0].occurred_at, second.events[0].id)
        back = page_of_events(transaction, principal, replace(ANYTHING, cursor=start, newer=True), places, 10)
        return [each.id for each in first.events], [each.id for each in back.events], back.has_newer

    first, back, has_newer = world.database.read_now(read)
    assert back == first
    assert not has_newer


def test_who_is_limited_to_sites_sees_nothing_of_other_doors_and_of_none(recorded: World) -> None:
    world = recorded
    limited = asking(world, world.user("operator", site_ids=[world.site_ids[0]])[0])
    elsewhere = replace(ANYTHING, channel_ids=(world.channel_ids[2],))

    def read(transaction: Transaction) -> tuple[list[int], list[int], list[list[int]]]:
        listed, _ = list_events(transaction, world.account_id, Wanted(None, EARLIEST), Page(1, 1000), by=limited)
        pages = list(walk(transaction, limited, ANYTHING))
        walked = [event_id for page in pages for event_id in page]
        return walked, [event.id for event in listed], list(walk(transaction, limited, elsewhere))

    walked, listed, there = world.database.read_now(read)
    assert (walked, there) == (listed, [[]])
    assert len(listed) > 10


def test_the_proof_of_an_event_fails_once_somebody_has_changed_it(recorded: World) -> None:
    world = recorded
    last = world.database.read_now(lambda tx: tx.all(Query(text("SELECT MAX(id) FROM events"), int)))[0]

    def holds(event_id: int) -> bool:
        return world.database.read_now(lambda tx: proof_of(tx, world.account_id, event_id)).holds

    assert all(holds(event_id) for event_id in (last, last - 1, last - 299))
    change = Query[None](text(f"UPDATE events SET person_name = 'Eve' WHERE id = {last - 1}"))  # noqa: S608
    world.database.write_now(lambda tx: tx.run(change))
    assert not holds(last - 1)
    assert holds(last)
