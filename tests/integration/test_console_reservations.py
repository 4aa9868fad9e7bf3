"""What the calendar of the console is fed with, on both databases: as much as the API knows, and what is over."""

from datetime import UTC, datetime

import httpx
import pytest

from doorward.kit.clock import FixedClock
from doorward.people.service import delete_person
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.services import read, write
from tests.support.world import World

DAY = "2026-03-02"
DAYS = "start=2026-03-02&end=2026-03-09"


@pytest.fixture
def browser(served: Served, world: World) -> FormBrowser:
    """The owner's."""
    return signed_in(served, world, world.owner_id)


def signed_in(served: Served, world: World, user_id: int) -> FormBrowser:
    found = FormBrowser(served.base_url)
    found.sign_in(read(world, get_user, user_id).email)
    return found


def reserve(api: httpx.Client, person_id: int, start: str, end: str, *channel_ids: int) -> int:
    body = {"person_id": person_id, "start_time": start, "end_time": end, "channel_ids": channel_ids}
    answered = api.post("/api/3/reservations", json=body)
    assert answered.status_code == 201, answered.text
    return int(answered.json()["id"])


def titles(browser: FormBrowser, query: str = DAYS) -> list[str]:
    answered = browser.get(f"/console/reservations/feed?{query}")
    assert answered.status_code == 200, answered.text
    return [f"{each['start'][8:16]} {each['title']}" for each in answered.json()["events"]]


def test_the_feed_is_of_the_days_the_door_the_site_and_the_person_that_are_asked_for(
    browser: FormBrowser, api: httpx.Client, world: World
) -> None:
    front, back, far = world.channel_ids
    bob = world.person("Bôb", "100%")
    reserve(api, world.person_id, f"{DAY}T10:00", f"{DAY}T12:00", front, far)
    reserve(api, bob, "2026-03-03T00:00", "2026-03-04T00:00", back)
    reserve(api, bob, "2026-03-09T00:00", "2026-03-09T01:00", back)
    ada, bob_s = "02T10:00 Ada Lovelace: Front door, Far door", "03T00:00 Bôb 100%: Back door"
    assert titles(browser) == [ada, bob_s]
    assert titles(browser, f"{DAYS}&channel_id={far}") == [ada]
    assert titles(browser, f"{DAYS}&site_id={world.site_ids[0]}") == [ada, bob_s]
    assert titles(browser, f"{DAYS}&site_id={world.site_ids[1]}") == [ada]
    assert titles(browser, f"{DAYS}&person=BOB") == [bob_s]
    assert titles(browser, f"{DAYS}&person=%25") == [bob_s], "a percent sign is one"
    assert titles(browser, f"{DAYS}&person_id={world.person_id}") == [ada]
    assert titles(browser, "start=2026-03-04&end=2026-03-09") == [], "it has ended at midnight"


def test_what_is_over_stays_in_the_calendar_and_what_was_withdrawn_does_not(
    browser: FormBrowser, api: httpx.Client, world: World, clock: FixedClock
) -> None:
    front = world.channel_ids[0]
    ended = reserve(api, world.person_id, f"{DAY}T09:00", f"{DAY}T09:30", front)
    withdrawn = reserve(api, world.person_id, f"{DAY}T11:00", f"{DAY}T12:00", front)
    reserve(api, world.person("Bob", "Gone"), f"{DAY}T13:00", f"{DAY}T14:00", front)
    api.delete(f"/api/3/reservations/{withdrawn}")
    assert titles(browser) == ["02T09:00 Ada Lovelace: Front door", "02T13:00 Bob Gone: Front door"]
    clock.advance(3_600_000)
    found = browser.get(f"/console/reservations/feed?{DAYS}").json()["events"]
    assert "calendar-over" in found[0]["classNames"]
    page = browser.get(f"/console/reservations/{ended}")
    assert page.status_code == 200
    assert "It went when the reservation was over" in page.text
    assert browser.get(f"/console/reservations/{withdrawn}").status_code == 404
    gone = next(each["id"] for each in api.get("/api/3/people").json() if each["last_name"] == "Gone")
    write(world, delete_person, gone)
    assert titles(browser) == ["02T09:00 Ada Lovelace: Front door"], "theirs ended with them, before it began"


