"""Credentials in the console: issued, read at a door, changed, taken away."""

import re

import httpx
from playwright.sync_api import expect

from tests.support.console import Console


def _add(console: Console, first_name: str, last_name: str, **more: object) -> int:
    with console.api() as api:
        made = api.post("/api/3/people", json={"first_name": first_name, "last_name": last_name, **more})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])


def _person(api: httpx.Client, person_id: int) -> dict[str, object]:
    return dict(api.get(f"/api/3/people/{person_id}").json())


def test_a_card_is_issued_changed_and_taken_away(console: Console) -> None:
    person = _add(console, "Cara", "Card")
    with console.page() as page, console.api() as api:
        page.goto(f"/console/people/{person}")
        page.get_by_role("link", name="Issue a card").first.click()
        page.get_by_label("Number", exact=True).fill("not a number")
        page.get_by_role("button", name="Issue it").click()
        expect(page.get_by_role("alert")).to_contain_text("must be a card number")
        page.get_by_label("Number", exact=True).fill("770001")
        page.get_by_role("button", name="Issue it").click()
        credentials = page.get_by_role("region", name="Credentials")
        expect(credentials).to_contain_text("770001")
        assert _person(api, person)["card_number"] == "770001"
        page.get_by_role("link", name="Change Card number").click()
        page.get_by_label("Number", exact=True).fill("770002")
        page.get_by_role("button", name="Save").click()
        expect(credentials).to_contain_text("770002")
        page.get_by_role("link", name="Change Card number").click()
        page.get_by_role("button", name="Take it away").click()
        page.get_by_role("button", name="Take away Card number").click()
        expect(page.get_by_role("status").first).to_contain_text("Card number was taken away.")
        assert _person(api, person)["card_number"] is None


def test_a_pin_made_at_random_is_shown_once(console: Console) -> None:
    person = _add(console, "Pia", "Pin")
    with console.page() as page, console.api() as api:
        page.goto(f"/console/people/{person}/credentials/new")
        reading = page.get_by_role("heading", name="Or read the card at a door")
        expect(reading).to_be_visible()
        page.get_by_label("What", exact=True).select_option(label="PIN")
        expect(reading).to_be_hidden()
        page.get_by_label("Make a PIN at random").check()
        page.get_by_role("button", name="Issue it").click()
        shown = page.locator("[data-pin]").inner_text()
        assert shown == _person(api, person)["pin"]
        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_role("region", name="Credentials")).to_contain_text("••••••")
        assert shown not in page.locator("main").inner_text()
        page.get_by_role("link", name="Change PIN").click()
        page.get_by_role("button", name="Make a new PIN at random").click()
        assert page.locator("[data-pin]").inner_text() == _person(api, person)["pin"] != shown


def test_a_card_that_is_held_to_a_reader_fills_in_its_number(console: Console) -> None:
    person = _add(console, "Rita", "Reader")
    known = _add(console, "Ken", "Known", card_number="770010")
    front = console.ids("channels")["Front door"]
    console.installation.json("door", "present", front, "--card", "770011")  # before it began: does not count
    with console.page() as page, console.api() as api:
        page.goto(f"/console/people/{person}/credentials/new")
        page.get_by_label("Door", exact=True).select_option(label="Front door")
        page.get_by_role("button", name="Start reading").click()
        reading = page.locator("#reading")
        expect(reading).to_contain_text("Hold the card to the reader of Front door.")
        console.installation.json("door", "present", front, "--card", "770010")
        expect(reading).to_contain_text("is Ken Known already")
        console.installation.json("door", "present", front, "--card", "770012")
        expect(reading).to_contain_text("Card 770012 was read")
        expect(page.get_by_label("Number", exact=True)).to_have_value("770012")
        page.get_by_role("button", name="Issue it").click()
        expect(page.get_by_role("region", name="Credentials")).to_contain_text("770012")
        assert _person(api, person)["card_number"] == "770012"
        assert _person(api, known)["card_number"] == "770010"


def test_a_card_is_read_without_scripts_too_and_only_for_a_minute(console: Console) -> None:
    person = _add(console, "Paul", "Plain")
    front = console.ids("channels")["Front door"]
    with console.page() as page:
        page.goto("/console/sites")
    with console.page(java_script_enabled=False) as page:
        page.goto(f"/console/people/{person}/credentials/read?door={front}")
        console.installation.json("door", "present", front, "--card", "770020")
        page.get_by_role("link", name="Look").click()
        page.get_by_role("link", name="Issue this card").click()
        expect(page.get_by_label("Number", exact=True)).to_have_value("770020")
        page.goto(f"/console/people/{person}/credentials/read?door={front}&after=0&until=1")
        expect(page.get_by_text(re.compile("was read at Front door"))).to_be_visible()
        page.goto(f"/console/people/{person}/credentials/read?door={front}&after=99999999&until=1")
        expect(page.get_by_text("No new card was read within a minute.")).to_be_visible()
