"""What the console's pages load is served from memory, small, for good, and nothing else is."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

from doorward.console.assets import STATIC, asset, assets
from doorward.db.connect import open_database
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from tests.support.server import client, serving


@pytest.fixture
def stranger(migrated_copy: str, vault: Vault, clock: FixedClock) -> Iterator[httpx.Client]:
    """Somebody who has not signed in."""
    database = open_database(migrated_copy)
    with serving(database, clock, vault) as (base_url, _), client(base_url, None) as opened:
        yield opened
    database.close()


def raw(stranger: httpx.Client, path: str, accept: str | None) -> tuple[httpx.Response, bytes]:
    """The answer, with its content as it came over the line."""
    request = stranger.build_request("GET", path)
    del request.headers["accept-encoding"]
    if accept is not None:
        request.headers["accept-encoding"] = accept
    answer = stranger.send(request, stream=True)
    try:
        return answer, b"".join(answer.iter_raw())
    finally:
        answer.close()


def test_every_file_is_served_whole_to_anybody_and_kept_for_good(stranger: httpx.Client) -> None:
    types = {
        "js": "text/javascript; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
    }
    for name, served in assets().names.items():
        answer, content = raw(stranger, asset(name), None)
        assert answer.status_code == 200
        assert content == (STATIC / served).read_bytes()
        assert answer.headers["content-type"] == types[name.rpartition(".")[2]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in answer.headers
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.1, gzip", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, *", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("br;q=nonsense, gzip; q=1", "gzip"),
        ("identity", None),
        ("*;q=0", None),
        ("", None),
        (None, None),
    ],
)
def test_the_smallest_encoding_that_is_taken_is_sent(
    stranger: httpx.Client, accept: str | None, encoding: str | None
) -> None:
    answer, content = raw(stranger, asset("console.css"), accept)
    assert answer.headers.get("content-encoding") == encoding
    plain = assets().served[assets().names["console.css"]].content
    assert int(answer.headers["content-length"]) == len(content)
    if encoding == "gzip":
        assert gzip.decompress(content) == plain
    elif encoding == "br":
        assert content == (STATIC / f"{assets().names['console.css']}.br").read_bytes()
    else:
        assert content == plain


def test_head_tells_the_size_without_the_content(stranger: httpx.Client) -> None:
    answer = stranger.head(asset("console.js"), headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == (STATIC / assets().names["console.js"]).stat().st_size


@pytest.mark.parametrize(
    "name",
    [
        "console.js",
        "manifest.json",
        "icons.json",
        "console-00000000.js",
        "..%2Fassets.py",
        "%2e%2e%2fassets.py",
        "..%5Cassets.py",
        "../assets.py",
        "%2Fetc%2Fpasswd",
        "console.css%00.js",
        "",
    ],
)
def test_whatever_is_not_in_the_manifest_is_not_found(stranger: httpx.Client, name: str) -> None:
    answer = stranger.get(f"/assets/console/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"
    assert "cache-control" not in answer.headers or "immutable" not in answer.headers["cache-control"]


def test_a_file_beside_those_that_are_made_small_is_not_found_by_its_ending(stranger: httpx.Client) -> None:
    assert stranger.get(f"{asset('console.js')}.gz").status_code == 404
    assert stranger.get(f"{asset('console.js')}/x").status_code == 404


def test_the_licences_of_what_is_served_are_served(stranger: httpx.Client) -> None:
    text = stranger.get(asset("licenses.txt")).text
    for name in ("htmx.org", "@tabler/core", "@tabler/icons", "echarts", "zrender", "@fullcalendar/core", "preact"):
        assert f"==== {name} " in text
    assert "The Bootstrap Authors" in text
    assert "Apache License" in text
