"""Applications, webhooks, notification rules and personal tokens in the console."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.console import Console, House, serving
from tests.support.web import Web, somebody_elses_web


@dataclass
class Connected:
    """The console, and a web server that it may tell things to."""

    console: Console
    web: Web


@pytest.fixture(scope="module")
def connected(house: House, browser: Browser) -> Iterator[Connected]:
    with (
        somebody_elses_web() as web,
        serving(house, browser, DOORWARD_OUTBOUND_ALLOW="127.0.0.0/8", DOORWARD_DELIVERY_RETRIES="600") as console,
    ):
        web.give("/fine", b'{"ok": true}')
        web.give("/broken", b"<b>out of order</b>", 500)
        yield Connected(console, web)


def _made(console: Console, path: str, body: dict[str, object]) -> dict[str, object]:
    with console.api() as api:
        answer = api.post(f"/api/3/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, object] = answer.json()
        return found


def _token(page: Page) -> str:
    return page.locator("input[name=csrf_token]").first.get_attribute("value") or ""


def test_an_application_is_added_and_its_secrets_are_seen_once(connected: Connected) -> None:
    console = connected.console
    with console.page(permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto("/console/applications")
        page.get_by_role("link", name="Add an application").click()
        page.get_by_role("textbox", name="Name").fill("Visitor kiosk")
        page.get_by_role("radio", name="A server").check()
        page.get_by_label("Webhook").fill(connected.web.url("/fine"))
        page.get_by_role("button", name="Add the application").click()
        expect(page.get_by_role("alert")).to_contain_text("Redirect uris")
        page.get_by_label("Where people go back to").fill("https://kiosk.example.com/back")
        page.get_by_role("button", name="Add the application").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Visitor kiosk was added")
        secret = page.get_by_label("Client secret").first.input_value()
        assert len(secret) > 20
        assert page.get_by_label("Webhook secret").first.input_value()
        assert secret not in page.url
        assert secret not in str(page.context.cookies())
        page.get_by_role("button", name="Copy client secret").click()
        expect(page.get_by_text("Copied", exact=True)).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        # To load the page again makes no second application, and shows no secret.
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Visitor kiosk")
        assert secret not in page.content()
        expect(page.get_by_text("https://kiosk.example.com/back")).to_be_visible()
        page.get_by_role("link", name="Change", exact=True).click()
        page.get_by_role("textbox", name="Name").fill("Lobby kiosk")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Lobby kiosk was saved.")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Lobby kiosk").click()
        expect(page.get_by_role("status").first).to_contain_text("Lobby kiosk was deleted.")
        expect(page.get_by_role("link", name="Lobby kiosk")).to_have_count(0)


def test_a_service_is_given_a_new_secret_and_all_its_access_is_ended(connected: Connected) -> None:
    console = connected.console
    made = _made(console, "applications", {"name": "Nightly sync", "service": True})

    def status(secret: object) -> int:
        grant = {"grant_type": "client_credentials", "scope": "account.person.readonly"}
        who = (str(made["client_id"]), str(secret))
        return httpx.post(f"{console.base_url}/oauth/token", data=grant, auth=who, trust_env=False).status_code

    assert status(made["client_secret"]) == 200
    with console.page() as page:
        page.goto(f"/console/applications/{made['id']}")
        page.get_by_role("button", name="New client secret").click()
        page.get_by_role("button", name="Make a new secret").click()
        secret = page.get_by_label("Client secret").first.input_value()
        assert (status(made["client_secret"]), status(secret)) == (401, 200)
        page.get_by_role("link", name="Go to the application").click()
        page.get_by_role("button", name="End all access").first.click()
        page.get_by_role("dialog").get_by_role("button", name="End all access").click()
        expect(page.get_by_role("status").first).to_contain_text("2 access tokens revoked")
        assert status(secret) == 401


def test_the_page_of_an_application_says_what_it_was_used_for(connected: Connected) -> None:
    console = connected.console
    made = _made(console, "applications", {"name": "Reader", "service": True})
    grant = {"grant_type": "client_credentials", "scope": "account.person.readonly"}
    who = (str(made["client_id"]), str(made["client_secret"]))
    token = httpx.post(f"{console.base_url}/oauth/token", data=grant, auth=who, trust_env=False).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(3):
        assert httpx.get(f"{console.base_url}/api/3/people", headers=headers, trust_env=False).status_code == 200
    with console.page() as page:
        page.goto(f"/console/applications/{made['id']}")
        # It is written within a second.
        for _ in range(30):
            if page.get_by_text("3 requests in 30 days").is_visible():
                break
            page.wait_for_timeout(100)
            page.reload()
        expect(page.get_by_text("3 requests in 30 days")).to_be_visible()
        expect(page.locator("[data-chart] svg").first).to_be_visible()
        row = page.get_by_role("row", name=re.compile("listPeople"))
        expect(row).to_contain_text("owner@harbour.example")
        expect(row).to_contain_text("127.0.0.1")


def test_a_test_of_a_webhook_says_what_came_of_it_and_the_log_shows_it(connected: Connected) -> None:
    console, web = connected.console, connected.web
    made = _made(console, "applications", {"name": "Listener", "service": True, "webhook_url": web.url("/broken")})
    with console.page() as page:
        page.goto(f"/console/applications/{made['id']}")
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("alert")).to_contain_text("did not arrive: was answered with 500")
        page.goto(f"/console/webhooks/deliveries?app={made['id']}&failed=true&kind=Test")
        page.get_by_role("link", name=re.compile("^Test")).click()
        expect(page.get_by_label("The answer to attempt 1")).to_have_text("<b>out of order</b>")
        payload = page.get_by_label("What is sent, as text")
        expect(payload).to_contain_text('"resource_type": "Test"')
        expect(payload).to_contain_text('"ack_token": "(hidden)"')
        with console.api() as api:
            changed = api.put(f"/api/3/applications/{made['id']}", json={"webhook_url": web.url("/fine")})
            assert changed.status_code == 200
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_role("status").first).to_contain_text("It is being sent again.")
        for _ in range(50):
            if page.get_by_text("Arrived", exact=True).first.is_visible():
                break
            page.wait_for_timeout(100)
            page.reload()
        expect(page.get_by_role("row", name=re.compile("Arrived"))).to_contain_text("200")


def test_the_log_is_narrowed_down_and_its_address_says_how(connected: Connected) -> None:
    console, web = connected.console, connected.web
    name = "Narrow"
    made = _made(console, "applications", {"name": name, "service": True, "webhook_url": web.url("/fine")})
    with console.api() as api:
        assert api.post(f"/api/3/applications/{made['id']}/webhook_test").json()["delivered"] is True
    with console.page() as page:
        page.goto("/console/webhooks/deliveries")
        page.get_by_label("Application").select_option(name)
        expect(page).to_have_url(re.compile(rf"app={made['id']}"))
        expect(page.get_by_role("link", name="Test", exact=True)).to_have_count(1)
        page.get_by_label("Failures only").check()
        expect(page.get_by_text("No delivery fits these filters.")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Failures only")).to_be_checked()
        expect(page.get_by_label("Application")).to_have_value(str(made["id"]))


def test_an_endpoint_that_was_switched_off_is_shown_as_such_and_switched_on_again(connected: Connected) -> None:
    console, web = connected.console, connected.web
    web.give("/gone", b"", 410)
    made = _made(console, "applications", {"name": "Gone", "service": True, "webhook_url": web.url("/gone")})
    with console.api() as api:
        api.post(f"/api/3/applications/{made['id']}/webhook_test")
    with console.page() as page:
        page.goto("/console/webhooks")
        row = page.get_by_role("row", name=re.compile("^Gone"))
        expect(row).to_contain_text("Switched off")
        expect(row).to_contain_text("it answered that it is gone")
        row.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("status").first).to_contain_text("Its webhook is on again")
        expect(page.get_by_text("Switched off")).to_have_count(0)


def test_a_rule_made_in_the_form_is_the_one_of_the_api_and_survives_being_switched_off(connected: Connected) -> None:
    console, web = connected.console, connected.web
    front = console.ids("channels")["Front door"]
    with console.page() as page:
        page.goto("/console/rules")
        page.get_by_role("link", name="Add a rule").first.click()
        page.get_by_role("textbox", name="Name").fill("Forced at night")
        page.get_by_role("button", name="Add the rule").click()
        expect(page.get_by_role("alert")).to_contain_text("must name at least one event code")
        page.get_by_label("A door forced open").check()
        page.get_by_role("checkbox", name=re.compile("^Front door")).check()
        page.get_by_label("Mon", exact=True).first.check()
        page.get_by_label("Tue", exact=True).first.check()
        first = page.get_by_role("group", name="Hours 1")
        first.get_by_label("From", exact=True).fill("22:00")
        first.get_by_label("until", exact=True).fill("06:00")
        second = page.get_by_role("group", name="Hours 2")
        expect(second.get_by_label("Mon")).not_to_be_checked()
        second.get_by_label("Holidays").check()
        second.get_by_label("From", exact=True).fill("00:00")
        second.get_by_label("until", exact=True).fill("00:00")
        page.get_by_label("Send an e-mail to").fill("guard@example.com\nlead@example.com")
        page.get_by_label("Call a URL").fill(web.url("/fine"))
        page.get_by_label("Show it to everybody in the console").check()
        page.get_by_role("button", name="Add the rule").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Forced at night")
        expect(page.get_by_text("Mon, Tue, 22:00 to 06:00")).to_be_visible()
        number = page.url.rsplit("/", 1)[1]
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_role("status").first).to_contain_text("Forced at night is off.")
        with console.api() as api:
            rule = api.get(f"/api/3/notification_rules/{number}").json()
        assert rule["active"] is False
        assert [(each["type"], each["value"]) for each in rule["conditions"]] == [
            ("door_controller_id", str(front)),
            ("time_of_day", "mon,tue 22:00-06:00"),
            ("time_of_day", "holiday 00:00-24:00"),
        ]
        assert [each["code"] for each in rule["events"]] == [33]
        assert sorted((each["type"], each["data"]) for each in rule["actions"]) == [
            (0, web.url("/fine")),
            (1, "guard@example.com, lead@example.com"),
            (3, ""),
        ]
        page.get_by_role("button", name="Send a test").click()
        result = page.get_by_role("status").filter(has_text="What came of the test")
        expect(result).to_contain_text("E-mail: this installation has no mail server")
        expect(result).to_contain_text("Post to a URL: answered with 200")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete Forced at night").click()
        expect(page.get_by_role("status").first).to_contain_text("Forced at night was deleted.")


def test_a_personal_token_is_made_with_the_keyboard_alone_works_and_is_revoked(connected: Connected) -> None:
    console = connected.console
    with console.page() as page:
        page.goto("/console/tokens/new")
        page.get_by_label("Name").focus()
        page.keyboard.type("Backup")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Good for")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("radio", name="See, and change nothing")).to_be_focused()
        while "Make the token" not in (page.locator(":focus").text_content() or ""):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Backup was made")
        token = page.get_by_label("Token", exact=True).input_value()
        headers = {"Authorization": f"Bearer {token}"}

        def status(method: str, path: str) -> int:
            return httpx.request(method, f"{console.base_url}{path}", headers=headers, trust_env=False).status_code

        assert (status("GET", "/api/3/people"), status("DELETE", "/api/3/people/1")) == (200, 403)
        link = page.get_by_role("link", name="Go to your tokens")
        link.focus()
        page.keyboard.press("Enter")
        revoke = page.get_by_role("button", name="Revoke Backup").first
        revoke.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("The token was revoked.")
        assert status("GET", "/api/3/people") == 401


def test_what_is_ticked_is_what_a_token_may_do(connected: Connected) -> None:
    with connected.console.page("operator") as page:
        page.goto("/console/tokens/new")
        page.get_by_label("Name").fill("Doors only")
        page.get_by_text("Doors and sites").click()
        page.get_by_label("See doors and the state they are in").check()
        expect(page.get_by_role("radio", name="What I tick below")).to_be_checked()
        expect(page.get_by_text("Change the settings of the account")).to_have_count(0)
        page.get_by_role("button", name="Make the token").click()
        page.get_by_role("link", name="Go to your tokens").click()
        expect(page.get_by_role("row", name=re.compile("Doors only"))).to_contain_text("Only to see: 1 thing")


def test_a_viewer_sees_rules_and_no_integrations_and_is_refused_when_forcing_it(connected: Connected) -> None:
    console = connected.console
    rule = _made(
        console,
        "notification_rules",
        {
            "name": "Chat",
            "match_event_codes": [33],
            "actions": [{"kind": "slack", "url": "https://chat.example.com/secret-part"}],
        },
    )
    with console.page("viewer") as page:
        page.goto("/console/rules")
        for name in ("Applications", "Webhooks"):
            expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
        expect(page.get_by_role("link", name="Add a rule")).to_have_count(0)
        page.get_by_role("link", name="Chat", exact=True).click()
        assert "secret-part" not in page.content()
        expect(page.get_by_role("link", name="Change", exact=True)).to_have_count(0)
        for path in ("applications", "webhooks", "webhooks/deliveries", "rules/new", f"rules/{rule['id']}/edit"):
            assert page.request.get(f"/console/{path}").status == 403, path
        form: dict[str, str | float | bool] = {"csrf_token": _token(page), "name": "Mine"}
        for path in (f"rules/{rule['id']}/delete", f"rules/{rule['id']}/test", "rules/new", "applications/new"):
            assert page.request.post(f"/console/{path}", form=form).status == 403, path


def test_who_is_limited_to_a_site_sees_no_rule_on_other_doors(connected: Connected) -> None:
    console = connected.console
    body = {"match_event_codes": [33], "actions": [{"kind": "console"}]}
    doors = console.ids("channels")
    here = _made(console, "notification_rules", {"name": "Here", "match_controller_ids": [doors["Front door"]], **body})
    all_over = _made(console, "notification_rules", {"name": "All over", **body})
    with console.page("limited") as page:
        page.goto("/console/rules")
        expect(page.get_by_role("link", name="Here", exact=True)).to_be_visible()
        expect(page.get_by_text("All over")).to_have_count(0)
        assert page.request.get(f"/console/rules/{all_over['id']}").status == 404
        assert page.request.get(f"/console/rules/{here['id']}").status == 200


def test_pages_of_integrations_fit_a_phone(connected: Connected) -> None:
    with connected.console.page(width=390, dark=True) as page:
        for path in ("applications", "applications/new", "webhooks", "webhooks/deliveries", "rules/new", "tokens/new"):
            page.goto(f"/console/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
