"""POST /api/3/people/import: a CSV file becomes people wholly, or not at all; on both databases."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from doorward.cli.main import run
from doorward.groups.service import create_group
from doorward.kit.clock import FixedClock
from doorward.kit.pages import Page
from doorward.people.listing import page_of_people
from doorward.people.service import delete_person, update_person
from doorward.people.tally import number_of_people
from doorward.roles.service import create_role
from tests.integration.conftest import Served
from tests.support.people_import import HEAD, ended, errors_of, everybody, imported, keys_of, post, refused_by
from tests.support.refusals import Note, notes_of
from tests.support.services import read, reserve, write, write_sealed
from tests.support.world import World


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
