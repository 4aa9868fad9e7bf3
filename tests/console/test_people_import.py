"""Importing people in the console."""

import re

from playwright.sync_api import FilePayload, Locator, expect

from tests.support.console import Console


def _file(text: str) -> FilePayload:
    return {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}


def _choose(field: Locator, text: str) -> None:
    field.set_input_files(_file(text))


def test_a_file_is_checked_mapped_and_then_imported(console: Console) -> None:
    with console.api() as api:
        known = {"first_name": "Known", "last_name": "Already", "email": "known@import.example"}
        assert api.post("/api/3/people", json=known).status_code == 201
    rows = (
        "Vorname;Surname;E-Mail;Shoe size\nIda;Imported;ida@import.example;38\nKnown;Changed;known@import.example;40\n"
    )
    with console.page() as page:
        page.goto("/console/people/import")
        field = page.get_by_label("File", exact=True)
        _choose(field, rows)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_label("What vorname is")).to_have_value("first_name")
        expect(page.get_by_label("What shoe_size is")).to_have_value("-")
        expect(page.get_by_role("heading", name="1 person would be added, 1 changed")).to_be_visible()
        page.get_by_label("What shoe_size is").select_option(label="Custom 1")
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_label("What shoe_size is")).to_have_value("custom_1")
        page.get_by_role("button", name="Import 2 people").click()
        page.wait_for_url(re.compile(r"/console/people/import/\d+$"))
        expect(page.get_by_role("heading", name="1 person was added, 1 changed")).to_be_visible()
        page.get_by_role("link", name="Show people").click()
        page.get_by_label("Find").fill("ida imported")
        expect(page.get_by_role("link", name="Ida Imported")).to_be_visible()
    with console.api() as api:
        found = api.get("/api/3/people?email=known@import.example").json()
        assert [(each["last_name"], each["custom_1"]) for each in found] == [("Changed", "40")]


def test_what_is_wrong_is_told_by_row_and_nothing_is_written(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/people/import")
        _choose(page.get_by_label("File", exact=True), "first_name,last_name,email\nGood,One,\nBad,,not-an-address\n")
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("heading", name="Nothing would be imported")).to_be_visible()
        wrong = page.get_by_role("region", name="What is wrong").get_by_role("row")
        expect(wrong.filter(has_text="last name")).to_contain_text("3")
        expect(page.get_by_role("button", name=re.compile("^Import"))).to_have_count(0)
        _choose(page.get_by_label("File", exact=True), "shoe,hat\n38,7\n")
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("alert")).to_contain_text("has no column that says anything of a person")


def test_a_file_is_imported_without_scripts(console: Console) -> None:
    rows = "first_name,last_name\nNils,Noscript\n"
    with console.page() as page:
        page.goto("/console/sites")
    with console.page(java_script_enabled=False) as page:
        page.goto("/console/people/import")
        _choose(page.get_by_label("File", exact=True), rows)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_role("cell", name="Noscript")).to_be_visible()
        checked = page.get_by_role("heading", name="1 person would be added")
        address = page.locator(".import-state a[href^='/console/people/import/']").first
        if not checked.is_visible():
            address.click()
        while not checked.is_visible():
            page.reload()
        page.goto("/console/people/import")
        assert "Noscript" not in page.content()
