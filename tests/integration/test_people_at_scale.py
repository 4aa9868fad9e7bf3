"""People in large accounts, on both databases: statements that use indexes, and lists that say what is true."""

import json
import random
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from doorward.db.postgresql import PostgresqlTransaction
from doorward.db.query import Query, number
from doorward.db.sqlite import SqliteTransaction
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.clock import FixedClock
from doorward.kit.pages import Page
from doorward.kit.timestamps import EARLIEST
from doorward.people import search
from doorward.people.listing import Wanted, ids_of_people, page_of_people
from doorward.people.person import PEOPLE, Person
from doorward.people.service import create_person, delete_person, update_person
from doorward.people.tally import number_of_people, tally
from tests.support.services import read, write, write_sealed
from tests.support.world import World

MANY = 5_000
NAMES = ("anna", "bert", "carla", "dieter", "emma", "frank", "greta", "hans")
ANALYZE = Query[None](text("ANALYZE"))
COUNT = Query(text("SELECT count(*) FROM people WHERE account_id = :account_id AND deleted_at IS NULL"), number)


def crowd(world: World, many: int = MANY) -> list[int]:
    """Many people at once, past the services; gives their ids."""
    now = world.clock.now()
    chance = random.Random(5)

    def make(transaction: Transaction) -> None:
        rows = []
        for serial in range(many):
            address = f"{chance.choice(NAMES)}.{serial:05}@{chance.choice(['acme', 'other'])}.example"
            person = Person(
                0, world.account_id, "P", f"{serial}", f"p {serial}", now - many + serial, now - many + serial
            )
            wanted = person._replace(email=address, email_key=address, system_id=f"EMP-{serial}")
            rows.append(PEOPLE.params(wanted))
        transaction.run_many(Query[None](ADD), rows)
        search.index_anew(transaction)
        tally(transaction, world.account_id, many)

    world.database.write_now(make)
    world.database.write_now(lambda transaction: transaction.run(ANALYZE))
    return world.database.read_now(lambda transaction: ids_of_people(transaction, Wanted(world.account_id)))


ADD = text(
    "INSERT INTO people "
    "(account_id, first_name, last_name, name_key, email, email_key, system_id, created_at, updated_at) VALUES "
    "(:account_id, :first_name, :last_name, :name_key, :email, :email_key, :system_id, :created_at, :updated_at)"
)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Query[Any], dict[str, Any]]]]:
    """The statements that are executed meanwhile, with their parameters."""
    seen: list[tuple[Query[Any], dict[str, Any]]] = []
    for kind in (SqliteTransaction, PostgresqlTransaction):
        for name in ("all", "one"):
            original = getattr(kind, name)

            def spied(self: Any, query: Query[Any], _original: Any = original, **params: Any) -> Any:
                seen.append((query, params))
                return _original(self, query, **params)

            monkeypatch.setattr(kind, name, spied)
    yield seen
    monkeypatch.undo()


def plan(database: Database, query: Query[Any], params: dict[str, Any]) -> list[str]:
    """How the database goes about a statement."""
    compiled = query.compiled(database.backend)
    explain = "EXPLAIN QUERY PLAN" if database.backend == "sqlite" else "EXPLAIN"

    def ask(transaction: Any) -> list[Any]:
        found = transaction._connection.execute(f"{explain} {compiled.sql}", {**compiled.constants, **params})
        return list(found.fetchall())

    return [str(row[-1]) for row in database.read_now(ask)]


WAYS: list[tuple[str, Page, dict[str, Any]]] = [
    ("the first page", Page(1, 100), {}),
    ("a page in the middle", Page(25, 100), {}),
    ("the last page", Page(50, 100), {}),
    ("a part of an address", Page(1, 100), {"email": "a.012"}),
    ("a whole address", Page(1, 100), {"email": "WHOLE"}),
    ("a part that many have", Page(1, 100), {"email": "@acme.example"}),
    ("a part of two characters", Page(1, 100), {"email": "nn"}),
    ("a system id", Page(1, 100), {"system_id": "EMP-77"}),
    ("what changed lately", Page(1, 100), {"since": 20}),
    ("what changed lately, by address", Page(1, 100), {"since": 20, "email": "a.0"}),
]


def test_no_list_looks_at_all_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = read(world, page_of_people, Page(1, 1), email=f"{1234:05}")[0] if crowd(world) else []
    for name, page, asked in WAYS:
        filters = dict(asked)
        if "since" in filters:
            filters["since"] = world.clock.now() - filters["since"]
        if name == "a whole address":
            filters["email"] = somebody[0].email
        with watched(monkeypatch) as statements:
            found, total = read(world, page_of_people, page, **filters)
        assert 1 <= len(found) <= total, name
        assert 2 <= len(statements) <= 6, name
        for query, params in statements:
            lines = plan(world.database, query, params)
            if world.database.backend == "sqlite":
                # An index that has all that a statement looks at may be scanned; the people themselves must not be.
                walked = [line for line in lines if line.startswith("SCAN people") and "COVERING INDEX" not in line]
                assert not walked, (name, lines)
                assert {"since", "system_id"} & params.keys() or not any("TEMP B-TREE" in line for line in lines), (
                    name,
                    lines,
                )
            elif name != "a part of two characters":
                assert not any("Seq Scan on people " in line for line in lines), (name, lines)


