"""Text of users, wherever it is shown, is text: nothing of it runs, and nothing of it becomes a part of the page."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.console import Console
from tests.support.console_pages import Furnished, furnish, page_paths

HOSTILE = "<img src=x onerror=alert(1) data-xss>\"'></script><script>alert(2)</script><b data-xss>"
_NO_PAGES = ("", "application/json", "application/x-ndjson", "text/csv", "text/plain")
"""What browsers make no page of, with the header that keeps them from guessing."""
FIELDS = (
    *("q", "search", "name", "first_name", "last_name", "site", "next", "view", "from", "until", "at", "since", "page"),
    *("kind", "kinds", "state", "group_id", "role_id", "person_id", "channel_id", "channel_ids", "event_codes", "by"),
    *("date", "day", "year", "month", "user_id", "action", "resource", "resource_type", "app", "failed", "done"),
    *("error", "sort", "country", "region", "start", "end", "credential", "number", "type"),
)


@pytest.fixture(scope="module")
def furnished(console: Console) -> Furnished:
    """Every name and note that the API takes says something hostile."""
    found = furnish(console)
    ids = found.ids
    named = {
        "sites/{site_id}": {"name": HOSTILE, "notes": HOSTILE},
        "channels/{channel_id}": {"name": HOSTILE, "model": HOSTILE, "serial_number": HOSTILE},
        "groups/{group_id}": {"name": HOSTILE, "notes": HOSTILE},
        "shifts/{shift_id}": {"name": HOSTILE},
        "roles/{role_id}": {"name": HOSTILE, "notes": HOSTILE},
        "credential_types/{type_id}": {"label": HOSTILE},
        "users/{user_id}": {"first_name": HOSTILE, "last_name": HOSTILE},
        "people/{person_id}": {"person": {"first_name": HOSTILE, "last_name": HOSTILE, "department": HOSTILE}},
        "applications/{application_id}": {"name": HOSTILE},
        "notification_rules/{rule_id}": {
            "name": HOSTILE,
            "match_event_codes": [22],
            "match_controller_ids": [ids["channel_id"]],
            "actions": [{"kind": "console"}],
        },
        "account": {"name": HOSTILE},
    }
    with console.api() as api:
        for path, body in named.items():
            address = f"/api/3/{found.address(path)}"
            answer = api.put(address, json=body)
            assert answer.status_code in (200, 201), (address, answer.status_code, answer.text)
        holiday = api.post("/api/3/holidays", json={"name": HOSTILE, "day": "2031-05-05"})
        assert holiday.status_code in (200, 201), holiday.text
        noted = api.post(f"/api/3/alarms/{ids['alarm_id']}/notes", json={"text": HOSTILE})
        assert noted.status_code in (200, 201), noted.text
        # An event and an audit entry with the names as they are now.
        console.installation.json("door", "present", ids["channel_id"], "--card", "999999")
    return found


@pytest.fixture(scope="module")
def page(console: Console) -> Iterator[Page]:
    with console.page() as found:
        yield found


def _is_harmless(page: Page, address: str) -> None:
    dialogs: list[str] = []

    def dismiss(dialog: object) -> None:
        dialogs.append(str(dialog))

    page.on("dialog", dismiss)
    said: list[str] = []

    def note(message: object) -> None:
        said.append(str(message))

    page.on("console", note)
    try:
        page.goto(address)
        expect(page.locator(".htmx-request")).to_have_count(0)
        assert page.locator("[data-xss]").count() == 0, address
        assert dialogs == [], address
        assert [text for text in said if "Content Security Policy" in text] == [], address
    finally:
        page.remove_listener("dialog", dismiss)
        page.remove_listener("console", note)


@pytest.mark.parametrize("path", page_paths())
def test_stored_text_stays_text(page: Page, furnished: Furnished, path: str) -> None:
    address = furnished.address(path)
    kind = page.request.get(address, max_redirects=0).headers.get("content-type", "")
    if "text/html" in kind:
        _is_harmless(page, address)
    else:
        assert kind.partition(";")[0] in _NO_PAGES, (address, kind)


@pytest.mark.parametrize("path", [path for path in page_paths() if not path.endswith("/new")])
def test_text_of_the_address_stays_text(page: Page, furnished: Furnished, path: str) -> None:
    address = furnished.address(path)
    for names in (("q", "search", "name", "first_name", "site"), FIELDS[5:]):
        query = "&".join(f"{name}={quote(HOSTILE)}" for name in names)
        answer = page.request.get(f"{address}{'&' if '?' in address else '?'}{query}", max_redirects=0)
        assert answer.status in (200, 204, 303, 400, 404, 422), (answer.status, answer.text()[:300])
        if "text/html" in answer.headers.get("content-type", ""):
            assert "<img src=x" not in answer.text(), address
            assert "<script>alert" not in answer.text(), address
        assert not answer.headers.get("location", "/console").startswith(("http", "//")), address
