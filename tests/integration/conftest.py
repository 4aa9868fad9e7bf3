"""The API served on a socket over a small account, on each database."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from doorward.db.unit_of_work import Database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.users.service import get_user
from doorward.wire.context import Context
from tests.support.browser import BrowserOf, FormBrowser
from tests.support.commands import Commands
from tests.support.server import client, serving
from tests.support.services import read
from tests.support.world import World


@pytest.fixture
def world(database: Database, vault: Vault, clock: FixedClock) -> World:
    """A small account in Europe/London."""
    return World(database, vault, clock).build()


@dataclass
class Served:
    """A running API."""

    base_url: str
    context: Context

    def client(self, token: str | None) -> httpx.Client:
        """A client with a token."""
        return client(self.base_url, token)


@pytest.fixture
def served(world: World, clock: FixedClock) -> Iterator[Served]:
    """The API over the small account."""
    with serving(world.database, clock, world.vault) as (base_url, context):
        yield Served(base_url, context)


@pytest.fixture
def api(served: Served, world: World) -> Iterator[httpx.Client]:
    """A client with the owner's token, which holds all scopes."""
    with served.client(world.token) as opened:
        yield opened


@pytest.fixture
def empty(database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """An installation without an account."""
    return Commands(database_url, tmp_path / "data", capsys)


@pytest.fixture
def doorward(empty: Commands) -> Commands:
    """An installation with one account and one site."""
    empty.json("account", "create", "Acme", "--time-zone", "Europe/London")
    empty.json("site", "create", "North")
    return empty


@pytest.fixture
def browser_of(served: Served, world: World) -> Iterator[BrowserOf]:
    """A browser in which a user of a role has signed in."""
    opened: list[FormBrowser] = []

    def sign_in(role: str, site_ids: list[int] | None = None) -> FormBrowser:
        browser = FormBrowser(served.base_url)
        opened.append(browser)
        user_id = world.user(role, site_ids=site_ids)[0]
        assert browser.sign_in(read(world, get_user, user_id).email).status_code == 303
        return browser

    yield sign_in
    for browser in opened:
        browser.http.close()
