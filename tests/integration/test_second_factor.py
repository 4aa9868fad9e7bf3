"""The second factor: asked for, good once, slow to guess, set up and turned off on the page."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from doorward.kit.clock import FixedClock
from doorward.signing_in import second_factor, sessions
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.second_factor import code_at, second_factor_is_on, secret_of, with_second_factor
from tests.support.services import read
from tests.support.world import PASSWORD, World

WRONG = "The e-mail address or the password is not right."
HOME = "/account/security"
MINUTE = 60_000
GUESS = "wrong"


@pytest.fixture
def email(world: World) -> str:
    """The owner's."""
    return read(world, get_user, world.owner_id).email


def test_the_second_factor_is_asked_for_and_a_code_is_good_once(served: Served, world: World, email: str) -> None:
    secret, _ = with_second_factor(world)
    browser = FormBrowser(served.base_url)
    answer = browser.sign_in(email, next="/somewhere")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/code?next=%2Fsomewhere")
    pending = browser.session
    assert browser.get(HOME).status_code == 303, "the password alone opens nothing"
    page = browser.get("/sign-in/code?next=/somewhere")
    spent = code_at(world, secret)
    for code in (spent, code_at(world, secret, 2), code_at(world, secret, -2), "", "abc"):
        refused = browser.post("/sign-in/code", page, code=code)
        assert (refused.status_code, "not right" in refused.text) == (422, True)
    world.clock.advance(MINUTE)  # type: ignore[attr-defined]
    code = code_at(world, secret)
    done = browser.post("/sign-in/code", page, code=f"{code[:3]} {code[3:]}", next="/somewhere")
    assert (done.status_code, done.headers["location"]) == (303, "/somewhere")
    assert browser.session != pending
    assert browser.get(HOME).status_code == 200
    again = FormBrowser(served.base_url)
    again.sign_in(email)
    assert again.post("/sign-in/code", "/sign-in/code", code=code).status_code == 422, "replayed"
    world.clock.advance(30_000)  # type: ignore[attr-defined]
    assert again.post("/sign-in/code", "/sign-in/code", code=code_at(world, secret, -1)).status_code == 422, "older"
    assert again.post("/sign-in/code", "/sign-in/code", code=code_at(world, secret, 1)).status_code == 303, (
        "their clock"
    )


def test_one_code_brought_many_times_at_once_is_good_once(world: World, clock: FixedClock) -> None:
    secret, codes = with_second_factor(world)
    clock.advance(MINUTE)
    now = clock.now()
    for code in (code_at(world, secret), codes[0]):

        def redeem(_: int, code: str = code) -> bool:
            return world.database.write_now(lambda tx: second_factor.redeem(tx, world.vault, world.owner_id, code, now))

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(redeem, range(8))) == [False] * 7 + [True]


def test_guesses_at_the_code_have_to_wait(served: Served, world: World, email: str, clock: FixedClock) -> None:
    secret, _ = with_second_factor(world)
    clock.advance(MINUTE)
    browser = FormBrowser(served.base_url)
    for _ in range(5):
        browser.sign_in(email)  # a new session does not give new attempts
        assert browser.post("/sign-in/code", "/sign-in/code", code="000000").status_code == 422
    browser.sign_in(email)
    right = code_at(world, secret)
    refused = browser.post("/sign-in/code", "/sign-in/code", code=right)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    clock.advance(30_000)
    assert browser.post("/sign-in/code", "/sign-in/code", code=code_at(world, secret)).status_code == 303


def test_who_dawdles_over_the_code_begins_again(served: Served, world: World, email: str, clock: FixedClock) -> None:
    secret, _ = with_second_factor(world)
    browser = FormBrowser(served.base_url)
    browser.sign_in(email)
    page = browser.get("/sign-in/code")
    clock.advance(sessions.CODE_MS)
    answer = browser.post("/sign-in/code", page, code=code_at(world, secret))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_recovery_code_signs_in_once(served: Served, world: World, email: str) -> None:
    _, codes = with_second_factor(world)
    assert len(set(codes)) == 10
    for attempt, status in enumerate((303, 422)):
        browser = FormBrowser(served.base_url)
        browser.sign_in(email)
        code = codes[3].upper().replace("-", " ") if attempt == 0 else codes[3]
        assert browser.post("/sign-in/code", "/sign-in/code", code=code).status_code == status
    state = world.database.read_now(lambda tx: second_factor.state_of(tx, world.owner_id))
    assert state.recovery_codes_left == 9


def test_a_second_factor_is_set_up_and_turned_off_on_the_page(
    served: Served, world: World, email: str, clock: FixedClock
) -> None:
    browser, elsewhere = FormBrowser(served.base_url), FormBrowser(served.base_url)
    browser.sign_in(email)
    elsewhere.sign_in(email)
    begin = f"{HOME}/second-factor"
    assert "not your password" in browser.post(begin, HOME, password=GUESS).text
    assert browser.post(begin, HOME, password=PASSWORD).status_code == 303
    page = browser.get(HOME)
    secret = secret_of(world)
    assert secret in page.text.replace(" ", "")
    assert 'src="data:image/svg+xml' in page.text
    assert browser.post(f"{begin}/confirm", page, code="000000").status_code == 422
    shown = browser.post(f"{begin}/confirm", page, code=code_at(world, secret))
    assert shown.status_code == 200
    codes = re.findall(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", shown.text)
    assert len(codes) == 10
    assert elsewhere.get(HOME).status_code == 303, "who was signed in without it is out"
    later = browser.get(HOME)
    assert codes[0] not in later.text
    assert secret not in later.text.replace(" ", "")
    for path in (f"{HOME}/recovery-codes", f"{begin}/off"):
        for field in ("code", "password"):
            assert browser.post(path, HOME, **{field: PASSWORD}).status_code == 422, "who only knows the password"
    assert second_factor_is_on(world)
    clock.advance(MINUTE)
    first = code_at(world, secret)
    assert browser.post(f"{HOME}/recovery-codes", HOME, code=first).status_code == 200
    assert browser.post(f"{begin}/off", HOME, code=first).status_code == 422, "spent"
    renewed = browser.post(f"{HOME}/recovery-codes", HOME, code=codes[0])
    assert renewed.status_code == 422, "those from before are good no longer"
    clock.advance(MINUTE)
    renewed = browser.post(f"{HOME}/recovery-codes", HOME, code=code_at(world, secret))
    fresh = re.findall(r"<code>([a-z0-9-]{14})</code>", renewed.text)
    assert len(fresh) == 10
    assert not set(codes) & set(fresh)
    assert browser.post(f"{begin}/off", HOME, code=codes[1]).status_code == 422, "good no longer"
    assert browser.post(f"{begin}/off", HOME, code=fresh[0]).status_code == 303
    assert not second_factor_is_on(world)
    assert FormBrowser(served.base_url).sign_in(email).headers["location"] == "/console"
