"""The main job, end to end: an integration books, the door opens for that person then, and for nobody else."""

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.kit.timestamps import day_bounds
from tests.support.installation import Installation, Server
from tests.support.server import client

START = (datetime.now(UTC) + timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
END = START + timedelta(hours=4)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def stretch_around_now(zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A stretch of some minutes that is under way and within the local day, also next to midnight."""
    now = datetime.now(UTC)
    midnight, next_midnight = (
        datetime.fromtimestamp(at / 1000, UTC) for at in day_bounds(now.astimezone(zone).date(), zone)
    )
    end = min(now + timedelta(seconds=90), next_midnight)
    return max(midnight, end - timedelta(minutes=5)), end


@pytest.fixture
def api(server: Server, made: dict[str, Any]) -> Any:
    with client(server.base_url, made["token"]) as opened:
        yield opened


def book(api: httpx.Client, person_id: int, channel_id: int, start: datetime = START, end: datetime = END) -> int:
    body = {
        "person_id": person_id,
        "start_time": stamp(start),
        "end_time": stamp(end),
        "channel_ids": [channel_id],
    }
    answer = api.post("/api/3/reservations", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def test_the_door_opens_inside_the_stretch_and_for_nobody_else(
    house: Installation, made: dict[str, Any], api: httpx.Client
) -> None:
    visitor, channel, other = made["people"][0], made["channels"][0]["id"], made["channels"][1]["id"]

    def present(at: datetime, where: int = channel, card: str = visitor["card"]) -> int:
        verdict = house.json("door", "present", where, "--card", card, "--at", stamp(at))
        assert list(verdict) == [
            "event_code",
            "admitted",
            "person_id",
            "person_name",
            "channel_id",
            "at",
            "reasons",
        ]
        assert verdict["at"] == stamp(at)
        assert verdict["channel_id"] == where
        assert all(list(reason) == ["code", "text"] for reason in verdict["reasons"])
        code: int = verdict["event_code"]
        return code

    assert present(START) == 27, "before the reservation the visitor has no role here"
    number = book(api, visitor["id"], channel)
    role = next(role for role in api.get("/api/3/roles").json() if role["name"] == f"Reservation {number}")
    assert role["shift_id"] is not None

    assert present(START) == 10
    assert present(END - timedelta(milliseconds=1)) == 10
    assert present(START - timedelta(seconds=1)) == 21
    assert present(END) == 21
    assert present(START, where=other) == 27
    assert present(START, card="99999999") == 20

    assert api.delete(f"/api/3/reservations/{number}").json() == {"result": "ok"}
    assert present(START) == 27
    assert f"Reservation {number}" not in [role["name"] for role in api.get("/api/3/roles").json()]


def test_the_running_servers_door_moves_and_the_event_is_on_record(
    house: Installation, made: dict[str, Any], api: httpx.Client
) -> None:
    visitor, channel = made["people"][0], made["channels"][0]["id"]
    start, end = stretch_around_now(ZoneInfo(made["time_zone"]))
    number = book(api, visitor["id"], channel, start, end)
    assert house.json("door", "state", channel)["lock"] == "locked"
    verdict = house.json("door", "present", channel, "--card", visitor["card"])
    assert (verdict["event_code"], verdict["admitted"], verdict["person_name"]) == (10, True, "Vera Visitor")
    state = house.json("door", "state", channel)
    assert state["lock"] == "released"
    assert state["online"] is True
    by_pin = house.json("door", "present", channel, "--pin", visitor["pin"])
    assert by_pin["event_code"] == 11
    api.delete(f"/api/3/reservations/{number}")
    assert house.json("door", "present", channel, "--card", visitor["card"])["event_code"] == 27


def test_somebody_has_access_at_any_time_and_somebody_in_office_hours(
    house: Installation, made: dict[str, Any]
) -> None:
    channel = made["channels"][0]["id"]
    sunday_night = "2026-06-07T02:00:00Z"
    monday_noon = "2026-06-08T11:00:00Z"
    always = house.json("check", made["people"][1]["id"], channel, "--at", sunday_night)
    assert (always["event_code"], always["admitted"]) == (15, True)
    office = made["people"][2]["id"]
    assert house.json("check", office, channel, "--at", monday_noon)["admitted"] is True
    refused = house.json("check", office, channel, "--at", sunday_night)
    assert refused["event_code"] == 21
    assert "opens next at Mon 2026-06-08 08:00 Europe/London" in refused["reasons"][0]["text"]


def test_the_example_account_is_a_house_with_two_sites_eight_doors_and_sixty_people(
    made: dict[str, Any], house: Installation
) -> None:
    assert list(made) == [
        "base_url",
        "data_dir",
        "database",
        "account_id",
        "time_zone",
        "owner",
        "application",
        "token",
        "people",
        "channels",
        "groups",
        "roles",
        "shifts",
    ]
    assert len(made["people"]) == 60
    assert len(made["channels"]) == 8
    assert len({channel["site_id"] for channel in made["channels"]}) == 2
    assert all(person["card"] and person["pin"] for person in made["people"])
    assert len({person["pin"] for person in made["people"]}) == 60
    again = house.demo()
    assert again == made, "a second start uses the account as it is"


def test_who_knows_the_command_but_says_nonsense_gets_one_line_and_exit_code_2(house: Installation) -> None:
    for arguments in (
        ("door", "present", 1),
        ("door", "present", 1, "--card", 1, "--card", 2, "--card", 3),
        ("door", "present", 999, "--card", 1),
        ("door", "present", "x", "--card", 1),
        ("door", "present", 1, "--card", 1, "--at", "yesterday"),
        ("door", "state", 999),
        ("check", 999, 1),
        ("nonsense",),
        ("door", "present", 1, "--nonsense"),
        ("serve", "--port", 99999),
        ("demo", "--database", "mysql://x"),
    ):
        done = house.run(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert done.stderr.count("\n") == 1, (arguments, done.stderr)
        assert done.stderr.startswith("doorward: ")
        assert done.stdout == ""


def test_a_second_server_on_the_same_data_directory_is_refused(house: Installation, server: Server) -> None:
    assert server.process.poll() is None
    done = house.run("serve", "--port", 0)
    assert done.returncode == 1
    assert f"process {server.process.pid}" in done.stderr


def test_changes_of_other_processes_reach_the_door_of_the_running_server_within_a_second(
    house: Installation, made: dict[str, Any], server: Server
) -> None:
    assert server.process.poll() is None
    # Not the door that another test expects to find locked: this leaves it released for a while.
    person, channel = made["people"][1], made["channels"][1]["id"]
    assert house.json("door", "present", channel, "--card", person["card"])["event_code"] == 10
    assert house.run("person", "update", person["id"], "--disabled").returncode == 0
    assert house.json("door", "present", channel, "--card", person["card"])["event_code"] == 27
    assert house.run("person", "update", person["id"], "--enabled").returncode == 0
    assert house.json("door", "present", channel, "--card", person["card"])["event_code"] == 10


def test_a_door_forced_open_and_a_request_to_exit(house: Installation, made: dict[str, Any], server: Server) -> None:
    assert server.process.poll() is None
    channel = made["channels"][5]["id"]
    forced = house.json("door", "open", channel)
    assert (forced["contact"], forced["alarm"]) == ("open", 33)
    assert house.json("door", "close", channel)["alarm"] is None
    assert house.json("door", "rex", channel)["lock"] == "released"
    assert house.json("door", "open", channel)["alarm"] is None


def test_a_server_that_is_told_to_stop_puts_everything_away(installation: Installation) -> None:
    made = installation.demo()
    for number in (signal.SIGTERM, signal.SIGINT):
        running = Server(installation)
        with client(running.base_url, made["token"]) as api:
            for _ in range(5):
                assert api.get("/api/3/roles").status_code == 200
        running.process.send_signal(number)
        assert running.stop() == 0, running.errors
        assert not (installation.data_dir / "control.sock").exists()
        assert "Traceback" not in running.errors
    database = open_database(made["database"])
    uses = Query(text("SELECT sum(uses) FROM usage_counts WHERE endpoint = 'listRoles'"), int)
    assert database.read_now(lambda tx: tx.one(uses)) == 10
    database.close()


def test_a_number_too_large_for_an_id_is_bad_input(house: Installation) -> None:
    huge = "9" * 24
    for command in (
        ("person", "delete"),
        ("role", "update"),
        ("group", "update"),
        ("shift", "delete"),
        ("site", "delete"),
    ):
        done = house.run(*command, huge)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), (command, done.stderr)


def test_no_secret_is_in_what_the_server_logs(made: dict[str, Any], server: Server) -> None:
    said = server.errors
    for secret in (made["token"], made["owner"]["password"], made["application"]["client_secret"]):
        assert secret not in said
    assert json.dumps(made["people"][0]["pin"]) not in said
