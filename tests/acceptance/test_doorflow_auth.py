"""The vendor's DoorFlowAuth goes through the OAuth flow in a real browser, against a running server."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from doorward.oauth.scope_words import SCOPE_WORDS
from tests.support.installation import Installation, Server

SCRIPT = Path(__file__).parents[1] / "vendor_client" / "connect.cjs"
SCOPES = ["account.person", "account.channel.readonly", "account.role.readonly"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


class Program:
    """The vendor's client on somebody's machine: see connect.cjs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def says(self) -> Any:
        """The next thing that it reports."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError(f"the program has ended: {self._process.stderr.read()}")
        return json.loads(line)


@contextmanager
def program(server: Server, app: dict[str, Any], *, use_pkce: bool) -> Iterator[Program]:
    node = shutil.which("node")
    assert node is not None, "Node.js is needed"
    process = subprocess.Popen(
        [node, str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        order = {
            "base_url": server.base_url,
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "use_pkce": use_pkce,
            "scopes": SCOPES,
        }
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        yield Program(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "Chromium is needed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def sign_in(page: Page, made: dict[str, Any]) -> None:
    page.get_by_label("E-mail address").fill(made["owner"]["email"])
    page.get_by_label("Password").fill(made["owner"]["password"])
    page.get_by_role("button", name="Sign in").click()


def create_app(house: Installation, name: str, *options: str) -> dict[str, Any]:
    app: dict[str, Any] = house.json("app", "create", name, "--redirect-uri", "http://127.0.0.1/callback", *options)
    return app


@pytest.mark.parametrize("kind", ["confidential", "public"])
def test_a_person_connects_it_and_it_refreshes_and_disconnects(
    house: Installation, made: dict[str, Any], server: Server, page: Page, kind: str
) -> None:
    public = kind == "public"
    app = create_app(house, f"Visitor desk ({kind})", *(["--public"] if public else []))
    with program(server, app, use_pkce=public) as vendor:
        page.goto(vendor.says()["url"])
        sign_in(page, made)
        assert page.get_by_role("heading", level=1).inner_text() == f"Visitor desk ({kind}) asks for access"
        for scope in SCOPES:
            assert page.get_by_text(SCOPE_WORDS[scope]).is_visible()
        assert page.get_by_text("127.0.0.1:").is_visible()
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name="Back at the program").wait_for()

        connected = vendor.says()["connected"]
        assert connected["scope"].split() == sorted(SCOPES)
        assert 3590 <= connected["expires_in"] <= 3600
        roles = vendor.says()["roles"]
        assert roles > 0
        info = vendor.says()["info"]
        assert info["application"]["uid"] == app["client_id"]
        assert info["scope"] == sorted(SCOPES)
        assert vendor.says()["refreshed"] == {"changed": True, "roles": roles}
        assert vendor.says()["parallel"] == {"roles": [roles, roles], "tokens": 2}
        disconnected = vendor.says()["disconnected"]
        assert disconnected["authenticated"] is False
        assert len(disconnected["statuses"]) == 4
        # Without a secret the vendor's client only forgets its tokens.
        assert set(disconnected["statuses"]) == ({200} if public else {401})


def test_a_person_denies_and_may_first_sign_in_as_somebody_else(
    house: Installation, made: dict[str, Any], server: Server, page: Page
) -> None:
    app = create_app(house, "Curious")
    with program(server, app, use_pkce=True) as vendor:
        page.goto(vendor.says()["url"])
        sign_in(page, made)
        page.get_by_role("button", name="Sign in as somebody else").click()
        sign_in(page, made)
        page.get_by_role("button", name="Deny").click()
        page.get_by_role("heading", name="Back at the program").wait_for()
        assert vendor.says() == {"error": "access_denied"}
