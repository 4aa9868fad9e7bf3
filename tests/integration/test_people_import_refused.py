"""What is wrong with a file of people, or with who sends it, is said by row and field; nothing is written."""

import httpx

from doorward.groups.service import create_group
from doorward.imports.csv_file import MOST_ROWS
from doorward.people.service import update_person
from tests.integration.conftest import Served
from tests.support.people_import import ended, errors_of, keys_of, post, refused
from tests.support.services import write, write_sealed
from tests.support.world import World


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
