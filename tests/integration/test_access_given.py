"""/account/security shows what has access in one's name, and takes it away."""

import re

import pytest

from doorward.applications.personal_tokens import create_personal_token
from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import authenticate
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.integration.test_sign_in import HOME, MINUTE
from tests.integration.test_sign_in_is_logged import ENTRIES, Entry
from tests.support.browser import FormBrowser
from tests.support.oauth import Browser, new_app, signed_in
from tests.support.services import read
from tests.support.world import World

SEES_ROLES = "See roles: which doors they open"


@pytest.fixture
def browser(served: Served, world: World) -> FormBrowser:
    """The owner's, signed in."""
    opened = FormBrowser(served.base_url)
    opened.sign_in(read(world, get_user, world.owner_id).email)
    return opened


def consenting(served: Served, world: World, user_id: int) -> Browser:
    return signed_in(world, served.base_url, user_id)


def last_entry(world: World) -> Entry:
    return world.database.read_now(lambda tx: tx.all(ENTRIES))[-1]


def test_an_application_that_was_let_in_is_shown_and_disconnected(
    served: Served, world: World, browser: FormBrowser, clock: FixedClock
) -> None:
    colleague_id, _ = world.user("admin")
    app, other = new_app(world, served.base_url), new_app(world, served.base_url, name="<b>Other</b>")
    assert "Disconnect" not in browser.get(HOME).text
    owner, colleague = consenting(served, world, world.owner_id), consenting(served, world, colleague_id)
    first = owner.connect(app, scope="account.role.readonly")
    clock.advance(MINUTE)
    second = owner.connect(app, scope="account.person")
    pending = owner.code_for(app)
    kept = [owner.connect(other), colleague.connect(app)]

    page = browser.get(HOME).text
    assert "<b>Other" not in page
    assert page.count("Disconnect") == 2 * 2, "each application once, on its button and for those who cannot see it"
    assert (SEES_ROLES in page, "Add, change and remove people" in page) == (True, True)
    assert "Since 2 March 2026, 09:00" in page
    paths = re.findall(rf'action="({HOME}/applications/\d+/disconnect)"', page)
    assert paths == [f"{HOME}/applications/{each.id}/disconnect" for each in (other, app)]

    assert browser.http.post(paths[1], data={"csrf_token": "0" * 32}).status_code == 403
    assert FormBrowser(served.base_url).http.post(paths[1]).headers["location"].startswith("/sign-in")
    assert app.works(first["access_token"])
    done = browser.post(paths[1], HOME)
    assert done.headers["location"] == f"{HOME}?done=disconnected"
    assert "was disconnected" in browser.get(done.headers["location"]).text
    for tokens in (first, second):
        assert not app.works(tokens["access_token"])
        assert app.refresh(tokens["refresh_token"]).status_code == 400
    assert app.exchange(pending).status_code == 400, "what was not yet exchanged"
    assert all(app.works(tokens["access_token"]) for tokens in kept), "another application, another user"
    assert browser.get(HOME).text.count(f"{HOME}/applications/") == 1
    entry = last_entry(world)
    assert (entry.action, entry.resource, entry.user_id) == ("delete", ("consent", app.id), world.owner_id)
    assert entry.after == {"reason": "Disconnected by the user"}
    for again in (paths[1], f"{HOME}/applications/999999/disconnect"):
        assert browser.post(again, HOME).status_code == 303
    assert last_entry(world) == entry
    assert app.works(owner.connect(app)["access_token"]), "it may ask again"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_application_whose_access_has_run_out_is_not_shown(served: Served, world: World, clock: FixedClock) -> None:
    app = new_app(world, served.base_url, name="Long gone")
    consenting(served, world, world.owner_id).connect(app)
    clock.advance(91 * 86_400_000)
    browser = FormBrowser(served.base_url)
    browser.sign_in(read(world, get_user, world.owner_id).email)
    assert "Long gone" not in browser.get(HOME).text


def test_personal_tokens_are_shown_and_revoked(
    served: Served, world: World, browser: FormBrowser, clock: FixedClock
) -> None:
    def make(token: str, name: str) -> tuple[int, str]:
        now, body = clock.now(), {"name": name, "scopes": ["account.role.readonly"]}
        made, text = world.database.write_now(
            lambda tx: create_personal_token(tx, authenticate(tx, token, now), body, now)
        )
        return made.id, text

    mine, text = make(world.token, "Nightly <backup>")
    _, colleague = world.user("admin")
    theirs, _ = make(colleague, "Not mine")
    page = browser.get(HOME).text
    assert "Nightly &lt;backup&gt;" in page
    assert "Since 2 March 2026, 09:00, until 31 May 2026" in page
    assert (SEES_ROLES in page, "Not mine" in page, text in page) == (True, False, False)
    for token_id in (theirs, mine, mine):
        assert browser.post(f"{HOME}/tokens/{token_id}/revoke", HOME).headers["location"] == f"{HOME}?done=revoked"
    with served.client(text) as program:
        assert program.get("/api/3/roles").status_code == 401
    assert "Nightly" not in browser.get(HOME).text
    entries = [each for each in world.database.read_now(lambda tx: tx.all(ENTRIES)) if each.action == "delete"]
    assert [(each.resource, each.user_id) for each in entries] == [(("personal_token", mine), world.owner_id)]
