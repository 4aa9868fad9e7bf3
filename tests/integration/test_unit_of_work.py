"""The unit of work, the same on each database: whole or not at all, durable when it returns, one state in a read."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import bindparam, func, insert, select, text

from doorward.accounts.tables import accounts
from doorward.db.connect import open_database
from doorward.db.query import Query, number, one_of, word
from doorward.db.unit_of_work import Database, DatabaseUnavailable, Rejected, Transaction
from doorward.roles.tables import roles

ADD = Query[None](
    insert(accounts).values(name=bindparam("name"), time_zone="UTC", created_at=bindparam("at"), updated_at=0)
)
COUNT = Query(select(func.count()).select_from(accounts), number)
NAMES = Query(select(accounts.c.name).order_by(accounts.c.id), word)
SOME = Query(select(accounts.c.id).where(one_of(accounts.c.id, "ids")).order_by(accounts.c.id), number)
ADD_ROLE = Query[None](insert(roles).values(account_id=1, name="R", name_key="r", created_at=0, updated_at=0))
# A tenth of a second of work that SQLite's progress handler can see.
SLOW = Query(
    text(
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 300000) "
        "SELECT count(*) FROM counted"
    ),
    number,
)


def add(name: str, at: int = 0) -> Callable[[Transaction], int]:
    return lambda transaction: transaction.run(ADD, name=name, at=at)


def names(database: Database) -> list[str]:
    return database.read_now(lambda transaction: transaction.all(NAMES))


def test_a_write_that_raises_leaves_nothing_behind_and_does_not_disturb_the_others(database: Database) -> None:
    def fails(transaction: Transaction) -> int:
        transaction.run(ADD, name="half", at=0)
        raise ValueError("on purpose")

    async def both() -> list[object]:
        works = [add("one"), fails, add("two"), fails, add("three")]
        return await asyncio.gather(*(database.write(work) for work in works), return_exceptions=True)

    results = asyncio.run(both())
    assert [type(result) for result in results] == [int, ValueError, int, ValueError, int]
    assert sorted(names(database)) == ["one", "three", "two"]


def test_a_constraint_that_refuses_says_which_and_the_rest_is_undone(database: Database) -> None:
    def twice(transaction: Transaction) -> None:
        transaction.run(ADD, name="a", at=0)
        transaction.run(ADD_ROLE)
        transaction.run(ADD_ROLE)

    with pytest.raises(Rejected) as refused:
        database.write_now(twice)
    assert refused.value.names("roles", "name")
    assert names(database) == []


def test_a_read_sees_one_state_while_others_write(database: Database) -> None:
    began, written = threading.Event(), threading.Event()

    def read(transaction: Transaction) -> tuple[int | None, int | None]:
        before = transaction.one(COUNT)
        began.set()
        written.wait(10)
        return before, transaction.one(COUNT)

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(database.read_now, read)
        began.wait(10)
        database.write_now(add("meanwhile"))
        written.set()
        assert reading.result(10) == (0, 0)
    assert names(database) == ["meanwhile"]


def test_what_is_acknowledged_is_seen_by_another_connection_at_once(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    for step in range(20):
        database.write_now(add(f"n{step}"))
        assert len(names(other)) == step + 1
    other.close()


def test_listeners_are_called_after_the_commit_and_not_for_what_was_undone(database: Database) -> None:
    seen: list[int] = []
    database.listen("topic", lambda: seen.append(len(names(other))))
    other = database

    def signals(transaction: Transaction) -> None:
        transaction.run(ADD, name="x", at=0)
        transaction.signal("topic")

    def fails(transaction: Transaction) -> None:
        transaction.signal("topic")
        raise ValueError

    database.write_now(signals)
    with pytest.raises(ValueError):  # noqa: PT011 - the one above
        database.write_now(fails)
    assert seen == [1]


def test_a_long_read_does_not_hold_the_event_loop(database: Database) -> None:
    async def run() -> float:
        longest, last = 0.0, time.perf_counter()
        reading = asyncio.ensure_future(database.read(lambda transaction: transaction.one(SLOW)))
        while not reading.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        assert reading.result() == 300_000
        return longest

    # Not a measurement: the read itself takes a hundred times the millisecond that it may have on the loop.
    assert min(asyncio.run(run()) for _ in range(3)) < 0.05


def test_ids_in_a_list_are_bound_as_one_parameter(database: Database) -> None:
    for name in "abc":
        database.write_now(add(name))
    assert database.read_now(lambda transaction: transaction.all(SOME, ids="[3, 1, 99]")) == [1, 3]
    assert database.read_now(lambda transaction: transaction.all(SOME, ids="[]")) == []


def test_many_threads_and_a_loop_may_write_at_once(database: Database) -> None:
    async def from_loop() -> None:
        await asyncio.gather(*(database.write(add(f"loop {step}")) for step in range(100)))

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(database.write_now, add(f"thread {step}")) for step in range(100)]
        asyncio.run(from_loop())
        for write in writes:
            write.result(30)
    assert len(names(database)) == 200


def test_a_closed_database_refuses_work(database_url: str) -> None:
    closed = open_database(database_url)
    closed.write_now(add("kept"))
    closed.close()
    closed.close()
    with pytest.raises((DatabaseUnavailable, RuntimeError)):
        closed.write_now(add("lost"))
