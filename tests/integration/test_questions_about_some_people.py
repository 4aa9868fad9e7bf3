"""What is asked about some people or channels costs as little in a large account as in a small one."""

import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorward.access import holding, known
from doorward.access.service import ask_of_channel, ask_of_person
from doorward.db.query import Params, Query
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.people.service import create_person
from doorward.roles.service import create_role
from doorward.sync import rows
from tests.support.services import write, write_sealed
from tests.support.world import World

ASKED: dict[str, Query[Any]] = {
    name: getattr(rows, name) for name in vars(rows) if name.startswith("SOME_") or name == "GRANTS_AT_CHANNELS"
} | {"HOLDINGS": holding.HOLDINGS, "PEOPLE": known.PEOPLE}
GIVEN: Params = {
    "account_id": 1,
    "ids": "[1]",
    "role_ids": "[1]",
    "person_ids": "[1]",
    "channel_ids": "[1]",
    "ends_after": 0,
    "at": 0,
}


@pytest.mark.parametrize("name", ASKED)
def test_sqlite_finds_it_by_its_ids_and_goes_through_no_account(name: str, migrated_file: Path) -> None:
    compiled = ASKED[name].compiled("sqlite")
    connection = sqlite3.connect(migrated_file)
    steps = [
        row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", {**compiled.constants, **GIVEN})
    ]
    connection.close()
    assert [step for step in steps if step.startswith("SCAN") and "json_each" not in step] == []
    assert [step for step in steps if "(account_id=?)" in step or "account_id=? AND end_time" in step] == []


class Counted:
    """A transaction that counts its statements."""

    def __init__(self, transaction: Transaction) -> None:
        self.backend = transaction.backend
        self.statements = 0
        self._transaction = transaction

    def all(self, query: Query[Any], **params: Any) -> Any:
        self.statements += 1
        return self._transaction.all(query, **params)

    def one(self, query: Query[Any], **params: Any) -> Any:
        self.statements += 1
        return self._transaction.one(query, **params)


def test_a_page_of_access_takes_the_same_few_statements_whatever_is_on_it(world: World) -> None:
    principal = Principal(world.account_id, ZoneInfo("UTC"), world.owner_id, "owner", False, 0, 0, frozenset())
    now = world.clock.now()

    def statements(channel: int) -> list[int]:
        def ask(transaction: Transaction) -> list[int]:
            found = []
            for question, the_id in ((ask_of_channel, channel), (ask_of_person, world.person_id)):
                counted: Any = Counted(transaction)
                question(counted, principal, the_id, Page(), now)
                found.append(counted.statements)
            return found

        return world.database.read_now(ask)

    def role(name: str, people: list[int]) -> None:
        body = {"name": name, "channel_ids": world.channel_ids, "person_ids": people}
        write(world, create_role, body)

    role("First", [world.person_id])
    before = statements(world.channel_ids[0])
    people = [write_sealed(world, create_person, {"first_name": "P", "last_name": str(n)}).id for n in range(20)]
    for number in range(5):
        role(f"R{number}", [world.person_id, *people[number:]])
    assert statements(world.channel_ids[0]) == before
    assert max(before) <= 8
