"""The console of the example account, served by a real process and looked at with Chromium, by users of each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from doorward.db.connect import open_database
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import SystemClock
from doorward.signing_in import sessions
from doorward.users.service import find_user
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
    cookies: dict[str, str]

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
            storage_state=self._state(user),
            **options,
        )
        said: list[str] = []
        try:
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.on("console", lambda message: said.append(_words(message)) if _is_bad(message) else None)
            page.on("pageerror", lambda error: said.append(f"error: {error}"))
            yield page
            assert not said, said
        finally:
            context.close()

    def sign_in(self, name: str, who: Who) -> None:
        """Let another user have signed in, for page()."""
        self.users[name] = who
        self.cookies.update(_signed_in(self.installation.data_dir, {name: who}))

    def _state(self, user: str) -> Any:
        """What a browser keeps of one who has signed in."""
        cookie = {"name": "doorward", "value": self.cookies[user], "domain": "127.0.0.1", "path": "/", "expires": -1}
        return {"cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}


_REFUSED = ("Failed to load resource", "Response Status Error Code 4")
"""What the browser says of an answer of 4xx, and what htmx does."""


def _is_bad(message: ConsoleMessage) -> bool:
    # An answer of 4xx to what a test sends on purpose is no fault of the page.
    return message.type in ("error", "warning") and not any(words in message.text for words in _REFUSED)


def _words(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text}"


@dataclass
class House:
    """The example account with a user of each kind, all of them signed in; not served."""

    data_dir: Path
    made: dict[str, Any]
    users: dict[str, Who]
    cookies: dict[str, str]
    """The session of each user."""


def build_house(data_dir: Path) -> House:
    """Make it in an empty directory."""
    installation = Installation(data_dir)
    made = installation.demo()
    owner = made["owner"]
    users = {"owner": Who(owner["email"], owner["password"], "owner")}
    sites = {site["name"]: site["id"] for site in installation.json("site", "list")}
    for name, role in (("admin", "admin"), ("operator", "operator"), ("viewer", "viewer"), ("limited", "operator")):
        email = f"{name}@harbour.example"
        limits = ("--site", sites[BRISTOL]) if name == "limited" else ()
        found = installation.json("user", "create", email, "--role", role, "--first-name", name.title(), *limits)
        users[name] = Who(email, found["password"], role)
    return House(data_dir, made, users, _signed_in(data_dir, users))


def _signed_in(data_dir: Path, users: dict[str, Who]) -> dict[str, str]:
    """A session for each, begun as a sign-in begins one."""
    database, now = open_database(f"sqlite:///{data_dir / 'doorward.db'}"), SystemClock().now()

    def begin(transaction: Transaction) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, who in users.items():
            user = find_user(transaction, who.email)
            assert user is not None
            found[name] = sessions.begin(transaction, user.id, "127.0.0.1", "Chromium", now, needs_second_factor=False)
        return found

    try:
        return database.write_now(begin)
    finally:
        database.close()


@contextmanager
def serving(house: House, browser: Browser | None, **environment: str) -> Iterator[Console]:
    """A house, served with some settings."""
    installation = Installation(house.data_dir)
    with installation.serving(**environment) as server:
        yield Console(installation, server, house.made, house.users, browser, house.cookies)
