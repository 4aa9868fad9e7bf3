"""The first steps, from an account with nothing in it to a door that lets somebody in."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.console import Console
from tests.support.installation import Installation, Server

_MINUTES = 5


class Newcomer:
    """Somebody who counts what they do."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.steps: list[tuple[str, float]] = []

    def did(self, what: str) -> None:
        """Note a step and when it was done."""
        self.steps.append((what, time.monotonic() - self.began))


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console**")


def type_in(page: Page, *texts: str) -> None:
    """Write into one field after the other, and send them."""
    for number, text in enumerate(texts):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


@contextmanager
def looking(browser: Browser, server: Server, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=server.base_url, locale="en-GB", **options)
    said: list[str] = []
    try:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda found: said.append(found.text) if "Content Security Policy" in found.text else None)
        yield page
        assert not said, said
    finally:
        context.close()


def test_a_newcomer_admits_somebody_in_less_than_five_minutes(
    tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    newcomer, installation = Newcomer(), Installation(tmp_path / "data")
    installation.json("account", "create", "Rope Works", "--time-zone", "Europe/London")
    newcomer.did("doorward account create")
    email = "new@ropeworks.example"
    password = installation.json("user", "create", email, "--role", "owner")["password"]
    newcomer.did("doorward user create")
    with installation.serving() as server, looking(browser, server) as page:
        newcomer.did("doorward serve")
        sign_in(page, email, password)
        newcomer.did("sign in")
        page.goto("/console/start")
        # With the keyboard alone: the first field of each step is where one is.
        expect(page.get_by_label("Site")).to_be_focused()
        type_in(page, "Quayside", "Front door")
        expect(page.get_by_text("2 of 5 done")).to_be_visible()
        newcomer.did("a site and a simulated door")
        expect(page.get_by_label("First name")).to_be_focused()
        type_in(page, "Ada", "Lovelace")
        expect(page.get_by_text("3 of 5 done")).to_be_visible()
        newcomer.did("a person, who may open it")
        expect(page.get_by_label("Number of the card of Ada Lovelace")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("4 of 5 done")).to_be_visible()
        newcomer.did("their card")
        expect(page.get_by_role("button", name="Hold the card to the reader")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".start-verdict")).to_contain_text("Ada Lovelace is let in")
        newcomer.did("the card held to the reader: the door opens")
        expect(page.get_by_text("All done")).to_be_visible()
        expect(page.locator(".start-events")).to_contain_text("Let in")
    events = installation.json("events", "list")
    assert [(each["event_code"], each["person_name"]) for each in events if each["event_code"] == 10] == [
        (10, "Ada Lovelace")
    ]
    took = newcomer.steps[-1][1]
    with capsys.disabled():
        print(f"\nFirst run: {len(newcomer.steps)} steps, {took:.1f} s by a browser that reads nothing")
        for what, at in newcomer.steps:
            print(f"  {at:6.1f} s  {what}")
    assert took < _MINUTES * 60


def test_whoever_comes_back_goes_on_where_they_were(tmp_path: Path, browser: Browser) -> None:
    installation = Installation(tmp_path / "data")
    installation.json("account", "create", "Second Works", "--time-zone", "Europe/Berlin")
    site = installation.json("site", "create", "Yard")["id"]
    email = "back@second.example"
    password = installation.json("user", "create", email, "--role", "admin")["password"]
    with installation.serving() as server, looking(browser, server) as page:
        sign_in(page, email, password)
        page.goto("/console/start")
        page.get_by_label("Site").select_option("Yard")
        page.get_by_role("button", name="Add the door").click()
        expect(page.locator("#f-door_name:invalid")).to_have_count(1)
        page.get_by_label("Name of the door").fill("Gate")
        page.get_by_label("OSDP reader").check()
        page.get_by_role("button", name="Add the door").click()
        page.get_by_role("button", name="Show a code for its controller").click()
        expect(page.locator(".start-commands")).to_contain_text("controller enrol")
        assert re.fullmatch(r"(\w{5}-){3}\w{5}", page.locator(".start-code").text_content() or "")
        page.goto("/console/start")
        expect(page.get_by_text("2 of 5 done")).to_be_visible()
        page.get_by_label("First name").fill("Grace")
        page.get_by_label("Last name").fill("Hopper")
        page.get_by_role("button", name="Add the person").click()
        page.get_by_label("Number of the card of Grace Hopper").fill("12345")
        page.get_by_role("button", name="Give the card").click()
        expect(page.get_by_text("Hold the card of Grace Hopper to the reader of Gate.")).to_be_visible()
        expect(page.get_by_role("button", name="Hold the card to the reader")).to_have_count(0)
    assert [each["site_id"] for each in installation.json("channel", "list")] == [site]


def test_what_happens_at_the_door_is_shown_as_it_happens(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/start?step=try")
        page.get_by_role("button", name="Hold the card to the reader").click()
        expect(page.locator(".start-verdict")).to_contain_text("is let in")
        expect(page.locator(".start-events li")).to_have_count(1)
        door = console.ids("channels")["Front door"]
        with page.expect_response("**/console/start/events"):
            console.installation.run("door", "present", door, "--card", "99999")
        expect(page.locator(".start-events li")).to_have_count(2)
        expect(page.locator(".start-events li").first).to_contain_text("Not let in")


def test_who_may_not_set_up_doors_is_refused(console: Console) -> None:
    for who in ("operator", "viewer", "limited"):
        with console.page(who) as page:
            assert page.request.get("/console/start").status == 403, who


def test_on_a_telephone_the_steps_are_as_wide_as_the_screen(console: Console) -> None:
    with console.page(width=390) as page:
        for step in ("account", "door", "person", "card", "try"):
            page.goto(f"/console/start?step={step}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
