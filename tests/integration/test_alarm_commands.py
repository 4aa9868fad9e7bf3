"""`doorward alarm …`."""

from dataclasses import replace

import pytest

from doorward.db.connect import open_database
from doorward.events.service import Event, record_all
from doorward.kit.clock import SystemClock
from tests.support.commands import Commands

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def forced(doorward: Commands) -> Commands:
    """An installation with a door that was forced, and closed again."""
    doorward.json("channel", "create", "Front door", "--site", 1)
    doorward.json("user", "create", "ann@acme.example", "--role", "operator")
    database, now = open_database(doorward.url), SystemClock().now()
    forced = Event(1, 33, now, channel_id=1, channel_name="Front door")
    happened = [forced, replace(forced, event_code=32, occurred_at=now + 1)]
    try:
        database.write_now(lambda tx: record_all(tx, happened, now))
    finally:
        database.close()
    return doorward


def test_an_alarm_is_listed_shown_seen_to_and_closed(forced: Commands) -> None:
    [alarm] = forced.json("alarm", "list")
    assert (alarm["id"], alarm["kind"], alarm["state"]) == (1, "forced", "open")
    assert alarm["label"] == "Front door forced open"
    assert alarm["over_at"] is not None
    assert forced.json("alarm", "assign", 1, "ANN@acme.example")["assignee"]["name"] == "ann@acme.example"
    seen_to = forced.json("alarm", "acknowledge", 1, "--note", "On my way")
    assert (seen_to["state"], seen_to["acknowledged_by"]) == ("acknowledged", {"id": None, "name": "command line"})
    assert forced.json("alarm", "note", 1, "A cat")["text"] == "A cat"
    assert forced.json("alarm", "list", "--assignee", "ann@acme.example", "--site", "north", "--channel", 1)
    assert forced.json("alarm", "close", 1)["state"] == "closed"
    assert forced.json("alarm", "list") == []
    assert [each["state"] for each in forced.json("alarm", "list", "--all", "--kind", "forced")] == ["closed"]
    assert forced.json("alarm", "list", "--state", "open", "--kind", "tamper") == []
    shown = forced.json("alarm", "show", 1)
    assert [note["text"] for note in shown["notes"]] == ["On my way", "A cat"]
    _, printed, _ = forced("alarm", "show", 1)
    assert "command line: A cat" in printed
    assert "Front door forced open" in printed


def test_what_cannot_be_done_is_said_in_one_line(forced: Commands) -> None:
    assert forced.refusal("alarm", "show", 9) == forced.refusal("alarm", "close", 9) == "there is no alarm 9"
    assert forced.refusal("alarm", "assign", 1, "bob@acme.example") == "there is no user bob@acme.example"
    assert forced.refusal("alarm", "list", "--state", "shut") == "--state: shut is none of open, acknowledged, closed"
    assert forced.refusal("alarm", "note", 1, " ").startswith("Validation failed: text can't be blank")
    forced.json("alarm", "close", 1)
    assert forced.refusal("alarm", "acknowledge", 1) == "The alarm has been closed by command line"
    assert forced.json("alarm", "list", "--all")[0]["acknowledged_by"]["name"] == "command line"
