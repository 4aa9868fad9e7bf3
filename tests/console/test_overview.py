"""The overview in the console; and what concerns many doors at once: lockdown, controllers, areas."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.console import BERLIN, BRISTOL, Console, Who
from tests.support.link_client import Controller


def make(console: Console, path: str, body: dict[str, Any]) -> int:
    with console.api() as api:
        made = api.post(f"/api/3/{path}", json=body)
        assert made.status_code == 201, made.text
    return int(made.json()["id"])


def sites(console: Console) -> dict[str, int]:
    with console.api() as api:
        return {site["name"]: site["id"] for site in api.get("/api/3/sites").json()}


def make_site(console: Console, name: str, *doors: str) -> int:
    """A site of the test's own: nothing that other tests do is at its doors."""
    site = make(console, "sites", {"name": name})
    for door in doors:
        make(console, "channels", {"name": door, "site_id": site})
    return site


@contextmanager
def watching(console: Console, path: str, user: str = "owner") -> Iterator[Page]:
    """A page that hears what happens."""
    with console.page(user) as page:
        with page.expect_response("**/console/live"):
            page.goto(path)
        yield page


def test_what_happens_is_on_the_overview_at_once_and_leads_on(console: Console) -> None:
    visitor = console.made["people"][0]
    door = console.ids("channels")["Front door"]
    with watching(console, "/console") as page:
        console.installation.json("door", "present", door, "--card", visitor["card"])
        newest = page.locator("#overview-feed li").first
        expect(newest).to_contain_text(f"Denied {visitor['name']} rejected, not authorized at Front door")
        expect(newest.get_by_role("link", name=visitor["name"])).to_have_attribute(
            "href", f"/console/people/{visitor['id']}"
        )
        newest.get_by_role("link", name="Front door").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Front door")


def test_an_alarm_stands_on_top_until_somebody_sees_to_it(console: Console) -> None:
    site = make_site(console, "Alarm house", "Alarm door")
    with console.api() as api:
        door = next(each["id"] for each in api.get(f"/api/3/channels?site_id={site}").json())
    with watching(console, f"/console?site={site}", "operator") as page:
        expect(page.locator("#overview-alarms")).to_be_hidden()
        console.installation.json("door", "open", door)
        alarms = page.locator("#overview-alarms")
        expect(alarms).to_contain_text("Forced open Alarm door")
        alarms.get_by_role("button", name="Acknowledge Forced open, Alarm door").focus()
        page.keyboard.press("Enter")
        expect(alarms).to_be_hidden()
        expect(page.get_by_text("The alarm was acknowledged.")).to_be_visible()
    with console.api() as api:
        found = [alarm for alarm in api.get("/api/3/alarms").json() if alarm["channel_id"] == door]
        assert [alarm["state"] for alarm in found] == ["acknowledged"]


def test_the_chosen_site_narrows_the_overview(console: Console) -> None:
    with console.page() as page:
        page.goto("/console")
        page.locator(".site-picker summary").click()
        page.get_by_role("button", name=BERLIN).click()
        expect(page.get_by_role("heading", name=BERLIN)).to_be_visible()
        expect(page.get_by_role("heading", name=BRISTOL)).to_have_count(0)
        expect(page.locator("#today-title")).to_be_visible()
        expect(page.locator(".chart-today svg")).to_be_visible()


