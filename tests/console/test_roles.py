"""Roles in the console, and the matrix of roles and doors."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.axe import violations
from tests.support.console import BRISTOL, Console, Who


def role(console: Console, name: str) -> dict[str, Any]:
    """A role as the API has it."""
    with console.api() as api:
        [found] = [each["id"] for each in api.get("/api/3/roles").json() if each["name"] == name]
        detail: dict[str, Any] = api.get(f"/api/3/roles/{found}").json()
        return detail


def make(console: Console, name: str, *doors: str) -> int:
    """A new role."""
    with console.api() as api:
        body = {"name": name, "channel_ids": [console.ids("channels")[door] for door in doors]}
        return int(api.post("/api/3/roles", json=body).json()["id"])


def cell(page: Page, role_name: str, door: str) -> Any:
    return page.get_by_role("row", name=role_name).get_by_role("checkbox", name=door)


def test_an_owner_adds_a_role_changes_and_deletes_it(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/roles")
        page.get_by_role("link", name="Add a role").click()
        page.get_by_label("Name").fill("Kiln")
        page.get_by_label("When").select_option("Office hours")
        page.get_by_role("group", name="Doors").get_by_label("Workshop").check()
        page.get_by_role("group", name="Groups").get_by_label("Hot desks").check()
        page.get_by_role("button", name="Add the role").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Kiln")
        expect(page.get_by_role("region", name="Who has it")).to_contain_text("Hot desks")
        found, doors = role(console, "Kiln"), console.ids("channels")
        assert found["channel_ids"] == [doors["Workshop"]]
        assert found["group_ids"] == [console.ids("groups")["Hot desks"]]
        page.get_by_label("Name").fill("Cleaning")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("is already in use")
        page.get_by_label("Name").fill("Kilns")
        page.get_by_label("When").select_option("At any time")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Kilns was saved.")
        assert role(console, "Kilns")["shift_id"] is None
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Kilns").click()
        expect(page.get_by_role("status").first).to_contain_text("Kilns was deleted.")


def test_a_click_in_the_matrix_lets_a_role_open_a_door_and_another_undoes_it(console: Console) -> None:
    make(console, "Clicked", "Studio")
    doors = console.ids("channels")
    with console.page() as page:
        page.goto("/console/roles?view=matrix")
        assert violations(page) == []
        cell(page, "Clicked", "Front door").check()
        expect(page.locator(".toast-line")).to_have_text("Clicked opens Front door now.")
        assert role(console, "Clicked")["channel_ids"] == sorted([doors["Studio"], doors["Front door"]])
        cell(page, "Clicked", "Front door").uncheck()
        expect(page.locator(".toast-line").last).to_have_text("Clicked no longer opens Front door.")
        assert role(console, "Clicked")["channel_ids"] == [doors["Studio"]]


def test_the_matrix_is_gone_through_and_changed_with_keys(console: Console) -> None:
    make(console, "Aaa by keys", "Studio")
    with console.page() as page:
        page.goto("/console/roles?view=matrix")
        keys = page.keyboard
        page.get_by_role("region", name="Roles and doors").get_by_role("checkbox").first.focus()
        expect(cell(page, "Aaa by keys", "Main entrance")).to_be_focused()
        for _ in range(4):
            keys.press("ArrowRight")
        keys.press("Space")
        expect(page.locator(".toast-line")).to_have_text("Aaa by keys opens Goods entrance now.")
        keys.press("ArrowDown")
        expect(cell(page, "Berlin in office hours", "Goods entrance")).to_be_focused()
        # One stop for the Tab key, whatever the number of boxes.
        assert page.locator("[data-matrix] tbody input[tabindex='0']").count() == 1


def test_a_change_that_is_refused_leaves_the_box_as_it_was_and_says_why(console: Console) -> None:
    gone = make(console, "Gone meanwhile", "Studio")
    with console.page() as page:
        page.goto("/console/roles?view=matrix")
        with console.api() as api:
            api.delete(f"/api/3/roles/{gone}")
        cell(page, "Gone meanwhile", "Front door").click()
        expect(page.locator(".toast-line.is-bad")).to_contain_text("not found")
        expect(cell(page, "Gone meanwhile", "Front door")).not_to_be_checked()


def test_whoever_answers_for_a_site_changes_only_what_is_there(console: Console) -> None:
    email = "caretaker@harbour.example"
    if "caretaker" not in console.users:
        with console.api() as api:
            site = next(each["id"] for each in api.get("/api/3/sites").json() if each["name"] == BRISTOL)
        made = console.installation.json(
            "user", "create", email, "--role", "admin", "--first-name", "Care", "--site", site
        )
        console.sign_in("caretaker", Who(email, made["password"], "admin"))
    with console.page("caretaker") as page:
        page.goto("/console/roles?view=matrix")
        expect(page.get_by_role("columnheader", name="Studio")).to_have_count(0)
        # This one opens doors in Berlin, too.
        expect(cell(page, "House team", "Workshop")).to_be_disabled()
        expect(cell(page, "Cleaning", "Server room")).to_be_enabled()
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        house, studio = console.ids("roles")["House team"], console.ids("channels")["Studio"]
        cleaning, workshop = console.ids("roles")["Cleaning"], console.ids("channels")["Workshop"]
        for path, status in ((f"{house}/doors/{workshop}", 403), (f"{cleaning}/doors/{studio}", 404)):
            forced = page.request.post(f"/console/roles/{path}", form={"csrf_token": token, "on": "1"})
            assert forced.status == status, path
        page.goto(f"/console/roles/{house}")
        expect(page.get_by_text("not yours to change")).to_be_visible()
        expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_a_viewer_sees_the_matrix_and_can_change_nothing(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto("/console/roles?view=matrix")
        boxes = page.get_by_role("region", name="Roles and doors").get_by_role("checkbox")
        assert boxes.count() > 40
        assert page.locator(".matrix input:enabled").count() == 0
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        workshop, front = console.ids("roles")["Workshop"], console.ids("channels")["Front door"]
        forced = page.request.post(f"/console/roles/{workshop}/doors/{front}", form={"csrf_token": token, "on": "1"})
        assert forced.status == 403


def test_the_matrix_scrolls_within_itself_on_a_phone(console: Console) -> None:
    with console.page(width=390) as page:
        page.goto("/console/roles?view=matrix")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert violations(page) == []
