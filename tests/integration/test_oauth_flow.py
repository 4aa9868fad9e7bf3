"""The OAuth 2.0 provider, as applications and people use it (behaviour.md, "OAuth 2.0")."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from doorward.applications.service import remove_application
from doorward.db.unit_of_work import Transaction
from doorward.kit import public_ids
from doorward.kit.clock import FixedClock
from doorward.oauth.forgetting import forget_old
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.oauth.scopes import ALL_SCOPES
from doorward.users.service import disable_user, enable_user, get_user
from tests.integration.conftest import Served
from tests.support.oauth import CALLBACK, HTTP, VERIFIER, Browser, OAuthApp, forms, new_app, sent_back, signed_in
from tests.support.world import World

DAY_MS = 86_400_000


@pytest.fixture
def app(world: World, served: Served) -> OAuthApp:
    return new_app(world, served.base_url)


@pytest.fixture
def public(world: World, served: Served) -> OAuthApp:
    return new_app(world, served.base_url, public=True, name="Phone", redirect_uris=["http://127.0.0.1:9999/cb"])


@pytest.fixture
def browser(world: World, served: Served) -> Browser:
    return signed_in(world, served.base_url, world.owner_id)


def info(app: OAuthApp, token: str) -> httpx.Response:
    return HTTP.get(f"{app.base_url}/oauth/token/info", headers={"Authorization": f"Bearer {token}"})


def test_a_person_signs_in_reads_who_asks_for_what_and_lets_the_application_in(
    app: OAuthApp, world: World, served: Served, clock: FixedClock
) -> None:
    browser = Browser(served.base_url)
    first = browser.authorize(app.request())
    where, query = sent_back(first)
    assert where == "/sign-in"
    page = browser.get(first.headers["location"])
    form = forms(page.text)[0]
    email = world.database.read_now(lambda tx: get_user(tx, world.account_id, world.owner_id)).email
    filled = {**form.fields, "email": email, "password": "correct horse battery staple"}
    signed = browser.post(form.action, data=filled)
    assert signed.headers["location"] == query["next"]

    consent = browser.get(query["next"])
    assert consent.status_code == 200
    for expected in (
        *("Bookings", "Acme", email, "bookings.example", "Allow", "Deny", "Sign in as somebody else"),
        *(SCOPE_WORDS[scope] for scope in ("account.person", "account.role.readonly")),
    ):
        assert expected in consent.text
    policy = consent.headers["content-security-policy"]
    assert "form-action 'self' https://bookings.example;" in policy
    assert "frame-ancestors 'none'" in policy

    back = browser.decide(consent, "allow")
    assert back.status_code == 302
    where, query = sent_back(back)
    assert where == "https://bookings.example/callback"
    assert query.keys() == {"from", "code", "state", "iss"}
    assert (query["from"], query["state"], query["iss"]) == ("doorward", "af0ifjsldkj", served.base_url)

    answer = app.exchange(query["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert list(tokens) == ["access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert tokens["scope"] == "account.person account.role.readonly"
    assert tokens["created_at"] == clock.now() // 1000
    assert app.works(tokens["access_token"])
    clock.advance(3_600_000)
    assert not app.works(tokens["access_token"])


def test_who_denies_sends_the_application_the_news_and_nothing_else(app: OAuthApp, browser: Browser) -> None:
    where, query = sent_back(browser.decide(browser.authorize(app.request()), "deny"))
    assert where == "https://bookings.example/callback"
    assert (query["error"], query["state"]) == ("access_denied", "af0ifjsldkj")
    assert "code" not in query
    assert query["iss"]


def test_the_old_name_of_a_scope_and_scopes_joined_by_a_plus_are_understood(app: OAuthApp, browser: Browser) -> None:
    query = httpx.QueryParams({**app.request(scope=None)})
    page = browser.get(f"/oauth/authorize?{query}&scope=account.event.readonly+account.channel.admit")
    assert SCOPE_WORDS["account.event.access.readonly"] in page.text
    assert SCOPE_WORDS["account.channel.admit"] in page.text
    _, back = sent_back(browser.decide(page, "allow"))
    assert app.exchange(back["code"]).json()["scope"] == "account.channel.admit account.event.access.readonly"


def test_every_scope_has_its_own_words() -> None:
    assert set(SCOPE_WORDS) == ALL_SCOPES | {"account.event.readonly"}
    sentences = [words for scope, words in SCOPE_WORDS.items() if scope in ALL_SCOPES]
    assert len(set(sentences)) == len(sentences)


WRONG: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "account.person account.everything"}, "invalid_scope"),
    ({"scope": 'x"\\é'}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
]


def test_what_is_wrong_with_a_request_is_told_to_the_application(app: OAuthApp, served: Served) -> None:
    with Browser(served.base_url) as nobody:
        for changed, error in WRONG:
            answer = nobody.authorize(app.request(**changed))
            assert answer.status_code == 302, changed
            where, query = sent_back(answer)
            assert where == "https://bookings.example/callback"
            assert (query["error"], query["state"], query["iss"]) == (error, "af0ifjsldkj", served.base_url), changed
            assert query["error_description"].isascii()


def test_a_client_without_secret_needs_pkce_and_takes_any_port_of_its_own_machine(
    public: OAuthApp, browser: Browser
) -> None:
    bare = public.request(code_challenge=None, code_challenge_method=None)
    assert sent_back(browser.authorize(bare))[1]["error"] == "invalid_request"
    code = sent_back(browser.decide(browser.authorize(public.request(redirect_uri="http://127.0.0.1:5/cb")), "allow"))
    assert code[0] == "http://127.0.0.1:5/cb"
    assert public.exchange(code[1]["code"]).json()["error"] == "invalid_grant", "it went to another port"
    tokens = public.exchange(code[1]["code"], redirect_uri="http://127.0.0.1:5/cb").json()
    assert public.works(tokens["access_token"])
    again = public.refresh(tokens["refresh_token"])
    assert again.status_code == 200
    assert public.revoke(again.json()["refresh_token"]).status_code == 200
    assert not public.works(again.json()["access_token"])


def test_without_pkce_a_client_with_a_secret_may_do(app: OAuthApp, browser: Browser) -> None:
    code = browser.code_for(app, code_challenge=None, code_challenge_method=None)
    assert app.exchange(code).json()["error"] == "invalid_request", "a verifier without a challenge (RFC 9700, 4.8)"
    assert app.exchange(code, code_verifier=None).status_code == 200


def test_a_client_shows_its_secret_by_http_basic_or_in_the_body_not_both(app: OAuthApp, browser: Browser) -> None:
    shown = f"{app.client_id}:{app.secret}".encode()
    for encoded in (base64.b64encode(shown), base64.urlsafe_b64encode(shown), base64.b64encode(shown).rstrip(b"=")):
        header = {"Authorization": f"Basic {encoded.decode()}"}
        code = browser.code_for(app)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        both = app.post("token", {**form, **app.credentials}, headers=header)
        assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
        assert app.post("token", form, headers=header).status_code == 200


def test_a_refresh_gives_new_tokens_and_keeps_the_scopes_that_were_granted(
    app: OAuthApp, browser: Browser, clock: FixedClock
) -> None:
    first = browser.connect(app)
    clock.advance(60_000)
    narrow = app.refresh(first["refresh_token"], scope="account.role.readonly").json()
    assert narrow["scope"] == "account.role.readonly"
    assert app.works(first["access_token"]), "a refresh does not end the access token before its time"
    clock.advance(60_000)
    wide = app.refresh(narrow["refresh_token"]).json()
    assert wide["scope"] == "account.person account.role.readonly"
    clock.advance(60_000)
    too_wide = app.refresh(wide["refresh_token"], scope="account.role")
    assert (too_wide.status_code, too_wide.json()["error"]) == (400, "invalid_scope")
    clock.advance(90 * DAY_MS - 60_001)
    last = app.refresh(wide["refresh_token"])
    assert last.status_code == 200, "a refused request has not used it up"
    clock.advance(90 * DAY_MS)
    assert app.refresh(last.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_service_gets_a_token_in_its_users_name_and_no_refresh_token(
    world: World, served: Served, app: OAuthApp
) -> None:
    service = new_app(world, served.base_url, name="Import", service=True, redirect_uris=[])
    wanted = {"grant_type": "client_credentials", "scope": "account.role.readonly"}
    answer = service.post("token", {**wanted, **service.credentials})
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert list(tokens) == ["access_token", "token_type", "expires_in", "scope", "created_at"]
    assert info(service, tokens["access_token"]).json()["resource_owner_id"] == world.owner_id
    refused = app.post("token", {**wanted, **app.credentials})
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    for scope in ({}, {"scope": "nonsense"}):
        bad = service.post("token", {"grant_type": "client_credentials", **scope, **service.credentials})
        assert bad.json()["error"] == "invalid_scope"
    world.user("owner")
    world.database.write_now(lambda tx: disable_user(tx, world.account_id, world.owner_id, world.clock.now()))
    assert not service.works(tokens["access_token"])
    assert service.post("token", {**wanted, **service.credentials}).json()["error"] == "unauthorized_client"


def test_token_info_tells_what_the_contract_says(
    app: OAuthApp, browser: Browser, clock: FixedClock, world: World
) -> None:
    token = browser.connect(app)["access_token"]
    clock.advance(600_000)
    assert info(app, token).json() == {
        "resource_owner_id": world.owner_id,
        "account_id": public_ids.encode("account", world.account_id),
        "scope": ["account.person", "account.role.readonly"],
        "expires_in": 3000,
        "application": {"uid": app.client_id},
        "created_at": (clock.now() - 600_000) // 1000,
    }
    refused = info(app, "nonsense")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_introspection_tells_an_application_about_its_accounts_tokens_only(
    app: OAuthApp, public: OAuthApp, browser: Browser, world: World, served: Served, clock: FixedClock
) -> None:
    tokens = browser.connect(app)
    asked = {"token": tokens["access_token"], **app.credentials}
    told = app.post("introspect", asked).json()
    assert told["active"] is True
    assert (told["scope"], told["client_id"], told["iss"]) == (tokens["scope"], app.client_id, served.base_url)
    assert (told["sub"], told["exp"]) == (str(world.owner_id), clock.now() // 1000 + 3600)
    assert app.post("introspect", {**asked, "token": tokens["refresh_token"]}).json()["token_type"] == "refresh_token"
    assert app.post("introspect", {**asked, "token": "nonsense"}).json() == {"active": False}
    other = World(world.database, world.vault, world.clock).build()
    assert app.post("introspect", {**asked, "token": other.token}).json() == {"active": False}
    assert app.post("introspect", {"token": other.token, **public.credentials}).status_code == 401
    assert app.post("introspect", app.credentials).status_code == 400
    app.revoke(tokens["access_token"])
    assert app.post("introspect", asked).json() == {"active": False}


def test_an_application_gives_up_a_token_or_all_that_came_of_a_consent(
    app: OAuthApp, browser: Browser, clock: FixedClock, world: World
) -> None:
    tokens = browser.connect(app)
    clock.advance(1000)
    newer = app.refresh(tokens["refresh_token"]).json()
    gone = app.revoke(tokens["access_token"])
    assert (gone.status_code, gone.json()) == (200, {})
    assert not app.works(tokens["access_token"])
    assert app.works(newer["access_token"])
    for hint in ({}, {"token_type_hint": "nonsense"}):
        answer = app.post("revoke", {"token": newer["refresh_token"], **hint, **app.credentials})
        assert (answer.status_code, answer.json()) == (200, {})
    assert not app.works(newer["access_token"])
    assert app.refresh(newer["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.revoke("unknown").json() == {}
    for form in ({"token": world.token}, {"token": world.token, "client_id": app.client_id, "client_secret": "wrong"}):
        refused = app.post("revoke", form)
        assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    others = app.revoke(world.token)
    assert (others.status_code, others.json()["error"]) == (403, "unauthorized_client")
    assert app.works(world.token)
    assert app.post("revoke", app.credentials).json()["error"] == "invalid_request"


def test_a_removed_application_and_a_disabled_user_end_everything_at_once(
    app: OAuthApp, browser: Browser, world: World, served: Served
) -> None:
    now = world.clock.now()
    user_id, _ = world.user("admin")
    admin = signed_in(world, served.base_url, user_id)
    tokens, code = admin.connect(app), admin.code_for(app)
    world.database.write_now(lambda tx: disable_user(tx, world.account_id, user_id, now))
    assert not app.works(tokens["access_token"])
    assert app.exchange(code).json()["error"] == "invalid_grant"
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    world.database.write_now(lambda tx: enable_user(tx, world.account_id, user_id, now))
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant", "what they had stays revoked"
    assert app.exchange(code).json()["error"] == "invalid_grant"

    tokens, code = browser.connect(app), browser.code_for(app)
    page = browser.authorize(app.request())
    world.database.write_now(lambda tx: remove_application(tx, world.account_id, app.id, now))
    assert not app.works(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert browser.decide(page, "allow").status_code == 400
    assert browser.authorize(app.request()).status_code == 400


def test_the_metadata_say_where_everything_is(served: Served) -> None:
    answer = HTTP.get(f"{served.base_url}/.well-known/oauth-authorization-server")
    told = answer.json()
    AuthorizationServerMetadata({**told, "issuer": "https://x.example"}).validate()
    assert told["issuer"] == served.base_url
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert set(told["scopes_supported"]) == ALL_SCOPES
    for name, value in told.items():
        if name.endswith("_endpoint"):
            assert urlsplit(value).path.startswith("/oauth/")
            assert HTTP.get(value).status_code in (400, 405)
    assert HTTP.get(f"{served.base_url}/.well-known/openid-configuration").status_code == 404


def test_what_has_long_been_dead_is_forgotten_and_nothing_else(
    app: OAuthApp, browser: Browser, world: World, clock: FixedClock
) -> None:
    def forget(tx: Transaction) -> int:
        return forget_old(tx, clock.now())

    tokens = browser.connect(app)
    browser.code_for(app)
    clock.advance(29 * DAY_MS)
    assert world.database.write_now(forget) == 0
    clock.advance(2 * DAY_MS)
    assert world.database.write_now(forget) == 2 + 1, "two codes and the access token"
    newer = app.refresh(tokens["refresh_token"])
    assert newer.status_code == 200
    clock.advance(1)
    assert app.revoke(newer.json()["refresh_token"]).status_code == 200
    clock.advance(31 * DAY_MS)
    assert world.database.write_now(forget) == 2 + 2 + 1, "the world's token, one more, both refresh tokens, the family"
    assert world.database.write_now(forget) == 0


def test_a_consent_its_end_and_a_token_given_up_are_in_the_audit_log(
    app: OAuthApp, browser: Browser, world: World
) -> None:
    from sqlalchemy import text

    from doorward.db.query import Query

    tokens = browser.connect(app)
    for token in ("access_token", "access_token", "refresh_token"):
        assert app.revoke(tokens[token]).status_code == 200
    entries = Query(
        text(
            "SELECT action, resource_type, resource_id, user_id, application_id, before FROM audit_log "
            "WHERE resource_type IN ('consent', 'token') ORDER BY id"
        ),
        lambda *row: row,
    )
    logged = world.database.read_now(lambda tx: tx.all(entries))
    assert [entry[:2] for entry in logged] == [("create", "consent"), ("revoke", "token"), ("delete", "consent")]
    assert [entry[3:5] for entry in logged] == [(world.owner_id, None), (None, app.id), (None, app.id)]
    assert [logged[0][2], logged[2][2]] == [app.id, app.id]
    assert json.loads(logged[1][5]) == {
        "user_id": world.owner_id, "application_id": app.id, "scopes": tokens["scope"],
    }  # fmt: skip
    assert tokens["access_token"] not in str(logged)


def test_the_page_of_another_accounts_application_names_nothing_of_it(
    world: World, served: Served, browser: Browser
) -> None:
    other = World(world.database, world.vault, world.clock).build()
    theirs = new_app(other, served.base_url, name="Secret plan")
    page = browser.authorize(theirs.request())
    assert page.status_code == 403
    assert "Secret plan" not in page.text
    assert "Sign in as somebody else" in page.text
    assert [form.action for form in forms(page.text)] == ["/sign-out"]
    out = browser.post("/sign-out", data=forms(page.text)[0].fields)
    where, query = sent_back(out)
    assert where == "/sign-in"
    assert parse_qs(urlsplit(query["next"]).query)["client_id"] == [theirs.client_id]
