"""People in the console."""

import re

from playwright.sync_api import Page, expect

from tests.support.console import BRISTOL, Console

MEMBERS = "Residents"


def _add(console: Console, first_name: str, last_name: str, **more: object) -> int:
    with console.api() as api:
        made = api.post("/api/3/people", json={"first_name": first_name, "last_name": last_name, **more})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])


def _person(console: Console, person_id: int) -> dict[str, object]:
    with console.api() as api:
        found = api.get(f"/api/3/people/{person_id}")
        return dict(found.json()) if found.status_code == 200 else {}


def _done(page: Page) -> None:
    expect(page.locator(".htmx-request")).to_have_count(0)


def test_an_owner_adds_somebody_who_can_open_the_doors_of_their_group(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/people")
        page.get_by_role("link", name="Add a person").click()
        page.get_by_label("First name").fill("Nora")
        page.get_by_label("Last name").fill("New")
        page.get_by_label("E-mail").fill("person01@harbour.example")
        page.get_by_label(MEMBERS).check()
        page.get_by_role("button", name="Add the person").click()
        expect(page.get_by_role("alert")).to_contain_text("is already in use")
        expect(page.get_by_label(MEMBERS)).to_be_checked()
        page.get_by_label("E-mail").fill("nora@new.example")
        page.get_by_role("button", name="Add the person").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nora New")
        doors = page.get_by_role("region", name=re.compile(f"Can open 3 doors, through {MEMBERS}"))
        expect(doors.get_by_role("link", name="Front door", exact=True)).to_be_visible()
        expect(doors.get_by_label("Way to Front door")).to_contain_text("Role Bristol round the clock")
        page.get_by_role("link", name="Edit", exact=True).first.click()
        page.get_by_label("Last name").fill("Newer")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nora Newer")
        expect(page.get_by_role("region", name="History")).to_contain_text("changed last name")


def test_the_list_narrows_down_as_one_types_and_keeps_its_filters_in_the_address(console: Console) -> None:
    _add(console, "Quentin", "Quick", email="quentin@found.example", card_number="990011")
    with console.page() as page:
        page.goto("/console/people")
        found = page.locator(".people-table tbody tr")
        page.get_by_label("Find").press_sequentially("quick qu")
        expect(found).to_have_count(1)
        expect(page).to_have_url(re.compile(r"\?q=quick\+qu$|\?q=quick%20qu$"))
        for text in ("@found.ex", "0990011"):
            page.get_by_label("Find").fill(text)
            expect(page.get_by_role("link", name="Quentin Quick")).to_be_visible()
            expect(found).to_have_count(1)
        page.get_by_label("Group", exact=True).select_option(label=MEMBERS)
        expect(page.get_by_role("heading", name="Nobody fits")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Find")).to_have_value("0990011")
        expect(page.get_by_role("heading", name="Nobody fits")).to_be_visible()


def test_what_is_done_to_those_who_are_ticked_is_told_and_what_was_refused_too(console: Console) -> None:
    ids = [_add(console, "Bulky", f"Number {number}") for number in range(3)]
    with console.page() as page:
        page.goto("/console/people?q=bulky")
        expect(page.get_by_role("button", name="Do it")).to_be_hidden()
        page.get_by_label("Tick all on this page").check()
        expect(page.get_by_text("3 ticked")).to_be_visible()
        with console.api() as api:
            assert api.delete(f"/api/3/people/{ids[2]}").status_code == 200
        page.get_by_label("Which group").select_option(label=MEMBERS)
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_role("status").first).to_contain_text(f"2 people were added to {MEMBERS}.")
        expect(page.get_by_role("region", name=f"1 person was not added to {MEMBERS}")).to_contain_text(
            "no such person"
        )
        page.get_by_role("link", name="People", exact=True).last.click()
        expect(page).to_have_url(re.compile("q=bulky"))
        page.get_by_label("Tick all on this page").check()
        page.get_by_label("What to do").select_option("delete")
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Delete 2 people?")
        page.get_by_role("button", name="Delete 2 people").click()
        expect(page.get_by_role("status").first).to_contain_text("2 people were deleted.")
    assert _person(console, ids[0]) == {}


def test_somebody_is_disabled_enabled_and_deleted_by_name(console: Console) -> None:
    person = _add(console, "Dora", "Doubtful", card_number="990021")
    front = console.ids("channels")["Front door"]
    with console.page() as page:
        page.goto(f"/console/people/{person}")
        page.get_by_label("More for Dora Doubtful").click()
        page.get_by_role("button", name="Disable").click()
        page.get_by_role("button", name="Disable Dora Doubtful").click()
        expect(page.get_by_text("Every door refuses Dora.")).to_be_visible()
        console.installation.json("door", "present", front, "--card", "990021")
        # The page hears of it by itself.
        expect(page.get_by_role("region", name="History")).to_contain_text("Dora Doubtful rejected")
        page.get_by_label("More for Dora Doubtful").click()
        page.get_by_role("button", name="Enable").click()
        expect(page.get_by_role("status").first).to_contain_text("Dora Doubtful is enabled.")
        page.get_by_label("More for Dora Doubtful").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete Dora Doubtful").click()
        expect(page.get_by_role("status").first).to_contain_text("Dora Doubtful was deleted.")
    assert _person(console, person) == {}


def test_erasing_somebody_takes_their_name_to_be_typed(console: Console) -> None:
    person = _add(console, "Elsa", "Erasable")
    with console.page() as page:
        page.goto(f"/console/people/{person}")
        page.get_by_label("More for Elsa Erasable").click()
        page.get_by_role("link", name="Erase for data protection").click()
        page.get_by_label("To go on, type the name").fill("Elsa")
        page.get_by_role("button", name="Erase Elsa Erasable").click()
        expect(page.get_by_role("alert")).to_contain_text("must be Elsa Erasable")
        assert _person(console, person)
        page.get_by_label("To go on, type the name").fill("elsa erasable")
        page.get_by_role("button", name="Erase Elsa Erasable").click()
        expect(page.get_by_role("status").first).to_contain_text(f"Person {person} was erased.")
    assert _person(console, person) == {}


def test_a_door_opens_for_somebody_or_says_why_not(console: Console) -> None:
    group = console.ids("groups")[MEMBERS]
    person = _add(console, "Otto", "Outside", group_ids=[group])
    with console.page() as page:
        page.goto(f"/console/people/{person}")
        page.get_by_role("button", name="Open Front door for Otto Outside").click()
        expect(page.locator(".admission")).to_contain_text("Opened")
        page.get_by_role("link", name="Open a door").click()
        page.get_by_label("Find a door").fill("server")
        expect(page.get_by_role("button", name=re.compile("Open"))).to_have_count(1)
        page.get_by_role("button", name=re.compile("Server room")).click()
        expect(page.get_by_role("alert")).to_contain_text("No role of this person names this door.")


def test_a_viewer_reads_about_people_and_changes_nothing(console: Console) -> None:
    person = _add(console, "Vic", "Viewed")
    with console.page("viewer") as page:
        page.goto("/console/people?q=viewed")
        expect(page.get_by_role("link", name="Add a person")).to_have_count(0)
        expect(page.get_by_role("checkbox")).to_have_count(0)
        page.get_by_role("link", name="Vic Viewed").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Vic Viewed")
        for name in ("Open a door", "Issue a card", "Edit"):
            expect(page.get_by_role("link", name=name)).to_have_count(0)
        expect(page.get_by_role("heading", name="Who changed Vic")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for path in ("new", "bulk", f"{person}/edit", f"{person}/disable", f"{person}/delete", f"{person}/erase"):
            refused = page.request.post(f"/console/people/{path}", form={"csrf_token": token})
            assert refused.status == 403, path
        assert page.request.get(f"/console/people/{person}/credentials/new").status == 403
    assert _person(console, person)["enabled"] is True


def test_whoever_is_limited_to_a_site_does_not_decide_who_opens_doors_elsewhere(console: Console) -> None:
    berlin = _add(console, "Bela", "Berliner", group_ids=[console.ids("groups")["Berlin members"]])
    with console.page("limited") as page:
        page.goto(f"/console/people/{berlin}")
        expect(page.get_by_role("region", name="Can open no door")).to_contain_text("of your sites")
        page.get_by_label("More for Bela Berliner").click()
        expect(page.get_by_role("link", name="Erase for data protection")).to_have_count(0)
        page.get_by_role("button", name="Disable").click()
        page.get_by_role("button", name="Disable Bela Berliner").click()
        expect(page.get_by_text("Beyond the sites that you are limited to")).to_be_visible()
        page.goto("/console/people?q=berliner")
        page.get_by_label("Tick Bela Berliner").check()
        page.get_by_label("What to do").select_option("disable")
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_text("Beyond the sites that you are limited to")).to_be_visible()
        page.goto(f"/console/people/{berlin}/admit")
        expect(page.get_by_role("button", name=re.compile("Front door"))).to_contain_text(BRISTOL)
        expect(page.get_by_role("button", name=re.compile("Main entrance"))).to_have_count(0)
    assert _person(console, berlin)["enabled"] is True


def test_a_person_is_found_and_put_in_a_group_with_the_keyboard_alone(console: Console) -> None:
    person = _add(console, "Kim", "Keys")
    with console.page() as page:
        page.goto("/console/people?q=keys")
        page.keyboard.press("/")
        page.keyboard.type("kim ke")
        expect(page.locator("#search-results a").first).to_contain_text("Kim Keys")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Kim Keys")
        edit = page.get_by_role("link", name="Edit", exact=True).first
        while not edit.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        box = page.get_by_label(MEMBERS)
        expect(box).to_be_visible()
        while not box.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Kim Keys")
    assert _person(console, person)["groups"] == [console.ids("groups")[MEMBERS]]


def test_the_list_reads_and_searches_without_scripts_on_a_phone(console: Console) -> None:
    _add(console, "Sine", "Script")
    with console.page(width=390) as page:
        page.goto("/console")
    with console.page(width=390, java_script_enabled=False) as page:
        page.goto("/console/people")
        page.get_by_label("Find").fill("sine scr")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="Sine Script").click()
        page.get_by_role("link", name=re.compile("What Sine did lately")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("History of Sine Script")
