"""Somebody signs in with Chromium, sets up a second factor, and signs in with it."""

import os
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from doorward.applications.personal_tokens import create_personal_token
from doorward.kit.clock import FixedClock
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import authenticate
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.chromium import chromium
from tests.support.oauth import SCOPE, new_app, signed_in
from tests.support.services import read
from tests.support.world import PASSWORD, World

HOME = "/account/security"
SIZES = {1440: 900, 390: 844}
PICTURES = os.environ.get("DOORWARD_TEST_PICTURES")
"""A directory to put pictures of the pages into, for people to look at."""


def take_pictures(page: Page, name: str) -> None:
    """At each size: nothing is wider than the screen; in light and in dark, where pictures are wanted."""
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        for scheme in ("light", "dark"):
            if PICTURES:
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=Path(PICTURES) / f"signin-{name}-{width}-{scheme}.png", full_page=True)


def give_password(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def set_up_second_factor(page: Page, clock: FixedClock) -> pyotp.TOTP:
    section = page.get_by_role("region", name="Second factor")
    section.get_by_label("Your password").fill(PASSWORD)
    section.get_by_role("button", name="Set up").click()
    image = section.get_by_role("img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 20, "the policy lets it be shown"
    one_time = pyotp.TOTP((page.locator("#secret").text_content() or "").replace(" ", ""))
    take_pictures(page, "enrol")
    section.get_by_label("The code that the app shows").fill(one_time.generate_otp(clock.now() // 30_000))
    section.get_by_role("button", name="Turn on").click()
    assert len(page.locator("#recovery-codes code").all_text_contents()) == 10
    take_pictures(page, "recovery")
    page.get_by_role("link", name="I have kept them").click()
    expect(section.get_by_text("On", exact=True)).to_be_visible()
    section.get_by_text("Make new recovery codes, or").click()
    take_pictures(page, "security-on")
    return one_time


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_somebody_signs_in_sets_up_a_second_factor_and_signs_in_with_it(
    served: Served, world: World, clock: FixedClock
) -> None:
    email = read(world, get_user, world.owner_id).email
    with chromium() as browser:
        page = browser.new_context(base_url=served.base_url, locale="en-GB").new_page()
        page.goto(HOME)
        expect(page.get_by_label("E-mail address")).to_be_focused()
        take_pictures(page, "sign-in")
        give_password(page, email, "not the password")
        expect(page.get_by_role("alert")).to_contain_text("not right")
        expect(page.get_by_label("E-mail address")).to_have_value(email)
        take_pictures(page, "wrong")

        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        give_password(page, email, PASSWORD)
        expect(page).to_have_url(f"{served.base_url}{HOME}")
        take_pictures(page, "security")
        one_time = set_up_second_factor(page, clock)

        page.get_by_role("button", name="Sign out", exact=True).click()
        clock.advance(60_000)
        give_password(page, email, PASSWORD)
        expect(page.get_by_label("Code")).to_be_focused()
        take_pictures(page, "code")
        page.get_by_label("Code").fill(one_time.generate_otp(clock.now() // 30_000))
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="Sign-in and security")).to_be_visible()
        assert said == [], "our own policy refuses nothing"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_guesser_is_told_to_wait(served: Served) -> None:
    with chromium() as browser:
        page = browser.new_context(base_url=served.base_url, locale="en-GB").new_page()
        page.goto("/sign-in?next=/oauth/authorize?client_id=x")
        expect(page.get_by_text("An application asks for access")).to_be_visible()
        for _ in range(6):
            give_password(page, "somebody@example.com", "a guess")
        expect(page.get_by_role("alert")).to_contain_text("too many attempts")
        take_pictures(page, "throttled")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_somebody_takes_access_away_from_an_application_and_a_token(
    served: Served, world: World, clock: FixedClock
) -> None:
    for name, scope in (
        ("Bookings", SCOPE),
        ("Visitor management of the northern house", " ".join(sorted(ALL_SCOPES))),
    ):
        app = new_app(world, served.base_url, name=name)
        signed_in(world, served.base_url, world.owner_id).connect(app, scope=scope)
    now, body = clock.now(), {"name": "Nightly backup", "scopes": ["account.person.readonly", "account.role.readonly"]}
    world.database.write_now(lambda tx: create_personal_token(tx, authenticate(tx, world.token, now), body, now))
    with chromium() as browser:
        page = browser.new_context(base_url=served.base_url, locale="en-GB").new_page()
        page.goto(HOME)
        give_password(page, read(world, get_user, world.owner_id).email, PASSWORD)
        applications = page.get_by_role("region", name="Applications that you have let in")
        expect(applications.get_by_role("button")).to_have_count(2)
        applications.get_by_text("What it may do").first.click()
        expect(applications.get_by_text("See roles: which doors they open").first).to_be_visible()
        take_pictures(page, "access")
        applications.get_by_role("button", name="Disconnect Bookings").click()
        expect(page.get_by_role("status")).to_contain_text("was disconnected")
        expect(applications.get_by_role("button")).to_have_count(1)
        page.get_by_role("button", name="Revoke Nightly backup").click()
        expect(page.get_by_role("status")).to_contain_text("was revoked")
        expect(page.get_by_role("region", name="personal access tokens").get_by_text("None.")).to_be_visible()
