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
    """Somebody with a browser, who counts what they do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.began = time.monotonic()
        self.steps: list[tuple[str, float]] = []

    def did(self, what: str) -> None:
        """Note a step and when it was done."""
        self.steps.append((what, time.monotonic() - self.began))

    def sign_in(self, email: str, password: str) -> None:
        """Sign in."""
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console**")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with an account in which there is nothing, and its owner."""
    found = Installation(tmp_path_factory.mktemp("empty") / "data")
    found.json("account", "create", "Rope Works", "--time-zone", "Europe/London")
    return found


def user(installation: Installation, email: str, role: str = "owner") -> tuple[str, str]:
    return email, installation.json("user", "create", email, "--role", role)["password"]


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
    empty: Installation, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    email, password = user(empty, "new@ropeworks.example")
    began = time.monotonic()
    with empty.serving() as server, looking(browser, server) as page:
        newcomer = Newcomer(page)
        newcomer.began = began
        newcomer.did("the server is started")
        newcomer.sign_in(email, password)
        newcomer.did("sign in")
        page.goto("/console/start")
        expect(page.get_by_text("1 of 5 done")).to_be_visible()
        page.get_by_label("Site").fill("Quayside")
        page.get_by_label("Name of the door").fill("Front door")
        page.get_by_role("button", name="Add the door").click()
        expect(page.get_by_text("2 of 5 done")).to_be_visible()
        newcomer.did("a site and a simulated door")
        page.get_by_label("First name").fill("Ada")
        page.get_by_label("Last name").fill("Lovelace")
        page.get_by_role("button", name="Add the person").click()
        expect(page.get_by_text("3 of 5 done")).to_be_visible()
        newcomer.did("a person, who may open it")
        page.get_by_role("button", name="Give the card").click()
        expect(page.get_by_text("4 of 5 done")).to_be_visible()
        newcomer.did("their card")
        page.get_by_role("button", name="Hold the card to the reader").click()
        expect(page.locator(".start-verdict")).to_contain_text("Ada Lovelace is let in")
        newcomer.did("the card held to the reader: the door opens")
        expect(page.get_by_text("All done")).to_be_visible()
        expect(page.locator(".start-events")).to_contain_text("Let in")
    events = empty.json("events", "list")
    assert [(each["event_code"], each["person_name"]) for each in events if each["event_code"] == 10] == [
        (10, "Ada Lovelace")
    ]
    took = newcomer.steps[-1][1]
    with capsys.disabled():
        print(f"\nFirst run: {len(newcomer.steps)} steps, {took:.1f} s by a browser that reads nothing")
        for what, at in newcomer.steps:
            print(f"  {at:6.1f} s  {what}")
    assert took < _MINUTES * 60
