"""What the pages of events, reports and the audit log make of what is on record."""

import json
from zoneinfo import ZoneInfo

import pytest

from doorward.audit.service import Entry
from doorward.console.assets import icon
from doorward.console.audit.shown import Change, line_of
from doorward.console.audit.things import KINDS, page_of_thing
from doorward.console.events.kinds import GROUPS, USUAL, codes_of, group_of, look_of
from doorward.console.reports.charts import bars_across, heat_map
from doorward.console.reports.denied import reason_words
from doorward.console.reports.door_activity import row_of, week_of
from doorward.events.codes import EVERY
from doorward.reports.codes import DENIED
from doorward.reports.door_activity import DoorActivity, Hour

LONDON = ZoneInfo("Europe/London")
MARCH = 1_772_442_000_000


def entry(action: str, before: object, after: object, *, kind: str = "role") -> Entry:
    stored = [None if each is None else json.dumps(each) for each in (before, after)]
    return Entry(1, MARCH, 2, "Olivia Owner <o@example.test>", None, None, "r", None, action, kind, 7, *stored)


def test_every_event_is_in_one_group_and_has_a_look() -> None:
    codes = [code for group in GROUPS for code in group.codes]
    assert sorted(codes) == sorted(EVERY)
    assert codes_of(USUAL) < EVERY
    assert {look_of(code).kind for code in EVERY} == {"good", "bad", "late", "lockdown", "off", "plain"}
    for code in EVERY:
        icon(look_of(code).icon)


def test_an_event_of_a_later_version_is_of_the_system() -> None:
    assert group_of(999).key == "system"


def test_every_reason_of_a_denial_has_words_of_its_own() -> None:
    words = {code: reason_words(code) for code in DENIED}
    assert (words[21], words[20]) == ("Out of hours", "Unknown card")
    assert len(set(words.values())) == len(words)
    assert not any("Somebody" in each or "rejected" in each for each in words.values())


def test_the_week_adds_up_all_doors_and_counts_what_is_asked_for() -> None:
    doors = [
        DoorActivity(1, "Front", 1, [Hour(0, 9, 5, 2), Hour(6, 23, 1, 0)]),
        DoorActivity(2, "Back", 1, [Hour(0, 9, 1, 1)]),
    ]
    assert week_of(doors, "all")[0][9] == 9
    assert week_of(doors, "admitted")[0][9] == 6
    assert week_of(doors, "denied")[0][9] == 3
    assert row_of(doors[0])[3:] == (6, 2, "Monday, 09:00 to 09:59")
    assert row_of(DoorActivity(3, "Shut", 1, [])).busiest == ""


def test_a_heat_map_has_every_hour_of_the_week_and_the_most_as_its_end() -> None:
    week = [[0] * 24 for _ in range(7)]
    week[2][8] = 40
    option = heat_map(week, "admitted")
    assert len(option["series"][0]["data"]) == 7 * 24
    assert [8, 2, 40] in option["series"][0]["data"]
    assert option["visualMap"]["max"] == 40
    assert heat_map([[0] * 24] * 7, "admitted")["visualMap"]["max"] == 1


def test_bars_keep_their_order() -> None:
    option = bars_across(["a", "b"], [3, 1], "things")
    assert (option["yAxis"]["data"], option["series"][0]["data"]) == (["a", "b"], [3, 1])


def test_a_change_shows_what_is_different_alone() -> None:
    line = line_of(entry("update", {"name": "Day", "enabled": True}, {"name": "Night", "enabled": True}), LONDON)
    assert line.changes == [Change("Name", "Day", "Night")]
    assert (line.sentence, line.page, line.who) == ("Changed the role Night", "/console/roles/7", "Olivia Owner")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("held_open_ms", 7500, "7.5 s"),
        ("valid_to", "2026-07-01T00:00:00.000Z", "Wed 1 Jul 2026, 01:00:00"),
        ("enabled", False, "no"),
        ("channel_ids", [1, 2], "1, 2"),
        ("rule", {"windows": [], "holidays": "ignore"}, "holidays ignore"),
        ("notes", None, ""),
    ],
)
def test_values_are_said_as_people_say_them(name: str, value: object, shown: str) -> None:
    line = line_of(entry("update", {name: "before"}, {name: value}), LONDON)
    assert line.changes[0].after == shown


def test_what_is_deleted_has_no_page_any_more_and_what_was_added_says_what_it_is() -> None:
    gone = line_of(entry("delete", {"id": 7, "first_name": "Tim", "last_name": "Temp"}, None, kind="person"), LONDON)
    assert (gone.sentence, gone.page) == ("Deleted the person Tim Temp", None)
    added = line_of(entry("create", None, {"id": 7, "name": "Night"}), LONDON)
    assert (added.is_addition, [change.field for change in added.changes]) == (True, ["Name"])
    assert line_of(entry("sign_in", None, {"browser": "Firefox"}, kind="user"), LONDON).sentence == "Signed in"


def test_a_thing_of_a_later_version_has_words_but_no_page() -> None:
    assert page_of_thing("spaceship", 1) is None
    assert page_of_thing("person", None) is None
    assert all(page_of_thing(kind, 1) in (None, KINDS[kind].page.format(1)) for kind in KINDS)
