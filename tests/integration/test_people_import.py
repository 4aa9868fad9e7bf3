"""POST /api/3/people/import: a CSV file becomes people wholly, or not at all; on both databases."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from doorward.audit.service import Actor
from doorward.cli.main import run
from doorward.credentials.service import create_credential, list_credentials
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction
from doorward.groups.service import create_group
from doorward.imports import service as imports
from doorward.imports.checking import Options
from doorward.imports.csv_file import MOST_ROWS, read_csv
from doorward.imports.running import Job, carry_out
from doorward.imports.writing import prepare
from doorward.kit.clock import FixedClock
from doorward.kit.errors import Forbidden
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate, revoke_token
from doorward.people.listing import page_of_people
from doorward.people.service import delete_person, update_person
from doorward.people.tally import number_of_people
from doorward.roles.reach import PERSON_BEYOND
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.refusals import Note, notes_of
from tests.support.services import read, reserve, write, write_sealed
from tests.support.world import World

CARD_TYPE = Query(
    text("SELECT id FROM credential_types WHERE account_id = :account_id AND slug = 'card_number'"), number
)
FORGET_GROUP = Query[None](text("DELETE FROM groups WHERE id = :group_id"))
HEAD = "first_name,last_name,email,card_number,pin,groups\n"


def post(api: httpx.Client, file: str | bytes, **query: str) -> httpx.Response:
    content = file.encode() if isinstance(file, str) else file
    return api.post("/api/3/people/import", content=content, params=query, headers={"Content-Type": "text/csv"})


def ended(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """How an import that was accepted ends."""
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert (begun["state"], begun["finished_at"], begun["errors"]) == ("checking", None, [])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found: dict[str, Any] = api.get(f"/api/3/people/imports/{begun['id']}").json()
        if found["finished_at"] is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the import does not end: {found}")


def imported(api: httpx.Client, file: str | bytes, **query: str) -> dict[str, Any]:
    found = ended(api, post(api, file, **query))
    assert (found["state"], found["errors"]) == ("done", []), found
    return found


def errors_of(api: httpx.Client, file: str | bytes, **query: str) -> list[tuple[Any, Any, str]]:
    before = everybody(api)
    found = ended(api, post(api, file, **query))
    assert (found["state"], found["created"], found["updated"]) == ("failed", 0, 0)
    assert everybody(api) == before, "nothing is written"
    assert found["errors_total"] >= len(found["errors"]) > 0
    return [(error["row"], error["field"], error["message"]) for error in found["errors"]]


def refused(api: httpx.Client, file: str | bytes, **query: str) -> dict[str, list[str]]:
    answer = post(api, file, **query)
    assert answer.status_code == 422, answer.text
    assert api.get("/api/3/people/imports").json() == []
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def everybody(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/3/people?skip_pagination=true").json()
    return found


def keys_of(world: World, person_id: int) -> dict[str, str]:
    found = world.database.read_now(lambda tx: list_credentials(tx, world.vault, world.account_id, [person_id]))
    return {credential.slug: credential.value for credential in found}


def test_a_file_becomes_people_with_groups_and_credentials(api: httpx.Client, world: World, clock: FixedClock) -> None:
    staff = write(world, create_group, {"name": "Staff"}).id
    night = write(world, create_group, {"name": "Night shift"}).id
    clock.advance(60_000)
    file = (
        "\ufeffFirst Name,last_name,email,card_number,pin,groups,enabled,valid_to,notes,organisation_id\r\n"
        'Grace,Hopper,Grace@example.com,0042,******,"staff; NIGHT SHIFT",yes,2026-04-01T00:00:00,"two\nlines",7\r\n'
        "\r\n"
        f"Alan,Turing,,,8123456,{night},no,,,\r\n"
        ",,,,,,,,,\r\n"
    )
    found: list[Any] = []
    noted = notes_of(world.database, lambda: found.append(imported(api, file)))
    assert noted == {Note()}, "the doors are told once"
    done = found[0]
    assert (done["rows_total"], done["rows_done"], done["created"], done["updated"]) == (2, 2, 2, 0)
    assert done["user_id"] == world.owner_id
    assert done["finished_at"] == "2026-03-02T09:01:00.000Z"
    grace, alan = everybody(api)[-2:]
    assert (grace["first_name"], grace["email"], grace["card_number"]) == ("Grace", "Grace@example.com", "0042")
    assert (grace["groups"], grace["notes"], grace["organisation_id"]) == ([staff, night], "two\nlines", 7)
    assert (grace["valid_to"], grace["enabled"]) == ("2026-03-31T23:00:00.000Z", True)
    assert grace["pin"].isdigit()
    assert grace["created_at"] == grace["updated_at"] == "2026-03-02T09:01:00.000Z"
    assert (alan["pin"], alan["groups"], alan["enabled"], alan["email"]) == ("8123456", [night], False, None)
    assert read(world, number_of_people) == 3
    assert [person.id for person in read(world, page_of_people, Page(), email="GRACE@")[0]] == [grace["id"]]
    later = world.person("After", "Them")
    assert later > alan["id"]
    log = api.get("/api/3/audit_log").json()
    entry = next(each for each in log if each["resource_type"] == "people_import")
    assert (entry["resource_id"], entry["after"]) == (done["id"], {"rows": 2, "created": 2, "updated": 0})
    assert entry["user_id"] == world.owner_id
    assert [each["id"] for each in api.get("/api/3/people/imports").json()] == [done["id"]]


def test_who_is_known_by_address_is_changed_in_what_the_file_says(api: httpx.Client, world: World) -> None:
    staff, night = (write(world, create_group, {"name": name}).id for name in ("Staff", "Night"))
    lasting = write(world, create_role, {"name": "Porter"}).id
    body = {"email": "ada@example.com", "job_title": "Countess", "group_ids": [staff], "role_ids": [lasting]}
    write_sealed(world, update_person, world.person_id, body)
    reserved = reserve(world, world.person_id)
    file = (
        "email,last_name,job_title,card_number,pin,groups,roles\n"
        "ADA@Example.com,Byron,,99,******,Night,\n"
        "new@example.com,New,,,,,\n"
    )
    assert errors_of(api, file) == [(3, "first_name", "can't be blank")], "who is new needs a name"
    done = imported(api, file.replace("new@example.com,New,,,,,\n", ""))
    assert (done["created"], done["updated"]) == (0, 1)
    ada = everybody(api)[0]
    assert (ada["first_name"], ada["last_name"], ada["job_title"]) == ("Ada", "Byron", "Countess")
    assert (ada["email"], ada["groups"], sorted(ada["roles"])) == ("ADA@Example.com", [night], [lasting, reserved])
    assert ada["card_number"] == "99"
    assert (len(ada["pin"]), ada["pin"] != "4711") == (4, True)
    porter = write(world, create_role, {"name": "Guard"}).id
    imported(api, "email,roles\nada@example.com,guard\n")
    assert sorted(everybody(api)[0]["roles"]) == sorted([porter, reserved])
    assert read(world, number_of_people) == 1
    again = imported(api, "email,card_number\nada@example.com,99\n")
    assert (again["updated"], keys_of(world, world.person_id)["card_number"]) == (1, "99")


def test_people_are_known_again_by_system_id_or_not_at_all(api: httpx.Client, world: World) -> None:
    write_sealed(world, update_person, world.person_id, {"system_id": "E1"})
    file = "system_id,first_name,last_name,email\nE1,Ada,King,ada@example.com\nE2,Grace,Hopper,\n"
    assert imported(api, file, match="system_id")["updated"] == 1
    assert everybody(api)[0]["last_name"] == "King"
    assert errors_of(api, file, match="none") == [(2, "email", "is already in use on your account")]
    done = imported(api, file.replace("ada@example.com", ""), match="none")
    assert (done["created"], done["updated"]) == (2, 0)
    assert errors_of(api, file, match="system_id")[0] == (2, "system_id", "Several people of your account have this")
    assert "system_id" in refused_by(api, "first_name\nA\n", match="system_id")["match"][0]


def refused_by(api: httpx.Client, file: str, **query: str) -> dict[str, list[str]]:
    answer = post(api, file, **query)
    assert answer.status_code == 422, answer.text
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def test_all_that_is_wrong_is_reported_by_row_and_field(api: httpx.Client, world: World) -> None:
    write(world, create_group, {"name": "Twice"})
    write(world, create_group, {"name": "Twice"})
    write_sealed(world, update_person, world.person_id, {"email": "ada@example.com"})
    other = world.person("Other", "One", email="other@example.com", card_number="777")
    file = (
        "first_name,last_name,email,card_number,pin,groups,enabled,valid_from,valid_to,organisation_id\n"
        ",,nonsense,0,12,Nowhere;Twice,perhaps,2026-02-30,,x\n"
        "A,B,a@example.com,1234,4711,,,2026-03-02,2026-03-01,\n"
        "C,D,A@EXAMPLE.com,55,******,,,,,\n"
        "E,F,e@example.com,0055,******,,,,,\n"
        "G\x07,H,,******,,,,,,\n"
        "I,J,other@example.com,1234,,,,,,\n"
    )
    found = errors_of(api, file)
    assert {error[:2] for error in found} == {
        *((2, field) for field in ("first_name", "last_name", "email", "card_number", "pin", "groups", "enabled")),
        *((2, field) for field in ("valid_from", "organisation_id")),
        *((3, field) for field in ("card_number", "pin", "valid_to")),
        *((4, "email"), (5, "card_number"), (6, "first_name"), (6, "card_number")),
        *((7, "card_number"),),
    }
    said = {error[:2]: error[2] for error in found}
    assert said[4, "email"] == "is in row 3, too"
    assert said[5, "card_number"] == "is in row 4, too"
    assert said[3, "card_number"] == "value is already in use on your account"
    assert [error[2] for error in found if error[:2] == (2, "groups")] == [
        "Not found for this account: Nowhere",
        "Several have the name: Twice",
    ]
    assert keys_of(world, other) == {"card_number": "777"}
    assert not any("1234" in error[2] or "4711" in error[2] for error in found), "no card, no PIN is repeated"


def test_only_the_first_thousand_errors_are_kept_and_all_counted(api: httpx.Client) -> None:
    found = ended(api, post(api, "first_name,last_name\n" + ",B\n" * 1200))
    assert (found["state"], found["errors_total"], len(found["errors"])) == ("failed", 1200, 1000)
    assert found["rows_done"] == 1200


def test_a_dry_run_says_what_would_be_and_writes_nothing(api: httpx.Client, world: World) -> None:
    write_sealed(world, update_person, world.person_id, {"email": "ada@example.com"})
    before = everybody(api)
    noted = notes_of(
        world.database,
        lambda: imported(api, HEAD + "A,B,a@x.ex,5,******,\nAda,K,ada@example.com,,,\n", dry_run="true"),
    )
    assert noted == set()
    found = api.get("/api/3/people/imports").json()[0]
    assert (found["dry_run"], found["created"], found["updated"]) == (True, 1, 1)
    assert everybody(api) == before


BROKEN: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b"first_name,last_name\n", "has no rows"),
    (b"first_name,last_name\n\xff,B\n", "is not text in UTF-8 (line 2)"),
    ("first_name,last_name\nA,B\n".encode("utf-16"), "is not text in UTF-8 (line 1)"),
    (b"first_name,last_name\nA,B\nA,\0\n", "has a character that is not allowed (line 3)"),
    (b'first_name,last_name\nA,B\n"A,B\n', "row 3 is not CSV: unexpected end of data"),
    (b'first_name,last_name\nA,"B"x\n', "row 2 is not CSV: ',' expected after '\"'"),
    (b"first_name,first name\nA,B\n", "has the column first_name twice"),
    (b"first_name,shoe size\nA,B\n", "has columns that no person has: shoe_size"),
    (b"first_name,,last_name\nA,B,C\n", "has a column without a name, number 2"),
    (b"first_name,last_name\nA,B,C\nA\n", "row 2 has 3 cells where the header has 2"),
    (b"first_name,last_name\n" + b"A,B\n" * (MOST_ROWS + 1), f"has more than {MOST_ROWS} rows"),
    (b"first_name,last_name\nA," + b"B" * 200_000 + b"\n", "row 2 is not CSV: field larger than field"),
]


def test_a_file_that_cannot_be_read_is_no_import(api: httpx.Client) -> None:
    for content, said in BROKEN:
        assert refused(api, content)["file"][0].startswith(said), said


def test_a_request_that_is_wrong_is_refused(api: httpx.Client, served: Served, world: World) -> None:
    file = "first_name,last_name\nA,B\n"
    assert api.post("/api/3/people/import", json={}).status_code == 415
    assert post(api, file, match="colour").status_code == 400
    assert post(api, file, delimiter="x").status_code == 400
    assert post(api, file, dry_run="perhaps").status_code == 400
    assert post(api, b"x" * (21 * 2**20)).status_code == 413
    assert api.get("/api/3/people/imports/1").status_code == 404
    assert api.get("/api/3/people/imports/x").status_code == 404
    _, viewer = world.user("viewer")
    with served.client(viewer) as looking:
        assert post(looking, file).status_code == 403


def test_the_file_may_be_a_field_of_a_form_and_have_other_delimiters(api: httpx.Client) -> None:
    form = {"file": ("people.csv", b"first_name;last_name\nA;B\n", "text/csv")}
    assert ended(api, api.post("/api/3/people/import", files=form, data={"other": "x"}))["created"] == 1
    assert imported(api, "first_name\tlast_name\nA\tB, C\n")["created"] == 1
    assert imported(api, "first_name|last_name\nA|B;C\n", delimiter="|")["created"] == 1
    assert everybody(api)[-1]["last_name"] == "B;C"
    lost = api.post("/api/3/people/import", files={"photo": b"x"})
    assert (lost.status_code, lost.json()["errors"]) == (422, {"file": ["can't be blank"]})
    broken = api.post(
        "/api/3/people/import", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 400


def test_roles_need_who_may_edit_them_and_nobody_reaches_beyond_their_sites(
    served: Served, api: httpx.Client, world: World
) -> None:
    near = write(world, create_role, {"name": "Near", "channel_ids": world.channel_ids[:1]}).id
    far = write(world, create_role, {"name": "Far", "channel_ids": world.channel_ids[2:]}).id
    write(world, create_group, {"name": "Here", "role_ids": [near]})
    write(world, create_group, {"name": "There", "role_ids": [far]})
    _, operator = world.user("operator")
    with served.client(operator) as asking:
        assert post(asking, "first_name,last_name,roles\nA,B,Near\n").status_code == 403
    _, limited = world.user("admin", site_ids=world.site_ids[:1])
    with served.client(limited) as asking:
        found = ended(asking, post(asking, "first_name,last_name,groups,roles\nA,B,Here,Near\nC,D,There,Far\n"))
        assert {(error["row"], error["field"]) for error in found["errors"]} == {(3, "groups"), (3, "roles")}
        assert imported(asking, "first_name,last_name,groups,roles\nA,B,Here,Near\n")["created"] == 1
        far_away = everybody(api)[-1]["id"]
        write_sealed(world, update_person, far_away, {"email": "c@x.ex", "role_ids": [far]})
        taken = ended(asking, post(asking, "email,roles\nc@x.ex,Near\n"))
        assert [(error["row"], error["field"]) for error in taken["errors"]] == [(2, "roles")], "nor takes away there"


def test_another_accounts_groups_people_and_imports_are_not_there(
    api: httpx.Client, world: World, served: Served
) -> None:
    other = World(world.database, world.vault, world.clock).build()
    theirs = write(other, create_group, {"name": "Theirs"}).id
    write_sealed(other, update_person, other.person_id, {"email": "ada@example.com"})
    found = errors_of(api, f"first_name,last_name,groups\nA,B,{theirs}\nC,D,Theirs\n")
    assert {error[2].partition(":")[0] for error in found} == {"Not found for this account"}
    done = imported(api, "first_name,last_name,email\nA,B,ada@example.com\n")
    assert (done["created"], done["updated"]) == (1, 0)
    with served.client(other.token) as theirs_client:
        assert theirs_client.get(f"/api/3/people/imports/{done['id']}").status_code == 404
        assert theirs_client.get("/api/3/people/imports").json() == []


def test_pins_are_long_enough_for_all_who_will_have_one(api: httpx.Client) -> None:
    rows = "".join(f"P,{number},,,******,\n" for number in range(30))
    assert errors_of(api, HEAD + rows + "Q,Q,,,9999,\n") == [
        (32, "pin", "is too short: where 32 people have a PIN, it needs at least 5 digits")
    ]
    imported(api, HEAD + rows)
    pins = [person["pin"] for person in everybody(api) if person["first_name"] == "P"]
    assert len(set(pins)) == 30
    assert {len(pin) for pin in pins} == {5}


def test_a_card_of_somebody_deleted_can_be_given_again(api: httpx.Client, world: World) -> None:
    write(world, delete_person, world.person_id)
    imported(api, HEAD + "Ada,Again,,1234,4711,\n")
    assert everybody(api)[0]["card_number"] == "1234"


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


def test_the_command_imports_a_file_or_says_what_is_wrong(
    world: World, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"

    def run_it(content: str, *options: str) -> tuple[int, str, str]:
        file.write_text(content)
        where = ("--database", database_url, "--data-dir", str(tmp_path))
        code = run(["person", "import", str(file), *options, *where])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, _, said = run_it("first_name,last_name,email\nA,,x\n")
    assert code == 2
    assert "row 2: last_name can't be blank; row 2: email is not an e-mail address" in said
    code, _, said = run_it("first_name,shoes\nA,B\n")
    assert (code, "has columns that no person has: shoes" in said) == (2, True)
    code, _, said = run_it("first_name,last_name\nA,B\n", "--match", "colour")
    assert (code, "--match" in said) == (2, True)
    code, printed, _ = run_it("first_name,last_name\nA,B\n", "--dry-run", "--json")
    assert (code, json.loads(printed)["created"], read(world, number_of_people)) == (0, 1, 1)
    code, printed, _ = run_it("first_name;last_name\nA;B\n", "--json")
    assert (code, json.loads(printed)["state"], read(world, number_of_people)) == (0, "done", 2)


def test_each_person_of_a_file_is_in_the_audit_log(api: httpx.Client, world: World) -> None:
    api.put(f"/api/3/people/{world.person_id}", json={"email": "ada@x.ex", "job_title": "Countess"})
    staff = write(world, create_group, {"name": "Staff"}).id
    latest = api.get("/api/3/audit_log").json()[0]["id"]
    done = imported(
        api,
        "first_name,last_name,email,job_title,card_number,pin,groups\n"
        "Grace,Hopper,grace@x.ex,,99,******,Staff\n"
        "Ada,Lovelace,ada@x.ex,Clerk,,987654,\n"
        "Ada,Lovelace,,Countess,,,\n",
    )
    assert (done["created"], done["updated"]) == (2, 1)
    log = [each for each in api.get("/api/3/audit_log").json() if each["id"] > latest][::-1]
    grace, ada, other, whole = log
    assert (whole["resource_type"], whole["resource_id"]) == ("people_import", done["id"])
    assert (grace["action"], grace["resource_type"], grace["before"]) == ("create", "person", None)
    shown = api.get(f"/api/3/people/{grace['resource_id']}").json()
    assert grace["after"]["credentials"] == ["card number", "pin number"]
    assert (grace["after"]["id"], grace["after"]["group_ids"]) == (shown["id"], [staff])
    assert (grace["after"]["first_name"], grace["after"]["created_at"]) == ("Grace", shown["created_at"])
    assert (ada["action"], ada["resource_id"]) == ("update", world.person_id)
    assert ada["before"] == {"job_title": "Countess"}
    assert ada["after"] == {"job_title": "Clerk", "credentials": ["pin number"]}
    assert "credentials" not in other["after"]
    assert {each["user_id"] for each in log} == {world.owner_id}
    assert len({each["request_id"] for each in log}) == 1
    assert not [each for each in log if "987654" in json.dumps(each) or shown["pin"] in json.dumps(each["after"])]
    imported(api, "first_name,last_name,email\nAda,Lovelace,ada@x.ex\n")
    assert [each["resource_type"] for each in api.get("/api/3/audit_log").json() if each["id"] > whole["id"]] == [
        "people_import"
    ], "who stays as they are has no entry"


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
