"""Reports over HTTP: attendance, muster, door activity, who was denied, credentials that nobody uses."""

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.channels.service import update_channel
from doorward.credentials.types import create_type
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import ADMITTING
from doorward.decision.snapshot import Presence
from doorward.events.service import Event, record_all
from doorward.kit.clock import FixedClock
from doorward.kit.pages import Page
from doorward.oauth.tokens import revoke_token
from doorward.people.service import delete_person, update_person
from doorward.reports import api as reports_api
from doorward.reports import attendance as attendance_module
from doorward.reports.attendance import attendance, attendance_of
from doorward.reports.codes import DENIED
from doorward.reports.door_activity import door_activity
from doorward.reports.scope import ReportSite, Scope
from doorward.sites.areas import create_area
from doorward.sites.service import update_site
from tests.integration.conftest import Served
from tests.support.services import write, write_sealed
from tests.support.world import World

REPORTS = "/api/3/reports"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
DAY = 86_400_000
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def at(text: str) -> int:
    """Milliseconds of an instant with an offset."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def happen(world: World, *told: tuple[int, str | int, int | None, int | None], **more: Any) -> None:
    """Events, (code, when, index of the door, person)."""
    happened = [
        Event(
            world.account_id,
            code,
            at(when) if isinstance(when, str) else when,
            channel_id=None if door is None else world.channel_ids[door],
            person_id=person,
            **more,
        )
        for code, when, door, person in told
    ]
    world.database.write_now(lambda tx: record_all(tx, happened, world.clock.now()))


def report(client: httpx.Client, name: str, **query: object) -> Any:
    answer = client.get(f"{REPORTS}/{name}", params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def sheet(client: httpx.Client, name: str, **query: object) -> list[dict[str, str]]:
    params = {key: str(value) for key, value in {**query, "format": "csv"}.items()}
    answer = client.get(f"{REPORTS}/{name}", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.fixture
def hall(world: World) -> int:
    """An area that the front door leads into from outside, and the back door out of."""
    front, back, _ = world.channel_ids
    area = int(write(world, create_area, world.site_ids[0], {"name": "Hall"}).id)
    write(world, update_channel, front, {"area_to_id": area})
    write(world, update_channel, back, {"area_from_id": area})
    return area


@pytest.mark.usefixtures("hall")
def test_who_came_first_and_went_last_is_told_for_each_local_day(api: httpx.Client, world: World) -> None:
    ada, grace = world.person_id, world.person("Grace", "Hopper")
    happen(
        world,
        (10, "2026-03-02T08:00:00+00:00", 0, ada),
        (11, "2026-03-02T09:00:00+00:00", 0, ada),
        (16, "2026-03-02T17:00:00+00:00", 1, ada),
        (10, "2026-03-02T23:30:00+00:00", 2, ada),
        (70, "2026-03-03T00:00:00+00:00", 0, grace),
        (27, "2026-03-03T07:00:00+00:00", 0, ada),
        (13, "2026-03-03T07:00:00+00:00", 1, None),
    )
    found = report(api, "attendance", **MARCH)
    north, south = world.site_ids
    assert found == {
        "from": "2026-03-01",
        "to": "2026-03-31",
        "time_zone": "Europe/London",
        "sites": [
            {"id": north, "name": "North", "time_zone": "Europe/London"},
            {"id": south, "name": "South", "time_zone": "Europe/London"},
        ],
        "rows": [
            {
                "day": "2026-03-02",
                "site_id": north,
                "person_id": ada,
                "person_name": "Ada Lovelace",
                "first_in": "2026-03-02T08:00:00.000Z",
                "last_out": "2026-03-02T17:00:00.000Z",
                "last_seen": "2026-03-02T17:00:00.000Z",
                "admissions": 3,
            },
            {
                "day": "2026-03-02",
                "site_id": south,
                "person_id": ada,
                "person_name": "Ada Lovelace",
                "first_in": "2026-03-02T23:30:00.000Z",
                "last_out": None,
                "last_seen": "2026-03-02T23:30:00.000Z",
                "admissions": 1,
            },
            {
                "day": "2026-03-03",
                "site_id": north,
                "person_id": grace,
                "person_name": "Grace Hopper",
                "first_in": "2026-03-03T00:00:00.000Z",
                "last_out": None,
                "last_seen": "2026-03-03T00:00:00.000Z",
                "admissions": 1,
            },
        ],
        "next_from": None,
    }
    assert report(api, "attendance", **MARCH, person_id=ada)["rows"] == found["rows"][:2]
    assert report(api, "attendance", **MARCH, site_ids=south)["rows"] == found["rows"][1:2]
    write(world, update_site, south, {"time_zone": "Asia/Tokyo"})
    moved = report(api, "attendance", **MARCH, site_ids=south)
    assert (moved["sites"][0]["time_zone"], moved["rows"][0]["day"]) == ("Asia/Tokyo", "2026-03-03")
    assert sheet(api, "attendance", **MARCH, site_ids=south) == [
        {
            "day": "2026-03-03",
            "site_id": str(south),
            "site_name": "South",
            "time_zone": "Asia/Tokyo",
            "person_id": str(ada),
            "person_name": "Ada Lovelace",
            "first_in": "2026-03-03T08:30:00+09:00",
            "last_out": "",
            "last_seen": "2026-03-03T08:30:00+09:00",
            "admissions": "1",
        }
    ]


@on_sqlite
def test_a_long_report_goes_on_with_another_day(api: httpx.Client, world: World) -> None:
    people = [world.person_id, world.person("Grace", "Hopper")]
    for day in (1, 2, 5):
        happen(world, *((10, f"2026-03-0{day}T08:00:00+00:00", 0, person) for person in people))
    first = report(api, "attendance", **MARCH, n=3)
    assert ([row["day"][-1] for row in first["rows"]], first["next_from"]) == (["1", "1", "2", "2"], "2026-03-03")
    rest = report(api, "attendance", **{**MARCH, "from": first["next_from"]}, n=3)
    assert ([row["day"][-1] for row in rest["rows"]], rest["next_from"]) == (["5", "5"], None)
    assert len(sheet(api, "attendance", **MARCH, n=1)) == 6, "a sheet has all days"
    assert len(sheet(api, "attendance", **MARCH, person_id=people[0])) == 3


class Seen(NamedTuple):
    """An event as the naive reading knows it."""

    code: int
    at: int
    door: int
    person: int


_ZONES = ("Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo")
_CHANGES = tuple(
    at(text)
    for text in (
        "2026-03-29T01:00:00+00:00",
        "2026-10-25T01:00:00+00:00",
        "2026-03-08T05:30:00+00:00",
        "2026-11-01T04:30:00+00:00",
        "2026-04-04T15:00:00+00:00",
        "2026-10-03T15:30:00+00:00",
        "2026-02-15T02:00:00+00:00",
        "2026-03-22T02:00:00+00:00",
    )
)
_HISTORY = st.lists(
    st.builds(
        Seen,
        st.sampled_from([10, 11, 16, 70, 27, 20, 71, 30, 32, 13]),
        st.builds(
            lambda change, away: change + away, st.sampled_from(_CHANGES), st.integers(-36 * 3_600_000, 36 * 3_600_000)
        ),
        st.integers(0, 2),
        st.integers(0, 1),
    ),
    max_size=25,
)


def _told(world: World, history: list[Seen], people: list[int], zones: tuple[str, str]) -> Callable[..., Any]:
    """Records a history in an account of its own; gives what reads a report of it."""
    happened = [
        Event(
            world.account_id, seen.code, seen.at, channel_id=world.channel_ids[seen.door], person_id=people[seen.person]
        )
        for seen in history
    ]
    sites = tuple(ReportSite(site_id, "", zone) for site_id, zone in zip(world.site_ids, zones, strict=True))
    scope = Scope(sites, date(2026, 1, 1), date(2026, 12, 31), "UTC")

    class Undone(Exception):
        pass

    def read(work: Callable[[Transaction, Scope], Any]) -> Any:
        found: list[Any] = []

        def within(tx: Transaction) -> None:
            record_all(tx, happened, world.clock.now())
            found.append(work(tx, scope))
            raise Undone

        with pytest.raises(Undone):
            world.database.write_now(within)
        return found[0]

    return read


@pytest.mark.usefixtures("hall")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=_HISTORY, zones=st.tuples(st.sampled_from(_ZONES), st.sampled_from(_ZONES)))
def test_attendance_is_what_a_naive_reading_finds_also_where_the_clock_changes(
    world: World, history: list[Seen], zones: tuple[str, str]
) -> None:
    people = [world.person_id, world.person_id + 1]  # the second is nobody, any more
    expected: dict[tuple[date, int, int], list[Seen]] = {}
    for seen in history:
        if seen.code in ADMITTING:
            site = 0 if seen.door < 2 else 1
            local = datetime.fromtimestamp(seen.at / 1000, ZoneInfo(zones[site]))
            key = (local.date(), world.site_ids[site], people[seen.person])
            expected.setdefault(key, []).append(seen)
    wanted = {
        key: (
            min((seen.at for seen in of_day if seen.door != 1), default=None),
            max((seen.at for seen in of_day if seen.door == 1), default=None),
            max(seen.at for seen in of_day),
            len(of_day),
        )
        for key, of_day in expected.items()
    }
    read = _told(world, history, people, zones)

    def both(tx: Transaction, scope: Scope) -> Any:
        everybody, after = attendance(tx, world.account_id, scope, 10_000)
        assert after is None
        return everybody, attendance_of(tx, world.account_id, scope, people[0])

    everybody, ada = read(both)
    found = {(row.day, row.site_id, row.person_id): tuple(row)[4:] for row in everybody}
    assert found == wanted
    assert [row.day for row in everybody] == sorted(row.day for row in everybody)
    assert {(row.day, row.site_id, row.person_id): tuple(row)[4:] for row in ada} == {
        key: value for key, value in wanted.items() if key[2] == people[0]
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=_HISTORY, zones=st.tuples(st.sampled_from(_ZONES), st.sampled_from(_ZONES)))
def test_door_activity_is_what_a_naive_reading_finds_also_where_the_clock_changes(
    world: World, history: list[Seen], zones: tuple[str, str]
) -> None:
    wanted: dict[tuple[int, int, int], list[int]] = {}
    for seen in history:
        if seen.code in ADMITTING | DENIED:
            local = datetime.fromtimestamp(seen.at / 1000, ZoneInfo(zones[0 if seen.door < 2 else 1]))
            counts = wanted.setdefault((world.channel_ids[seen.door], local.weekday(), local.hour), [0, 0])
            counts[seen.code in DENIED] += 1
    read = _told(world, history, [world.person_id] * 2, zones)
    found, total = read(lambda tx, scope: door_activity(tx, world.account_id, scope, Page(1, 100)))
    assert total == 3
    assert {
        (door.channel_id, hour.weekday, hour.hour): [hour.admitted, hour.denied]
        for door in found
        for hour in door.hours
    } == wanted


def test_who_is_in_is_told_by_site_and_area(api: httpx.Client, world: World, hall: int) -> None:
    grace = world.person("Grace", "=Hopper()")
    now = world.clock.now()
    for person, area in ((world.person_id, hall), (grace, hall), (world.person("Gone", "Out"), None)):
        happen(world, (10, now - 1000, 0, person), moved_to=Presence(area, now - 1000 + person))
    found = report(api, "muster")
    assert (found["at"], found["count"]) == ("2026-03-02T09:00:00.000Z", 2)
    north, south = found["sites"]
    assert (north["count"], south["count"], south["areas"]) == (2, 0, [])
    assert [person["id"] for person in north["areas"][0]["people"]] == [grace, world.person_id]
    assert len(report(api, "muster", n=1)["sites"][0]["areas"][0]["people"]) == 1
    assert report(api, "muster", site_ids=world.site_ids[1])["count"] == 0
    [row, _] = sheet(api, "muster")
    assert (row["area_name"], row["person_name"], row["time_zone"]) == ("Hall", "Grace =Hopper()", "Europe/London")


def test_admitted_and_denied_are_counted_by_hour_and_weekday_of_local_time(api: httpx.Client, world: World) -> None:
    happen(
        world,
        (10, "2026-10-25T00:30:00+00:00", 0, world.person_id),
        (10, "2026-10-25T01:30:00+00:00", 0, world.person_id),
        (20, "2026-10-25T01:45:00+00:00", 0, None),
        (10, "2026-10-26T08:00:00+00:00", 0, world.person_id),
        (31, "2026-10-26T08:00:00+00:00", 0, None),
    )
    days = {"from": "2026-10-24", "to": "2026-10-31"}
    found = report(api, "door_activity", **days)
    assert [row["channel_name"] for row in found["rows"]] == ["Back door", "Far door", "Front door"]
    front = found["rows"][2]
    assert (front["admitted"], front["denied"]) == (3, 1)
    assert front["hours"] == [
        {"weekday": 1, "hour": 8, "admitted": 1, "denied": 0},
        {"weekday": 7, "hour": 1, "admitted": 2, "denied": 1},
    ], "the clock strikes one twice"
    assert report(api, "door_activity", **days, n=1, page=3)["rows"] == [front]
    assert report(api, "door_activity", **days, channels=world.channel_ids[0])["rows"] == [front]
    assert [row["weekday"] for row in sheet(api, "door_activity", **days)] == ["Monday", "Sunday"]


def test_who_was_denied_is_counted_by_reason_and_door_or_person(api: httpx.Client, world: World) -> None:
    grace = world.person("Grace", "Hopper")
    happen(
        world,
        (20, "2026-03-02T08:00:00+00:00", 0, None),
        (20, "2026-03-02T08:01:00+00:00", 0, None),
        (20, "2026-03-02T08:02:00+00:00", 0, None),
        (27, "2026-03-02T08:03:00+00:00", 0, grace),
        (27, "2026-03-02T08:04:00+00:00", 2, grace),
        (71, "2026-03-02T08:05:00+00:00", 2, world.person_id),
        (10, "2026-03-02T08:06:00+00:00", 2, world.person_id),
    )
    by_door = report(api, "denied", **MARCH)["rows"]
    front, _, far = world.channel_ids
    assert [(row["channel_id"], row["event_code"], row["count"]) for row in by_door] == [
        (front, 20, 3),
        (front, 27, 1),
        (far, 27, 1),
        (far, 71, 1),
    ]
    assert (by_door[0]["reason"], by_door[0]["last_at"]) == ("Reject Card", "2026-03-02T08:02:00.000Z")
    by_person = report(api, "denied", **MARCH, by="person")["rows"]
    assert [(row["person_id"], row["person_name"], row["event_code"], row["count"]) for row in by_person] == [
        (None, "", 20, 3),
        (grace, "Grace Hopper", 27, 2),
        (world.person_id, "Ada Lovelace", 71, 1),
    ]
    for by in ("channel", "person"):
        answer = api.get(f"{REPORTS}/denied", params={**MARCH, "by": by, "n": 1, "page": 2})
        assert answer.headers["total"] == str(len(by_door if by == "channel" else by_person))
        assert answer.json()["rows"] == (by_door if by == "channel" else by_person)[1:2]
    assert [row["reason"] for row in sheet(api, "denied", **MARCH, by="person")][:1] == ["Reject Card"]
    assert sheet(api, "denied", **MARCH)[0]["last_at"] == "2026-03-02T08:02:00+00:00"


def test_credentials_that_nobody_uses_are_found_also_where_somebody_has_two_of_a_kind(
    api: httpx.Client, world: World, clock: FixedClock
) -> None:
    write(world, create_type, {"label": "fob", "slug": "fob", "kind": "card"})
    ada, now = world.person_id, world.clock.now()
    write_sealed(world, update_person, ada, {"fob": "0777"})
    clock.advance(200 * DAY)
    world.person("New", "Comer", card_number="99")
    token = world.new_token(world.owner_id)
    api.headers["Authorization"] = f"Bearer {token}"

    def unused(**query: object) -> list[tuple[str, str | None]]:
        found = report(api, "unused_credentials", **query)
        return [(row["label"], row["last_used_at"]) for row in found["rows"]]

    assert unused() == [("card number", None), ("pin number", None), ("fob", None)], "not what is new"
    happen(world, (10, now + 190 * DAY, 0, ada), credential="777")
    assert unused() == [("card number", None), ("pin number", None)]
    happen(world, (11, now + 10 * DAY, 0, ada), (27, now + 195 * DAY, 0, ada))
    assert unused() == [("card number", None), ("pin number", "2026-03-12T09:00:00.000Z")]
    assert unused(never=True) == [("card number", None)]
    assert unused(days=195) == [("card number", None)]
    happen(world, (70, now + 199 * DAY, 0, ada), credential="1234")
    assert unused() == []
    assert unused(days=5) == [("fob", "2026-09-08T09:00:00.000Z")]
    row = sheet(api, "unused_credentials", days=5)[0]
    assert (row["last_used_at"], row["time_zone"]) == ("2026-09-08T10:00:00+01:00", "Europe/London")
    write(world, delete_person, ada)
    assert unused(days=1) == []


@on_sqlite
def test_who_is_limited_to_sites_has_reports_of_these_alone(world: World, served: Served) -> None:
    happen(
        world,
        *((code, "2026-03-02T08:00:00+00:00", door, world.person_id) for code in (10, 27) for door in (0, 2)),
    )
    _, token = world.user("viewer", site_ids=[world.site_ids[1]])
    with served.client(token) as limited:
        for name in ("attendance", "door_activity", "denied"):
            for query in ({}, {"site_ids": f"{world.site_ids[0]},{world.site_ids[1]}"}):
                found = report(limited, name, **MARCH, **query)
                assert [site["id"] for site in found["sites"]] == [world.site_ids[1]]
                assert [row["site_id"] for row in found["rows"]] == [world.site_ids[1]], name
            assert report(limited, name, **MARCH, site_ids=world.site_ids[0])["rows"] == []
        assert report(limited, "denied", **MARCH, by="person")["rows"][0]["count"] == 1
        assert report(limited, "denied", **MARCH, channels=world.channel_ids[0])["rows"] == []
        assert [site["site_id"] for site in report(limited, "muster")["sites"]] == [world.site_ids[1]]
        assert limited.get(f"{REPORTS}/unused_credentials").status_code == 403
    elsewhere = World(world.database, world.vault, world.clock).build()
    with served.client(elsewhere.token) as stranger:
        assert report(stranger, "attendance", **MARCH, person_id=world.person_id)["rows"] == []
        assert report(stranger, "attendance", **MARCH, site_ids=world.site_ids[0])["rows"] == []
        assert report(stranger, "denied", **MARCH, channels=world.channel_ids[0])["rows"] == []


@on_sqlite
def test_a_sheet_of_many_days_ends_with_its_token(
    api: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revoking(*asked: Any) -> list[Any]:
        found = attendance_module.attendance_on(*asked)
        with ThreadPoolExecutor(1) as pool:  # this thread is reading
            pool.submit(world.database.write_now, lambda tx: revoke_token(tx, world.token, 1)).result(15)
        return found

    monkeypatch.setattr(reports_api, "attendance_on", revoking)
    with pytest.raises(httpx.RemoteProtocolError):
        sheet(api, "attendance", **MARCH)


@on_sqlite
def test_a_wrong_parameter_is_a_bad_request_that_names_it(api: httpx.Client) -> None:
    for name, query in (
        ("attendance", "from=yesterday"),
        ("attendance", "to=2026-02-30"),
        ("attendance", "from=1969-12-31"),
        ("attendance", "to=2101-01-01"),
        ("attendance", "from=9999-12-31"),
        ("denied", "to=0001-01-01"),
        ("attendance", "to=2025-01-01&from=2025-01-02"),
        ("attendance", "to=2026-01-02&from=2025-01-01"),
        ("attendance", "person_id=x"),
        ("attendance", "n=0"),
        ("muster", "site_ids=x"),
        ("door_activity", "channels=1;2"),
        ("denied", "by=door"),
        ("denied", "format=xls"),
        ("unused_credentials", "days=0"),
        ("unused_credentials", "days=3661"),
        ("unused_credentials", "never=perhaps"),
    ):
        for form in ("", "&format=csv") if "format" not in query else ("",):
            answer = api.get(f"{REPORTS}/{name}?{query}{form}")
            assert (answer.status_code, answer.json()["error"]) == (400, "bad_request"), (name, query)
            assert query.split("=")[0] in answer.json()["error_description"]


@on_sqlite
def test_without_days_a_report_is_of_the_last_thirty(api: httpx.Client) -> None:
    def days(**query: str) -> tuple[str, str]:
        found = report(api, "denied", **query)
        return found["from"], found["to"]

    assert days() == ("2026-02-01", "2026-03-02")
    assert days(to="2026-01-30") == ("2026-01-01", "2026-01-30")
    assert days(**{"from": "2026-02-20"}) == ("2026-02-20", "2026-03-02")
    assert days(**{"from": "2024-01-01"}) == ("2024-01-01", "2024-12-31")
    assert days(**{"from": "2027-01-01"}) == ("2027-01-01", "2027-01-01")


def test_the_naive_days_of_the_clock_changes_are_those_meant() -> None:
    for zone, change in zip(("Europe/London",) * 2 + ("America/St_Johns",) * 2, _CHANGES, strict=False):
        before = datetime.fromtimestamp(change / 1000 - 1, UTC).astimezone(ZoneInfo(zone))
        after = before.astimezone(UTC) + timedelta(seconds=2)
        assert after.astimezone(ZoneInfo(zone)).utcoffset() != before.utcoffset()
