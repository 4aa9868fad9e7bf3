"""oauth/redirects.py: where an application may be called (RFC 6749, 3.1.2; RFC 8252, 7.3)."""

import pytest

from doorward.applications.redirects import clean_redirect_uri, clean_webhook_url
from doorward.kit.text import InvalidText

BAD_ANYWHERE = [
    "",
    "example.com/callback",
    "/callback",
    "//example.com/callback",
    "https://",
    "https:///callback",
    "https://example.com/a b",
    "https://example.com/\nx",
    "https://exa\0mple.com/",
    "https://user:pass@example.com/",
    "https://user@example.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://[::1/",
    "https://example.com/cb#fragment",
    "https://example.com/cb#",
    "https://example.com\\@evil.example/",
    "javascript:alert(1)",
    "ftp://example.com/",
    "urn:ietf:wg:oauth:2.0:oob",
    "https://example.com/" + "a" * 2000,
]


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/callback",
        "https://example.com:8443/cb?from=doorward&x=%20",
        "http://localhost/cb",
        "http://127.0.0.1:8765/callback",
        "http://[::1]:9000/",
    ],
)
def test_https_and_the_users_own_machine_may_be_sent_back_to(uri: str) -> None:
    assert clean_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        *BAD_ANYWHERE,
        *("http://example.com/cb", "http://127.0.0.1.example.com/cb", "http://localhost.example/", "app://x"),
        *(
            f"https://exam{mark}ple.com/cb"
            for mark in (";", ",", "*", "'", "%3B", "_", "!", "$", "&", "(", "+", "=", "~")
        ),
        *("https://*/cb", "https://example.com:/cb", "https://example.com;script-src/cb", "https://[::1;]/cb"),
        *("https://[v1.a]/cb", "https://[fe80::1%25eth0]/cb"),
    ],
)
def test_nothing_else_may(uri: str) -> None:
    with pytest.raises(InvalidText):
        clean_redirect_uri(uri)


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://hooks.example.com:8080/in?key=1"])
def test_webhooks_go_to_http_and_https(url: str) -> None:
    assert clean_webhook_url(url) == url


@pytest.mark.parametrize("url", BAD_ANYWHERE)
def test_webhooks_go_nowhere_else(url: str) -> None:
    with pytest.raises(InvalidText):
        clean_webhook_url(url)
