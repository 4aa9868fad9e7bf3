"""Groups in the console."""

from playwright.sync_api import expect

from tests.support.console import Console


def members(console: Console, group: str) -> set[str]:
    with console.api() as api:
        found = api.get(f"/api/3/groups/{console.ids('groups')[group]}/people").json()
        return {f"{person['first_name']} {person['last_name']}" for person in found}


def test_an_owner_adds_a_group_with_roles_changes_and_deletes_it(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/groups")
        page.get_by_role("link", name="Add a group").click()
        page.get_by_label("Name").fill("Potters")
        page.get_by_label("Workshop").check()
        page.get_by_role("button", name="Add the group").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Potters")
        opened = page.get_by_role("region", name="What it can open")
        expect(opened.get_by_role("link", name="Workshop evenings")).to_be_visible()
        page.get_by_label("Cleaning").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Potters was saved.")
        expect(opened.get_by_role("link", name="Goods entrance")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Potters").click()
        expect(page.get_by_role("status").first).to_contain_text("Potters was deleted.")


def test_people_are_found_put_in_and_taken_out_with_the_keyboard_alone(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/groups/{console.ids('groups')['Team']}")
        keys = page.keyboard
        page.get_by_role("link", name="Add people").focus()
        keys.press("Enter")
        expect(page.get_by_label("Name")).to_be_focused()
        keys.type("zoe")
        expect(page.get_by_role("button", name="Add Zoë Müller")).to_be_visible()
        keys.press("Tab")
        keys.press("Tab")
        expect(page.get_by_role("button", name="Add Zoë Müller")).to_be_focused()
        keys.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Zoë Müller is in Team now.")
        assert "Zoë Müller" in members(console, "Team")
        page.get_by_role("link", name="Done").focus()
        keys.press("Enter")
        page.get_by_label("Find in the group").focus()
        keys.type("mül")
        expect(page.get_by_role("link", name="Grace Hopper")).to_have_count(0)
        page.get_by_role("button", name="Take Zoë Müller out of Team").focus()
        keys.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Zoë Müller is no longer in Team.")
        assert members(console, "Team") == {"Grace Hopper", "Katherine Johnson"}


def test_a_large_group_is_shown_page_by_page(console: Console) -> None:
    with console.api() as api:
        body = {"name": "Everybody", "person_ids": [person["id"] for person in console.made["people"]]}
        group = api.post("/api/3/groups", json=body).json()["id"]
    with console.page() as page:
        page.goto(f"/console/groups/{group}")
        expect(page.get_by_text("1 to 25 of 60")).to_be_visible()
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text("26 to 50 of 60")).to_be_visible()


def test_a_viewer_and_an_operator_are_offered_what_they_may_and_refused_the_rest(console: Console) -> None:
    group, person = console.ids("groups")["Hot desks"], console.made["people"][0]["id"]
    with console.page("viewer") as page:
        page.goto(f"/console/groups/{group}")
        expect(page.get_by_role("link", name="Hedy Lamarr")).to_be_visible()
        for name in ("Add people", "Save", "Delete"):
            expect(page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name))).to_have_count(0)
        token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        for path in (f"{group}", f"{group}/delete", f"{group}/members/{person}", "new"):
            refused = page.request.post(f"/console/groups/{path}", form={"csrf_token": token, "name": "Mine"})
            assert refused.status == 403, path
    with console.page("limited") as page:
        # The roles of this group name doors in Berlin, beyond what the operator answers for.
        page.goto(f"/console/groups/{console.ids('groups')['Berlin members']}/add?q=ada")
        page.get_by_role("button", name="Add Ada Lovelace").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("That is not allowed")
        page.goto(f"/console/groups/{group}/add?q=ada")
        page.get_by_role("button", name="Add Ada Lovelace").click()
        expect(page.get_by_role("status").first).to_contain_text("Ada Lovelace is in Hot desks now.")
