"""The access check in the console: a question in the address, and its answer as steps."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from doorward.db.connect import open_database
from doorward.installation.vault import open_vault
from doorward.kit.clock import SystemClock
from tests.support.axe import violations
from tests.support.browser_user import BrowserUser
from tests.support.console import Console
from tests.support.server import serving
from tests.support.statements import CountingDatabase

MOST_STATEMENTS = 10
A_TUESDAY = "2026-11-24T22:00"


def person(console: Console, name: str) -> int:
    return int(next(each["id"] for each in console.made["people"] if each["name"] == name))


def address(console: Console, name: str, door: str, at: str = "", kind: str = "") -> str:
    who, where = person(console, name), console.ids("channels")[door]
    return f"/console/access?person_id={who}&channel_id={where}&at={at}&kind={kind}"


def step(page: Page, title: str) -> str:
    """How a step went, in words."""
    return page.locator(".chain-step", has=page.get_by_role("heading", name=title)).locator(".chain-state").inner_text()


def test_somebody_is_found_by_name_and_the_answer_has_an_address_of_its_own(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/access")
        page.get_by_label("Door", exact=True).select_option("Front door")
        page.get_by_label("When now, if empty").fill(A_TUESDAY)
        page.get_by_label("Who", exact=True).press_sequentially("hed")
        page.get_by_role("link", name="Hedy Lamarr").click()
        expect(page.get_by_role("heading", level=2).first).to_have_text("No: Hedy Lamarr could not open Front door")
        assert f"person_id={person(console, 'Hedy Lamarr')}&" in page.url
        assert (step(page, "A role that names the door"), step(page, "Its hours")) == ("passed", "not passed")
        expect(page.get_by_role("link", name="Hot desks")).to_be_visible()
        expect(page.get_by_role("heading", name="What would have been needed")).to_be_visible()
        assert violations(page) == []
        # What the page cannot know of then is said, with how much has been changed since.
        expect(page.get_by_role("region", name="What this goes by")).to_contain_text("changes to people, roles, groups")


def test_the_steps_agree_with_the_check_of_the_api(console: Console) -> None:
    with console.api() as api, console.page() as page:
        for name, door in (
            ("Ada Lovelace", "Front door"),
            ("Ada Lovelace", "Studio"),
            ("Josephine Cochrane", "Workshop"),
        ):
            query: dict[str, str | int] = {
                "person_id": person(console, name),
                "channel_id": console.ids("channels")[door],
                "at": A_TUESDAY,
            }
            checked = api.get("/api/3/access_checks", params=query).json()
            page.goto(address(console, name, door, A_TUESDAY))
            yes_or_no = "Yes" if checked["admitted"] else "No"
            expect(page.get_by_role("heading", level=2).first).to_contain_text(f"{yes_or_no}: {name}")
            expect(page.locator(".answer-head p")).to_contain_text(checked["event_label"])


def test_what_they_present_counts_where_the_door_wants_two_factors(console: Console) -> None:
    with console.page() as page:
        page.goto(address(console, "Grace Hopper", "Server room", kind="card"))
        assert (step(page, "Its hours"), step(page, "The second factor")) == ("passed", "not passed")
        page.get_by_label("With", exact=True).select_option("A card, then a PIN")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_role("heading", level=2).first).to_contain_text("Yes: Grace Hopper may open Server room")
        page.goto(address(console, "Grace Hopper", "Server room", kind="apple"))
        assert (step(page, "What they present"), step(page, "The person")) == ("not passed", "not asked")


def test_a_lockdown_is_the_first_step_and_an_unlocked_door_asks_for_nothing_more(console: Console) -> None:
    door = console.ids("channels")["Roof terrace"]
    with console.api() as api, console.page() as page:
        api.put(f"/api/3/channels/{door}", json={"card_lockdown": True})
        page.goto(address(console, "Max Born", "Roof terrace"))
        assert (step(page, "The door decides"), step(page, "The person")) == ("not passed", "not asked")
        expect(page.get_by_text("End the lockdown of the door.")).to_be_visible()
        api.put(f"/api/3/channels/{door}", json={"card_lockdown": False, "mode": "unlock"})
        page.goto(address(console, "Ada Lovelace", "Roof terrace"))
        assert (step(page, "The door decides"), step(page, "The person")) == ("passed", "not asked")
        api.put(f"/api/3/channels/{door}", json={"mode": "normal"})


def test_who_could_open_a_door_is_listed_with_the_reason(console: Console) -> None:
    with console.page() as page:
        page.goto(f"/console/access/who?channel_id={console.ids('channels')['Front door']}&at={A_TUESDAY}")
        expect(page.get_by_role("row", name="Melitta Bentz")).to_contain_text("Could pass")
        denied = page.get_by_role("row", name="Hedy Lamarr")
        expect(denied).to_contain_text("Could not")
        expect(denied).to_contain_text("Office hours, opens")
        assert violations(page) == []
        denied.get_by_role("link", name="Why: Hedy Lamarr").click()
        expect(page.get_by_role("heading", level=2).first).to_have_text("No: Hedy Lamarr could not open Front door")


def test_a_time_that_the_clocks_skip_is_told_at_its_field_and_a_door_elsewhere_is_not_found(console: Console) -> None:
    with console.page("limited") as page:
        page.goto(address(console, "Ada Lovelace", "Front door", "2027-03-28T01:30"))
        expect(page.locator("#f-at-error")).to_contain_text("the clock skips it")
        assert page.request.get(address(console, "Ada Lovelace", "Studio")).status == 404
        page.goto("/console/access/who")
        expect(page.get_by_role("option", name="Front door")).to_have_count(1)
        expect(page.get_by_role("option", name="Studio")).to_have_count(0)


@pytest.fixture(scope="module")
def counted(console: Console) -> Iterator[tuple[httpx.Client, CountingDatabase]]:
    """The same account, served by this process, which counts."""
    data_dir = console.installation.data_dir
    database = open_database(f"sqlite:///{data_dir / 'doorward.db'}")
    counting = CountingDatabase(database)
    try:
        with serving(counting, SystemClock(), open_vault(None, data_dir / "secret.key", database)) as (base_url, _):
            owner = console.users["owner"]
            user = BrowserUser(base_url, owner.email, owner.password)
            assert user.sign_in().status_code == 303
            yield user.http, counting
            user.http.close()
    finally:
        database.close()


def test_an_answer_takes_no_more_statements_than_any_other_page(
    console: Console, counted: tuple[httpx.Client, CountingDatabase]
) -> None:
    http, counting = counted
    with console.api() as api:
        # As much as a door can have to look at: hours that heed holidays, its own and those of the role.
        door = console.ids("channels")["Goods entrance"]
        api.put(f"/api/3/channels/{door}", json={"auto_unlock": console.ids("shifts")["Office hours"]})
    where = console.ids("channels")["Front door"]
    for path in (
        address(console, "Hedy Lamarr", "Front door", A_TUESDAY, "card"),
        address(console, "Ada Lovelace", "Goods entrance", A_TUESDAY, "card"),
        address(console, "Zoë Müller", "Goods entrance", A_TUESDAY, "pin"),
        f"/console/access/who?channel_id={where}&at={A_TUESDAY}&per_page=10&page=2",
        "/console/roles?view=matrix",
    ):
        counting.reset()
        assert http.get(path).status_code == 200, path
        assert counting.number <= MOST_STATEMENTS, (path, counting.number)