def test_times_are_by_the_accounts_clock_also_where_it_changes(
    browser: FormBrowser, api: httpx.Client, world: World
) -> None:
    front = world.channel_ids[0]
    number = reserve(api, world.person_id, "2026-03-29T00:30", "2026-03-29T03:00", front)
    reserve(api, world.person_id, "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", front)  # 01:45 and then 01:15
    spring = browser.get("/console/reservations/feed?start=2026-03-29&end=2026-03-30").json()["events"]
    assert [(each["start"], each["end"]) for each in spring] == [
        ("2026-03-29T00:30:00", "2026-03-29T03:00:00"),
        ("2026-03-29T01:00:00", "2026-03-29T02:00:00"),
    ]
    assert (spring[0]["when"], spring[1]["title"]) == ("00:30 to 03:00", "Skipped: the clock goes on")
    autumn = browser.get("/console/reservations/feed?start=2026-10-25&end=2026-10-26").json()["events"]
    assert autumn[0]["when"] == "01:45 to 01:15"
    assert (autumn[0]["start"], autumn[0]["end"]) == ("2026-10-25T01:45:00", "2026-10-25T02:00:00"), (
        "drawn all the same"
    )
    token = browser.token("/console/reservations/new")
    skipped = {"person_id": world.person_id, "channel_ids": front, "start_time": "2026-03-29T01:30"}
    form = {"csrf_token": token, **{name: str(value) for name, value in skipped.items()}}
    refused = browser.http.post("/console/reservations/new", data={**form, "end_time": "2026-03-29T03:30"})
    assert refused.status_code == 422
    assert "Does not exist in europe/london: the clock skips it".casefold() in refused.text.casefold()
    shown = api.get("/api/3/reservations").json()[0]
    assert shown["id"] == number
    assert datetime.fromisoformat(shown["end_time"]) == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def test_group_reservations_are_shown_to_whom_the_api_shows_them(
    served: Served, browser: FormBrowser, api: httpx.Client, world: World
) -> None:
    front, _, far = world.channel_ids
    made = {}
    for name, channel_id in (("North", front), ("South", far)):
        role = api.post("/api/3/roles", json={"name": name, "channel_ids": [channel_id]}).json()["id"]
        made[name] = api.post("/api/3/groups", json={"name": name, "role_ids": [role]}).json()["id"]
    for group_id in made.values():
        body = {"person_id": world.person_id, "group_ids": [group_id], "start_time": DAY, "end_time": "2026-03-05"}
        assert api.post("/api/3/group_reservations", json=body).status_code == 201
    north, south = ("02 Ada Lovelace: North", "02 Ada Lovelace: South")
    assert titles(browser) == [north, south]
    assert titles(browser, f"{DAYS}&channel_id={far}") == [south]
    assert titles(browser, f"{DAYS}&site_id={world.site_ids[0]}") == [north]
    limited = signed_in(served, world, world.user("operator", site_ids=world.site_ids[:1])[0])
    assert titles(limited) == [north]
    numbers = [each["id"] for each in api.get("/api/3/group_reservations").json()]
    assert [limited.get(f"/console/reservations/groups/{number}").status_code for number in numbers] == [200, 404]
    listed = limited.get("/console/reservations/groups").text
    assert (f"groups/{numbers[0]}" in listed, f"groups/{numbers[1]}" in listed) == (True, False)
    api.delete(f"/api/3/group_reservations/{numbers[1]}")
    ended = browser.get(f"/console/reservations/feed?{DAYS}").json()["events"][1]
    assert ended["title"] == "Ada Lovelace: South"
    assert "calendar-over" in ended["classNames"]


def test_the_form_leads_back_to_our_own_pages_only(browser: FormBrowser, world: World) -> None:
    for kind in ("new", "groups/new"):
        for target in ("javascript:alert(1)", "https://elsewhere.example/", "//elsewhere.example/"):
            shown = browser.http.get(f"/console/reservations/{kind}", params={"next": target})
            assert shown.status_code == 200
            assert target not in shown.text
    fields = {"person_id": str(world.person_id), "channel_ids": str(world.channel_ids[0]), "next": "//elsewhere"}
    times = {"start_time": f"{DAY}T10:00", "end_time": f"{DAY}T11:00"}
    answered = browser.post("/console/reservations/new", "/console/reservations/new", **fields, **times)
    assert answered.headers["location"].startswith("/console/reservations/")
