"""The commands that change the configuration, on both databases: what they print, and how they end."""

import subprocess
import sys
from pathlib import Path

import pytest

from doorward.db.connect import open_database
from doorward.kit.clock import SystemClock
from doorward.kit.errors import Unauthorized
from doorward.oauth.tokens import authenticate
from tests.support.commands import Commands

PERSON = ["person", "create", "--first-name", "A", "--last-name", "B"]


def test_an_account_is_made_with_cards_and_pins(empty: Commands) -> None:
    made = empty.json("account", "create", "Acme", "--time-zone", "Europe/London")
    assert (made["name"], made["time_zone"]) == ("Acme", "Europe/London")
    assert empty.json("account", "list") == [made]
    person = empty.json("person", "create", "--first-name", "A", "--last-name", "B", "--card", "7", "--pin", "******")
    assert person["card_number"] == "7"
    assert len(person["pin"]) == 4


def test_the_account_is_named_where_there_are_several(doorward: Commands) -> None:
    other = doorward.json("account", "create", "Other", "--time-zone", "UTC")["id"]
    assert "--account ID" in doorward.refusal("site", "list")
    doorward.json("site", "create", "East", "--account", other)
    assert [site["name"] for site in doorward.json("site", "list", "--account", other)] == ["East"]


def test_a_whole_house_is_set_up_from_the_command_line(doorward: Commands) -> None:
    channel = doorward.json(
        "channel", "create", "Front door", "--site", 1, "--two-factor", "--pulse-ms", 3000, "--staleness-hours", 0
    )
    assert (channel["two_factor"], channel["pulse_ms"], channel["staleness_hours"]) == (True, 3000, None)
    shift = doorward.json(
        "shift", "create", "Day", "--window", "mon-fri 07:00-22:00", "--window", "sat,holiday 10:00-24:00",
        "--holidays", "replace", "--first-day", "2026-03-01",
    )  # fmt: skip
    assert shift["windows"][1] == {"days": ["sat", "holiday"], "start": "10:00", "end": "24:00"}
    role = doorward.json("role", "create", "Staff", "--channel", channel["id"], "--shift", shift["id"])
    group = doorward.json("group", "create", "Crew", "--role", role["id"], "--notes", "All of us")
    person = doorward.json(
        "person", "create", "--first-name", "Ada", "--last-name", "Lovelace", "--email", "ada@example.com",
        "--card", "0042", "--pin", "4711", "--group", group["id"], "--role", role["id"], "--disabled",
        "--valid-from", "2026-07-01T09:00", "--field", "job_title=Countess",
    )  # fmt: skip
    assert (person["card_number"], person["pin"], person["job_title"]) == ("0042", "4711", "Countess")
    assert (person["enabled"], person["valid_from"]) == (False, "2026-07-01T08:00:00.000Z")
    assert (person["group_ids"], person["role_ids"]) == ([group["id"]], [role["id"]])
    changed = doorward.json(
        "person", "update", person["id"], "--enabled", "--no-groups", "--valid-from", "", "--email", "", "--card", ""
    )
    assert (changed["enabled"], changed["valid_from"], changed["email"], changed["group_ids"]) == (True, None, None, [])
    assert "pin" not in changed, "a PIN is shown to whoever gives it, not to whoever changes something else"
    assert doorward.json("person", "list")[0]["first_name"] == "Ada"
    assert doorward.json("role", "list")[0]["person_ids"] == [person["id"]]
    assert doorward.json("role", "update", role["id"], "--no-shift", "--no-people")["shift_id"] is None
    assert doorward.json("group", "update", group["id"], "--name", "Team")["role_ids"] == [role["id"]]
    assert doorward.json("shift", "update", shift["id"], "--last-day", "2026-04-01")["last_day"] == "2026-04-01"
    for what, found in (("person", person), ("role", role), ("group", group), ("shift", shift), ("channel", channel)):
        assert doorward.json(what, "delete", found["id"]) == {"deleted": found["id"]}
        assert doorward.json(what, "list") == []
        assert doorward.refusal(what, "delete", found["id"]) == f"there is no {what} {found['id']}"


