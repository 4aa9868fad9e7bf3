"""The console's frame: who gets in, what is offered, what is refused, and that it never acts for somebody else."""

import re
import threading
from collections.abc import Callable

import httpx
import pytest

from doorward.kit.clock import FixedClock
from doorward.sites.service import list_sites
from doorward.users.service import disable_user, get_user
from doorward.wire.context import Edge
from tests.integration.conftest import Served
from tests.support.browser import FormBrowser
from tests.support.server import serving
from tests.support.services import read, write
from tests.support.world import PASSWORD, World

SITES = "/console/sites"


@pytest.fixture
def browser_of(served: Served, world: World) -> Callable[[int], FormBrowser]:
    """A browser in which a user has signed in."""

    def sign_in(user_id: int) -> FormBrowser:
        browser = FormBrowser(served.base_url)
        assert browser.sign_in(read(world, get_user, user_id).email).status_code == 303
        return browser

    return sign_in


@pytest.fixture
def owner(browser_of: Callable[[int], FormBrowser], world: World) -> FormBrowser:
    return browser_of(world.owner_id)


def names(world: World) -> list[str]:
    return [site.name for site in read(world, list_sites)]


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back_to_the_page(served: Served, world: World) -> None:
    browser = FormBrowser(served.base_url)
    answer = browser.get(f"{SITES}?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fconsole%2Fsites%3Fpage%3D2")
    assert "content-security-policy" in answer.headers
    email = read(world, get_user, world.owner_id).email
    assert browser.sign_in(email, next=f"{SITES}?page=2").headers["location"] == f"{SITES}?page=2"
    assert browser.get("/").headers["location"] == "/console"
    assert httpx.post(f"{served.base_url}{SITES}/new", trust_env=False).status_code == 303
    part = httpx.get(f"{served.base_url}{SITES}", headers={"HX-Request": "true"}, trust_env=False)
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fconsole")
    names_a_token = {"Authorization": f"Bearer {world.token}"}
    assert httpx.get(f"{served.base_url}{SITES}", headers=names_a_token, trust_env=False).status_code == 303


def test_a_session_is_its_cookie_and_no_other(served: Served, owner: FormBrowser) -> None:
    stranger = FormBrowser(served.base_url)
    stranger.http.cookies.set("doorward", "x" * 43)
    assert stranger.get(SITES).status_code == 303
    stranger.http.cookies.set("doorward", str(owner.session))
    assert stranger.get(SITES).status_code == 200


