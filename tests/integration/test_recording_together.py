"""What several controllers tell at the same time is recorded together, and each is answered for itself."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from doorward.controllers import gathering
from doorward.controllers.gathering import Gathering
from doorward.controllers.told import Outcome, OutOfOrder, Source
from doorward.db.query import Query, number
from doorward.db.unit_of_work import DatabaseUnavailable, Work, require
from doorward.erasure.service import erase_person
from doorward.erasure.traces import find_traces
from doorward.events.verification import verify
from doorward.link.messages import Told
from tests.support.services import other_account
from tests.support.world import World

T = TypeVar("T")
CONTROLLER = Query(
    text(
        "INSERT INTO controllers (account_id, name, public_key, link_key, enrolled_at) "
        "VALUES (:account_id, 'Box', '', '', 1) RETURNING id"
    ),
    number,
)
RECORDED = Query(
    text("SELECT controller_id, sequence, channel_id, person_name, credential, reasons FROM events ORDER BY id"),
    lambda *values: values,
)


class Counting:
    """The world's database; counts transactions, and fails when it is told to."""

    def __init__(self, world: World, failures: Sequence[Exception | None] = ()) -> None:
        self._database = world.database
        self._failures = list(failures)
        self.writes = 0

    async def write(self, work: Work[T]) -> T:
        """The real one, unless a failure is due."""
        self.writes += 1
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure
        return await self._database.write(work)


def sources(world: World, count: int) -> list[Source]:
    account, channel = world.account_id, world.channel_ids[0]
    ids = [world.database.write_now(lambda tx: require(tx.one(CONTROLLER, account_id=account))) for _ in range(count)]
    return [Source(account, each, channel, "Front door") for each in ids]


def told(world: World, *sequences: int, **more: Any) -> tuple[Told, ...]:
    return tuple(Told(each, 10, world.clock.now(), **more) for each in sequences)


def record(world: World, database: Any, *messages: tuple[Source, tuple[Told, ...]]) -> list[Outcome | BaseException]:
    """Each in a task of its own, all at once."""
    gathered = Gathering(database, world.vault, world.clock)

    async def run() -> list[Outcome | BaseException]:
        return await asyncio.gather(*(gathered.record(*each) for each in messages), return_exceptions=True)

    return asyncio.run(run())


def recorded(world: World) -> list[tuple[Any, ...]]:
    assert world.database.read_now(lambda tx: verify(tx, world.account_id)).is_sound
    return [row[:2] for row in world.database.read_now(lambda tx: tx.all(RECORDED)) if row[0] is not None]


def test_many_are_recorded_by_few_transactions_each_in_its_order(world: World) -> None:
    database, boxes = Counting(world), sources(world, 5)
    outcomes = record(world, database, *((box, told(world, 1, 2)) for box in boxes))
    assert outcomes == [Outcome(2, [])] * 5
    assert database.writes == 1
    assert sorted(recorded(world)) == [(box.controller_id, sequence) for box in boxes for sequence in (1, 2)]
    again = record(world, database, *((box, told(world, 2, 3)) for box in boxes[:2]))
    assert again == [Outcome(3, [])] * 2
    assert len(recorded(world)) == 12


def test_more_than_fit_together_follow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_MOST_TOGETHER", 4)
    database, boxes = Counting(world), sources(world, 5)
    record(world, database, *((box, told(world, 1, 2)) for box in boxes), (boxes[0], told(world, *range(3, 12))))
    assert database.writes == 4
    assert len(recorded(world)) == 19


def test_who_is_out_of_order_is_refused_alone(world: World) -> None:
    database, (first, second) = Counting(world), sources(world, 2)
    nobody = Source(world.account_id, 999, world.channel_ids[0], "Front door")
    elsewhere = Source(world.account_id, first.controller_id, 999, "Gone")
    outcomes = record(
        world,
        database,
        (first, told(world, 1, 3)),
        (second, told(world, 1)),
        (nobody, told(world, 1)),
        (elsewhere, told(world, 1)),
    )
    assert [type(each) for each in outcomes] == [OutOfOrder, Outcome, LookupError, Outcome]
    assert recorded(world) == [(second.controller_id, 1), (first.controller_id, 1)]
    foreign = Source(other_account(world), second.controller_id, second.channel_id, "Front door")
    assert isinstance(record(world, database, (foreign, told(world, 2)))[0], LookupError)


def test_one_that_cannot_be_written_leaves_the_others_alone(world: World) -> None:
    first, second = sources(world, 2)
    messages = [(first, told(world, 1)), (second, told(world, 1))]
    database = Counting(world, [ValueError(), None, ValueError()])
    outcomes = record(world, database, *messages)
    assert outcomes == [Outcome(1, [])] * 2, "the second at its second attempt"
    assert database.writes == 4
    broken = Counting(world, [ValueError()] * 9)
    assert [type(each) for each in record(world, broken, (first, told(world, 2)))] == [ValueError]
    assert broken.writes == 3
    gone = Counting(world, [DatabaseUnavailable("away")])
    outcomes = record(world, gone, *((box, told(world, 2)) for box in (first, second)))
    assert [type(each) for each in outcomes] == [DatabaseUnavailable] * 2
    assert record(world, gone, (first, told(world, 2))) == [Outcome(2, [])]


def test_who_was_erased_is_not_named_by_what_is_told_later(world: World) -> None:
    [box] = sources(world, 1)
    person, now = world.person_id, world.clock.now()
    traces = world.database.read_now(lambda tx: find_traces(tx, world.vault, world.account_id, person))
    world.database.write_now(lambda tx: erase_person(tx, world.account_id, person, traces, now))
    who = {"person_id": person, "person_name": "Ada Lovelace", "credential": "1234", "reasons": (("why", "Ada came."),)}
    record(world, Counting(world), (box, told(world, 1, **who)))
    *_, last = world.database.read_now(lambda tx: tx.all(RECORDED))
    assert last == (box.controller_id, 1, world.channel_ids[0], None, None, "[]")
