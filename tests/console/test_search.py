"""The search at the top of every page of the console."""

from playwright.sync_api import expect

from tests.support.console import Console


def test_people_doors_cards_groups_and_pages_are_found_and_enter_goes_there(console: Console) -> None:
    with console.api() as api:
        body = {"first_name": "Sigrid", "last_name": "Sought", "card_number": "880011"}
        assert api.post("/api/3/people", json=body).status_code == 201
    with console.page() as page:
        page.goto("/console/sites")
        page.keyboard.press("/")
        page.keyboard.type("front")
        results = page.locator("#search-results")
        expect(results.get_by_role("link", name="Front door")).to_be_visible()
        field = page.get_by_role("searchbox", name="Search people")
        for text, name in (("880011", "880011"), ("residen", "Residents"), ("add a pers", "Add a person")):
            field.fill(text)
            expect(results.get_by_role("link").first).to_contain_text(name)
        field.fill("sought")
        expect(results.get_by_role("link").first).to_contain_text("Sigrid Sought")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sigrid Sought")


def test_nobody_finds_what_they_may_not_see(console: Console) -> None:
    with console.page("limited") as page:
        page.goto("/console/search?q=roof")
        expect(page.get_by_text("Nothing has “roof” in its name.")).to_be_visible()
        page.goto("/console/search?q=front")
        expect(page.locator(".search-found").get_by_role("link", name="Front door")).to_be_visible()
        page.goto("/console/search?q=berlin")
        expect(page.locator(".search-found").get_by_role("link", name="Berlin on long days")).to_have_count(0)
    with console.page("viewer") as page:
        page.goto("/console/search?q=add")
        expect(page.get_by_role("link", name="Add a person")).to_have_count(0)


def test_the_search_is_a_page_without_scripts(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/sites")
    with console.page(java_script_enabled=False) as page:
        page.goto("/console/sites")
        page.get_by_role("searchbox", name="Search people").fill("ada")
        page.keyboard.press("Enter")
        page.locator(".search-found").get_by_role("link", name="Ada Lovelace").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