def test_a_locked_down_door_can_still_be_left(doorward: Commands) -> None:
    channel = doorward.json("channel", "create", "Front door", "--site", 1)["id"]
    locked = doorward.json("channel", "update", channel, "--lockdown")
    assert (locked["card_lockdown"], locked["aux_lockdown"], locked["rex_lockdown"]) == (True, True, False)
    unlocked = doorward.json("channel", "update", channel, "--no-lockdown", "--mode", "unlock")
    assert (unlocked["card_lockdown"], unlocked["aux_lockdown"], unlocked["mode"]) == (False, False, "unlock")


def test_areas_and_holidays_have_their_own_commands(doorward: Commands) -> None:
    area = doorward.json("site", "area", "create", "Hall", "--site", 1)["id"]
    made = doorward.json(
        "channel", "create", "Front door", "--site", 1, "--passback-mode", "hard", "--area-from", 0, "--area-to", area
    )
    assert (made["area_from_id"], made["area_to_id"]) == (None, area)
    assert doorward.json("channel", "update", made["id"], "--passback-mode", "", "--area-to", 0)["area_to_id"] is None
    added = doorward.json("shift", "holiday", "import", "GB", "--region", "ENG", "--year", 2026)["added"]
    assert added == len(doorward.json("shift", "holiday", "list"))
    fair = doorward.json("shift", "holiday", "add", "2026-07-01", "Fair", "--site", 1)
    assert doorward.json("shift", "holiday", "remove", fair["id"]) == {"deleted": fair["id"]}


def test_a_token_is_printed_alone_and_holds_until_it_is_revoked(doorward: Commands) -> None:
    user = doorward.json("user", "create", "owner@example.com", "--role", "owner")
    assert len(user["password"]) >= 16
    database = open_database(doorward.url)

    def holds(token: str) -> bool:
        try:
            database.read_now(lambda tx: authenticate(tx, token, SystemClock().now()))
        except Unauthorized:
            return False
        return True

    try:
        tokens = []
        for _ in range(3):
            code, printed, _ = doorward(
                "token",
                "create",
                "--user",
                "OWNER@example.com",
                "--scope",
                "account.role account.person",
                "--expires-in",
                60,
            )
            assert code == 0
            tokens.append(printed.strip())
        assert all(holds(token) for token in tokens)
        doorward.json("token", "revoke", tokens[0])
        assert [holds(token) for token in tokens] == [False, True, True]
        assert doorward.refusal("token", "revoke", tokens[0]) == "there is no such token, or it was revoked before"
        application = doorward.json("app", "list")[0]
        assert application["kind"] == "command_line"
        assert doorward.json("token", "revoke", "--app", application["client_id"]) == {"revoked": 2}
        doorward.json("user", "create", "second@example.com", "--role", "owner")  # one of them stays
        doorward.json("user", "disable", "owner@example.com")
        assert "user is disabled" in doorward.refusal(
            "token", "create", "--user", "owner@example.com", "--scope", "account.role"
        )
    finally:
        database.close()


def test_a_token_of_an_application_is_revoked_with_the_applications(doorward: Commands) -> None:
    doorward.json("user", "create", "owner@example.com", "--role", "owner")
    application = doorward.json("app", "create", "Sync", "--service")
    make = ["token", "create", "--user", "owner@example.com", "--scope", "account.role"]
    token = doorward.json(*make, "--app", application["client_id"])["token"]
    of_the_command_line = doorward.json(*make)["token"]
    assert doorward.json("token", "revoke", "--app", application["client_id"]) == {"revoked": 1}
    assert doorward.refusal("token", "revoke", token) == "there is no such token, or it was revoked before"
    assert doorward.json("token", "revoke", of_the_command_line) == {"revoked": 1}
    assert doorward.refusal(*make, "--app", "nobody") == "there is no application with the client id nobody"
    other = doorward.json("account", "create", "Other", "--time-zone", "Europe/London")["public_id"]
    foreign = doorward.json("app", "create", "Foreign", "--service", "--account", other)
    assert "app belongs to another account" in doorward.refusal(*make, "--app", foreign["client_id"])


def test_a_token_that_begins_with_a_dash_is_a_token_and_no_option(doorward: Commands) -> None:
    assert doorward.refusal("token", "revoke", "-7ZZquVvZ4d") == "there is no such token, or it was revoked before"


