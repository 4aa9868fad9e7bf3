"""What a browser does with forms, without one: it keeps cookies, and brings back what the page gave it."""

import re
from collections.abc import Callable

import httpx

from tests.support.server import NO_TLS
from tests.support.world import PASSWORD


class FormBrowser:
    """Keeps cookies and follows nothing by itself."""

    def __init__(self, base_url: str, **headers: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=60, trust_env=False, verify=NO_TLS, headers=headers)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.http.get(path)

    def post(self, path: str, page: httpx.Response | str, **fields: str) -> httpx.Response:
        """Send fields with the token of a page, which is opened if it is not there yet."""
        return self.http.post(path, data={"csrf_token": self.token(page), **fields})

    def token(self, page: httpx.Response | str) -> str:
        """The token in a page's forms."""
        shown = self.get(page) if isinstance(page, str) else page
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', shown.text)
        assert found is not None, (shown.status_code, shown.text)
        return found[1]

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Fill in and send the sign-in page."""
        return self.post("/sign-in", "/sign-in", email=email, password=password, **fields)

    @property
    def session(self) -> str | None:
        """The session's cookie."""
        return self.http.cookies.get("doorward")


BrowserOf = Callable[..., FormBrowser]
"""What the fixture `browser_of` gives: `browser_of(role, site_ids=None)` signs in somebody new."""
