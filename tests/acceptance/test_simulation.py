"""`doorward sim`: the scenarios that ship go as they say, and a scenario that is wrong is found to be."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import pytest

from doorward.simulation.checks import Checks, OnRecord
from doorward.simulation.library import shipped
from doorward.simulation.scenario import Door, Person, Role, Shift
from doorward.simulation.words import AnyStep
from tests.support.installation import Done, Installation

ROOT = Path(__file__).parents[2]
EVERYTHING = ROOT / "tests/unit/simulation/everything.toml"
NAMES = [scenario.name for scenario in shipped()]

MORNING = """
title = "A morning"
date = 2026-03-02
time_zone = "Europe/London"

[site]
name = "Club"

[[door]]
name = "Front door"

[[role]]
name = "Members"
doors = ["Front door"]

[[person]]
name = "Ada Lovelace"
card = "1001"
roles = ["Members"]

[[step]]
at = "08:02"
do = "present"
door = "Front door"
who = "Ada Lovelace"
expect = { event = "admit_card", lock = "released" }
"""


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """No installation at all: a simulation needs none."""
    return Installation(tmp_path_factory.mktemp("nothing") / "data")


@pytest.fixture(scope="module")
def played() -> dict[str, dict[str, Any]]:
    """What came of the scenarios that ship, each once."""
    return {}


def play(anywhere: Installation, scenario: object, *options: str) -> Done:
    return anywhere.run("sim", "run", scenario, *options)


def failed(body: dict[str, Any]) -> list[str]:
    return [
        f"{entry['step'] or entry['local']}: expected {each['what']}, found {each['found']}"
        for entry in body["timeline"]
        for each in entry["expectations"]
        if not each["met"]
    ]


def test_five_scenarios_ship() -> None:
    assert NAMES == ["clock-change", "lockdown-drill", "maker-space", "office-day", "outage"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_that_ships_goes_as_it_says(
    anywhere: Installation, played: dict[str, dict[str, Any]], name: str
) -> None:
    done = play(anywhere, name, "--json")
    body = played[name] = json.loads(done.stdout)
    assert failed(body) == []
    assert (done.returncode, body["ok"]) == (0, True), done.stderr
    summary = body["summary"]
    assert (summary["events_lost"], summary["events_doubled"]) == (0, 0)
    assert summary["expectations_met"] > 10
    assert not anywhere.data_dir.exists()


@pytest.mark.timeout(180)
def test_everything_that_can_happen_in_a_scenario_can_be_played(anywhere: Installation) -> None:
    words = {step.__struct_config__.tag for step in get_args(AnyStep)}
    assert {step["do"] for step in tomllib.loads(EVERYTHING.read_text())["step"]} == words
    done = play(anywhere, EVERYTHING, "--json")
    assert failed(json.loads(done.stdout)) == []
    assert done.returncode == 0


@pytest.mark.timeout(180)
def test_two_runs_have_the_same_timeline(anywhere: Installation, played: dict[str, dict[str, Any]]) -> None:
    first = played.get("outage") or json.loads(play(anywhere, "outage", "--json").stdout)
    again = json.loads(play(anywhere, "outage", "--json").stdout)
    assert again["timeline"] == first["timeline"]


@pytest.mark.timeout(180)
def test_a_wrong_expectation_fails_and_is_named(anywhere: Installation, tmp_path: Path) -> None:
    file = tmp_path / "morning.toml"
    file.write_text(MORNING.replace("admit_card", "admit_pin"))
    done = play(anywhere, file)
    assert done.returncode == 1
    assert "✗ step 1 (at 08:02): expected event 11 admit_pin, found 10 admit_card" in done.stdout
    assert "1 expectations met, 1 failed" in done.stdout


@pytest.mark.timeout(180)
def test_time_can_run_instead_of_jumping(anywhere: Installation, tmp_path: Path) -> None:
    file = tmp_path / "morning.toml"
    file.write_text(MORNING)
    done = play(anywhere, file, "--speed", "120", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["ok"] is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            MORNING.replace('"Front door"\nwho', '"Back door"\nwho'),
            'step 1 (at 08:02): door: there is no door "Back door"',
        ),
        (MORNING.replace('"1001"', '"none"'), 'person "Ada Lovelace": '),
        (MORNING.replace("08:02", "8 o'clock"), "is no time such as"),
        ("title = ", "Invalid value"),
    ],
)
def test_what_is_no_scenario_is_refused_in_one_line(
    anywhere: Installation, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "morning.toml"
    file.write_text(text)
    done = play(anywhere, file)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("doorward: morning.toml: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scenario_that_is_not_there_is_refused(anywhere: Installation) -> None:
    done = play(anywhere, "nowhere")
    assert done.returncode == 2
    assert 'there is no scenario "nowhere"; there are clock-change, lockdown-drill' in done.stderr


def test_the_scenarios_are_listed(anywhere: Installation) -> None:
    listed = json.loads(anywhere.run("sim", "list", "--json").stdout)
    assert [row["name"] for row in listed] == NAMES


def test_the_howto_names_every_word_that_a_scenario_can_use() -> None:
    named = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/howto/simulate-a-site.md").read_text()))
    words = {step.__struct_config__.tag for step in get_args(AnyStep)}
    fields = {name for part in (Door, Person, Role, Shift, Checks, OnRecord) for name in part.__struct_fields__}
    assert words | fields <= named


@pytest.mark.timeout(180)
def test_the_howto_goes_as_it_says(anywhere: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/howto/simulate-a-site.md").read_text()
    [scenario] = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "morning.toml").write_text(dedent(scenario))
    monkeypatch.chdir(tmp_path)
    commands = [
        shlex.split(line)
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert [words[:2] for words in commands] == [["doorward", "sim"]] * 3
    for words in commands:
        if words[-1] in NAMES:
            continue  # it is played above
        done = anywhere.run(*words[1:])
        assert done.returncode == 0, (words, done.stdout, done.stderr)
