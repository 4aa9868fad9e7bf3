"""The account, its users, credential types, card formats and one's own profile in the console."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_user import BrowserUser, form_of
from tests.support.console import BERLIN, BRISTOL, Console, House, serving
from tests.support.mail_server import MailBox, mail_server


@dataclass
class Mailing:
    """The console, and the mail server that it hands messages to."""

    console: Console
    box: MailBox


@pytest.fixture(scope="module")
def mailing(house: House, browser: Browser) -> Iterator[Mailing]:
    with mail_server() as box, serving(house, browser, DOORWARD_SMTP_URL=box.url(more="&starttls=never")) as console:
        yield Mailing(console, box)


@pytest.fixture(scope="module")
def console(mailing: Mailing) -> Console:
    return mailing.console


def _token(page: Page) -> str:
    return page.locator("input[name=csrf_token]").first.get_attribute("value") or ""


def _may_sign_in(console: Console, email: str, password: str) -> bool:
    user = BrowserUser(console.base_url, email, password)
    try:
        return user.sign_in().status_code == 303
    finally:
        user.http.close()


def test_the_account_is_changed_and_what_is_wrong_stands_at_the_field(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/settings")
        page.get_by_label("Name").fill(" ")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("can't be blank")
        page.get_by_label("Name").fill("Harbour House & Sons")
        page.get_by_label("The account is monitored").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("The account was saved.")
    with console.api() as api:
        account = api.get("/api/3/account").json()
        assert (account["name"], account["monitored"], account["time_zone"]) == (
            "Harbour House & Sons",
            True,
            "Europe/London",
        )


def test_events_are_kept_for_so_long_after_it_was_said_what_that_does(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/settings")
        page.get_by_role("link", name="Change", exact=True).click()
        expect(page.get_by_text("nobody can bring them back")).to_be_visible()
        page.get_by_label("Days").fill("730")
        page.get_by_role("button", name="Keep events for so long").click()
        expect(page.get_by_role("status").first).to_contain_text("Events are kept for 730 days.")
        with console.api() as api:
            assert api.get("/api/3/event_log/retention").json() == {"days": 730}
        page.goto("/console/settings/retention")
        page.get_by_label("Days").fill("")
        page.get_by_role("button", name="Keep events for so long").click()
        expect(page.get_by_role("status").first).to_contain_text("Events are kept for ever.")


def test_a_test_mail_arrives_at_who_asks_for_it(mailing: Mailing) -> None:
    with mailing.console.page() as page:
        page.goto("/console/settings")
        page.get_by_role("button", name="Send me a test").click()
        expect(page.get_by_text("The mail server took the test")).to_be_visible()
    assert mailing.box.letters[-1].recipients == ["owner@harbour.example"]


def test_the_record_is_checked_and_who_has_meddled_with_it_is_found(console: Console) -> None:
    console.installation.json("door", "present", console.ids("channels")["Front door"], "--card", "999999")
    with console.page() as page:
        page.goto("/console/settings")
        page.get_by_role("button", name="Check the record").click()
        expect(page.get_by_text("The record is whole.")).to_be_visible()
        assert re.fullmatch("[0-9a-f]{64}", page.get_by_label(re.compile("^Proof up to position")).first.input_value())
        with sqlite3.connect(console.installation.data_dir / "doorward.db", timeout=10) as database:
            change = "UPDATE events SET channel_name = ? WHERE id = (SELECT max(id) FROM events)"
            [(before,)] = database.execute("SELECT channel_name FROM events ORDER BY id DESC LIMIT 1").fetchall()
            database.execute(change, ("Back door",))
            database.commit()
            page.get_by_role("button", name="Check the record").click()
            expect(page.get_by_role("alert")).to_contain_text("Somebody has meddled with the record.")
            expect(page.get_by_role("alert")).to_contain_text("is not what was recorded at this position")
            database.execute(change, (before,))


def test_a_user_is_added_for_one_site_with_a_password_that_is_seen_once(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/users")
        page.get_by_role("link", name="Add a user").click()
        page.get_by_label("E-mail address").fill("rita@harbour.example")
        page.get_by_label("First name").fill("Rita")
        page.get_by_label(BRISTOL).check()
        expect(page.get_by_role("radio", name="Only the sites ticked below")).to_be_checked()
        page.get_by_role("button", name="Add the user").click()
        password = page.get_by_label("Password", exact=True).input_value()
        assert _may_sign_in(console, "rita@harbour.example", password)
        page.get_by_role("link", name="Go to the user").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Rita")
        assert password not in page.content()
        page.get_by_role("button", name="New password").click()
        page.get_by_role("button", name="Make a new password").click()
        renewed = page.get_by_label("Password", exact=True).input_value()
        assert not _may_sign_in(console, "rita@harbour.example", password)
        assert _may_sign_in(console, "rita@harbour.example", renewed)
        page.get_by_role("link", name="Go to the user").click()
        page.get_by_role("button", name="Shut out").first.click()
        page.get_by_role("button", name="Shut out Rita").click()
        expect(page.get_by_role("status").first).to_contain_text("is shut out")
        assert not _may_sign_in(console, "rita@harbour.example", renewed)
        page.get_by_role("button", name="Let in again").click()
        expect(page.get_by_role("status").first).to_contain_text("may sign in again")
    with console.api() as api:
        rita = next(each for each in api.get("/api/3/users").json() if each["first_name"] == "Rita")
        sites = {site["id"]: site["name"] for site in api.get("/api/3/sites").json()}
        assert ([sites[each] for each in rita["site_ids"]], rita["role"]) == ([BRISTOL], "operator")


def test_a_lost_second_factor_is_reset_by_who_may_give_a_password(console: Console) -> None:
    with console.api() as api:
        made = api.post("/api/3/users", json={"email": "lost@harbour.example", "role": "operator"}).json()
    user = BrowserUser(console.base_url, "lost@harbour.example", made["password"])
    assert user.sign_in().status_code == 303
    _enrol(user, made["password"])
    with console.page("admin") as page:
        page.goto(f"/console/users/{made['id']}")
        page.get_by_role("button", name="Reset second factor").click()
        page.get_by_role("button", name="Reset it").click()
        expect(page.get_by_role("status").first).to_contain_text("The second factor is off")
        expect(page.get_by_role("button", name="Reset second factor")).to_have_count(0)
        owner = next(each for each in _users(console) if each["role"] == "owner")
        form: dict[str, str | float | bool] = {"csrf_token": _token(page)}
        for number in (owner["id"], next(each["id"] for each in _users(console) if each["first_name"] == "Admin")):
            assert page.request.post(f"/console/users/{number}/second-factor", form=form).status == 403
    user.http.close()


def _users(console: Console) -> list[dict[str, object]]:
    with console.api() as api:
        found: list[dict[str, object]] = api.get("/api/3/users").json()
        return found


def _enrol(user: BrowserUser, password: str) -> None:
    """Set up the second factor, as the page of security has it."""
    page = user.http.get("/account/security")
    csrf = form_of(page, "csrf_token")[1]["csrf_token"]
    begun = user.http.post("/account/security/second-factor", data={"csrf_token": csrf, "password": password})
    assert begun.status_code in (200, 303), begun.text
    page = user.http.get("/account/security")
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page.text)
    assert secret is not None, page.text
    action, fields = form_of(page, "code")
    code = pyotp.TOTP(secret[1].replace(" ", "")).now()
    assert user.http.post(action, data={**fields, "code": code}).status_code == 200


def test_the_last_owner_stays_one_and_the_page_says_why(console: Console) -> None:
    owner = next(each for each in _users(console) if each["role"] == "owner")
    with console.page() as page:
        page.goto(f"/console/users/{owner['id']}")
        page.get_by_role("radio", name="Viewer").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("The account would have no owner left")
        expect(page.get_by_role("button", name="New password")).to_have_count(0)
        expect(page.get_by_role("link", name="Your password and second factor")).to_be_visible()


def test_an_admin_is_offered_no_change_of_an_owner_and_no_way_to_make_one(console: Console) -> None:
    owner = next(each for each in _users(console) if each["role"] == "owner")
    with console.page("admin") as page:
        page.goto("/console/users/new")
        expect(page.get_by_role("radio", name="Owner")).to_have_count(0)
        form: dict[str, str | float | bool] = {
            "csrf_token": _token(page),
            "email": "x@harbour.example",
            "role": "owner",
            "reach": "all",
        }
        assert page.request.post("/console/users/new", form=form).status == 403
        page.goto(f"/console/users/{owner['id']}")
        for name in ("Save", "Shut out", "New password"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        for command in ("disable", "password"):
            path = f"/console/users/{owner['id']}/{command}"
            assert page.request.post(path, form={"csrf_token": _token(page)}).status == 403


def test_a_credential_type_is_added_changed_and_deleted_with_the_keyboard_alone(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/credential-types/new")
        page.get_by_label("Name").focus()
        page.keyboard.type("Garage fob")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Garage fob was added.")
        page.get_by_role("link", name="Garage fob").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Garage fob")
        page.get_by_label("Name").focus()
        page.keyboard.press("Control+a")
        page.keyboard.type("Car fob")
        page.keyboard.press("Enter")
        expect(page.get_by_role("row", name=re.compile("Car fob"))).to_contain_text("Card or fob")
        page.get_by_role("link", name="Car fob").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Delete").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Delete Car fob")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Car fob was deleted.")


def test_a_type_that_somebody_has_is_not_deleted_and_the_page_says_why(console: Console) -> None:
    with console.page() as page:
        page.goto("/console/credential-types")
        page.get_by_role("link", name="Card number").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Card number").click()
        expect(page.get_by_role("alert")).to_contain_text("There are credentials of this type")
        expect(page.get_by_label("Name")).to_have_value("Card number")


def test_a_card_format_is_drawn_and_names_the_doors_that_read_it(console: Console) -> None:
    door = console.ids("channels")["Workshop"]
    with console.api() as api:
        assert api.put(f"/api/3/channels/{door}", json={"card_format": "H10304"}).status_code == 200
    with console.page("viewer") as page:
        page.goto("/console/card-formats")
        card = page.get_by_role("region", name=re.compile("^H10304"))
        expect(card.get_by_role("link", name="Workshop")).to_be_visible()
        layout = card.get_by_role("img").get_attribute("aria-label") or ""
        assert layout == (
            "Layout: bit 0: even parity; bits 1 to 16: facility; bits 17 to 35: number; bit 36: odd parity"
        )


def test_a_viewer_is_offered_no_setting_and_is_refused_when_forcing_it(console: Console) -> None:
    with console.page("viewer") as page:
        page.goto("/console/profile")
        expect(page.get_by_role("definition").filter(has_text="viewer@harbour.example")).to_be_visible()
        expect(page.get_by_role("button", name="Save")).to_have_count(0)
        for name in ("Account", "Users"):
            expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
        for path in ("settings", "settings/retention", "users", "users/new", "credential-types/new"):
            assert page.request.get(f"/console/{path}").status == 403, path
        form: dict[str, str | float | bool] = {
            "csrf_token": _token(page),
            "name": "Mine",
            "first_name": "Me",
            "label": "Mine",
            "kind": "pin",
        }
        for path in ("settings", "settings/verify", "users/new", "credential-types/new", "profile"):
            assert page.request.post(f"/console/{path}", form=form).status == 403, path


def test_who_is_limited_to_a_site_changes_nothing_of_the_whole_account(console: Console) -> None:
    email = "limited-admin@harbour.example"
    with console.api() as api:
        site = next(each["id"] for each in api.get("/api/3/sites").json() if each["name"] == BRISTOL)
        body = {"email": email, "role": "admin", "site_ids": [site]}
        made = api.post("/api/3/users", json=body).json()
    user = BrowserUser(console.base_url, email, made["password"])
    assert user.sign_in().status_code == 303
    settings = user.http.get("/console/settings")
    assert settings.status_code == 200
    assert "Check the record" not in settings.text
    assert BERLIN not in user.http.get("/console/profile").text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', settings.text)
    assert csrf is not None
    form = {"csrf_token": csrf[1], "name": "Mine", "days": "1", "label": "Mine", "kind": "pin"}
    for path in ("settings", "settings/retention", "settings/verify", "users/new", "credential-types/new"):
        assert user.http.post(f"/console/{path}", data=form).status_code == 403, path
    for path in ("users", "applications", "webhooks", "webhooks/deliveries"):
        assert user.http.get(f"/console/{path}").status_code == 403, path
    user.http.close()


def test_ones_own_name_is_changed_and_the_page_of_security_leads_back(console: Console) -> None:
    with console.page("admin") as page:
        page.goto("/console/profile")
        page.get_by_label("Last name").fill("Istrator")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Your name was saved.")
        page.get_by_role("link", name="Password, second factor, browsers").click()
        expect(page.get_by_text("Admin Istrator")).to_be_visible()
        page.get_by_role("link", name="Back to the console").click()
        expect(page).to_have_url(re.compile("/console$"))


def test_pages_of_settings_fit_a_phone(console: Console) -> None:
    with console.page(width=390, dark=True) as page:
        for path in ("settings", "users", "users/new", "credential-types", "card-formats", "profile"):
            page.goto(f"/console/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
