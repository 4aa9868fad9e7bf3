"""Holidays in the console."""

from playwright.sync_api import expect

from tests.support.axe import violations
from tests.support.console import BERLIN, Console


def test_an_owner_adds_changes_and_deletes_a_holiday(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/holidays/new")
        page.get_by_label("Day").fill("2033-07-01")
        page.get_by_label("Name").fill("Summer party")
        page.get_by_label("Where").select_option(BERLIN)
        page.get_by_role("button", name="Add the holiday").click()
        expect(page.get_by_role("row", name="Summer party")).to_contain_text("Fri 1 Jul 2033")
        page.get_by_role("link", name="Summer party").click()
        page.get_by_label("Day").fill("2033-07-02")
        page.get_by_label("Where").select_option("Every site")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name="Summer party")).to_contain_text("Sat 2 Jul 2033")
        with console.api() as api:
            [found] = api.get("/api/3/holidays?from=2033-07-01&to=2033-07-31").json()
            assert (found["day"], found["site_id"]) == ("2033-07-02", None)
        page.goto("/console/holidays/new")
        page.get_by_label("Day").fill("2033-07-02")
        page.get_by_label("Name").fill("The same day")
        page.get_by_role("button", name="Add the holiday").click()
        expect(page.get_by_role("alert")).to_contain_text("is a holiday there already")
        page.goto("/console/holidays?year=2033")
        page.get_by_role("link", name="Summer party").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Summer party").click()
        expect(page.get_by_role("status").first).to_contain_text("Summer party was deleted.")
        expect(page.get_by_role("heading", name="No holidays in 2033")).to_be_visible()


def test_public_holidays_are_shown_before_they_are_added(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/holidays?year=2034")
        page.get_by_role("link", name="Add public holidays").click()
        page.get_by_label("Country").select_option("Germany")
        page.get_by_label("Part of it").select_option("BE")
        expect(page.get_by_role("row", name="Women's Day")).to_contain_text("added")
        assert violations(page) == []
        page.get_by_role("button", name="Add 10 holidays").click()
        expect(page.get_by_role("status").first).to_contain_text("10 holidays were added.")
        expect(page.get_by_role("row", name="German Unity Day")).to_contain_text("Every site")
        page.goto("/console/holidays/import?country=DE&subdivision=BE&year=2034")
        expect(page.get_by_text("All of them are there already.")).to_be_visible()


def test_a_viewer_is_offered_no_change_and_is_refused_when_forcing_it(console: Console) -> None:
    with console.api() as api:
        holiday = api.post("/api/3/holidays", json={"name": "Kept", "day": "2035-05-05"}).json()["id"]
    for user in ("viewer", "limited"):
        with console.page(user) as page:
            page.goto("/console/holidays?year=2035")
            expect(page.get_by_text("Kept")).to_be_visible()
            expect(page.get_by_role("link", name="Add a holiday")).to_have_count(0)
            assert page.request.get("/console/holidays/import").status == 403
            token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
            for path in (f"{holiday}", f"{holiday}/delete", "new", "import"):
                forced = page.request.post(f"/console/holidays/{path}", form={"csrf_token": token})
                assert forced.status == 403, path