def test_a_change_needs_the_pages_token_and_our_own_origin(world: World, owner: FormBrowser) -> None:
    before = names(world)
    token = owner.token(f"{SITES}/new")
    for fields, headers in (
        ({"name": "A"}, {}),
        ({"name": "A", "csrf_token": "0" * 64}, {}),
        ({"name": "A", "csrf_token": token}, {"Origin": "https://elsewhere.example"}),
        ({"name": "A", "csrf_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = owner.http.post(f"{SITES}/new", data=fields, headers=headers)
        assert answer.status_code == 403, (fields, headers)
        assert "out of date" in answer.text
    assert owner.http.post(f"{SITES}/new", json={"name": "A"}).status_code == 415
    assert owner.http.post(f"{SITES}/new", content=b"a=%ff", headers=_ENCODED).status_code == 400
    assert owner.http.post(f"{SITES}/new", content=b"a=" + b"x" * 600_000, headers=_ENCODED).status_code == 400
    assert names(world) == before


_ENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_change_is_audited_with_the_user_and_without_an_application(
    served: Served, world: World, owner: FormBrowser
) -> None:
    answer = owner.post(f"{SITES}/new", f"{SITES}/new", name="Annexe", time_zone="Europe/Paris")
    assert answer.status_code == 303
    with served.client(world.token) as api:
        entry = api.get("/api/3/audit_log").json()[0]
    assert (entry["user_id"], entry["application_id"], entry["resource_type"]) == (world.owner_id, None, "site")
    told = owner.get(answer.headers["location"])
    assert "Annexe was added." in told.text
    assert "Annexe was added." not in owner.get(answer.headers["location"]).text, "once"


def test_what_is_wrong_stands_at_the_field_and_nothing_is_lost_of_what_was_written(
    world: World, owner: FormBrowser
) -> None:
    before = names(world)
    answer = owner.post(f"{SITES}/new", f"{SITES}/new", name=" ", notes="By the river", time_zone="Mars/Olympus")
    assert answer.status_code == 422
    assert "By the river" in answer.text
    for field in ("name", "time_zone"):
        assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', answer.text), field
    assert names(world) == before


def test_each_sees_and_changes_what_the_api_would_let_them(
    world: World, browser_of: Callable[[int], FormBrowser]
) -> None:
    north, south = world.site_ids
    for role in ("viewer", "operator"):
        browser = browser_of(world.user(role)[0])
        assert browser.get(SITES).status_code == 200
        assert browser.get(f"{SITES}/new").status_code == 403
        refused = browser.post(f"{SITES}/{north}", SITES, name="Mine")
        assert (refused.status_code, "not authorized" in refused.text) == (403, True)
    limited = browser_of(world.user("admin", site_ids=[north])[0])
    assert limited.get(f"{SITES}/{north}").status_code == 200
    assert limited.get(f"{SITES}/{south}").status_code == 404
    assert limited.post(f"{SITES}/{south}", SITES, name="Mine").status_code == 404
    assert limited.post(f"{SITES}/new", SITES, name="Mine").status_code == 403
    assert "South" not in limited.get(SITES).text
    assert "Mine" not in names(world)


def test_another_accounts_things_are_not_there(world: World, owner: FormBrowser) -> None:
    other = World(world.database, world.vault, world.clock, "Europe/Paris").build()
    assert owner.get(f"{SITES}/{other.site_ids[0]}").status_code == 404
    assert owner.post(f"{SITES}/{other.site_ids[0]}", SITES, name="Mine").status_code == 404
    for path in (f"{SITES}/0", f"{SITES}/{10**30}", f"{SITES}/x", "/console/nothing"):
        assert owner.get(path).status_code == 404, path


def test_a_user_who_is_disabled_or_signed_out_elsewhere_changes_nothing_any_more(
    world: World, browser_of: Callable[[int], FormBrowser]
) -> None:
    admin_id = world.user("admin")[0]
    browser = browser_of(admin_id)
    token = browser.token(f"{SITES}/new")
    write(world, disable_user, admin_id)
    answer = browser.http.post(f"{SITES}/new", data={"csrf_token": token, "name": "Late"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fconsole")
    assert "Late" not in names(world)


def test_theme_and_site_are_kept_in_the_browser_and_lead_nowhere_else(world: World, owner: FormBrowser) -> None:
    dark = owner.post("/console/theme", SITES, theme="dark", next=f"{SITES}?page=1")
    assert (dark.status_code, dark.headers["location"]) == (303, f"{SITES}?page=1")
    assert '<html lang="en" data-bs-theme="dark">' in owner.get(SITES).text
    owner.post("/console/theme", SITES, theme='"><script>', next="https://elsewhere.example/")
    assert '<html lang="en">' in owner.get(SITES).text
    chosen = owner.post("/console/site", SITES, site=str(world.site_ids[1]), next="//elsewhere.example")
    assert chosen.headers["location"] == "/console"
    assert re.search(r"<summary>.*<span>South</span>", owner.get(SITES).text)
    assert "<span>All sites</span>" in owner.get(f"{SITES}?site=").text, "the address comes first"
    assert "<span>All sites</span>" in owner.get(f"{SITES}?site=999999").text


def test_pages_say_what_browsers_may_do_with_them(served: Served, owner: FormBrowser) -> None:
    for path in (SITES, f"{SITES}/0"):
        headers = owner.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; connect-src 'self'; ")
        assert "frame-ancestors 'none'; base-uri 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
        assert (headers["referrer-policy"], headers["cache-control"]) == ("same-origin", "no-store")
    nonces = {re.findall(r"'nonce-([\w-]+)'", owner.get(SITES).headers["content-security-policy"])[0] for _ in range(3)}
    assert len(nonces) == 3, "each answer has its own"
    assert served.base_url.startswith("http://")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_https_cookies_are_for_https_alone(world: World, clock: FixedClock) -> None:
    edge = Edge(public_url="https://doors.example")
    with serving(world.database, clock, world.vault, edge=edge) as (base_url, _):
        browser = FormBrowser(base_url)
        form = browser.http.get("/sign-in")
        tied = form.headers["set-cookie"].split(";")[0]
        email = read(world, get_user, world.owner_id).email
        signed_in = browser.http.post(
            "/sign-in",
            data={"csrf_token": browser.token(form), "email": email, "password": PASSWORD},
            headers={"Cookie": tied, "Origin": "https://doors.example"},
        )
        assert "; Secure" in signed_in.headers["set-cookie"]
        pair = signed_in.headers["set-cookie"].split(";")[0]
        page = browser.http.get(SITES, headers={"Cookie": pair})
        token = browser.token(page)
        kept = browser.http.post(
            "/console/theme",
            data={"csrf_token": token, "theme": "dark"},
            headers={"Cookie": pair, "Origin": "https://doors.example"},
        )
        cookie = kept.headers["set-cookie"]
        assert cookie.startswith("doorward-theme=dark; Path=/;")
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure")), cookie


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_stream_of_a_session_ends_with_it(served: Served, owner: FormBrowser) -> None:
    ended: list[str] = []
    begun = threading.Event()

    def listen() -> None:
        with owner.http.stream("GET", "/console/live", timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            begun.set()
            ended.extend(answer.iter_lines())

    listener = threading.Thread(target=listen)
    listener.start()
    assert begun.wait(10)
    other = FormBrowser(served.base_url)
    other.http.cookies.set("doorward", str(owner.session))
    assert other.post("/sign-out", SITES).status_code == 303
    listener.join(15)
    assert not listener.is_alive()
    assert "event: end" in ended
    assert FormBrowser(served.base_url).get("/console/live").status_code == 303
