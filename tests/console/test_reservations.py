"""Reservations in the console: the calendar, the timeline, and what may be done with them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, expect

from doorward.console.reservations.periods import changes_in
from tests.support.console import Console

LONDON = ZoneInfo("Europe/London")
_NOW = int(datetime.now(LONDON).timestamp() * 1000)
_CHANGES = [each.after.date() for each in changes_in(_NOW + 86_400_000, _NOW + 370 * 86_400_000, LONDON)]
_ON = next(day for day in _CHANGES if day.month == 3)
_BACK = next(day for day in _CHANGES if day.month == 10)
_SOON = datetime.now(LONDON).date() + timedelta(days=9)
_ORDINARY = _SOON + timedelta(days=0 if all(abs((day - _SOON).days) > 6 for day in _CHANGES) else 14)
"""No clock changes in the days about it."""


def drag(page: Page, day: date, start: str, end: str) -> None:
    """Drag over [start, end) of a day: from the slot that begins then to the one that ends then."""
    page.locator(f".fc-timegrid-slot-lane[data-time='{start}:00']").scroll_into_view_if_needed()
    column = page.locator(f".fc-timegrid-col[data-date='{day}']").bounding_box()
    first = page.locator(f".fc-timegrid-slot-lane[data-time='{start}:00']").bounding_box()
    beyond = page.locator(f".fc-timegrid-slot-lane[data-time='{end}:00']").bounding_box()
    assert column is not None
    assert first is not None
    assert beyond is not None
    x = column["x"] + column["width"] / 2
    page.mouse.move(x, first["y"] + 3)
    page.mouse.down()
    page.mouse.move(x, first["y"] + 40, steps=3)
    page.mouse.move(x, beyond["y"] - 5, steps=5)
    page.mouse.up()


def what_counts(reservation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reservation.items() if name not in ("id", "created_at", "updated_at")}


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [(_ORDINARY, "10:00", "12:00"), (_ON, "00:00", "04:00"), (_BACK, "00:30", "03:00")],
    ids=["an ordinary day", "the clock goes on", "the clock goes back"],
)
def test_what_is_dragged_equals_what_the_api_makes(console: Console, day: date, start: str, end: str) -> None:
    door, person = console.ids("channels")["Meeting room Brunel"], console.ids("people")["Ada Lovelace"]
    body = {"person_id": person, "channel_ids": [door], "start_time": f"{day}T{start}", "end_time": f"{day}T{end}"}
    with console.api() as api, console.page() as page:
        by_api = api.post("/api/3/reservations", json=body).json()
        page.goto(f"/console/reservations?view=day&date={day}&channel_id={door}")
        expect(page.locator("a.fc-event", has_text="Ada Lovelace")).to_have_count(1)
        expect(page.locator("[data-clock-changes] p")).to_have_count(0 if day == _ORDINARY else 1)
        # Beside the one that is there.
        api.delete(f"/api/3/reservations/{by_api['id']}")
        page.reload()
        expect(page.locator("a.fc-event")).to_have_count(0)
        drag(page, day, start, end)
        form = page.get_by_role("dialog")
        expect(form.get_by_label("From", exact=True)).to_have_value(f"{day}T{start}")
        expect(form.get_by_label("To", exact=True)).to_have_value(f"{day}T{end}")
        expect(form).to_contain_text("Europe/London")
        form.get_by_label("Find a person by name").fill("lovel")
        form.get_by_role("radio", name="Ada Lovelace").check()
        expect(form.get_by_role("checkbox", name="Meeting room Brunel")).to_be_checked()
        form.get_by_role("button", name="Add the reservation").click()
        expect(page.get_by_role("status").first).to_contain_text("The reservation for Ada Lovelace was added.")
        shown = page.locator("a.fc-event", has_text="Ada Lovelace")
        expect(shown).to_contain_text(f"{start} - {end}")
        dragged = api.get("/api/3/reservations").json()[-1]
        assert what_counts(dragged) == what_counts(by_api)
        shown.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Reservation for Ada Lovelace")
        expect(page.get_by_role("main")).to_contain_text("Lets them in")


def test_whoever_is_chosen_while_others_are_looked_for_stays_chosen(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/reservations/new")
        answers: list[Route] = []

        def hold(route: Route) -> None:
            answers.append(route)

        page.route("**/reservations/people?**", hold)
        search = page.get_by_label("Find a person by name")
        for name in ("lovel", "zzzz"):
            chosen = page.get_by_role("radio", name="Ada Lovelace")
            with page.expect_request("**/reservations/people?**"):
                search.fill(name)
            chosen.check()
            with page.expect_response("**/reservations/people?**"):
                answers.pop().continue_()
            expect(page.locator(".htmx-request")).to_have_count(0)
            expect(chosen).to_be_checked()


def test_the_calendar_keeps_in_its_address_what_is_looked_at(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/reservations?view=week&date={_ORDINARY}&person=ada")
        page.get_by_role("link", name="After").click()
        following = _ORDINARY - timedelta(days=_ORDINARY.weekday()) + timedelta(days=7)
        page.wait_for_url(f"**/reservations?view=week&date={following}&person=ada")
        page.get_by_role("link", name="Month").click()
        page.wait_for_url(f"**/reservations?view=month&date={following}&person=ada")
        expect(page.locator("h2[data-calendar-title]")).to_have_text(f"{following:%B %Y}")
        page.reload()
        expect(page.get_by_role("link", name="Month")).to_have_attribute("aria-current", "page")
        expect(page.get_by_label("Person")).to_have_value("ada")


def test_the_feed_has_an_end(console: Console) -> None:
    with console.page() as page:
        for asked in ("start=2026-01-01&end=2026-12-31", "start=2026-01-02&end=2026-01-01", "start=2026-01-01", ""):
            assert page.request.get(f"/console/reservations/feed?{asked}").status == 400, asked


def test_without_scripts_a_person_is_found_and_gets_a_reservation_that_the_timeline_shows(console: Console) -> None:
    day = _ORDINARY + timedelta(days=1)
    with console.page(java_script_enabled=False) as page:
        page.goto(f"/console/reservations?view=timeline&date={day}")
        page.get_by_role("link", name="Add a reservation").click()
        page.get_by_label("Find a person by name").fill("lamarr")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("radio", name="Hedy Lamarr").check()
        page.get_by_role("button", name="Add the reservation").click()
        expect(page.get_by_role("alert")).to_contain_text("Channel")
        page.get_by_role("checkbox", name="Workshop").check()
        page.get_by_role("button", name="Add the reservation").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Reservation for Hedy Lamarr")
        for by in ("door", "person"):
            page.goto(f"/console/reservations?view=timeline&date={day}&by={by}")
            told = f"Hedy Lamarr, Workshop, {day:%a} {day.day} {day:%b} 09:00 to 17:00"
            expect(page.get_by_role("link", name=told)).to_be_visible()


def test_a_reservation_is_made_and_deleted_with_the_keyboard_alone(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/reservations?view=day&date={_ORDINARY + timedelta(days=2)}")
        page.get_by_role("link", name="Add a reservation").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/new?**")
        page.get_by_label("Find a person by name").focus()
        page.keyboard.type("rosalind")
        expect(page.get_by_role("radio")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.get_by_role("radio", name="Rosalind Franklin")).to_be_checked()
        page.get_by_role("checkbox", name="Studio").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Reservation for Rosalind Franklin")
        page.get_by_role("button", name="Delete", exact=True).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("The reservation for Rosalind Franklin was deleted.")


def test_a_group_reservation_looks_different_and_is_ended(console: Console) -> None:
    today = datetime.now(LONDON)
    start, end = today - timedelta(hours=1), today + timedelta(days=3)
    with console.page() as page:
        page.goto("/console/reservations/groups/new")
        page.get_by_label("Find a person by name").fill("Vera Rubin")
        page.get_by_role("radio", name="Vera Rubin").check()
        page.get_by_label("From", exact=True).fill(f"{start:%Y-%m-%dT%H:%M}")
        page.get_by_label("To", exact=True).fill(f"{end:%Y-%m-%dT%H:%M}")
        page.get_by_role("checkbox", name="Team").check()
        page.get_by_role("button", name="Add the group reservation").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Group reservation for Vera Rubin")
        page.goto("/console/reservations?view=week&person=rubin")
        page.locator("a.fc-event.calendar-group", has_text="Vera Rubin: Team").first.click()
        page.get_by_role("button", name="End now").click()
        page.get_by_role("button", name="End the group reservation for Vera Rubin").click()
        expect(page.get_by_role("main")).to_contain_text("Over")
        expect(page.get_by_role("button", name="End now")).to_have_count(0)


def test_a_viewer_is_offered_no_reservation_and_is_refused_when_forcing_it(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto(f"/console/reservations?view=day&date={_ORDINARY}")
        expect(page.locator(".fc-timegrid")).to_be_visible()
        expect(page.get_by_role("link", name="Add a reservation")).to_have_count(0)
        drag(page, _ORDINARY, "14:00", "16:00")
        expect(page.get_by_role("dialog")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for path in ("new", "groups/new", "1/delete", "groups/1/delete"):
            assert page.request.post(f"/console/reservations/{path}", form={"csrf_token": token}).status == 403, path


def test_whoever_is_limited_to_a_site_sees_the_reservations_there(console: Console) -> None:
    day = _ORDINARY + timedelta(days=3)
    doors, people = console.ids("channels"), console.ids("people")
    times = {"start_time": f"{day}T09:00", "end_time": f"{day}T10:00"}
    bodies = [("Ada Lovelace", ["Studio"]), ("Hedy Lamarr", ["Front door", "Studio"]), ("Alan Turing", ["Front door"])]
    with console.api() as api:
        made = [
            api.post(
                "/api/3/reservations",
                json={**times, "person_id": people[who], "channel_ids": [doors[name] for name in where]},
            ).json()["id"]
            for who, where in bodies
        ]
    with console.page("limited") as page:
        found = page.request.get(f"/console/reservations/feed?start={day}&end={day + timedelta(days=1)}").json()
        assert [each["title"] for each in found["events"]] == ["Hedy Lamarr: Front door", "Alan Turing: Front door"]
        assert page.request.get(f"/console/reservations/{made[0]}").status == 404
        page.goto(f"/console/reservations/{made[1]}")
        expect(page.get_by_text("Studio")).to_have_count(0)
        expect(page.get_by_role("button", name="Delete")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        assert page.request.post(f"/console/reservations/{made[1]}/delete", form={"csrf_token": token}).status == 403
        page.goto(f"/console/reservations/{made[2]}")
        expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()


def test_on_a_telephone_nothing_is_wider_than_the_screen(console: Console) -> None:
    with console.page(width=390) as page:
        for path in ("", "?view=month", "?view=timeline", "?view=timeline&span=week&by=person", "/new", "/groups"):
            page.goto(f"/console/reservations{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
