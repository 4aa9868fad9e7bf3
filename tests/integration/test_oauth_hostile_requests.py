"""Requests to the OAuth 2.0 provider that nobody honest makes: parameters, headers, guesses."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from doorward.kit.clock import FixedClock
from tests.integration.conftest import Served
from tests.support.oauth import (
    CALLBACK,
    HTTP,
    VERIFIER,
    Browser,
    OAuthApp,
    new_app,
    refused,
    sent_back,
    signed_in,
)
from tests.support.world import World


@pytest.fixture
def app(world: World, served: Served) -> OAuthApp:
    return new_app(world, served.base_url)


@pytest.fixture
def browser(world: World, served: Served) -> Browser:
    return signed_in(world, served.base_url, world.owner_id)


def test_a_parameter_that_is_sent_twice_is_refused(app: OAuthApp, browser: Browser) -> None:
    query = str(httpx.QueryParams(app.request()))
    for name in ("client_id", "redirect_uri"):
        answer = browser.get(f"/oauth/authorize?{query}&{name}={quote(app.request()[name], safe='')}")
        assert answer.status_code == 400
        assert "location" not in answer.headers
    for name in ("scope", "response_type", "code_challenge", "code_challenge_method", "state"):
        back = sent_back(browser.get(f"/oauth/authorize?{query}&{name}=x"))[1]
        assert back["error"] == "invalid_request"
        assert ("state" in back) == (name != "state")
    code = browser.code_for(app)
    body = str(httpx.QueryParams({"grant_type": "authorization_code", "code": code, **app.credentials}))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for name in ("grant_type", "code", "client_id", "client_secret"):
        twice = HTTP.post(f"{app.base_url}/oauth/token", content=f"{body}&{name}=x", headers=form)
        refused(twice, "invalid_request")


def test_secrets_and_tokens_in_the_address_are_refused(app: OAuthApp, browser: Browser) -> None:
    tokens = browser.connect(app)
    code = browser.code_for(app)
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    refused(app.post("token", {**form, **app.credentials}, params={"code": code}), "invalid_request")
    refused(app.post("token", {**form, "code": code}, params=app.credentials), "invalid_request")
    refused(app.post("revoke", app.credentials, params={"token": tokens["access_token"]}), "invalid_request")
    for path in ("/api/3/roles", "/oauth/token/info"):
        for name in ("access_token", "token", "bearer_token"):
            answer = HTTP.get(app.base_url + path, params={name: tokens["access_token"]})
            assert answer.status_code == 401
    assert app.works(tokens["access_token"])


def test_other_methods_are_refused(app: OAuthApp) -> None:
    for path, methods in (
        *((f"/oauth/{name}", ("GET", "PUT", "DELETE", "PATCH")) for name in ("token", "revoke", "introspect")),
        ("/oauth/token/info", ("POST", "PUT", "DELETE")),
        ("/oauth/authorize", ("PUT", "DELETE", "PATCH")),
        ("/.well-known/oauth-authorization-server", ("POST", "DELETE")),
    ):
        for method in methods:
            answer = HTTP.request(method, app.base_url + path)
            assert answer.status_code == 405, (method, path)


def test_hostile_parameters_are_refused_cleanly(app: OAuthApp, browser: Browser) -> None:
    for value in ("a\x00b", "a\nb", "a\x7fb", "\x1b[31m"):
        for name in ("state", "scope", "response_type", "code_challenge"):
            back = sent_back(browser.authorize(app.request(**{name: value})))[1]
            assert back["error"] == "invalid_request"
        for name in ("client_id", "redirect_uri"):
            assert browser.authorize(app.request(**{name: value})).status_code == 400
        for name in ("grant_type", "code", "client_id", "client_secret", "redirect_uri", "code_verifier"):
            refused(app.exchange("x", **{name: value}), "invalid_request")
        refused(app.refresh(value), "invalid_request")
        refused(app.revoke(value), "invalid_request")
    assert sent_back(browser.authorize(app.request(state="s" * 2049)))[1]["error"] == "invalid_request"
    assert sent_back(browser.authorize(app.request(scope="x " * 2049)))[1]["error"] == "invalid_request"
    assert browser.authorize(app.request(state="é" * 2048)).status_code == 200
    address = urlsplit(app.base_url)
    raw = HTTPConnection(address.hostname or "", address.port, timeout=60)
    raw.request("GET", f"/oauth/authorize?{urlencode(app.request(state='x' * 100_000))}")
    refusal = raw.getresponse()
    assert refusal.status in (400, 431)
    assert b"error_description" in refusal.read()
    query = str(httpx.QueryParams(app.request()))
    assert browser.get(f"/oauth/authorize?{query}&state=%FF").status_code == 400
    assert browser.get(f"/oauth/authorize?{query}{'&a=b' * 60}").status_code == 400

    url, form = f"{app.base_url}/oauth/token", {"Content-Type": "application/x-www-form-urlencoded"}
    for content, status in ((b"\xff=1", 400), (b"grant_type=%FF", 400), (b"a=b&" * 60, 400), (b"a" * 70_000, 413)):
        refused(HTTP.post(url, content=content, headers=form), "invalid_request", status)
    for media_type in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = HTTP.post(url, content=b"{}", headers={"Content-Type": media_type})
        refused(answer, "invalid_request", 415)
    refused(HTTP.post(url), "invalid_request")
    refused(app.post("token", {"grant_type": "password"}), "unsupported_grant_type")
    refused(app.post("token", {"grant_type": '<script>"é'}), "unsupported_grant_type")


def test_a_broken_authorization_header_is_a_401_that_asks_for_basic(app: OAuthApp) -> None:
    broken = [f"Basic{each}" for each in ("", " !!!", " Og==", " eA==", " /w==", " " + "A" * 5000)]
    for header in (*broken, "Bearer x", "x"):
        answer = app.post("token", {"grant_type": "client_credentials"}, headers={"Authorization": header})
        refused(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_guessing_secrets_is_slowed_down_for_who_guesses_only(
    app: OAuthApp, browser: Browser, clock: FixedClock, world: World, served: Served
) -> None:
    code = browser.code_for(app)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda at: app.exchange(code, client_secret=f"guess-{at}"), range(14)))
    assert {answer.status_code for answer in answers} == {401, 429}
    stopped = app.exchange(code)
    assert (stopped.status_code, stopped.json()["error"]) == (429, "rate_limited")
    assert 1 <= int(stopped.headers["retry-after"]) <= 60
    assert browser.connect(new_app(world, served.base_url, name="Another")), "nobody else is stopped"
    clock.advance(60_000)
    assert app.exchange(code).status_code == 200


def test_no_answer_says_a_secret_again(app: OAuthApp, browser: Browser, served: Served) -> None:
    tokens = browser.connect(app)
    secrets = [str(app.secret), tokens["access_token"], tokens["refresh_token"]]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answers = [
        HTTP.get(f"{served.base_url}/oauth/token/info", headers=bearer),
        app.post("introspect", {"token": tokens["access_token"], **app.credentials}),
        app.post("introspect", {"token": tokens["refresh_token"], **app.credentials}),
        app.post("token", {"grant_type": "refresh_token", "refresh_token": secrets[2], "client_id": app.client_id}),
        app.exchange(tokens["refresh_token"]),
        browser.authorize(app.request()),
        app.revoke(tokens["access_token"]),
    ]
    for answer in answers:
        whole = answer.text + str(answer.headers)
        assert not any(secret in whole for secret in secrets)
