"""The record of events in the console: live, narrowed down, one by one, and as a file."""

import json
import re

from playwright.sync_api import Page, expect

from tests.support.console import BERLIN, Console

UNKNOWN = "Unknown card rejected"
STRANGE_CARD = "987654321"


def present(console: Console, door: str, card: str = STRANGE_CARD) -> None:
    """Hold a card to a door's reader, which nobody has unless it is said."""
    console.installation.json("door", "present", console.ids("channels")[door], "--card", card)


def own_card(console: Console, place: int = 1) -> tuple[str, str, int]:
    """Somebody's name, card and id."""
    found = [each for each in console.made["people"] if each["card"]][place]
    return str(found["name"]), str(found["card"]), int(found["id"])


def rows(page: Page) -> list[str]:
    return [str(row.get_attribute("id")) for row in page.locator("tbody tr[id]").all()]


def test_what_happens_stands_on_top_at_once_unless_the_reader_has_paused(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/events")
        before = rows(page)
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        present(console, "Server room")
        newest = page.locator("tbody tr[id]").first
        expect(newest).not_to_have_attribute("id", before[0] if before else "")
        expect(newest).to_contain_text("Server room")
        page.get_by_role("button", name="Pause").click()
        shown = rows(page)
        present(console, "Studio")
        expect(page.get_by_role("button", name="Go on, 1 new")).to_be_visible()
        assert rows(page) == shown
        page.get_by_role("button", name="Go on, 1 new").click()
        expect(newest).to_contain_text("Studio")
        assert rows(page)[1:] == shown


def test_an_event_says_why_and_that_it_is_as_it_was_recorded(console: Console) -> None:
    name, _, person_id = own_card(console)
    door = console.ids("channels")["Server room"]
    with console.api() as api:
        assert api.put(f"/api/3/channels/{door}", json={"two_factor": True}).status_code == 200
    try:
        present(console, "Server room", own_card(console)[1])
        with console.page() as page:
            page.goto(f"/console/events?site=all&kind=denied&person_id={person_id}")
            row = page.locator("tbody tr[id]").first
            expect(row.get_by_role("link", name=name, exact=True)).to_have_attribute(
                "href", f"/console/people/{person_id}"
            )
            row.get_by_role("link").first.click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("rejected")
            expect(page.get_by_text("As recorded")).to_be_visible()
            expect(page.locator(".reasons li").first).not_to_be_empty()
            check = page.get_by_role("link", name="What would have been needed").get_attribute("href") or ""
            assert re.fullmatch(rf"/console/access\?person_id={person_id}&channel_id={door}&at=20\S+Z", check), check
    finally:
        with console.api() as api:
            api.put(f"/api/3/channels/{door}", json={"two_factor": False})


def test_filters_stand_in_the_address_and_the_file_has_what_they_let_through(console: Console) -> None:
    name, card, person_id = own_card(console, 2)
    present(console, "Front door", card)
    present(console, "Front door")
    present(console, "Main entrance")
    with console.page() as page:
        page.goto("/console/events")
        page.get_by_label("Door", exact=True).select_option("Front door")
        page.wait_for_url("**channel_id=*")
        page.get_by_role("checkbox", name="Admitted").uncheck()
        page.wait_for_url(lambda address: "kind=admitted" not in address)
        expect(page.locator("tbody").get_by_text("Main entrance")).to_have_count(0)
        page.reload()
        expect(page.get_by_label("Door", exact=True)).to_have_value(str(console.ids("channels")["Front door"]))
        page.get_by_role("checkbox", name="Admitted").check()
        page.get_by_label("Person").fill(name[:-1].upper())
        page.wait_for_url("**name=*")
        expect(page.locator("tbody").get_by_text(UNKNOWN)).to_have_count(0)
        expect(page.locator("tbody tr[id]").first).to_contain_text(name)
        page.reload()
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as saved:
            page.get_by_role("link", name="JSON Lines").click()
        lines = [json.loads(line) for line in saved.value.path().read_text().splitlines()]
        assert {(line["person_id"], line["channel_name"]) for line in lines} == {(person_id, "Front door")}


def test_a_time_that_is_none_is_said_at_its_field(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/events?from=2026-13-45T00:00")
        expect(page.get_by_label("From")).to_have_attribute("aria-invalid", "true")
        page.goto("/console/events?from=2026-03-02T00:00&until=2026-03-01T00:00")
        expect(page.get_by_label("Until")).to_have_attribute("aria-invalid", "true")


def test_who_is_limited_to_a_site_sees_no_event_of_another(console: Console) -> None:
    present(console, "Main entrance")
    with console.api() as api:
        there = api.get("/api/3/event_log", params={"channels": console.ids("channels")["Main entrance"]}).json()
    with console.page("limited") as page:
        page.goto("/console/events?site=all")
        expect(page.get_by_text("Main entrance")).to_have_count(0)
        expect(page.get_by_text(BERLIN)).to_have_count(0)
        assert page.request.get(f"/console/events/{there[0]['id']}").status == 404
        exported = page.request.get("/console/events/export?site=all&format=jsonl")
        assert exported.status == 200
        assert "Main entrance" not in exported.text()


def test_it_is_read_without_scripts_and_fits_a_phone(console: Console) -> None:
    present(console, "Front door")
    with console.page(width=390) as page:
        page.goto("/console/events")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with console.page(java_script_enabled=False) as page:
        page.goto("/console/events?kind=denied")
        page.get_by_label("Door", exact=True).select_option("Front door")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name=UNKNOWN).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(UNKNOWN)
