"""The console of the example account, served by a real process and looked at with Chromium, by users of each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.support.installation import Installation, Server

BRISTOL = "Harbour House Bristol"
BERLIN = "Harbour House Berlin"


@dataclass
class Who:
    """A user of the example account."""

    email: str
    password: str
    role: str


@dataclass
class Console:
    """The example account, served; `users`: owner, admin, operator, viewer, and limited (an operator of Bristol)."""

    installation: Installation
    server: Server
    made: dict[str, Any]
    users: dict[str, Who]
    browser: Browser | None
    _states: dict[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Where it is served."""
        return self.server.base_url

    def api(self) -> httpx.Client:
        """The API with all scopes of the owner; to be closed."""
        headers = {"Authorization": f"Bearer {self.made['token']}"}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)

    def ids(self, kind: str) -> dict[str, int]:
        """The ids of the account's channels, people, groups, roles or shifts by their names."""
        return {str(each["name"]): int(each["id"]) for each in self.made[kind]}

    @contextmanager
    def page(self, user: str = "owner", *, width: int = 1440, dark: bool = False, **options: Any) -> Iterator[Page]:
        """A page in which a user has signed in. In the end nothing may have been said on the browser's console."""
        assert self.browser is not None
        height = 900 if width > 600 else 844
        context: BrowserContext = self.browser.new_context(
            base_url=self.base_url,
            locale="en-GB",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            storage_state=self._states.get(user),
            **options,
        )
        said: list[str] = []
        try:
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.on("console", lambda message: said.append(_words(message)) if _is_bad(message) else None)
            page.on("pageerror", lambda error: said.append(f"error: {error}"))
            if user not in self._states:
                self._sign_in(page, user)
                self._states[user] = context.storage_state()
            yield page
            assert not said, said
        finally:
            context.close()

    def _sign_in(self, page: Page, user: str) -> None:
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(self.users[user].email)
        page.get_by_label("Password").fill(self.users[user].password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/console**")


_REFUSED = ("Failed to load resource", "Response Status Error Code 4")
"""What the browser says of an answer of 4xx, and what htmx does."""


def _is_bad(message: ConsoleMessage) -> bool:
    # An answer of 4xx to what a test sends on purpose is no fault of the page.
    return message.type in ("error", "warning") and not any(words in message.text for words in _REFUSED)


def _words(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text}"


@contextmanager
def serving(installation: Installation, browser: Browser | None, **environment: str) -> Iterator[Console]:
    """The example account with a user of each kind, served with some settings."""
    made = installation.demo()
    owner = made["owner"]
    users = {"owner": Who(owner["email"], owner["password"], "owner")}
    with installation.serving(**environment) as server:
        headers = {"Authorization": f"Bearer {made['token']}"}
        with httpx.Client(base_url=server.base_url, headers=headers, timeout=30, trust_env=False) as http:
            sites = {site["name"]: site["id"] for site in http.get("/api/3/sites").json()}
        for name, role in (("admin", "admin"), ("operator", "operator"), ("viewer", "viewer"), ("limited", "operator")):
            email = f"{name}@harbour.example"
            limits = ("--site", sites[BRISTOL]) if name == "limited" else ()
            found = installation.json("user", "create", email, "--role", role, "--first-name", name.title(), *limits)
            users[name] = Who(email, found["password"], role)
        yield Console(installation, server, made, users, browser)