LETTERS = st.text(alphabet="abAB%_\\'\"ßSsİéÉ.-+*", min_size=1, max_size=6).filter(
    lambda local: not (local.startswith(".") or local.endswith(".") or ".." in local or '"' in local or "\\" in local)
)
ADDRESSES = st.builds(lambda local, domain: f"{local}@{domain}.ex", LETTERS, st.sampled_from(["ab", "AB-c", "straße"]))
PARTS = st.one_of(
    st.text(alphabet="abAB%_\\'\"ßSsİéÉ.-+*@", min_size=1, max_size=5),
    st.sampled_from(
        ["@ab", "ab.ex", "STRASSE", "straSSe.", "*", "NEAR(", '"', "a AND b", "\0", "\ud800", "é", "\u0301"]
    ),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    addresses=st.lists(ADDRESSES, min_size=1, max_size=8, unique_by=str.casefold),
    later=ADDRESSES,
    parts=st.lists(PARTS, min_size=1, max_size=6),
    whole=st.integers(0, 7),
)
def test_a_part_of_an_address_finds_whose_address_has_it_in_any_case(
    world: World, addresses: list[str], later: str, parts: list[str], whole: int
) -> None:
    made = [
        write_sealed(world, create_person, {"first_name": "A", "last_name": "B", "email": each}) for each in addresses
    ]
    emails: dict[int, str | None] = {person.id: person.email for person in made}
    if later.casefold() not in {each.casefold() for each in addresses}:
        emails[made[0].id] = write_sealed(world, update_person, made[0].id, {"email": later}).email
    gone = made[-1].id
    write(world, delete_person, gone)
    for part in [*parts, addresses[whole % len(addresses)].upper()]:
        naive = sorted(
            person_id for person_id, email in emails.items() if email and folded(part) in (folded(email) or "")
        )
        living = [person_id for person_id in naive if person_id != gone]
        assert ids(read(world, page_of_people, Page(), email=part)) == (living, len(living)), part
        lately = read(world, page_of_people, Page(), email=part, since=EARLIEST + 1)
        assert ids(lately) == (naive, len(naive)), part
    assert counted(world) == read(world, number_of_people) == 1 + len(made) - 1
    for person in made[:-1]:
        write(world, delete_person, person.id)
    world.database.write_now(lambda transaction: transaction.run(FORGET, but=world.person_id))
    world.database.write_now(search.index_anew)


FORGET = Query[None](text("UPDATE people SET email = NULL, email_key = NULL WHERE id <> :but"))


def folded(given: str) -> str:
    return unicodedata.normalize("NFC", given).casefold()


def ids(found: tuple[list[Person], int]) -> tuple[list[int], int]:
    return [person.id for person in found[0]], found[1]


def counted(world: World) -> int:
    return world.database.read_now(lambda tx: tx.one(COUNT, account_id=world.account_id)) or 0


def test_every_page_is_the_same_part_of_the_whole_wherever_it_lies(world: World) -> None:
    everybody = crowd(world, 250)
    write(world, delete_person, everybody.pop(100))
    write(world, delete_person, everybody.pop(3))
    everybody.append(world.person("Late", "Comer"))
    assert len(everybody) == counted(world) == 250
    for size in (1, 7, 100, 249, 250, 251):
        for number_of_page in range(1, min(250 // size + 4, 260)):
            start = (number_of_page - 1) * size
            found = read(world, page_of_people, Page(number_of_page, size))
            assert ids(found) == (everybody[start : start + size], 250)
        some = [each for each in everybody[:-1] if each != world.person_id]
        found = read(world, page_of_people, Page(2, size), email=".example")
        assert ids(found) == (some[size : 2 * size], len(some))


def test_the_tally_is_right_after_many_came_and_went_at_once(world: World) -> None:
    world.database.write_now(lambda transaction: transaction.run(Query[None](text("DELETE FROM people_tallies"))))

    def come_and_go(serial: int) -> None:
        person_id = world.person("P", str(serial))
        if serial % 3 == 0:
            write(world, delete_person, person_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_and_go, range(30)))
    assert counted(world) == read(world, number_of_people) == 1 + 20


def test_everybody_in_one_answer_is_the_same_as_page_by_page(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    crowd(world, 450)
    clock.advance(1000)
    write(world, delete_person, world.person_id)
    pages: list[Any] = []
    for page in range(1, 10):
        pages += api.get("/api/3/people", params={"page": page, "per_page": 100}).json()
    with api.stream("GET", "/api/3/people?skip_pagination=true") as answer:
        chunks = list(answer.iter_raw())
    assert len(chunks) > 3, "it comes in parts"
    assert json.loads(b"".join(chunks)) == pages
    assert (answer.headers["total"], len(pages)) == ("450", 450)
    some = api.get("/api/3/people?skip_pagination=true&email=anna").json()
    assert some == [person for person in pages if "anna" in person["email"]]
    changed = api.get("/api/3/people?skip_pagination=true&since=2026-03-02T09:00:01Z")
    assert [(person["id"], person["deleted"]) for person in changed.json()] == [(world.person_id, True)]
    nobody = api.get("/api/3/people?skip_pagination=true&email=nobody")
    assert (nobody.json(), nobody.headers["total"]) == ([], "0")
