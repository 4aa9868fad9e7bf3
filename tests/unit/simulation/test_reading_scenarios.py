"""A scenario's file is read whole, or what is wrong with it is said in one line with where and what."""

import datetime
from pathlib import Path
from textwrap import dedent

import pytest

from doorward.kit.timestamps import parse_instant
from doorward.simulation.checks import Look
from doorward.simulation.library import find_scenario, shipped
from doorward.simulation.reading import BadScenario, read_scenario
from doorward.simulation.scenario import Controller, Scenario
from doorward.simulation.steps import Present

HEAD = """
title = "A morning"
date = 2026-03-02
time_zone = "Europe/London"

[site]
name = "Rope Works"
areas = ["Hall"]

[[door]]
name = "Front door"

[[controller]]
name = "Rack"
doors = ["Front door"]

[[person]]
name = "Ada Lovelace"
card = "1001"
"""
STEP = """
[[step]]
at = "08:02"
do = "present"
door = "Front door"
who = "Ada Lovelace"
"""


def read(text: str) -> Scenario:
    return read_scenario("morning", HEAD + dedent(text))


def complaint(text: str, head: str = HEAD) -> str:
    with pytest.raises(BadScenario) as refused:
        read_scenario("morning", head + dedent(text))
    assert "\n" not in refused.value.text
    return refused.value.text


def test_a_scenario_is_read_with_its_times_as_instants() -> None:
    scenario = read(STEP + '[[expect]]\nat = "+1d 03:00"\ndoor = "Front door"\nlock = "locked"\n')
    [step, look] = scenario.moments
    zone = scenario.calendar.zone
    assert (scenario.title, scenario.site, scenario.calendar.day) == (
        "A morning",
        "Rope Works",
        datetime.date(2026, 3, 2),
    )
    assert step.at == parse_instant("2026-03-02T08:02:00", zone)
    assert step.step == Present(at="08:02", door="Front door", who="Ada Lovelace")
    assert look.at == parse_instant("2026-03-03T03:00:00", zone)
    assert look.step is None
    assert isinstance(look.checks, Look)
    assert (scenario.begins_at, scenario.ends_at) == (step.at - 60_000, look.at)
    assert scenario.controllers == (Controller(name="Rack", doors=("Front door",)),)


def test_doors_that_no_controller_has_share_one() -> None:
    scenario = read(STEP + '[[door]]\nname = "Back door"\n[[door]]\nname = "Roof"\n')
    assert [(each.name, each.doors) for each in scenario.controllers] == [
        ("Rack", ("Front door",)),
        ("Controller", ("Back door", "Roof")),
    ]


def test_a_step_may_come_so_long_after_the_one_before_it() -> None:
    scenario = read(STEP + '[[step]]\nafter = "90s"\ndo = "close"\ndoor = "Front door"\n')
    assert scenario.moments[1].at - scenario.moments[0].at == 90_000


