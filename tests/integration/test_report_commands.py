"""`doorward report …`."""

import pytest

from doorward.db.connect import open_database
from doorward.decision.snapshot import Presence
from doorward.events.service import Event, record_all
from doorward.kit.clock import SystemClock
from doorward.kit.timestamps import format_instant
from tests.support.commands import Commands

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def day(doorward: Commands) -> str:
    """Ada is let in by the front door, then denied; gives the day, which is one in UTC too."""
    doorward.json("site", "update", 1, "--time-zone", "UTC")
    doorward.json("channel", "create", "Front door", "--site", 1)
    doorward.json("site", "area", "create", "Hall", "--site", 1)
    doorward.json("person", "create", "--first-name", "Ada", "--last-name", "Lovelace", "--card", "1234")
    database, now = open_database(doorward.url), SystemClock().now()
    at = now - now % 86_400_000
    let_in = Event(1, 10, at, channel_id=1, person_id=1, credential="1234", moved_to=Presence(1, at))
    denied = Event(1, 27, at, channel_id=1, person_id=1)
    try:
        database.write_now(lambda tx: record_all(tx, [let_in, denied], now))
    finally:
        database.close()
    return format_instant(at)[:10]


def test_each_report_is_printed_as_json_as_csv_and_as_a_table(doorward: Commands, day: str) -> None:
    days = ("--from", day, "--to", day, "--site", "North")
    [row] = doorward.json("report", "attendance", *days)["rows"]
    assert (row["day"], row["person_name"], row["first_in"][:10]) == (day, "Ada Lovelace", day)
    assert doorward.json("report", "attendance", *days, "--person", 1)["rows"] == [row]
    assert doorward.json("report", "muster")["count"] == 1
    [door] = doorward.json("report", "door-activity", *days)["rows"]
    assert (door["admitted"], door["denied"], door["hours"][0]["hour"]) == (1, 1, 0)
    assert doorward.json("report", "denied", *days)["rows"][0]["channel_name"] == "Front door"
    assert doorward.json("report", "denied", *days, "--by-person")["rows"][0]["person_id"] == 1
    assert doorward.json("report", "unused-credentials", "--never")["rows"] == []
    for name in ("attendance", "muster", "door-activity", "denied"):
        code, printed, _ = doorward("report", name, "--csv")
        assert (code, len(printed.splitlines())) == (0, 2), name
        _, printed, _ = doorward("report", name)
        assert "North" in printed, name


def test_what_cannot_be_reported_is_said_in_one_line(doorward: Commands, day: str) -> None:
    assert doorward.refusal("report", "denied", "--from", "today") == "--from must be a date such as 2026-03-01"
    assert doorward.refusal("report", "denied", "--site", "West") == "there is no site West"
    assert "at most 366 days apart" in doorward.refusal("report", "attendance", "--from", "2020-01-01", "--to", day)
    assert doorward.refusal("report", "muster", "--csv", "--json") == "--json and --csv exclude each other"
    assert "there is more" not in doorward("report", "attendance", "--most", 1)[2]
