"""Events go when they are older than their account keeps them, and the rest still proves itself."""

import asyncio

import httpx
from sqlalchemy import text

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.erasure.service import erase_person
from doorward.erasure.traces import find_traces
from doorward.events.counting import Count
from doorward.events.retention import declare_old, remove_old, set_retention
from doorward.events.service import Event, record_all
from doorward.events.tallies import tally
from doorward.events.verification import Verdict, verify
from doorward.kit.clock import FixedClock
from doorward.worker.retaining import remove_old_events, run
from tests.integration.conftest import Served
from tests.support.commands import Commands
from tests.support.controllers import until
from tests.support.services import write
from tests.support.world import World

DAY = 86_400_000
COUNT = Query(text("SELECT count(*) FROM events"), number)


def happen(world: World, count: int) -> None:
    now = world.clock.now()
    event = Event(world.account_id, 10, now, person_id=world.person_id, person_name="Ada Lovelace")
    world.database.write_now(lambda tx: record_all(tx, [event] * count, now))


def verdict(world: World, expected: dict[int, str] | None = None) -> Verdict:
    return world.database.read_now(lambda tx: verify(tx, world.account_id, expected))


def test_what_is_older_goes_and_the_record_begins_behind_it(world: World, clock: FixedClock) -> None:
    happen(world, 5)
    first = verdict(world)
    clock.advance(3 * DAY)
    happen(world, 4)
    kept = verdict(world)
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0, "kept for ever"
    write(world, set_retention, {"days": 3})
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0, "not older than that"
    clock.advance(1)
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 5
    after = verdict(world)
    assert (after.findings, after.first, after.last, after.events) == ([], 6, 10, 5)
    assert verdict(world, {kept.last: kept.digest, first.last: first.digest}).is_sound
    assert [each.kind for each in verdict(world, {2: "0" * 64}).findings] == ["expected"]
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0
    clock.advance(30 * DAY)
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 5
    clock.advance(30 * DAY)
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0, "one stays"
    last = verdict(world)
    assert (last.findings, last.first, last.last) == ([], 11, 11)


def test_it_goes_in_steps_and_the_record_is_sound_between_them(world: World, clock: FixedClock) -> None:
    happen(world, 7)
    now = clock.now()
    traces = world.database.read_now(lambda tx: find_traces(tx, world.vault, world.account_id, world.person_id))
    world.database.write_now(lambda tx: erase_person(tx, world.account_id, world.person_id, traces, now, most=3))
    clock.advance(2 * DAY)
    write(world, set_retention, {"days": 1})
    assert world.database.write_now(lambda tx: declare_old(tx, clock.now())) == 1
    assert (verdict(world).findings, verdict(world).first) == ([], 9)
    world.database.write_now(lambda tx: tally(tx, world.account_id, most=5))

    def total(tx: Transaction) -> int:
        return Count(tx, world.account_id, range(1, 300), None, 0).total

    assert world.database.read_now(total) == 9
    assert [world.database.write_now(lambda tx: remove_old(tx, 3)) for _ in range(4)] == [3, 3, 2, 0]
    assert world.database.read_now(total) == 1, "what is removed is counted no more"
    assert world.database.read_now(lambda tx: tx.one(COUNT)) == 1
    assert verdict(world).is_sound


def test_a_record_that_has_a_hole_is_left_as_it_is(world: World, clock: FixedClock) -> None:
    happen(world, 3)
    write(world, set_retention, {"days": 1})
    clock.advance(2 * DAY)
    world.database.write_now(lambda tx: tx.run(Query[None](text("DELETE FROM events WHERE position = 2"))))
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0
    assert [each.kind for each in verdict(world).findings] == ["missing"]


def test_nobody_makes_events_go_by_making_one_of_them_older(world: World, clock: FixedClock) -> None:
    happen(world, 3)
    clock.advance(2 * DAY)
    happen(world, 5)
    write(world, set_retention, {"days": 3})
    older = Query[None](text(f"UPDATE events SET received_at = received_at - {9 * DAY} WHERE position >= 4"))  # noqa: S608 - the test's own
    world.database.write_now(lambda tx: tx.run(older))
    assert asyncio.run(remove_old_events(world.database, clock.now())) == 0
    assert {each.kind for each in verdict(world).findings} == {"altered"}


def test_what_is_being_removed_is_not_changed_unseen_and_goes_in_any_case(world: World, clock: FixedClock) -> None:
    happen(world, 6)
    clock.advance(2 * DAY)
    write(world, set_retention, {"days": 1})
    world.database.write_now(lambda tx: declare_old(tx, clock.now()))
    write(world, set_retention, {"days": None})
    assert world.database.write_now(lambda tx: remove_old(tx, 2)) == 2
    assert verdict(world).is_sound
    forged = Query[None](text("UPDATE events SET event_code = 27 WHERE position = 5"))
    world.database.write_now(lambda tx: tx.run(forged))
    assert [(each.position, each.kind) for each in verdict(world).findings] == [(5, "removal")]
    behind = Query[None](text("DELETE FROM events WHERE position IN (5, 6)"))
    world.database.write_now(lambda tx: tx.run(behind))
    assert [(each.position, each.kind) for each in verdict(world).findings] == [(4, "removal")]
    assert asyncio.run(remove_old_events(world.database, clock.now())) > 0
    assert (verdict(world).findings, verdict(world).events) == ([], 1)


def test_how_long_events_are_kept_is_a_setting(api: httpx.Client, served: Served, world: World) -> None:
    url = "/api/3/event_log/retention"
    assert api.get(url).json() == {"days": None}
    assert api.put(url, json={"days": 90}).json() == {"days": 90}
    assert api.get(url).json() == {"days": 90}
    for body in ({"days": 0}, {"days": "x"}, {}, {"days": 36_501}, {"days": 1.5}):
        refused = api.put(url, json=body)
        assert refused.status_code == 422
        assert list(refused.json()["errors"]) == ["days"]
    assert api.get(url).json() == {"days": 90}
    assert api.put(url, json={"days": None}).json() == {"days": None}
    _, limited = world.user("admin", site_ids=world.site_ids[:1])
    with served.client(limited) as client:
        assert client.put(url, json={"days": 1}).status_code == 403


def test_the_command_shows_and_sets_it(doorward: Commands) -> None:
    assert doorward.json("events", "retention") == {"days": None}
    assert doorward.json("events", "retention", "--days", 30) == {"days": 30}
    assert "days" in doorward.refusal("events", "retention", "--days", 0)
    assert "exclude" in doorward.refusal("events", "retention", "--days", 1, "--for-ever")
    assert doorward.json("events", "retention", "--for-ever") == {"days": None}


def test_old_events_go_by_themselves(world: World, clock: FixedClock) -> None:
    happen(world, 5)
    write(world, set_retention, {"days": 3})
    clock.advance(4 * DAY)

    async def until_gone() -> None:
        chore = asyncio.create_task(run(world.database, clock))
        await until(lambda: verdict(world).first > 5)
        chore.cancel()
        await asyncio.gather(chore, return_exceptions=True)

    asyncio.run(until_gone())
    assert verdict(world).findings == []