def test_a_viewer_sees_the_overview_and_acknowledges_nothing(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto("/console")
        expect(page.get_by_role("link", name="Front door").first).to_be_visible()
        expect(page.locator("main").get_by_role("button")).to_have_count(0)
        expect(page.get_by_role("link", name="Lockdown")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for path in ("/console/overview/alarms/1", "/console/lockdown", "/console/lockdown/lift"):
            assert page.request.post(path, form={"csrf_token": token, "where": "all"}).status == 403


def test_an_account_without_doors_is_led_to_its_first(console: Console) -> None:
    account = console.installation.json("account", "create", "Empty house", "--time-zone", "Europe/Paris")
    made = console.installation.json(
        "user", "create", "first@empty.example", "--role", "owner", "--account", account["public_id"]
    )
    console.sign_in("first", Who("first@empty.example", made["password"], "owner"))
    with console.page("first") as page:
        page.goto("/console")
        page.wait_for_url("**/console/start")


def test_a_site_is_locked_down_each_door_follows_and_it_is_lifted(console: Console) -> None:
    site = make_site(console, "Fortress", "North gate", "South gate")
    with console.page("operator") as page:
        page.goto("/console/lockdown")
        page.get_by_role("link", name="Fortress").click()
        expect(page.locator("#progress")).to_contain_text("No door is locked down")
        page.get_by_role("button", name="Lock down Fortress").click()
        dialog = page.get_by_role("dialog", name="Lock down 2 doors of Fortress?")
        expect(dialog).to_contain_text("Leaving stays possible")
        dialog.get_by_role("button", name="Lock down 2 doors").click()
        expect(page.locator("#progress")).to_contain_text("All 2 doors are locked down")
        expect(page.locator("#progress")).to_contain_text("Every door has confirmed it")
        expect(page.get_by_role("row").filter(has_text="North gate")).to_contain_text("Locked down Confirmed")
        with console.api() as api:
            standing = api.get(f"/api/3/sites/{site}/lockdown").json()
            assert (standing["total"], standing["locked_down"], standing["confirmed"]) == (2, 2, 2)
        page.get_by_role("button", name="Lift the lockdown").click()
        page.get_by_role("dialog").get_by_role("button", name="Lift the lockdown").click()
        expect(page.locator("#progress")).to_contain_text("No door is locked down")
        expect(page.locator("#progress")).to_contain_text("Every door has confirmed it")


def test_a_door_that_cannot_be_told_of_a_lockdown_is_named(console: Console) -> None:
    site = make_site(console, "Half a fortress", "Reached gate")
    make(console, "channels", {"name": "Lost gate", "site_id": site, "driver": "osdp"})
    with console.page("operator") as page:
        page.goto(f"/console/lockdown?where={site}")
        page.get_by_role("button", name="Lock down Half a fortress").click()
        page.get_by_role("dialog").get_by_role("button", name="Lock down 2 doors").click()
        expect(page.locator("#progress")).to_contain_text("1 of 2 doors has confirmed what is set")
        expect(page.locator("#progress")).to_contain_text("1 door is offline and cannot be told")
        expect(page.get_by_role("row").nth(1)).to_contain_text("Lost gate Locked down Offline never heard")


def test_whoever_is_limited_to_a_site_does_not_lock_the_account_down(console: Console) -> None:
    with console.page("limited") as page:
        page.goto("/console/lockdown")
        expect(page.get_by_role("button", name=f"Lock down {BRISTOL}")).to_be_visible()
        expect(page.get_by_text("All sites")).to_have_count(0)
        expect(page.get_by_text(BERLIN)).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        berlin = str(sites(console)[BERLIN])
        for where, status in (("all", 403), (berlin, 404)):
            answer = page.request.post("/console/lockdown", form={"csrf_token": token, "where": where})
            assert answer.status == status
            assert page.request.get(f"/console/lockdown?where={where}").status == status


def test_a_controller_enrols_with_a_code_that_is_shown_once_and_is_removed(console: Console) -> None:
    site = sites(console)[BRISTOL]
    door = make(console, "channels", {"name": "Wired door", "site_id": site, "driver": "osdp"})
    with console.page("admin") as page:
        page.goto(f"/console/doors/{door}")
        page.get_by_role("link", name="enrol one").click()
        expect(page.get_by_label("Wired door")).to_be_checked()
        page.get_by_role("button", name="Make the code").click()
        code = page.locator(".secret output").inner_text()
        expect(page.locator(".command")).to_contain_text(f"--code {code}")
        expect(page.get_by_text("Good once, until")).to_be_visible()
        page.get_by_role("link", name="Done").click()
        expect(page.get_by_text(code)).to_have_count(0)

        Controller.enrol(console.base_url, code, "Cellar box").close()
        page.goto("/console/controllers")
        row = page.get_by_role("row").filter(has_text="Cellar box")
        expect(row).to_contain_text("Lost")
        expect(row.get_by_role("link", name="Wired door")).to_be_visible()
        row.get_by_role("link", name="Cellar box").click()
        page.get_by_label("Name").fill("Attic box")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Attic box")
        page.get_by_role("button", name="Remove", exact=True).click()
        page.get_by_role("button", name="Remove Attic box").click()
        expect(page.get_by_text("Attic box was removed")).to_be_visible()
    with console.api() as api:
        assert api.get(f"/api/3/channels/{door}/settings").json()["controller_id"] is None


def test_an_operator_makes_no_codes(console: Console) -> None:
    with console.page("operator") as page:
        page.goto("/console/controllers")
        expect(page.get_by_role("link", name="Enrol a controller")).to_have_count(0)
        assert page.request.get("/console/controllers/code").status == 403


def test_areas_tell_who_is_in_and_are_forgiven(console: Console) -> None:
    site = make_site(console, "Counted house")
    with console.page() as page:
        page.goto(f"/console/sites/{site}/areas")
        page.get_by_label("Name of a new area").fill("Hall")
        page.get_by_role("button", name="Add the area").click()
        expect(page.get_by_role("heading", name="Hall")).to_be_visible()
        door = make(console, "channels", {"name": "Hall door", "site_id": site})
        page.goto(f"/console/doors/{door}/settings")
        page.get_by_label("Leads to").select_option("Counted house: Hall")
        page.get_by_label("Whoever is in already").select_option("Refuse whoever has passed already")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("from outside to Hall")).to_be_visible()

        person = console.made["people"][1]
        make(console, "roles", {"name": "Hall", "channel_ids": [door]})
        with console.api() as api:
            role = next(each["id"] for each in api.get("/api/3/roles").json() if each["name"] == "Hall")
            assert api.put(f"/api/3/people/{person['id']}", json={"role_ids": [role]}).is_success
        for expected in (True, False):
            shown = console.installation.json("door", "present", door, "--card", person["card"])
            assert shown["admitted"] is expected, shown
        page.goto(f"/console/sites/{site}/areas")
        expect(page.locator("section").filter(has_text="Hall door")).to_contain_text("1 person is in")
        expect(page.get_by_role("link", name=person["name"])).to_be_visible()
        page.get_by_role("button", name="Delete Hall").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete Hall").click()
        expect(page.get_by_role("alert")).to_contain_text("A door leads from or to this area")
        page.get_by_role("button", name="Forgive everybody").click()
        page.get_by_role("dialog").get_by_role("button", name="Forgive everybody").click()
        expect(page.get_by_text("1 may pass again")).to_be_visible()
