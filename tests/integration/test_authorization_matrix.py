"""The authorization matrix, generated: every operation, asked by everybody; 401, 403 and 404 exactly where they belong.

With DOORWARD_WRITE_PAGES=1 in the environment it writes docs/reference/authorization.md instead of comparing it.
"""

import os
import shutil
from pathlib import Path

import httpx
import pytest

from doorward.api.app import routes
from doorward.api.openapi import Route
from doorward.db.connect import open_database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.authorization.matrix import (
    Row,
    allowed_by_role,
    allowed_by_scope,
    ask,
    at_another_site,
    passed,
    scopes_to_try,
    table,
)
from tests.authorization.rules import ROLES
from tests.authorization.things import Things
from tests.conftest import NOW
from tests.support.server import client, serving
from tests.support.world import World

PAGE = Path(__file__).parents[2] / "docs/reference/authorization.md"
HEAD = """# Who may do what

Made by asking a running server for every operation as everybody (`tests/integration/test_authorization_matrix.py`):
without a token; with a token of each scope alone; as a user of each role, through an application with all scopes; with
a token of another account, for the ids of this one; and as an owner limited to another site. "yes" is let in, a number
is the status of the refusal, "own" says that the operation names nothing of others: it works on the caller's own.

"""
ROUTES = [route for route in routes() if route.path.startswith(("/api/", "/oauth/")) and not route.public]
each_operation = pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])


class Everybody:
    """Whoever asks: a client of each kind."""

    def __init__(self, base_url: str, things: Things, world: World, other: World) -> None:
        self.things = things
        self._base_url = base_url
        self._world = world
        self._clients = {role: client(base_url, world.user(role)[1]) for role in ROLES}
        self._clients["other account"] = client(base_url, other.token)
        self._clients["other site"] = client(base_url, world.user("owner", site_ids=world.site_ids[1:])[1])
        self._clients["none"] = client(base_url, None)

    def __getitem__(self, who: str) -> httpx.Client:
        """A client by what it is; several scopes are the owner with a token of just these."""
        if who not in self._clients:
            self._clients[who] = client(self._base_url, self._world.new_token(self._world.owner_id, who))
        return self._clients[who]

    def close(self) -> None:
        """Let go."""
        for each in self._clients.values():
            each.close()


def ask_all(route: Route, everybody: Everybody) -> Row:
    """Ask for one operation as everybody."""
    row = Row(route, none=ask(everybody["none"], route))
    for scope, held in scopes_to_try(route):
        row.by_scope[scope] = ask(everybody[" ".join(held)], route)
    for role in ROLES:
        row.by_role[role] = ask(everybody[role], route)
    path = everybody.things.path(route.path)
    if path is not None:
        body = everybody.things.body(route)
        row.other_account = ask(everybody["other account"], route, path, body)
        row.other_site = ask(everybody["other site"], route, path, body)
    return row


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> dict[str, Row]:
    """What became of all questions, by operation."""
    path = tmp_path_factory.mktemp("matrix") / "doorward.db"
    shutil.copy(migrated_file, path)
    database = open_database(f"sqlite:///{path}")
    clock, vault = FixedClock(NOW), Vault(bytes(range(32)))
    world, other = World(database, vault, clock).build(), World(database, vault, clock).build()
    try:
        with serving(database, clock, vault) as (base_url, _), client(base_url, world.token) as api:
            everybody = Everybody(base_url, Things(api, world), world, other)
            # What removes things comes last, and of it what lies deepest first.
            in_order = sorted(
                ROUTES, key=lambda route: (route.method == "delete", -route.path.count("/"), route.method, route.path)
            )
            found = {route.name: ask_all(route, everybody) for route in in_order}
            everybody.close()
            return found
    finally:
        database.close()


@each_operation
def test_without_a_token_nobody_is_let_in(rows: dict[str, Row], route: Route) -> None:
    answer = rows[route.name].none
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@each_operation
def test_each_scope_lets_in_where_it_belongs_and_nowhere_else(rows: dict[str, Row], route: Route) -> None:
    by_scope = rows[route.name].by_scope
    for scope, held in scopes_to_try(route):
        answer = by_scope[scope]
        if allowed_by_scope(route, held):
            assert passed(answer.status_code), (scope, answer.text)
        else:
            assert answer.status_code == 403, (scope, answer.text)
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert any(passed(answer.status_code) for answer in by_scope.values()), "no scope lets anybody in"


@each_operation
def test_each_role_is_let_in_where_it_belongs_and_nowhere_else(rows: dict[str, Row], route: Route) -> None:
    for role, answer in rows[route.name].by_role.items():
        if allowed_by_role(route, role):
            assert passed(answer.status_code), (role, answer.text)
        else:
            assert answer.status_code == 403, role
            assert "WWW-Authenticate" not in answer.headers, "the user may not; the application might"


@each_operation
def test_what_is_of_another_account_is_not_there(rows: dict[str, Row], route: Route) -> None:
    answer = rows[route.name].other_account
    if answer is not None:
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"] == "not_found"


@each_operation
def test_what_is_at_another_site_is_not_there_or_not_to_be_changed(rows: dict[str, Row], route: Route) -> None:
    answer = rows[route.name].other_site
    if answer is not None:
        assert answer.status_code in at_another_site(route), answer.text


def test_the_matrix_is_printed_and_kept(rows: dict[str, Row]) -> None:
    found = HEAD + table(rows[route.name] for route in ROUTES)
    print(found)
    if os.environ.get("DOORWARD_WRITE_PAGES"):
        PAGE.write_text(found)
    assert PAGE.read_text() == found
