"""What others do while a file of people is imported: it is written as it was checked, or not at all."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from doorward.audit.service import Actor
from doorward.credentials.service import create_credential
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction
from doorward.groups.service import create_group
from doorward.imports import service as imports
from doorward.imports.checking import Options
from doorward.imports.csv_file import read_csv
from doorward.imports.running import Job, carry_out
from doorward.imports.writing import prepare
from doorward.kit.clock import FixedClock
from doorward.kit.errors import Forbidden
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate, revoke_token
from doorward.people.listing import page_of_people
from doorward.people.service import update_person
from doorward.people.tally import number_of_people
from doorward.roles.reach import PERSON_BEYOND
from doorward.roles.service import create_role
from tests.support.people_import import HEAD, ended, everybody, imported, keys_of, post
from tests.support.services import read, write, write_sealed
from tests.support.world import World

FORGET_GROUP = Query[None](text("DELETE FROM groups WHERE id = :group_id"))

CARD_TYPE = Query(
    text("SELECT id FROM credential_types WHERE account_id = :account_id AND slug = 'card_number'"), number
)


def test_one_import_at_a_time_and_the_same_key_begins_one_only(api: httpx.Client) -> None:
    file = "first_name,last_name\n" + "A,B\n" * 2000
    answers = [post(api, file) for _ in range(3)]
    assert answers[0].status_code == 202
    assert {answer.status_code for answer in answers[1:]} <= {409, 202}
    assert 409 in {answer.status_code for answer in answers[1:]}
    for answer in answers:
        if answer.status_code == 202:
            ended(api, answer)
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "once"}
    body = b"first_name,last_name\nOnly,Once\n"
    first = api.post("/api/3/people/import", content=body, headers=headers)
    ended(api, first)
    second = api.post("/api/3/people/import", content=body, headers=headers)
    assert second.json() == first.json()
    assert [person["first_name"] for person in everybody(api)].count("Only") == 1


def test_what_somebody_did_meanwhile_fails_the_whole_file(
    api: httpx.Client, world: World, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile: list[Any] = []

    def interfere(*arguments: Any) -> Any:
        meanwhile.pop()()
        return prepare(*arguments)

    monkeypatch.setattr("doorward.imports.running.prepare", interfere)
    write_sealed(world, update_person, world.person_id, {"email": "ada@example.com"})
    group_id = write(world, create_group, {"name": "Staff"}).id
    other = world.person("Other", "One")
    one = world.database.read_now(lambda tx: tx.one(CARD_TYPE, account_id=world.account_id))
    actions: list[tuple[str, Any, tuple[Any, Any]]] = [
        (
            "A,B,new@example.com,,,\n",
            lambda: world.person("C", "D", email="NEW@example.com"),
            (None, "email"),
        ),
        (
            "A,B,,4321,,\n",
            lambda: write_sealed(world, create_credential, other, {"credential_type_id": one, "value": "4321"}),
            (None, None),
        ),
        ("A,B,,,,Staff\n", lambda: forget_group(world.database, group_id), (None, "groups")),
        (
            "Ada,K,ada@example.com,,,\n",
            lambda: change_later(world, clock),
            (2, None),
        ),
    ]
    for row, action, where in actions:
        meanwhile.append(action)
        found = ended(api, post(api, HEAD + "Z,Z,,88,******,\n" + row if where[0] is None else HEAD + row))
        assert found["state"] == "failed"
        wrong = [(each["row"], each["field"]) for each in found["errors"]]
        # SQLite does not say what a reference was to.
        assert wrong == [where] or (world.database.backend, where) == ("sqlite", (None, "groups"))
    assert not [person for person in everybody(api) if person["first_name"] in "AZ"]
    assert read(world, number_of_people) == len(everybody(api))


def change_later(world: World, clock: FixedClock) -> None:
    clock.advance(1)
    write_sealed(world, update_person, world.person_id, {"notes": "x"})


def forget_group(database: Database, group_id: int) -> None:
    database.write_now(lambda tx: tx.run(FORGET_GROUP, group_id=group_id))


def test_what_a_stopped_server_left_behind_is_given_up_at_its_start(api: httpx.Client, world: World) -> None:
    now = world.clock.now()
    left = world.database.write_now(
        lambda tx: imports.begin(tx, world.account_id, world.owner_id, 5, now, dry_run=False)
    )
    assert post(api, "first_name,last_name\nA,B\n").status_code == 409
    if world.database.backend == "postgresql":  # another server may be at work on it, as long as it is carried on
        assert world.database.write_now(lambda tx: imports.recover(tx, now)) == 0
        now += imports.SILENT_MS
    assert world.database.write_now(lambda tx: imports.recover(tx, now)) == 1
    found = api.get(f"/api/3/people/imports/{left.id}").json()
    assert (found["state"], found["errors_total"]) == ("failed", 1)
    assert not world.database.write_now(lambda tx: imports.finish(tx, left._replace(state="done"), now))
    imported(api, "first_name,last_name\nA,B\n")


DISABLE = Query[None](text("UPDATE users SET disabled_at = :now WHERE id = :user_id"))

DEMOTE = Query[None](text("UPDATE users SET role = :role WHERE id = :user_id"))

LIMIT = Query[None](text("UPDATE users SET site_limited = 1 WHERE id = :user_id"))

NARROW = Query[None](text("UPDATE tokens SET scopes = 'account.person.readonly' WHERE user_id = :user_id"))


@pytest.mark.parametrize("what", ["disabled", "revoked", "demoted", "narrowed", "no roles", "limited", "beyond"])
def test_who_may_not_any_more_when_it_comes_to_writing_writes_nothing(world: World, what: str) -> None:
    far = write(world, create_role, {"name": "Far", "channel_ids": world.channel_ids[2:]}).id
    write_sealed(world, update_person, world.person_id, {"email": "ada@x.ex", "role_ids": [far]})
    user_id, token = world.user("admin")
    now = world.clock.now()
    rows = "A,B,,,Far\n" if what in ("no roles", "limited") else "Ada,Lovelace,ada@x.ex,99,\n"
    file = read_csv(f"first_name,last_name,email,card_number,roles\n{rows}".encode(), None)

    def begin(tx: Transaction) -> tuple[Principal, imports.PeopleImport]:
        by = authenticate(tx, token, now)
        return by, imports.begin(tx, world.account_id, user_id, 1, now, dry_run=False)

    by, begun = world.database.write_now(begin)
    changes: dict[str, Callable[[Transaction], object]] = {
        "disabled": lambda tx: tx.run(DISABLE, user_id=user_id, now=now),
        "revoked": lambda tx: revoke_token(tx, token, now),
        "demoted": lambda tx: tx.run(DEMOTE, user_id=user_id, role="viewer"),
        "narrowed": lambda tx: tx.run(NARROW, user_id=user_id),
        "no roles": lambda tx: tx.run(DEMOTE, user_id=user_id, role="operator"),
        "limited": lambda tx: tx.run(LIMIT, user_id=user_id),
        "beyond": lambda tx: tx.run(LIMIT, user_id=user_id),
    }
    world.database.write_now(changes[what])
    before = read(world, page_of_people, Page())
    actor = Actor("system", user_id)
    job = Job(world.database, world.vault, world.clock, begun, file, Options("email", False), by, actor)
    found = carry_out(job)
    assert (found.state, found.created, found.updated) == ("failed", 0, 0)
    assert [(each.row, each.message) for each in found.errors] == [
        (2, PERSON_BEYOND) if what == "beyond" else (None, f"Not permitted any more: {WHY[what]}")
    ]
    assert read(world, page_of_people, Page()) == before
    assert keys_of(world, world.person_id)["card_number"] == "1234"


WHY = {
    "disabled": "The access token was revoked",
    "revoked": "The access token was revoked",
    **dict.fromkeys(("demoted", "narrowed", "no roles"), Forbidden.text),
    "limited": "Validation failed: role_ids Beyond the sites that you are limited to: 1",
}
