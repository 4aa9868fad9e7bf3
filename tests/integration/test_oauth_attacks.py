"""What attackers try at the OAuth 2.0 provider, and what comes of it (RFC 6819, RFC 9700)."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from doorward.kit.clock import FixedClock
from doorward.oauth.hashing import matches
from doorward.provider import clients
from doorward.users.service import get_user
from tests.integration.conftest import Served
from tests.support.oauth import (
    CALLBACK,
    VERIFIER,
    Browser,
    OAuthApp,
    challenge_of,
    forms,
    new_app,
    refused,
    sent_back,
    signed_in,
)
from tests.support.world import PASSWORD, World


@pytest.fixture
def app(world: World, served: Served) -> OAuthApp:
    return new_app(world, served.base_url)


@pytest.fixture
def browser(world: World, served: Served) -> Browser:
    return signed_in(world, served.base_url, world.owner_id)


def all_dead(app: OAuthApp, *pairs: dict[str, Any]) -> bool:
    refreshed = [app.refresh(pair["refresh_token"]) for pair in pairs]
    assert all(answer.json()["error"] == "invalid_grant" for answer in refreshed if answer.status_code == 400)
    return not any(app.works(pair["access_token"]) for pair in pairs) and all(
        answer.status_code == 400 for answer in refreshed
    )


# -- codes -----------------------------------------------------------------------------------------------------------


def test_a_code_that_is_used_twice_is_refused_and_kills_what_it_gave(
    app: OAuthApp, browser: Browser, clock: FixedClock
) -> None:
    code = browser.code_for(app)
    first = app.exchange(code).json()
    clock.advance(1000)
    second = app.refresh(first["refresh_token"]).json()
    assert app.works(second["access_token"])
    refused(app.exchange(code, code_verifier=None), "invalid_grant")
    assert all_dead(app, first, second)


def test_a_code_exchanged_many_times_at_once_gives_tokens_to_one_at_most_and_then_to_nobody(
    app: OAuthApp, browser: Browser
) -> None:
    code = browser.code_for(app)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: app.exchange(code), range(6)))
    given = [answer.json() for answer in answers if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
    assert all_dead(app, *given)


def test_a_code_of_another_client_is_refused_and_stays_good_for_its_own(
    app: OAuthApp, browser: Browser, world: World, served: Served
) -> None:
    thief = new_app(world, served.base_url, name="Thief")
    code = browser.code_for(app)
    refused(thief.exchange(code), "invalid_grant")
    tokens = app.exchange(code)
    assert tokens.status_code == 200
    refused(thief.exchange(code), "invalid_grant")
    assert app.works(tokens.json()["access_token"]), "nobody else can kill what it gave"
    refused(thief.refresh(tokens.json()["refresh_token"]), "invalid_grant")
    assert app.refresh(tokens.json()["refresh_token"]).status_code == 200


def test_a_code_is_good_for_ten_minutes(app: OAuthApp, browser: Browser, clock: FixedClock) -> None:
    code, late = browser.code_for(app), browser.code_for(app)
    clock.advance(599_999)
    assert app.exchange(code).status_code == 200
    clock.advance(1)
    refused(app.exchange(late), "invalid_grant")


def test_pkce_missing_wrong_or_plain_gives_no_tokens_and_a_right_one_still_does(
    app: OAuthApp, browser: Browser
) -> None:
    code = browser.code_for(app)
    wrong = VERIFIER[:-1] + "A"
    refused(app.exchange(code, code_verifier=None), "invalid_request")
    refused(app.exchange(code, code_verifier=""), "invalid_request")
    refused(app.exchange(code, code_verifier=wrong), "invalid_grant")
    refused(app.exchange(code, code_verifier=challenge_of(VERIFIER)), "invalid_grant")  # "plain"
    refused(app.exchange(code, code_verifier="short"), "invalid_request")
    refused(app.exchange(code, code_verifier=VERIFIER + "\n"), "invalid_request")
    assert app.exchange(code).status_code == 200


def test_a_public_client_cannot_leave_pkce_out(world: World, served: Served, browser: Browser) -> None:
    public = new_app(world, served.base_url, public=True)
    code = browser.code_for(public)
    refused(public.exchange(code, code_verifier=None), "invalid_request")
    guess = "guess"
    refused(public.exchange(code, client_secret=guess), "invalid_client", 401)
    for method in (None, "plain", "s256", "S512"):
        answer = browser.authorize(public.request(code_challenge_method=method))
        assert sent_back(answer)[1]["error"] == "invalid_request"


def test_a_confidential_client_cannot_pass_for_a_public_one(app: OAuthApp, browser: Browser) -> None:
    code = browser.code_for(app)
    refused(app.exchange(code, client_secret=None), "invalid_client", 401)
    refused(app.exchange(code, client_secret=""), "invalid_client", 401)


# -- addresses -------------------------------------------------------------------------------------------------------


def altered(uri: str) -> list[str]:
    """The address with each of its characters left out, doubled or changed; and what fools careless comparisons."""
    each = [uri[:at] + other + uri[at + 1 :] for at in range(len(uri)) for other in ("", uri[at] * 2, "~")]
    return [
        *each,
        uri.upper(),
        uri + "/",
        uri + "&next=https://evil.example",
        uri + "#",
        uri + " ",
        uri.replace("https://", "https://evil.example@"),
        uri.replace("bookings.example", "bookings.example.evil.example"),
        uri.replace("bookings.example", "bookings.example:443"),
        uri.replace("/callback", "/./callback"),
        uri.replace("/callback", "/callback/../evil"),
        uri.replace("callback", "%63allback"),
        uri.replace("https", "http"),
        "https://evil.example/callback?from=doorward",
        "//bookings.example/callback?from=doorward",
        "javascript:alert(1)",
        "data:text/html,x",
        "",
    ]


def test_an_altered_address_is_answered_with_a_page_and_never_with_a_redirect(app: OAuthApp, browser: Browser) -> None:
    for uri in altered(CALLBACK):
        answer = browser.authorize(app.request(redirect_uri=uri))
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")
        assert "evil" not in answer.text
    for uri in altered(CALLBACK)[-12:]:
        for wrong in ({"scope": "nonsense"}, {"response_type": "token"}, {"client_id": "nobody"}):
            answer = browser.authorize(app.request(redirect_uri=uri, **wrong))
            assert answer.status_code == 400
            assert "location" not in answer.headers
    for client_id in (None, "", "nobody", "x\x00", "'; DROP TABLE applications; --"):
        assert browser.authorize(app.request(client_id=client_id)).status_code == 400


def test_an_altered_address_gets_no_tokens(app: OAuthApp, browser: Browser) -> None:
    code = browser.code_for(app)
    for uri in (CALLBACK[:-1], CALLBACK + "x", CALLBACK.replace("b", "B", 1), "https://evil.example/"):
        refused(app.exchange(code, redirect_uri=uri), "invalid_grant")
    refused(app.exchange(code, redirect_uri=None), "invalid_request")
    assert app.exchange(code).status_code == 200


def test_only_the_port_of_a_loopback_address_is_free(world: World, served: Served, browser: Browser) -> None:
    uris = ["http://127.0.0.1/cb", "http://[::1]:1/cb?a=b", "http://localhost:3000/cb"]
    app = new_app(world, served.base_url, redirect_uris=uris)
    for right in ("http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:2/cb?a=b", uris[2]):
        assert browser.authorize(app.request(redirect_uri=right)).status_code == 200, right
    for wrong in (
        *("http://127.0.0.1:65536/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:80@evil/cb"),
        *("https://127.0.0.1/cb", "http://127.0.0.2/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1:1/cb2"),
        *(
            "http://localhost:3001/cb",
            "http://localhost/cb",
            "http://[::1]/cb",
            "http://127.1/cb",
            "http://[::2]:1/cb?a=b",
        ),
    ):
        assert browser.authorize(app.request(redirect_uri=wrong)).status_code == 400, wrong


def test_nobody_is_sent_elsewhere_by_way_of_the_sign_in(app: OAuthApp, served: Served) -> None:
    nobody = Browser(served.base_url)
    evil = app.request(state="https://evil.example", scope="account.person")
    where, query = sent_back(nobody.authorize(evil))
    assert where == "/sign-in"
    assert query["next"].startswith("/oauth/authorize?")


# -- refresh tokens --------------------------------------------------------------------------------------------------


def test_a_refresh_token_that_is_used_again_kills_the_whole_family(
    app: OAuthApp, browser: Browser, clock: FixedClock
) -> None:
    first = browser.connect(app)
    other = browser.connect(app)
    clock.advance(1)
    second = app.refresh(first["refresh_token"]).json()
    clock.advance(1)
    third = app.refresh(second["refresh_token"]).json()
    assert all(app.works(pair["access_token"]) for pair in (first, second, third))
    refused(app.refresh(first["refresh_token"]), "invalid_grant")
    assert all_dead(app, first, second, third)
    assert app.works(other["access_token"]), "another consent is another family"


def test_a_refresh_that_had_arrived_before_the_other_took_effect_gets_its_own_tokens_of_the_same_family(
    app: OAuthApp, browser: Browser, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = browser.connect(app)
    entered, go_on = threading.Event(), threading.Event()

    async def braked(stored: str, secret: str) -> bool:
        if not entered.is_set():
            entered.set()
            await asyncio.to_thread(go_on.wait, 30)
        return await matches(stored, secret)

    monkeypatch.setattr(clients, "matches", braked)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(app.refresh, tokens["refresh_token"])
        assert entered.wait(30), "the first request has arrived"
        clock.advance(1)
        quick = app.refresh(tokens["refresh_token"])
        clock.advance(5000)
        go_on.set()
        late = slow.result()
    assert (quick.status_code, late.status_code) == (200, 200)
    assert app.works(quick.json()["access_token"])
    assert app.works(late.json()["access_token"])
    clock.advance(1)
    next_one = app.refresh(late.json()["refresh_token"])
    assert next_one.status_code == 200, "a client keeps one of the two"
    clock.advance(1)
    assert app.refresh(next_one.json()["refresh_token"]).status_code == 200
    assert app.works(quick.json()["access_token"])
    refused(app.refresh(quick.json()["refresh_token"]), "invalid_grant")
    assert all_dead(app, tokens, quick.json(), late.json(), next_one.json())


def test_refreshing_gives_no_scope_that_was_not_granted(app: OAuthApp, browser: Browser, clock: FixedClock) -> None:
    tokens = browser.connect(app, scope="account.person.readonly")
    clock.advance(1)
    for scope in ("account.person", "account.person.readonly account.role", "nonsense", "account.group.readonly"):
        refused(app.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")


# -- the consent page ------------------------------------------------------------------------------------------------


def test_a_consent_that_does_not_come_from_the_page_is_refused(
    app: OAuthApp, browser: Browser, world: World, served: Served
) -> None:
    page = browser.authorize(app.request())
    fields = {**forms(page.text)[0].fields, "decision": "allow"}
    other = signed_in(world, served.base_url, world.user("admin")[0])
    others = forms(other.authorize(app.request()).text)[0].fields
    widened = {**fields, "scope": "account.person account.user"}
    moved = {**fields, "code_challenge": challenge_of("x" * 43)}
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({name: value for name, value in fields.items() if name != "csrf_token"}, {}),
        ({name: value for name, value in fields.items() if name != "consent"}, {}),
        ({**fields, "csrf_token": others["csrf_token"]}, {}),
        ({**fields, "consent": others["consent"]}, {}),
        ({**fields, "csrf_token": others["csrf_token"], "consent": others["consent"]}, {}),
        (widened, {}),
        (moved, {}),
        ({**fields, "state": "another"}, {}),
        (fields, {"Origin": "https://evil.example"}),
        (fields, {"Origin": "null"}),
        (fields, {"Sec-Fetch-Site": "cross-site"}),
        (fields, {"Sec-Fetch-Site": "same-site"}),
    ]
    for form, headers in attempts:
        answer = browser.post("/oauth/consent", data=form, headers=headers)
        assert answer.status_code == 403, (form, headers)
        assert "location" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")
    for decision in ({}, {"decision": "perhaps"}):
        bare = {name: value for name, value in fields.items() if name != "decision"}
        assert browser.post("/oauth/consent", data={**bare, **decision}).status_code == 400
    nobody = Browser(served.base_url)
    assert sent_back(nobody.post("/oauth/consent", data=fields))[0] == "/sign-in"
    good = browser.post("/oauth/consent", data=fields, headers={"Origin": served.base_url})
    assert "code" in sent_back(good)[1]


def test_the_consent_page_can_be_neither_framed_nor_kept_nor_filled_with_markup(
    app: OAuthApp, browser: Browser, world: World, served: Served
) -> None:
    marked = new_app(world, served.base_url, name="<script>alert('x')</script>")
    page = browser.authorize(marked.request(state='"><script>alert(1)</script>'))
    assert "<script" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    back = sent_back(browser.decide(page, "deny"))[1]
    assert back["state"] == '"><script>alert(1)</script>'
    assert app.secret is not None
    assert app.secret not in browser.authorize(app.request()).text


def test_a_cookie_that_was_planted_before_the_sign_in_is_worth_nothing_after_it(
    app: OAuthApp, world: World, served: Served
) -> None:
    planted = "planted-by-somebody-else-0123456789"
    victim = Browser(served.base_url)
    victim.cookies.set("doorward", planted, domain="127.0.0.1")
    form = forms(victim.get("/sign-in").text)[0]
    email = world.database.read_now(lambda tx: get_user(tx, world.account_id, world.owner_id)).email
    assert victim.post("/sign-in", data={**form.fields, "email": email, "password": PASSWORD}).status_code == 303
    assert victim.authorize(app.request()).status_code == 200
    attacker = Browser(served.base_url)
    attacker.cookies.set("doorward", planted, domain="127.0.0.1")
    assert sent_back(attacker.authorize(app.request()))[0] == "/sign-in"
