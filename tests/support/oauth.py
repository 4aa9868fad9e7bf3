"""An application and a browser, to go through OAuth flows with."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from argon2 import PasswordHasher

from doorward.applications.service import create_application
from doorward.db.unit_of_work import Transaction
from doorward.signing_in import sessions
from tests.support.server import NO_TLS
from tests.support.world import World

CALLBACK = "https://bookings.example/callback?from=doorward"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
_SECRET = "s3cret-of-every-application-of-the-tests_0123"
SCOPE = "account.person account.role.readonly"

HTTP = httpx.Client(timeout=60, trust_env=False, verify=NO_TLS)
"""For all requests that need no cookies: to make a client takes longer than a request."""


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Form:
    """A form of a page: where it goes, its hidden fields, and what its buttons add."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif tag == "input" and self.found and "name" in given:
            self.found[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and self.found and "name" in given:
            self.found[-1].buttons.append((given["name"], given.get("value", "")))


def forms(page: str) -> list[Form]:
    """The forms of an HTML page, in order."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


def sent_back(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Where a browser is sent to, without the query, and the query."""
    assert answer.status_code in (302, 303), answer.text
    parts = urlsplit(answer.headers["location"])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return parts._replace(query="").geturl(), query


@dataclass
class OAuthApp:
    """An OAuth client of an account, and its side of the flow."""

    base_url: str
    id: int
    client_id: str
    secret: str | None
    callback: str = CALLBACK

    @property
    def credentials(self) -> dict[str, str]:
        """Who it is, for the body."""
        return {"client_id": self.client_id, **({} if self.secret is None else {"client_secret": self.secret})}

    def request(self, **changed: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "scope": SCOPE,
            "state": "af0ifjsldkj",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in given.items() if value is not None}

    def post(self, path: str, form: Mapping[str, str], **options: Any) -> httpx.Response:
        """A form to one of the endpoints."""
        return HTTP.post(f"{self.base_url}/oauth/{path}", data=dict(form), **options)

    def exchange(self, code: str | None, /, **changed: str | None) -> httpx.Response:
        """Exchange a code."""
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            **self.credentials,
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": VERIFIER,
            **changed,
        }
        return self.post("token", {name: value for name, value in given.items() if value is not None})

    def refresh(self, token: str, **more: str) -> httpx.Response:
        """Use a refresh token."""
        return self.post("token", {"grant_type": "refresh_token", **self.credentials, "refresh_token": token, **more})

    def revoke(self, token: str) -> httpx.Response:
        """Give a token up."""
        return self.post("revoke", {"token": token, **self.credentials})

    def works(self, token: str) -> bool:
        """Whether an access token opens anything."""
        answer = HTTP.get(f"{self.base_url}/api/3/roles", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


class Browser(httpx.Client):
    """A browser that goes where it is told only when it is told."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url=base_url, timeout=60, trust_env=False, follow_redirects=False, verify=NO_TLS)

    def authorize(self, parameters: Mapping[str, str]) -> httpx.Response:
        """Open the page."""
        return self.get(f"/oauth/authorize?{urlencode(parameters)}")

    def decide(self, page: httpx.Response, decision: str, **options: Any) -> httpx.Response:
        """Press a button of the consent page."""
        assert page.status_code == 200, page.text
        form = next(form for form in forms(page.text) if form.action == "/oauth/consent")
        assert ("decision", decision) in form.buttons
        return self.post(form.action, data={**form.fields, "decision": decision}, **options)

    def code_for(self, app: OAuthApp, **changed: str | None) -> str:
        """Consent; gives the code."""
        where, query = sent_back(self.decide(self.authorize(app.request(**changed)), "allow"))
        assert where == app.callback.partition("?")[0]
        return query["code"]

    def connect(self, app: OAuthApp, **changed: str | None) -> dict[str, Any]:
        """Consent and exchange the code; gives the tokens."""
        answer = app.exchange(self.code_for(app, **changed))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@cache
def _secret_hash() -> str:
    # Quick to verify: what takes long about argon2 is tested with passwords.
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(_SECRET)


def new_app(world: World, base_url: str, *, account_id: int | None = None, **more: object) -> OAuthApp:
    """An application of the world's account, or of another one."""
    body = {"name": "Bookings", "redirect_uris": [CALLBACK], **more}

    def make(transaction: Transaction) -> OAuthApp:
        now = world.clock.now()
        application = create_application(transaction, account_id or world.account_id, body, _secret_hash(), now)
        uris = application.redirect_uris
        secret = None if application.kind == "public" else _SECRET
        return OAuthApp(base_url, application.id, application.client_id, secret, uris[0] if uris else "")

    return world.database.write_now(make)


def signed_in(world: World, base_url: str, user_id: int) -> Browser:
    """A browser in which the user has signed in already."""
    now = world.clock.now()
    cookie = world.database.write_now(
        lambda transaction: sessions.begin(transaction, user_id, "127.0.0.1", "a test", now, needs_second_factor=False)
    )
    browser = Browser(base_url)
    browser.cookies.set("doorward", cookie, domain="127.0.0.1")
    return browser


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """The answer is an error as RFC 6749, 5.2 has it, and gives nothing away."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json()["error_description"].isprintable()
    assert "access_token" not in answer.json()
    assert "location" not in answer.headers
