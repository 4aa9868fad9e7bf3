"""The documentation is true: its commands run, its links lead somewhere, its tables say what the code says."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from doorward.decision.codes import EventCode
from doorward.decision.wording import event_label
from doorward.webhooks.application_webhook import signature
from tests.support.commands_page import commands_page
from tests.support.installation import Installation, Server

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date()


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `doorward` is a command and HOME is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "doorward"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doorward "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
    return kept | {"PATH": f"{folder}:{kept['PATH']}", "HOME": str(tmp_path), "NO_PROXY": "*", "no_proxy": "*"}


def run(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module", params=["sqlite"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp(request.param) / "data")


@pytest.fixture
def tour(shell: dict[str, str], house: Installation, made: dict[str, Any], server: Server) -> dict[str, str]:
    """What the README's tour refers to."""
    return shell | {
        "DOORWARD_DATA_DIR": str(house.data_dir),
        "BASE": server.base_url,
        "TOKEN": made["token"],
        "VISITOR": str(made["people"][0]["id"]),
        "CARD": made["people"][0]["card"],
        "DOOR": str(made["channels"][0]["id"]),
        "TOMORROW": str(TOMORROW),
    }


def test_the_readmes_tour_goes_as_it_says(tour: dict[str, str]) -> None:
    create, roles, present, later, check, wrong, afar, day, proof = [
        block for block in blocks("README.md", "sh") if not block.startswith("make")
    ]
    created = run(create, tour)
    assert created.returncode == 0, created.stderr
    reservation = json.loads(created.stdout)
    assert f"Reservation {reservation['id']}" in [role["name"] for role in json.loads(run(roles, tour).stdout)]
    refused = run(present, tour).stdout
    assert refused.startswith("Vera Visitor: not admitted (event 21) at ")
    assert "which opens next at" in refused
    assert json.loads(run(later, tour).stdout)["event_code"] == 10
    assert "not admitted (event 21)" in run(check, tour).stdout
    assert set(json.loads(run(wrong, tour).stdout)["errors"]) == {"person_id", "start_time", "end_time", "channel_ids"}
    checked, admitted = run(afar, tour).stdout.replace("}{", "}\n{").splitlines()
    assert json.loads(checked)["admitted"] is True
    assert json.loads(admitted)["status"] == "pending"
    assert run(day, tour).returncode == 0
    proven = run(proof, tour)
    assert proven.returncode == 0, proven.stderr
    assert "Front door" in proven.stdout


@pytest.mark.parametrize("page", ["connect-an-application", "import-people", "alarms-and-reports", "notifications"])
def test_the_howtos_that_need_a_server_go_as_they_say(tour: dict[str, str], tmp_path: Path, page: str) -> None:
    script = f"cd {tmp_path}\n" + "\n".join(blocks(f"docs/howto/{page}.md", "sh"))
    done = run(script.replace("curl ", "curl -sS --fail "), tour)
    assert done.returncode == 0, done.stderr
    told = {
        "connect-an-application": "account.person.readonly",
        "import-people": '"errors_total":0',
        "alarms-and-reports": '"kind":"forced"',
        "notifications": '"value":"sat,sun,holiday 00:00-24:00"',
    }
    assert told[page] in done.stdout


def test_the_program_of_the_howto_books(tour: dict[str, str]) -> None:
    [program] = blocks("docs/howto/book-from-a-program.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", program], env=tour, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(TOMORROW) in done.stdout


def test_events_are_followed_as_the_howto_says(tour: dict[str, str], made: dict[str, Any]) -> None:
    at_the_door = f"doorward door present {made['channels'][0]['id']} --card {made['people'][0]['card']}\n" * 2
    curl, tail = blocks("docs/howto/follow-events.md", "sh")
    done = run(at_the_door + curl.replace("curl ", "curl -sS --fail ") + tail, tour)
    assert done.returncode == 0, done.stderr
    assert ": after 0\n" in done.stdout
    assert "\ndata: {" in done.stdout
    [program] = blocks("docs/howto/follow-events.md", "python")
    followed = subprocess.run(
        [sys.executable, "-c", program],
        env=tour | {"ONE_IS_ENOUGH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert followed.returncode == 0, followed.stderr
    _, label = followed.stdout.strip().split(" ", 1)
    assert f'"event_label":"{label}"' in done.stdout


def test_the_commands_of_the_other_howtos_run(shell: dict[str, str]) -> None:
    for page in ("docs/howto/own-account.md", "docs/howto/run-for-real.md", "docs/howto/records.md"):
        done = run("\n".join(blocks(page, "sh")), shell)
        assert done.returncode == 0, (page, done.stderr)


def test_the_howto_of_the_first_door_lets_somebody_in(shell: dict[str, str]) -> None:
    done = run("\n".join(blocks("docs/howto/first-door.md", "sh")), shell)
    assert done.returncode == 0, done.stderr
    [_, told] = blocks("docs/howto/first-door.md", "text")
    at = re.compile(r" at \S+")
    assert at.sub("", told) in at.sub("", done.stdout)


def test_the_howto_of_webhooks_goes_as_it_says(tour: dict[str, str]) -> None:
    done = run("\n".join(blocks("docs/howto/webhooks.md", "sh")), tour)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True\n")
    assert "it did not arrive" in done.stdout
    [program] = blocks("docs/howto/webhooks.md", "python")
    signed = {"Timestamp": "1", "Signature": signature("secret", "1", b"[]")}
    program += "".join(f"print(is_genuine('secret', {signed}, {body!r}))\n" for body in (b"[]", b"[1]"))
    checked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert checked.stdout == "True\nFalse\n"


def test_every_link_to_a_file_leads_to_one() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_no_page_names_a_machine_or_a_registry() -> None:
    for page in PAGES:
        assert not re.search(r"/tmp/|/root/|pypi\.org|registry\.npmjs", page.read_text()), page


def test_the_table_of_event_codes_is_the_codes() -> None:
    text = (ROOT / "docs/reference/event-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [
        (str(int(code)), code.name.lower(), event_label(code, "Front door", "John Doe")) for code in EventCode
    ]


def test_the_commands_of_the_makefile_that_the_readme_names_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_page_of_commands_is_what_the_commands_are() -> None:
    assert (ROOT / "docs/reference/commands.md").read_text() == commands_page()