def test_an_applications_secret_is_shown_once(doorward: Commands) -> None:
    uri = "https://example.com/callback"
    made = doorward.json(
        "app", "create", "Bookings", "--redirect-uri", uri, "--webhook-url", "https://example.com/hook"
    )
    assert made["redirect_uris"] == [uri]
    assert made["client_secret"]
    public = doorward.json("app", "create", "Phone", "--redirect-uri", "http://localhost:1/cb", "--public")
    assert public["client_secret"] is None
    service = doorward.json("app", "create", "Sync", "--service")
    assert service["is_service"] is True
    assert not any("secret" in name for found in doorward.json("app", "list") for name in found)
    doorward.json("app", "remove", made["client_id"])
    assert [found["name"] for found in doorward.json("app", "list")] == ["Phone", "Sync"]


def test_users_are_limited_disabled_and_given_new_passwords(doorward: Commands) -> None:
    made = doorward.json("user", "create", "op@example.com", "--role", "operator", "--site", 1, "--first-name", "Olga")
    assert (made["site_limited"], made["site_ids"], made["first_name"]) == (True, [1], "Olga")
    assert doorward.json("user", "disable", "op@example.com")["disabled_at"]
    assert doorward.json("user", "enable", "op@example.com")["disabled_at"] is None
    assert doorward.json("user", "password", "op@example.com")["password"] != made["password"]
    assert "password" not in doorward.json("user", "list")[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["person", "create", "--first-name", "A"], "last_name can't be blank"),
        (
            [*PERSON, "--email", "x"],
            "email is not an e-mail address",
        ),
        (
            [*PERSON, "--pin", "1"],
            "pin must be between 4 and 7 digits",
        ),
        ([*PERSON, "--group", "9"], "group_ids Not found"),
        ([*PERSON, "--field", "x"], "field must be NAME=VALUE"),
        (
            [*PERSON, "--valid-to", "soon"],
            "valid_to must be a date",
        ),
        (["role", "create", "Reservation 5"], "name is reserved for reservations"),
        (["role", "create", "Staff", "--shift", "9"], "shift_id Not found"),
        (["shift", "create", "Day", "--window", "never"], "windows window 1"),
        (["shift", "create", "Day", "--window", "mon 09:00-09:00"], "windows window 1: end must not be the same"),
        (["channel", "create", "Door", "--site", "9"], "site_id Not found"),
        (["channel", "create", "Door", "--site", "x"], "--site"),
        (["account", "create", "Two", "--time-zone", "Mars"], "time_zone is not an IANA time zone"),
        (["user", "create", "x@example.com", "--role", "god"], "role must be one of"),
        (["app", "create", "X", "--redirect-uri", "http://example.com/"], "redirect_uris must begin with https://"),
        (["token", "create", "--user", "nobody@example.com", "--scope", "account.role"], "no user nobody@example.com"),
        (
            ["token", "create", "--user", "x", "--scope", "account.everything"],
            "scope unknown scope: account.everything",
        ),
        (["token", "create", "--user", "x", "--scope", " "], "scope can't be blank"),
        (["token", "create", "--user", "x", "--scope", "account.role", "--expires-in", "0"], "--expires-in"),
        (["token", "revoke"], "TOKEN"),
        (["site", "create", "East", "--ip", "300.1.1.1"], "site_ips '300.1.1.1'"),
        (["person", "update", "99", "--first-name", "A"], "there is no person 99"),
        (["webhook", "deliveries", "--app", "\udcff"], "what was given on the command line is not UTF-8"),
        (["alarm", "list", "--assignee", "\udcff"], "what was given on the command line is not UTF-8"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_line_that_names_the_field(
    doorward: Commands, arguments: list[str], named: str
) -> None:
    assert named in doorward.refusal(*arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "where"),
    [
        (["account", "create", "Acme", "--time-zone", "Europe/London", "--json"], 0, "out"),
        (["account", "create", "Acme", "--time-zone", "Mars"], 2, "err"),
        (["person", "list"], 2, "err"),
        (["role", "lst"], 2, "err"),
        (["person", "create", "--shoe-size", "44"], 2, "err"),
    ],
)
def test_a_process_ends_with_the_same_codes_and_without_a_stack_trace(
    tmp_path: Path, arguments: list[str], code: int, where: str
) -> None:
    program = "from doorward.cli.main import main; main()"
    command = [sys.executable, "-c", program, *arguments, "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = (done.stdout if where == "out" else done.stderr).splitlines()
    assert len(lines) == 1
    assert (done.stderr if where == "out" else done.stdout) == ""
