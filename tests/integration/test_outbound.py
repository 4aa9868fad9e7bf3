"""outbound/fetching.py against real servers: what is answered, and what is never asked."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from doorward.outbound.fetching import Fetched, OutboundFailed, OutboundRefused, fetch, tls_context
from tests.support.certificates import certificate
from tests.support.web import Web, somebody_elses_web

pytestmark = pytest.mark.anyio
HERE = ("127.0.0.0/8",)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with somebody_elses_web() as served:
        served.give("/hello", b"Hello", X_Word="yes")
        yield served


async def get(url: str, **options: Any) -> Fetched:
    return await fetch(url, **{"limit_bytes": 1024, "allow": HERE, **options})


async def test_an_answer_comes_back_with_status_headers_and_body(web: Web) -> None:
    found = await get(web.url("/hello"))
    assert (found.status, found.body, found.complete, found.headers["x-word"]) == (200, b"Hello", True, "yes")
    assert (await get(web.url("/nothing"))).status == 404


async def test_a_body_and_headers_are_sent_and_the_host_stays_the_name(web: Web) -> None:
    web.asked.clear()
    url = web.url("/hello?a=1#part", "localhost")
    await get(url, method="POST", body=b"[1]", headers={"Content-Type": "application/json"})
    method, path, headers, body = web.asked[0]
    assert (method, path, body) == ("POST", "/hello?a=1", b"[1]")
    assert headers["host"] == f"localhost:{web.port}"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
    ],
)
async def test_this_machine_is_not_asked_whatever_it_is_called(web: Web, host: str) -> None:
    web.asked.clear()
    with pytest.raises(OutboundRefused) as caught:
        await get(web.url("/hello", host), allow=())
    assert caught.value.reason in {"leads to an address that is not public", "is not a URL"}
    assert web.asked == []


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "[fd00:ec2::254]", "[fe80::1]"])
async def test_neither_are_private_networks_and_the_metadata_of_clouds(host: str) -> None:
    with pytest.raises(OutboundRefused):
        await get(f"http://{host}/latest/meta-data/", allow=HERE)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "must be an http or https URL"),
        ("file:///etc/passwd", "must be an http or https URL"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "must be an http or https URL"),
        ("/images/1", "must be an http or https URL"),
        ("http://", "must be an http or https URL"),
        ("", "must be an http or https URL"),
        ("http://user:secret@example.com/", "must not have a user name or password in it"),
        ("http://user@example.com/", "must not have a user name or password in it"),
        ("http://exa mple.com/", "is not a URL"),
        ("http://example.com:99999/", "is not a URL"),
        ("http://[::1/", "is not a URL"),
        ("http://example.com/\r\nHost: other", "is not a URL"),
        ("http://example.com/" + "a" * 2100, "is too long (at most 2048 characters)"),
    ],
)
async def test_what_is_no_plain_web_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        await get(url)
    assert caught.value.reason == reason


async def test_the_address_that_was_judged_is_the_one_that_is_connected_to(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that gives another address at each look-up (DNS rebinding) is looked up once."""
    asked: list[str] = []

    def lookup(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        asked.append(str(host))
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    found = await get(f"http://rebinding.example:{web.port}/hello", allow=("127.0.0.1/32",))
    assert found.body == b"Hello"
    assert asked == ["rebinding.example"]


async def test_a_name_with_one_address_that_is_not_public_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(_: Any, port: Any, *__: Any, **___: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(OutboundRefused):
        await get("http://two.example/")


async def test_the_next_address_of_a_name_is_tried_if_the_first_does_not_answer(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(_: Any, port: Any, *__: Any, **___: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert (await get(f"http://two.example:{web.port}/hello")).body == b"Hello"


async def test_a_redirect_is_an_answer_and_is_not_followed(web: Web) -> None:
    web.give("/away", b"", 302, Location=web.url("/hello"))
    web.asked.clear()
    found = await get(web.url("/away"))
    assert (found.status, found.headers["location"]) == (302, web.url("/hello"))
    assert [path for _, path, _, _ in web.asked] == ["/away"]


async def test_proxies_of_the_environment_are_not_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await get(web.url("/hello"))).status == 200


async def test_an_answer_is_cut_off_at_the_limit_also_without_a_length(web: Web) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 4096)

    web.answers["/endless"] = endless
    found = await get(web.url("/endless"))
    assert (len(found.body), found.complete) == (1024, False)
    web.give("/exact", b"y" * 1024)
    assert (await get(web.url("/exact"))).complete


@pytest.mark.parametrize("path", ["/silent", "/slow"])
async def test_the_time_is_that_of_the_whole_exchange(web: Web, path: str) -> None:
    done = threading.Event()

    def silent(_: BaseHTTPRequestHandler) -> None:
        done.wait(5)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    web.answers |= {"/silent": silent, "/slow": slow}
    started = time.monotonic()
    with pytest.raises(OutboundFailed, match=r"did not answer within 0\.4 seconds"):
        await get(web.url(path), timeout_s=0.4)
    assert time.monotonic() - started < 3
    done.set()


async def test_what_does_not_answer_is_a_failure_that_says_why(web: Web) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(OutboundFailed, match="the connection was refused"):
            await get(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    with pytest.raises(OutboundFailed, match="its name is not known"):
        await get("http://nobody.invalid/")

    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail.example ESMTP\r\n")
        handler.close_connection = True

    web.answers["/babble"] = babble
    with pytest.raises(OutboundFailed, match="did not answer as HTTP has it"):
        await get(web.url("/babble"))


async def test_over_tls_the_name_is_verified_although_the_connection_goes_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    try:
        with somebody_elses_web(context) as secure:
            secure.give("/hello", b"Hello")
            with pytest.raises(OutboundFailed, match="its certificate does not hold"):
                await get(f"https://localhost:{secure.port}/hello")
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
            tls_context.cache_clear()
            assert (await get(f"https://localhost:{secure.port}/hello")).body == b"Hello"
            assert names == ["localhost", "localhost"]
            with pytest.raises(OutboundFailed, match="its certificate does not hold"):
                await get(f"https://127.0.0.1:{secure.port}/hello")
    finally:
        tls_context.cache_clear()