def test_checks_come_after_the_steps_of_the_same_time() -> None:
    scenario = read('[[expect]]\nat = "08:02"\ndoor = "Front door"\nlock = "locked"\n' + STEP)
    assert [moment.step is None for moment in scenario.moments] == [False, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "morning: nothing happens: it has no [[step]] and no [[expect]]"),
        ("[[step]\n", "morning: Expected ']]' at the end of an array declaration (at line 20, column 7)"),
        (
            STEP.replace('"Front door"', '"Front dor"'),
            'morning: step 1 (at 08:02): door: there is no door "Front dor": did you mean "Front door"?',
        ),
        (STEP.replace("Ada", "Eve"), 'morning: step 1 (at 08:02): who: there is no person "Eve Lovelace"'),
        (STEP.replace("08:02", "8:02"), '"8:02" is no time such as "08:02", "08:02:30" or "+1d 03:00"'),
        (STEP.replace("08:02", "24:00"), '"24:00" is no time of the day'),
        (STEP.replace('do = "present"', 'do = "presnt"'), "morning: step 1 (at 08:02): do: "),
        (STEP.replace('do = "present"\n', ""), "morning: step 1 (at 08:02): it does not say what to do"),
        (STEP + 'colour = "red"\n', 'morning: step 1 (at 08:02): there is no "colour" here'),
        (STEP.replace('door = "Front door"\n', ""), 'morning: step 1 (at 08:02): "door" is missing'),
        (STEP + 'expect = { lock = "ajar" }\n', "morning: step 1 (at 08:02): expect.lock: must not be 'ajar'"),
        (
            STEP + 'expect = { event = "admit_cart" }\n',
            'morning: step 1 (at 08:02): expect: event: there is no event "admit_cart": did you mean "admit_card"?',
        ),
        (
            STEP + 'expect = { on_record = { events = ["10 Eve"] } }\n',
            'morning: step 1 (at 08:02): expect: on_record: events: there is no person "Eve"',
        ),
        (STEP + 'expect = { where = { "Ada Lovelace" = "Attic" } }\n', 'there is no area "Attic"'),
        ('[[expect]]\nat = "08:02"\nlock = "locked"\n', "expect 1 (at 08:02): lock: of which door?"),
        ('[[expect]]\nat = "08:02"\nwaiting = 1\n', "expect 1 (at 08:02): waiting: of which controller?"),
        ('[[expect]]\nat = "08:02"\nadmitted = true\n', 'expect 1 (at 08:02): there is no "admitted" here'),
        (
            STEP + 'expect = { controller = "Rack", lock = "locked" }\n',
            "step 1 (at 08:02): expect: lock: is said of a door, not of a controller",
        ),
        (STEP + 'expect = { reasons = ["because"] }\n', 'there is no reason "because"'),
        (STEP + 'using = ["pin"]\n', "morning: step 1 (at 08:02): using: Ada Lovelace has no pin"),
        (STEP + 'card = "1"\n', "card and pin are for what nobody has: leave out who"),
        (STEP.replace('who = "Ada Lovelace"\n', ""), "morning: step 1 (at 08:02): needs who, card or pin"),
        (STEP + 'gap = "2 seconds"\n', '"2 seconds" is no duration such as "5s", "250ms", "2m" or "1h"'),
        (STEP + 'after = "2s"\n', "needs either at or after"),
        (STEP + STEP.replace("08:02", "08:01"), "step 2 (at 08:01): is before the step that stands before it"),
        (STEP.replace('at = "08:02"', 'after = "2s"'), "step 1 (after 2s): after: no step stands before it"),
        (STEP + '[[door]]\nname = "Front door"\n', 'morning: door: there are two of the name "Front door"'),
        (STEP + '[[controller]]\nname = "Other"\ndoors = ["Front door"]\n', 'the door "Front door" is that of "Rack"'),
        (STEP + '[[shift]]\nname = "Day"\nwindows = ["weekdays 8-18"]\n', 'window "weekdays 8-18" is not such as'),
        (STEP + '[[role]]\nname = "R"\ndoors = ["Back"]\n', 'morning: role "R": doors: there is no door "Back"'),
        (STEP + '[[person]]\nname = "Bob"\ncard = 7\n', 'morning: person "Bob": card: must be str | null, not int'),
    ],
)
def test_what_is_wrong_is_said_with_where_and_what(text: str, says: str) -> None:
    assert says in complaint(text)


def test_what_is_wrong_at_the_top_is_said_too() -> None:
    assert complaint(STEP, HEAD.replace("Europe/London", "Europe/Londn")) == (
        "morning: time_zone: is not an IANA time zone such as Europe/London"
    )
    assert '"date" is missing' in complaint(STEP, HEAD.replace("date = 2026-03-02", ""))
    assert "begins" in complaint(STEP, 'begins = "09:00"\n' + HEAD)


def test_a_time_that_the_clock_skips_is_refused_and_one_that_it_strikes_twice_can_be_said() -> None:
    spring = HEAD.replace("2026-03-02", "2026-03-29")
    assert "does not exist in Europe/London: the clock skips it" in complaint(STEP.replace("08:02", "01:30"), spring)
    autumn = HEAD.replace("2026-03-02", "2026-10-25")
    first, second = (
        read_scenario("morning", autumn + STEP.replace("08:02", at)).moments[0].at for at in ("01:30", "01:30 again")
    )
    assert second - first == 3_600_000
    assert "happens only once" in complaint(STEP.replace("08:02", "08:02 again"), autumn)


def test_a_scenario_is_found_by_name_or_path(tmp_path: Path) -> None:
    file = tmp_path / "morning.toml"
    file.write_text(HEAD + STEP)
    assert find_scenario(str(file)).name == "morning.toml"
    for name in ("nowhere", str(tmp_path / "nowhere.toml"), "nowhere.toml"):
        with pytest.raises(BadScenario, match="there is no"):
            find_scenario(name)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadScenario):
        find_scenario(str(file))


def test_every_scenario_that_ships_can_be_read_and_says_what_it_is_about() -> None:
    found = shipped()
    assert all(scenario.title and scenario.about for scenario in found)
    assert [find_scenario(scenario.name).title for scenario in found] == [scenario.title for scenario in found]
