"""Sites in the console."""

from playwright.sync_api import expect

from tests.support.console import BERLIN, BRISTOL, Console


def test_an_owner_adds_changes_and_deletes_a_site(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/sites")
        page.get_by_role("link", name="Add a site").click()
        page.get_by_label("Name").fill("Annexe")
        page.get_by_label("Time zone").select_option("Europe/Paris")
        page.get_by_role("button", name="Add the site").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Annexe")
        expect(page.get_by_role("status").first).to_contain_text("Annexe was added.")
        page.get_by_label("Addresses of its networks").fill("not an address")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Site ips")
        page.get_by_label("Addresses of its networks").fill("203.0.113.0/24")
        page.get_by_role("button", name="Save").click()
        with console.api() as api:
            found = next(site for site in api.get("/api/3/sites").json() if site["name"] == "Annexe")
            assert (found["time_zone"], [each["ip_address"] for each in found["site_ips"]]) == (
                "Europe/Paris",
                ["203.0.113.0/24"],
            )
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Annexe").click()
        expect(page.get_by_role("status").first).to_contain_text("Annexe was deleted.")
        expect(page.get_by_role("link", name="Annexe")).to_have_count(0)


def test_a_site_with_doors_is_not_deleted_and_the_page_says_why(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/sites")
        page.get_by_role("link", name=BRISTOL).click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name=f"Delete {BRISTOL}").click()
        expect(page.get_by_role("alert")).to_contain_text("has channels")
        expect(page.get_by_label("Name")).to_have_value(BRISTOL)


def test_a_viewer_is_offered_no_change_and_is_refused_when_forcing_it(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto("/console/sites")
        expect(page.get_by_role("link", name="Add a site")).to_have_count(0)
        assert page.request.get("/console/sites/new").status == 403
        page.get_by_role("link", name=BRISTOL).click()
        expect(page.get_by_role("textbox", name="Name")).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        refused = page.request.post("/console/sites/new", form={"csrf_token": token, "name": "Mine"})
        assert refused.status == 403


def test_whoever_is_limited_to_a_site_sees_no_other(console: Console) -> None:
    with console.page("limited") as page:
        page.goto("/console/sites")
        expect(page.get_by_role("link", name=BRISTOL)).to_be_visible()
        expect(page.get_by_text(BERLIN)).to_have_count(0)
