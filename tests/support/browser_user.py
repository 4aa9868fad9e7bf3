"""Somebody at a browser, without the browser: signs in and consents by filling in the forms that the pages have."""

from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx

from tests.support.server import NO_TLS


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and given.get("name"):
            self.forms[-1][1][given["name"]] = given.get("value", "")


def form_of(page: httpx.Response, field: str) -> tuple[str, dict[str, str]]:
    """The action and the fields of the page's form that has a field of this name."""
    parser = _Forms()
    parser.feed(page.text)
    for action, fields in parser.forms:
        if field in fields:
            return action or str(page.url), fields
    raise AssertionError(f"the page has no form with {field}: {page.text[:2000]}")


class BrowserUser:
    """A user with a cookie jar."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=30, trust_env=False, verify=NO_TLS, follow_redirects=False)
        self._email = email
        self._password = password

    def sign_in(self) -> httpx.Response:
        """Fill in the sign-in page."""
        page = self.http.get("/sign-in")
        action, fields = form_of(page, "password")
        return self.http.post(action, data={**fields, "email": self._email, "password": self._password})

    def consent_answer(self, query: dict[str, str], answer: str = "allow") -> httpx.Response:
        """Go through authorization, signing in if need be; gives the answer that sends the browser back."""
        path = f"/oauth/authorize?{urlencode(query)}"
        page = self.http.get(path)
        if page.status_code in (302, 303):
            self.sign_in()
            page = self.http.get(path)
        assert page.status_code == 200, page.text
        action, fields = form_of(page, "consent")
        return self.http.post(action, data={**fields, "decision": answer})

    def consent(self, query: dict[str, str], answer: str = "allow") -> str:
        """Where the browser is sent back to."""
        sent = self.consent_answer(query, answer)
        assert sent.status_code in (302, 303), sent.text
        return sent.headers["location"]
