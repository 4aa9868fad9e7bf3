"""Reports and the audit log in the console."""

import csv

import pytest
from playwright.sync_api import Page, expect

from tests.support.console import BERLIN, BRISTOL, Console

REPORTS = ("Who is in", "Attendance", "Door activity", "Denied", "Unused credentials")


@pytest.fixture(scope="module", autouse=True)
def _a_day(console: Console) -> None:
    """Somebody is let in, somebody is denied at each site; the front door leads to the ground floor."""
    doors = console.ids("channels")
    with console.api() as api:
        site = api.get(f"/api/3/channels/{doors['Front door']}").json()["site_id"]
        area = api.post(f"/api/3/sites/{site}/areas", json={"name": "Ground floor"}).json()["id"]
        api.put(f"/api/3/channels/{doors['Front door']}", json={"area_to_id": area}).raise_for_status()
        admitted = api.post(f"/api/3/channels/{doors['Front door']}/admit", json={"person_id": _person(console)})
        assert admitted.status_code < 300, admitted.text
    for name in ("Front door", "Front door", "Main entrance"):
        console.installation.json("door", "present", doors[name], "--card", "987654321")


def _person(console: Console) -> int:
    return int(console.made["people"][1]["id"])


def _charted(page: Page) -> None:
    expect(page.locator(".chart-ground svg").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_report_is_drawn_and_says_the_same_in_words(console: Console, scheme: str) -> None:
    with console.page(dark=scheme == "dark") as page:
        page.goto("/console/reports/denied")
        _charted(page)
        figures = page.locator(".figures")
        expect(figures).to_contain_text("3 times denied")
        expect(page.locator("tbody tr").first).to_contain_text("Front door")
        expect(page.locator("tbody tr").first).to_contain_text("Unknown card")
        page.goto("/console/reports/door-activity")
        _charted(page)
        expect(page.locator(".figures")).to_contain_text("3 denied")
        page.get_by_text("The same as a table").click()
        expect(page.get_by_role("region", name="The week by hour as a table")).to_be_visible()
        for path in ("unused-credentials?days=1", "muster", "attendance"):
            page.goto(f"/console/reports/{path}")
            expect(page.locator("h1")).to_have_count(1)
        # Colours follow the page while it is looked at.
        page.goto("/console/reports/denied")
        _charted(page)
        bar = page.locator(".chart-ground svg path[fill^='rgba'], .chart-ground svg path[fill^='rgb']").first
        before = bar.get_attribute("fill")
        page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
        expect(bar).not_to_have_attribute("fill", before or "")


def test_a_report_is_narrowed_in_its_address_and_its_sheet_has_the_same(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/reports")
        for name in REPORTS:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        page.get_by_role("link", name="Denied", exact=True).click()
        page.get_by_label("Door", exact=True).select_option("Main entrance")
        expect(page.locator(".figures")).to_contain_text("1 time denied")
        expect(page.locator("tbody").get_by_text("Front door")).to_have_count(0)
        page.reload()
        expect(page.locator(".figures")).to_contain_text("1 time denied")
        with page.expect_download() as saved:
            page.get_by_role("link", name="CSV").click()
        sheet = list(csv.DictReader(saved.value.path().read_text().splitlines()))
        assert [(row["channel_name"], row["count"]) for row in sheet] == [("Main entrance", "1")]
        page.get_by_label("To", exact=True).fill("2020-01-01")
        expect(page.get_by_label("To", exact=True)).to_be_visible()
        page.goto("/console/reports/denied?from=2026-03-02&to=2026-03-01")
        expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")


def test_a_report_is_printed_without_what_is_only_for_the_screen(console: Console) -> None:
    with console.page(dark=True) as page:
        page.goto("/console/reports/door-activity")
        _charted(page)
        page.evaluate("window.print = () => { document.body.dataset.printed = 'yes'; }")
        page.get_by_role("button", name="Print").click()
        expect(page.locator("body[data-printed=yes]")).to_have_count(1)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        expect(page.get_by_role("heading", name="Door activity")).to_be_visible()
        expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
        expect(page.get_by_role("button", name="Print")).to_be_hidden()
        assert page.locator("html").get_attribute("data-bs-theme") == "light"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_who_is_limited_to_a_site_has_reports_of_it_alone(console: Console) -> None:
    with console.page("limited") as page:
        page.goto("/console/reports")
        expect(page.get_by_role("link", name="Unused credentials")).to_have_count(0)
        assert page.request.get("/console/reports/unused-credentials").status == 403
        assert page.request.get("/console/reports/unused-credentials/sheet").status == 403
        page.goto("/console/reports/denied?site=all")
        expect(page.locator("tbody").get_by_text("Front door").first).to_be_visible()
        expect(page.get_by_text("Main entrance")).to_have_count(0)
        for report in ("attendance", "muster", "door-activity", "denied"):
            sheet = page.request.get(f"/console/reports/{report}/sheet")
            assert sheet.status == 200, report
            assert BERLIN not in sheet.text(), report


def test_the_audit_log_shows_before_and_after_of_what_has_changed_alone(console: Console) -> None:
    person = _person(console)
    with console.api() as api:
        api.put(f"/api/3/people/{person}", json={"person": {"job_title": "Harbour master"}}).raise_for_status()
        api.put(f"/api/3/people/{person}", json={"person": {"job_title": "Lighthouse keeper"}}).raise_for_status()
    with console.page() as page:
        page.goto("/console/audit")
        page.get_by_label("To what").select_option("Person")
        page.get_by_label("Did what").select_option("Changed")
        page.wait_for_url("**action=update*")
        page.reload()
        page.locator("tbody a").first.click()
        row = page.locator(".diff tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("Job title")
        expect(row.locator("del")).to_have_text("Harbour master")
        expect(row.locator("ins")).to_have_text("Lighthouse keeper")
        expect(page.get_by_role("link", name="The person")).to_have_attribute("href", f"/console/people/{person}")


def test_the_audit_log_is_for_nobody_who_may_not_know_of_the_whole_account(console: Console) -> None:
    for user in ("operator", "limited"):
        with console.page(user) as page:
            page.goto("/console/sites")
            expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
            assert page.request.get("/console/audit").status == 403, user
            assert page.request.get("/console/audit/1").status == 403, user
            assert BRISTOL in page.content()
