"""What the audit log says of signing in: who, from where, once a block; never a secret."""

import json
from typing import NamedTuple

import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.db.query import Query
from doorward.kit.clock import FixedClock
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.integration.test_sign_in import GUESS, HOME, MINUTE
from tests.support.browser import FormBrowser
from tests.support.second_factor import code_at, with_second_factor
from tests.support.services import read
from tests.support.world import PASSWORD, World

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"


class Entry(NamedTuple):
    action: str
    after: dict[str, object] | None
    user_id: int | None
    user_name: str
    address: str
    account_id: int
    resource: tuple[str, int]
    request_id: str | None


COLUMNS = ("action", "after", "user_id", "user_name", "address", "account_id", "resource_type", "resource_id")
ENTRIES = Query(
    select(*(audit_log.c[name] for name in (*COLUMNS, "request_id"))).order_by(audit_log.c.id),
    lambda action, after, user_id, name, address, account_id, kind, the_id, request_id: Entry(
        action, None if after is None else json.loads(after), user_id, name, address, account_id, (kind, the_id),
        request_id,
    ),
)  # fmt: skip


class Log:
    """The log of a world from here on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = len(self._all())

    def _all(self) -> list[Entry]:
        return self.world.database.read_now(lambda tx: tx.all(ENTRIES))

    def new(self) -> list[Entry]:
        """What came since one last looked; all of it is of this account and its owner, and has no secret in it."""
        found = self._all()[self.seen :]
        self.seen += len(found)
        for entry in found:
            assert (entry.account_id, entry.address) == (self.world.account_id, "127.0.0.1")
            assert entry.resource == ("user", self.world.owner_id)
            assert entry.request_id
            assert PASSWORD not in str(entry)
        return found


@pytest.fixture
def email(world: World) -> str:
    """The owner's."""
    return read(world, get_user, world.owner_id).email


def test_signing_in_and_out_and_ending_sessions_is_logged(served: Served, world: World, email: str) -> None:
    log = Log(world)
    browser, other = (FormBrowser(served.base_url, **{"User-Agent": FIREFOX}) for _ in range(2))
    browser.sign_in(email)
    (entry,) = log.new()
    assert (entry.action, entry.after) == ("sign_in", {"browser": "Firefox on Linux", "second_factor": False})
    assert (entry.user_id, email in entry.user_name) == (world.owner_id, True)
    other.sign_in(email)
    log.new()
    browser.post(f"{HOME}/sessions/end-others", HOME)
    browser.post(f"{HOME}/sessions/end-others", HOME)
    browser.post(f"{HOME}/sessions/999999/end", HOME)
    (entry,) = log.new()
    assert (entry.action, entry.after, entry.user_id) == ("sessions_ended", {"sessions": 1}, world.owner_id)
    new = "something else that is long"
    browser.post(f"{HOME}/password", HOME, password=PASSWORD, new_password=new)
    (entry,) = log.new()
    assert (entry.action, entry.after, entry.user_id) == ("update", {"password": "changed"}, world.owner_id)
    browser.post("/sign-out", HOME)
    browser.http.post("/sign-out", data={})
    (entry,) = log.new()
    assert (entry.action, entry.user_id) == ("sign_out", world.owner_id)


def test_a_block_is_logged_once_and_only_of_a_user_that_exists(
    served: Served, world: World, email: str, clock: FixedClock
) -> None:
    log = Log(world)
    browser = FormBrowser(served.base_url)
    page = browser.get("/sign-in")
    for name in (email, "nobody@example.com"):
        for _ in range(7):
            browser.post("/sign-in", page, email=name, password=GUESS)
    (entry,) = log.new()
    assert (entry.action, entry.user_id, entry.user_name) == ("sign_in_failed", None, "somebody")
    assert entry.after == {"wrong": "password", "has_to_wait_seconds": 30}
    clock.advance(30_000)
    for _ in range(4):
        browser.post("/sign-in", page, email=email, password=GUESS)
    assert browser.post("/sign-in", page, email=email, password=PASSWORD).status_code == 303, "the last before a block"
    assert [entry.action for entry in log.new()] == ["sign_in"]


def test_the_second_factor_and_its_recovery_codes_are_logged(
    served: Served, world: World, email: str, clock: FixedClock
) -> None:
    secret, codes = with_second_factor(world)
    clock.advance(MINUTE)
    log = Log(world)
    browser = FormBrowser(served.base_url)
    browser.sign_in(email)
    assert log.new() == [], "the password alone is no sign-in"
    for _ in range(5):
        browser.post("/sign-in/code", "/sign-in/code", code="000000")
    (entry,) = log.new()
    assert (entry.action, entry.after) == ("sign_in_failed", {"wrong": "code", "has_to_wait_seconds": 30})
    clock.advance(30_000)
    browser.post("/sign-in/code", "/sign-in/code", code=codes[0])
    used, signed_in = log.new()
    assert (used.action, used.user_id) == ("update", world.owner_id)
    assert used.after == {"recovery_code": "used", "recovery_codes_left": 9}
    assert signed_in.after is not None
    assert (signed_in.action, signed_in.after["second_factor"]) == ("sign_in", True)
    clock.advance(MINUTE)
    fresh = browser.post(f"{HOME}/recovery-codes", HOME, code=code_at(world, secret))
    assert fresh.status_code == 200
    (entry,) = log.new()
    assert entry.after == {"recovery_codes": "renewed"}
    clock.advance(MINUTE)
    browser.post(f"{HOME}/second-factor/off", HOME, code=code_at(world, secret))
    (entry,) = log.new()
    assert (entry.action, entry.after, entry.user_id) == ("update", {"two_factor": False}, world.owner_id)
