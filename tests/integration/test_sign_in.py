"""Signing in on the pages: slow to guess, never sent elsewhere, over at once (behaviour.md, "OAuth 2.0")."""

import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import argon2
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, select, update

from doorward.db.query import Query, word
from doorward.db.unit_of_work import Transaction
from doorward.kit.clock import FixedClock
from doorward.kit.errors import TooManyRequests
from doorward.oauth.browser_sessions import IDLE_MS
from doorward.signing_in import sessions, throttle
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


def password_of(world: World, who: str = "somebody@example.com", address: str = "192.0.2.1") -> throttle.Subject:
    """The count of those who try a user's password from one network."""
    return throttle.password_subjects(world.vault, who, address)[0]


def waits_after_each_five(world: World, clock: FixedClock, subject: throttle.Subject, times: int) -> list[int]:
    """Fail as often as is let be; gives how long each block is."""
    waits = []
    for _ in range(times):
        assert [attempts_at(world, subject) for _ in range(5)] == [0] * 5, "no block is renewed by less than led to it"
        waits.append(attempts_at(world, subject))
        clock.advance(waits[-1] * 1000 - 1)
        assert attempts_at(world, subject) == 1
        clock.advance(1)
    return waits


def test_who_goes_on_guessing_has_to_wait_longer_and_longer(world: World, clock: FixedClock) -> None:
    somebody = password_of(world)
    assert waits_after_each_five(world, clock, somebody, 8) == [30, 60, 120, 240, 480, 900, 900, 900]
    clock.advance(15 * MINUTE)
    assert [attempts_at(world, somebody) for _ in range(6)] == [0] * 5 + [30], "after a rest it begins anew"


def test_guesses_at_the_code_have_to_wait_longest_and_are_remembered_for_a_day(world: World, clock: FixedClock) -> None:
    code = throttle.code_subjects(world.vault, world.owner_id, "192.0.2.1")[0]
    assert code == throttle.code_subjects(world.vault, world.owner_id, "203.0.113.9")[0], "wherever they come from"
    assert waits_after_each_five(world, clock, code, 9)[4:] == [480, 960, 1920, 3600, 3600]
    clock.advance(23 * 60 * MINUTE)
    assert waits_after_each_five(world, clock, code, 1) == [3600]
    clock.advance(24 * 60 * MINUTE)
    assert waits_after_each_five(world, clock, code, 1) == [30]


def test_failures_far_apart_are_not_added_up(world: World, clock: FixedClock) -> None:
    for _ in range(3):
        assert [attempts_at(world, password_of(world)) for _ in range(4)] == [0] * 4
        clock.advance(15 * MINUTE)


def test_nobody_keeps_a_user_out_from_elsewhere(world: World, clock: FixedClock) -> None:
    who = "somebody@example.com"

    def attempt(address: str) -> int:
        return attempts_at(world, *throttle.password_subjects(world.vault, who, address))

    assert [attempt("192.0.2.1") for _ in range(6)] == [0] * 5 + [30]
    assert attempt("192.0.2.200") == 30, "a neighbour's address is the same house's"
    assert attempt("198.51.100.1") == 0
    spread = [attempt(f"203.0.{number // 4}.1") for number in range(44)]
    assert spread == [0] * 44
    assert attempt("198.51.100.1") == 30, "the fiftieth, be they from everywhere: but not for long"
    clock.advance(30_000)
    now = clock.now()
    assert [attempt(f"2001:db8:{number}::1") for number in range(49)] == [0] * 49, "one failure does not renew it"
    home = throttle.password_subjects(world.vault, who, "198.51.100.1")
    assert attempts_at(world, *home) == 0, "the fiftieth is still looked at"
    world.database.write_now(lambda tx: throttle.succeeded(tx, home, now))
    assert attempt("2001:db8:99::1") == 0


def test_an_address_has_to_wait_whoever_it_tries(world: World, clock: FixedClock) -> None:
    address = throttle.address_subject(world.vault, "192.0.2.1")
    tried = [password_of(world, f"{number}@example.com") for number in range(21)]
    assert [attempts_at(world, user, address) for user in tried] == [0] * 20 + [30]
    assert attempts_at(world, tried[20]) == 0, "what is refused for the address is not counted for the user"
    assert attempts_at(world, throttle.address_subject(world.vault, "192.0.2.2")) == 0
    clock.advance(30_000)
    assert [attempts_at(world, address) for _ in range(20)] == [0] * 20
    assert attempts_at(world, address) == 60
    now = clock.now()
    world.database.write_now(lambda tx: throttle.succeeded(tx, (tried[20], address), now))
    assert attempts_at(world, address) == 0, "the attempt that led to the block was right"
    assert attempts_at(world, address) == 60, "but one who gets it right does not clear the failures of others"


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

    def network(address: str) -> str:
        return password_of(world, address=address).key

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9")
    assert key("2001:db8:1:2::1") != key("2001:db8:1:3::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") != key("192.0.2.2")
    assert network("192.0.2.1") == network("::ffff:192.0.2.255") != network("192.0.3.1")
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9") != network("2001:db8:1:3::1")
    assert network("") != network("a socket")


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
    clock.advance(IDLE_MS - 1)
    assert browser.get(HOME).status_code == 200
    clock.advance(IDLE_MS)
    assert browser.get(HOME).status_code == 303
    browser.sign_in(email)
    for _ in range(2 * 7 - 1):
        clock.advance(IDLE_MS - 1)
        assert browser.get(HOME).status_code == 200
    clock.advance(IDLE_MS - 1)
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
        assert browser.sign_in(email, next=target).headers["location"] == "/console"
        browser.post("/sign-out", HOME)
    browser.sign_in(email)
    for target in elsewhere:
        assert browser.http.get("/sign-in", params={"next": target}).headers["location"] == "/console"
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
