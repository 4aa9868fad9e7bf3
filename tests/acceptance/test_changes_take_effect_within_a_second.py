"""A person, a credential, a group reservation, a change of a role: each is at a simulated door within a second."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from doorward.controller.control import ask
from doorward.db.connect import open_database
from doorward.db.query import Query, number
from doorward.kit.timestamps import parse_instant
from tests.support.installation import Installation, Server
from tests.support.server import client

LIMIT_S = 1.0
CHANGES = Query(text("SELECT max(id) FROM changes"), number)
Present = Callable[[str], dict[str, Any]]


@pytest.fixture
def api(server: Server, made: dict[str, Any]) -> Iterator[httpx.Client]:
    with client(server.base_url, made["token"]) as opened:
        yield opened


@pytest.fixture
def door(api: httpx.Client, house: Installation, made: dict[str, Any]) -> tuple[int, Present]:
    """A door of its own, and somebody who holds a card to its reader."""
    body = {"name": "Measured door", "site_id": made["channels"][0]["site_id"]}
    channel: int = done(api.post("/api/3/channels", json=body))["id"]

    def present(card: str) -> dict[str, Any]:
        request = {"op": "present", "channel_id": channel, "credentials": [["card", card]]}
        verdict = ask(house.data_dir / "control.sock", request)
        assert isinstance(verdict, dict)
        return verdict

    return channel, present


def done(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def test_each_change_is_at_the_door_in_under_a_second(
    api: httpx.Client, door: tuple[int, Present], capsys: pytest.CaptureFixture[str]
) -> None:
    channel, present = door
    took: dict[str, float] = {}

    def measure(what: str, change: Callable[[], Any], card: str, code: int) -> Any:
        """From before the request until the door says so."""
        began = time.perf_counter()
        result = change()
        while present(card)["event_code"] != code:
            assert time.perf_counter() - began < LIMIT_S, what
            time.sleep(0.005)
        took[what] = time.perf_counter() - began
        return result

    group = done(api.post("/api/3/groups", json={"name": "Measured group"}))["id"]
    whole = {"name": "Measured role", "channel_ids": [channel], "group_ids": [group]}
    role = done(api.post("/api/3/roles", json=whole))["id"]
    card_type = next(kind for kind in done(api.get("/api/3/credential_types")) if kind["slug"] == "card_number")["id"]
    body = {"first_name": "Mia", "last_name": "Measured", "group_ids": [group], "card_number": "700001"}
    assert present("700001")["event_code"] == 20
    mia = measure("a person", lambda: done(api.post("/api/3/people", json={"person": body})), "700001", 10)["id"]
    url = f"/api/3/people/{mia}/credentials"
    done_with = api.delete(f"{url}/{done(api.get(url))[0]['id']}")
    assert done_with.status_code < 300, done_with.text
    wanted = {"credential_type_id": card_type, "value": "700002"}
    measure("a credential", lambda: done(api.post(url, json={"person_credential": wanted})), "700002", 10)
    guest = {"first_name": "Gus", "last_name": "Guest", "card_number": "700003"}
    gus = done(api.post("/api/3/people", json={"person": guest}))["id"]
    assert present("700003")["event_code"] == 27
    now = datetime.now(UTC)
    stretch = {"start_time": iso(now - timedelta(minutes=1)), "end_time": iso(now + timedelta(hours=30))}
    reservation = {"group_reservation": {"person_id": gus, "group_ids": [group], **stretch}}
    url = "/api/3/group_reservations"
    booked = measure("a group reservation", lambda: done(api.post(url, json=reservation)), "700003", 10)
    change = api.put
    path = f"/api/3/roles/{role}"
    measure("a role that loses the door", lambda: done(change(path, json={"channel_ids": []})), "700003", 27)
    measure("a role that gets the door", lambda: done(change(path, json={"channel_ids": [channel]})), "700003", 10)
    measure("a role that loses the group", lambda: done(change(path, json={"group_ids": []})), "700003", 27)
    measure("a role that gets the group", lambda: done(change(path, json={"group_ids": [group]})), "700003", 10)
    ended = f"{url}/{booked['id']}"
    measure("the end of a group reservation", lambda: done(api.delete(ended)), "700003", 27)
    measure(
        "a person disabled",
        lambda: done(api.put(f"/api/3/people/{mia}", json={"person": {"enabled": False}})),
        "700002",
        27,
    )
    with capsys.disabled():
        print("\nat the door, from before the request on:")
        for what, seconds in took.items():
            print(f"  {what:32} {seconds * 1000:7.1f} ms")
    assert max(took.values()) < LIMIT_S


def test_a_group_reservation_begins_and_ends_at_the_right_moment_without_any_write(
    api: httpx.Client, made: dict[str, Any], door: tuple[int, Present], capsys: pytest.CaptureFixture[str]
) -> None:
    channel, present = door
    group = done(api.post("/api/3/groups", json={"name": "Short"}))["id"]
    done(api.post("/api/3/roles", json={"name": f"Short {channel}", "channel_ids": [channel], "group_ids": [group]}))
    person = {"first_name": "Sam", "last_name": "Short", "card_number": "700010"}
    sam = done(api.post("/api/3/people", json={"person": person}))["id"]
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    stretch = {"start_time": iso(start), "end_time": iso(start + timedelta(seconds=2))}
    body = {"person_id": sam, "group_ids": [group], **stretch}
    booked = done(api.post("/api/3/group_reservations", json={"group_reservation": body}))
    assert booked["state"] == "pending"
    database = open_database(made["database"])
    before = database.read_now(lambda tx: tx.one(CHANGES))
    utc = ZoneInfo("UTC")
    begins, ends = (parse_instant(booked[name], utc) for name in ("start_time", "end_time"))
    seen: list[tuple[int, int]] = []
    while not seen or seen[-1][0] < ends + 500:
        verdict = present("700010")
        seen.append((parse_instant(verdict["at"], utc), verdict["event_code"]))
        time.sleep(0.01)
    assert database.read_now(lambda tx: tx.one(CHANGES)) == before, "nothing was written for the doors meanwhile"
    database.close()
    assert {code for at, code in seen if begins <= at < ends} == {10}
    assert {code for at, code in seen if not begins <= at < ends} == {27}
    late = [min(at for at, _ in seen if at >= border) - border for border in (begins, ends)]
    early = [border - max(at for at, _ in seen if at < border) for border in (begins, ends)]
    with capsys.disabled():
        print(f"\nlooked {early} ms before and {late} ms after its beginning and end: right both times")
    states = done(api.get("/api/3/group_reservations", params={"since_utc": stretch["start_time"]}))
    assert [row["state"] for row in states if row["id"] == booked["id"]] == ["deactivated"]
