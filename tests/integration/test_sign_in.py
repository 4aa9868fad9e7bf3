"""Signing in on the pages: slow to guess, never sent elsewhere, over at once (behaviour.md, "OAuth 2.0")."""

import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import argon2
import httpx
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, select, update

from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import FixedClock
from doorward.kit.errors import TooManyRequests
from doorward.signing_in import second_factor, sessions, throttle
from doorward.signing_in.next_page import local_path
from doorward.signing_in.service import forget_old
from doorward.users.passwords import prepare_now
from doorward.users.service import disable_user, get_user, set_password
from doorward.users.tables import users
from doorward.wire.context import Edge
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.server import serving
from tests.support.services import read, write
from tests.support.world import PASSWORD, World

WRONG = "The e-mail address or the password is not right."
HOME = "/account/security"
MINUTE = 60_000
GUESS = "wrong"


@pytest.fixture
def email(world: World) -> str:
    """The owner's."""
    return read(world, get_user, world.owner_id).email


def secret_of(world: World) -> str:
    def find(transaction: Transaction) -> str | None:
        state = second_factor.state_of(transaction, world.owner_id)
        return second_factor.secret_of(world.vault, world.owner_id, state)

    found = world.database.read_now(find)
    assert found is not None
    return found


def code_at(world: World, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(world.clock.now() // 30_000 + steps)


def with_second_factor(world: World) -> tuple[str, list[str]]:
    """Give the owner a second factor; its secret and the recovery codes. The present code is spent on it."""
    world.database.write_now(lambda tx: second_factor.begin_enrolment(tx, world.vault, world.owner_id))
    secret = secret_of(world)
    code, now = code_at(world, secret), world.clock.now()
    codes = world.database.write_now(lambda tx: second_factor.confirm(tx, world.vault, world.owner_id, code, now))
    assert codes is not None
    return secret, codes


def test_signing_in_begins_a_session_and_leads_on(served: Served, email: str) -> None:
    browser = FormBrowser(served.base_url)
    assert browser.get(HOME).headers["location"] == "/sign-in?next=%2Faccount%2Fsecurity"
    page = browser.get("/sign-in?next=/oauth/authorize?client_id=x")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    answer = browser.post("/sign-in", page, email=f" {email.upper()} ", password=PASSWORD, next="/oauth/authorize?a=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/oauth/authorize?a=b")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"doorward=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie), "no https here: no Secure"
    home = browser.get(HOME)
    assert (home.status_code, home.headers["cache-control"]) == (200, "no-store")
    assert email in home.text
    assert browser.get("/sign-in?next=/somewhere").headers["location"] == "/somewhere", "signed in already"


def test_pages_are_shown_by_nobody_else_and_run_nothing(served: Served, email: str) -> None:
    browser = FormBrowser(served.base_url)
    browser.sign_in(email)
    for path in ("/sign-in/code", HOME, "/sign-in"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
        assert headers["referrer-policy"] == "same-origin"
    page = FormBrowser(served.base_url).get("/sign-in").text
    assert "<script" not in page
    assert "style=" not in page
    sheet = re.search(r'href="(/assets/doorward\.css\?v=\w+)"', page)
    assert sheet is not None
    styles = browser.get(sheet[1])
    assert (styles.status_code, styles.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert browser.get("/assets/doorward.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_https_the_cookie_is_for_this_host_and_https_only(world: World, clock: FixedClock, email: str) -> None:
    edge = Edge(public_url="https://doors.example.com")
    with serving(world.database, clock, world.vault, edge=edge) as (base_url, _):
        browser = FormBrowser(base_url, Origin="https://doors.example.com")
        page = browser.get("/sign-in")
        name, value = page.headers["set-cookie"].split("; ")[0].split("=")
        assert name == "__Host-doorward-form"
        fields = {"csrf_token": browser.token(page), "email": email, "password": PASSWORD}
        answer = browser.http.post("/sign-in", data=fields, headers={"Cookie": f"{name}={value}"})
        cookie = answer.headers["set-cookie"]
        assert re.fullmatch(r"__Host-doorward=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
        pair = cookie.split(";")[0]
        assert browser.http.get(HOME, headers={"Cookie": pair}).status_code == 200
        unprefixed = pair.removeprefix("__Host-")
        assert browser.http.get(HOME, headers={"Cookie": unprefixed}).status_code == 303, "a neighbour can set this one"


def test_what_is_wrong_is_not_told(served: Served, world: World, email: str) -> None:
    disabled_id, _ = world.user("admin")
    disabled = read(world, get_user, disabled_id).email
    write(world, disable_user, disabled_id)
    answers = []
    for name, password in (
        (email, "wrong"), ("nobody@example.com", "wrong"), (disabled, PASSWORD), ("no address", PASSWORD), ("", ""),
        (f"{email}\x00", PASSWORD), (email, PASSWORD + "x" * 1000),
    ):  # fmt: skip
        answer = FormBrowser(served.base_url).sign_in(name, password)
        assert answer.status_code == 422
        assert WRONG in answer.text
        answers.append(re.sub(r'value="[^"]*"|autofocus', "", answer.text))
    assert len({re.sub(r"\s+", " ", text) for text in answers}) <= 2, "they differ in whether an address is filled in"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whether_somebody_exists_does_not_show_in_the_time_it_takes(
    served: Served, email: str, clock: FixedClock
) -> None:
    browser = FormBrowser(served.base_url)
    page = browser.get("/sign-in")
    taken: dict[str, list[float]] = {email: [], "nobody@example.com": []}
    for _ in range(5):
        clock.advance(60 * MINUTE)
        for name, times in taken.items():
            began = time.perf_counter()
            assert browser.post("/sign-in", page, email=name, password=GUESS).status_code == 422
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in taken.values())
    # A hash takes tens of milliseconds, all else one or two: without the hash it would be a tenth.
    assert unknown > known * 0.6


def test_guesses_have_to_wait(served: Served, email: str, clock: FixedClock) -> None:
    browser = FormBrowser(served.base_url)
    page = browser.get("/sign-in")

    def attempt(password: str = GUESS) -> httpx.Response:
        return browser.post("/sign-in", page, email=email, password=password)

    assert [attempt().status_code for _ in range(5)] == [422] * 5
    refused = attempt(PASSWORD)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30"), "also the right password has to wait"
    assert "too many attempts" in refused.text
    clock.advance(30_000)
    assert attempt(PASSWORD).status_code == 303
    assert attempt().status_code == 422, "the right password clears what was before"


def attempts_at(world: World, *subjects: throttle.Subject) -> int:
    """Fail once more; gives the seconds to wait if it is not even looked at, else 0."""
    now = world.clock.now()
    try:
        world.database.write_now(lambda tx: throttle.begin_attempt(tx, subjects, now))
    except TooManyRequests as refusal:
        return refusal.retry_in
    return 0


def test_who_goes_on_guessing_has_to_wait_longer_and_longer(world: World, clock: FixedClock) -> None:
    somebody = throttle.user_subject(world.vault, "password", "somebody@example.com")
    assert [attempts_at(world, somebody) for _ in range(4)] == [0] * 4
    waits = []
    for _ in range(8):
        assert attempts_at(world, somebody) == 0
        waits.append(attempts_at(world, somebody))
        clock.advance(waits[-1] * 1000 - 1)
        assert attempts_at(world, somebody) == 1
        clock.advance(1)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    clock.advance(15 * MINUTE)
    assert [attempts_at(world, somebody) for _ in range(6)] == [0] * 5 + [30], "after a rest it begins anew"


def test_failures_far_apart_are_not_added_up(world: World, clock: FixedClock) -> None:
    somebody = throttle.user_subject(world.vault, "password", "somebody@example.com")
    for _ in range(3):
        assert [attempts_at(world, somebody) for _ in range(4)] == [0] * 4
        clock.advance(15 * MINUTE)


def test_an_address_has_to_wait_whoever_it_tries(world: World, clock: FixedClock) -> None:
    address = throttle.address_subject(world.vault, "192.0.2.1")
    tried = [throttle.user_subject(world.vault, "password", f"{number}@example.com") for number in range(21)]
    assert [attempts_at(world, user, address) for user in tried] == [0] * 20 + [30]
    assert attempts_at(world, tried[20]) == 0, "what is refused for the address is not counted for the user"
    assert attempts_at(world, throttle.address_subject(world.vault, "192.0.2.2")) == 0
    clock.advance(30_000)
    assert attempts_at(world, tried[20], address) == 0
    now = clock.now()
    world.database.write_now(lambda tx: throttle.succeeded(tx, (tried[20], address), now))
    assert attempts_at(world, address) > 0, "one who gets it right does not clear the failures of others"


def test_guesses_at_the_same_time_are_counted_one_after_the_other(served: Served, email: str) -> None:
    browser = FormBrowser(served.base_url)
    page = browser.get("/sign-in")
    token, cookies = browser.token(page), dict(browser.http.cookies)

    def attempt(_: int) -> int:
        fields = {"csrf_token": token, "email": email, "password": "wrong"}
        return httpx.post(f"{served.base_url}/sign-in", data=fields, cookies=cookies, timeout=60).status_code

    with ThreadPoolExecutor(24) as pool:
        statuses = sorted(pool.map(attempt, range(24)))
    assert statuses == [422] * 5 + [429] * 19


def test_the_address_that_is_counted_is_the_network_of_ipv6(world: World) -> None:
    def key(address: str) -> str:
        return throttle.address_subject(world.vault, address).key

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9")
    assert key("2001:db8:1:2::1") != key("2001:db8:1:3::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") != key("192.0.2.2")


def test_every_sign_in_has_a_session_of_its_own(served: Served, email: str) -> None:
    """Fixation: what the browser had before is worth nothing after, and what somebody put there never was."""
    browser = FormBrowser(served.base_url)
    browser.http.cookies.set("doorward", "A" * 43, domain="127.0.0.1")
    browser.sign_in(email)
    first = browser.session
    assert first is not None
    assert first != "A" * 43
    other = FormBrowser(served.base_url)
    page = other.get("/sign-in")
    other.http.cookies.set("doorward", first, domain="127.0.0.1")
    other.post("/sign-in", page, email=email, password=PASSWORD)
    assert other.session not in (None, first)
    assert browser.get(HOME).status_code == 303, "the session from before has ended"


def test_a_session_ends_when_idle_and_in_any_case_after_a_week(served: Served, email: str, clock: FixedClock) -> None:
    browser = FormBrowser(served.base_url)
    browser.sign_in(email)
    clock.advance(sessions.IDLE_MS - 1)
    assert browser.get(HOME).status_code == 200
    clock.advance(sessions.IDLE_MS)
    assert browser.get(HOME).status_code == 303
    browser.sign_in(email)
    for _ in range(2 * 7 - 1):
        clock.advance(sessions.IDLE_MS - 1)
        assert browser.get(HOME).status_code == 200
    clock.advance(sessions.IDLE_MS - 1)
    clock.advance(MINUTE)
    assert browser.get(HOME).status_code == 303


def test_a_session_ends_at_once_with_signing_out_a_new_password_or_a_disabled_user(
    served: Served, world: World, email: str
) -> None:
    browser = FormBrowser(served.base_url)
    browser.sign_in(email)
    kept = browser.session
    assert browser.http.post("/sign-out", data={"csrf_token": "0" * 32}).status_code == 403
    assert browser.get(HOME).status_code == 200
    out = browser.post("/sign-out", HOME, next=HOME)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in?next=%2Faccount%2Fsecurity")
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert browser.session is None
    assert httpx.get(f"{served.base_url}{HOME}", cookies={"doorward": str(kept)}).status_code == 303

    browser.sign_in(email)
    write(world, set_password, world.owner_id, prepare_now({}, make=True).password_hash)
    assert browser.get(HOME).status_code == 303

    admin_id, _ = world.user("admin")
    browser.sign_in(read(world, get_user, admin_id).email)
    assert browser.get(HOME).status_code == 200
    write(world, disable_user, admin_id)
    assert browser.get(HOME).status_code == 303


def test_a_form_from_elsewhere_is_refused(served: Served, email: str) -> None:
    browser = FormBrowser(served.base_url)
    page = browser.get("/sign-in")
    foreign = {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}
    for headers in (*foreign, {"Origin": "null"}):
        fields = {"csrf_token": browser.token(page), "email": email, "password": PASSWORD}
        assert browser.http.post("/sign-in", data=fields, headers=headers).status_code == 403
    stranger = FormBrowser(served.base_url)
    answer = stranger.http.post("/sign-in", data={"csrf_token": browser.token(page), "email": email, "password": "x"})
    assert (answer.status_code, "out of date" in answer.text) == (403, True), "the token of another browser"
    assert stranger.post("/sign-in", answer, email=email, password=PASSWORD).status_code == 303, "and try again works"
    browser.sign_in(email)
    for path in (f"{HOME}/password", f"{HOME}/sessions/end-others", f"{HOME}/second-factor"):
        answer = browser.http.post(path, data={"csrf_token": "0" * 32})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert browser.http.post(f"{HOME}/password", json={}).status_code == 415
    twice = b"csrf_token=a&csrf_token=b"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.http.post(f"{HOME}/password", content=twice, headers=kind).status_code == 400


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_sent_elsewhere_after_signing_in(served: Served, email: str) -> None:
    elsewhere = (
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\tevil", "/\r\nX: y",
        "evil", "/ok\\..", "/%0d\n", "///evil", "/.//evil", "\\\\evil", "/é", "/" + "a" * 9000,
    )  # fmt: skip
    browser = FormBrowser(served.base_url)
    for target in elsewhere[:3]:
        assert browser.sign_in(email, next=target).headers["location"] == HOME
        browser.post("/sign-out", HOME)
    browser.sign_in(email)
    for target in elsewhere:
        assert browser.http.get("/sign-in", params={"next": target}).headers["location"] == HOME
        out = FormBrowser(served.base_url).http.post("/sign-out", data={"next": target})
        assert out.headers["location"] == "/sign-in"


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%&=a9 \t\r\nhtps"), max_size=12))
def test_a_local_path_stays_on_this_host(text: str) -> None:
    found = local_path(text)
    if found is not None:
        base = httpx.URL("https://doors.example.com/sign-in")
        assert base.join(found).host == "doors.example.com"
        assert base.join(found).scheme == "https"
        assert not re.search(r"[\s\\]|^//", found)


def test_a_hash_with_older_parameters_is_made_anew(served: Served, world: World, email: str) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    put = Query[None](update(users).where(users.c.id == bindparam("the_id")).values(password_hash=bindparam("weak")))
    stored = Query(select(users.c.password_hash).where(users.c.id == bindparam("the_id")), word)
    world.database.write_now(lambda tx: tx.run(put, the_id=world.owner_id, weak=weak))
    assert FormBrowser(served.base_url).sign_in(email).status_code == 303
    fresh = world.database.read_now(lambda tx: tx.one(stored, the_id=world.owner_id))
    assert fresh is not None
    assert fresh != weak
    assert not argon2.PasswordHasher().check_needs_rehash(fresh)
    assert FormBrowser(served.base_url).sign_in(email).status_code == 303


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
    renewed = browser.post(f"{HOME}/recovery-codes", HOME, password=codes[0])
    fresh = re.findall(r"<code>([a-z0-9-]{14})</code>", renewed.text)
    assert len(fresh) == 10
    assert not set(codes) & set(fresh)
    assert browser.post(f"{begin}/off", HOME, password=codes[1]).status_code == 422, "good no longer"
    clock.advance(MINUTE)
    assert browser.post(f"{begin}/off", HOME, password=code_at(world, secret)).status_code == 303
    assert FormBrowser(served.base_url).sign_in(email).headers["location"] == HOME
    assert browser.post(f"{begin}/off", HOME, password=PASSWORD).status_code == 303, "nothing to turn off"


def test_own_password_and_signed_in_browsers(served: Served, email: str) -> None:
    new = "Einhörner schlafen im Stehen"
    browser, phone, laptop = (
        FormBrowser(served.base_url, **{"User-Agent": agent})
        for agent in ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0", "<b>curl</b>", "Edg/1 Windows")
    )
    for each in (browser, phone, laptop):
        assert each.sign_in(email).status_code == 303
    page = browser.get(HOME).text
    assert "Firefox on Linux" in page
    assert "Edge on Windows" in page
    assert "<b>" not in page
    ends = sorted(re.findall(rf'action="({HOME}/sessions/\d+/end)"', page))
    assert len(ends) == 2
    assert browser.post(ends[0], HOME).status_code == 303
    assert (phone.get(HOME).status_code, laptop.get(HOME).status_code) == (303, 200)
    stranger = FormBrowser(served.base_url)
    assert stranger.http.post(ends[1]).headers["location"].startswith("/sign-in")
    assert browser.post(f"{HOME}/sessions/end-others", HOME).status_code == 303
    assert (laptop.get(HOME).status_code, browser.get(HOME).status_code) == (303, 200)
    laptop.sign_in(email)
    assert browser.post(f"{HOME}/password", HOME, password=GUESS, new_password=new).status_code == 422
    assert "too short" in browser.post(f"{HOME}/password", HOME, password=PASSWORD, new_password=GUESS).text
    done = browser.post(f"{HOME}/password", HOME, password=PASSWORD, new_password=new)
    assert done.headers["location"] == f"{HOME}?done=password"
    assert "was changed" in browser.get(f"{HOME}?done=password").text
    assert laptop.get(HOME).status_code == 303
    assert laptop.sign_in(email).status_code == 422
    assert laptop.sign_in(email, "Einho\u0308rner schlafen im Stehen").status_code == 303, "however it is typed"


def test_old_sessions_and_counts_are_forgotten(served: Served, world: World, email: str, clock: FixedClock) -> None:
    browser = FormBrowser(served.base_url)
    browser.sign_in(email, "wrong")
    browser.sign_in(email)

    def forget(transaction: Transaction) -> int:
        return forget_old(transaction, clock.now())

    assert world.database.write_now(forget) == 0
    clock.advance(sessions.LONGEST_MS + 31 * 86_400_000)
    assert world.database.write_now(forget) >= 2, "the session, and the counts of its address and its user"
    assert world.database.write_now(forget) == 0
