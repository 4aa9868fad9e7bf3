"""Who gets in: tokens, scopes, permissions; and what errors look like (behaviour.md, "HTTP" and "OAuth 2.0")."""

import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from doorward.kit.clock import FixedClock
from doorward.oauth.tokens import revoke_token
from doorward.oauth.usage import write_usage
from tests.integration.conftest import Served
from tests.support.world import World

UNAUTHORIZED = {"error": "unauthorized", "error_description": "The access token is invalid"}
FORBIDDEN = {"error": "forbidden", "error_description": "You are not authorized to access this resource"}


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic eA==", "Bearer nonsense", "nonsense", "Bearer é", "Bearer a b"]
)
def test_without_a_token_that_holds_the_answer_is_401(served: Served, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode()}
    answer = httpx.get(f"{served.base_url}/api/3/roles", headers=headers)
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="doorward"')
    # RFC 6750, 3.1: without a bearer token the challenge names no error.
    assert ('error="invalid_token"' in challenge) == (header or "").lower().startswith("bearer")


def test_a_token_in_the_query_string_is_not_looked_at(served: Served, world: World) -> None:
    assert httpx.get(f"{served.base_url}/api/3/roles", params={"access_token": world.token}).status_code == 401


def test_an_expired_token_says_so(api: httpx.Client, clock: FixedClock) -> None:
    clock.advance(86_400 * 1000 - 1)
    assert api.get("/api/3/roles").status_code == 200
    clock.advance(1)
    answer = api.get("/api/3/roles")
    assert answer.status_code == 401
    assert answer.json()["error_description"] == "The access token expired"


def test_a_revoked_token_is_refused_at_once_and_says_so(api: httpx.Client, world: World) -> None:
    assert api.get("/api/3/roles").status_code == 200
    world.database.write_now(lambda tx: revoke_token(tx, world.token, world.clock.now()))
    answer = api.get("/api/3/roles")
    assert answer.status_code == 401
    assert answer.json()["error_description"] == "The access token was revoked"


def test_a_missing_scope_is_a_403_that_names_it_in_the_header(served: Served, world: World) -> None:
    token = world.new_token(world.owner_id, "account.reservation")
    with served.client(token) as client:
        answer = client.get("/api/3/roles")
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert 'scope="account.role.readonly"' in challenge
        assert client.get("/api/3/reservations").status_code == 200, "a write scope includes its .readonly"


def test_a_user_without_the_right_is_refused_although_the_token_has_the_scope(served: Served, world: World) -> None:
    _, token = world.user("viewer")
    with served.client(token) as viewer:
        assert viewer.get("/api/3/roles").status_code == 200
        assert viewer.get("/api/3/reservations").status_code == 200
        answer = viewer.post("/api/3/reservations", json={})
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
        assert viewer.delete("/api/3/reservations/1").status_code == 403


def test_who_may_not_is_told_before_the_body_is_looked_at(served: Served) -> None:
    with served.client(None) as nobody:
        assert nobody.post("/api/3/reservations", content=b"{").status_code == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"person_id": 1, "person_id": 2}',
        b'{"person_id": NaN}',
        b'{"person_id": Infinity}',
        b'{"person_id": "\xff"}',
        b'{"person_id": "\\ud800"}',
        b'{"person_id": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"{} trailing",
        b'\xef\xbb\xbf{"person_id": 1}',
    ],
)
def test_a_body_that_is_no_json_object_is_a_400(api: httpx.Client, raw: bytes) -> None:
    answer = api.post("/api/3/reservations", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "bad_request"


def test_text_with_a_nul_or_a_number_too_large_is_a_4xx(api: httpx.Client) -> None:
    for bad in ({"start_time": "2026\x00"}, {"person_id": 2**63}, {"person_id": -(2**70)}, {"person_id": 1e300}):
        assert api.post("/api/3/reservations", json=bad).status_code == 422


def test_another_type_of_body_is_a_415(api: httpx.Client) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = api.post("/api/3/reservations", content=b"{}", headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type")
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    assert api.post("/api/3/reservations", content=b"{}", headers=with_charset).status_code == 422


def test_a_body_that_is_too_large_is_a_413(api: httpx.Client) -> None:
    answer = api.post(
        "/api/3/reservations", content=b" " * (1024 * 1024 + 1), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")


def test_a_body_announced_as_2_gigabytes_is_refused_before_it_is_sent(served: Served, world: World) -> None:
    address = urlsplit(served.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as raw:
        raw.sendall(
            b"POST /api/3/reservations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + world.token.encode() + b"\r\nContent-Length: 2147483648\r\n\r\n{"
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_what_is_not_there_is_a_404_in_json(api: httpx.Client, served: Served) -> None:
    for path in ("/api/3/nothing", "/api/3/", "/api/3/reservations/1/x", "/nothing", "/api/3/roles/1/x"):
        answer = httpx.get(served.base_url + path)
        assert answer.status_code == 404
        assert answer.json() == {"error": "not_found", "error_description": "The requested resource was not found"}
    for number in ("999", "0", "-1", "x", "9" * 30, "1.5", "%00"):
        assert api.delete(f"/api/3/reservations/{number}").status_code == 404


def test_another_method_is_a_405_that_names_the_allowed_ones(api: httpx.Client) -> None:
    answer = api.put("/api/3/roles")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_options_and_head_are_answered(api: httpx.Client, served: Served) -> None:
    for path in ("/api/3/roles", "/api/3/reservations", "/api/3/reservations/1"):
        assert api.options(path).status_code == 204
        assert "OPTIONS" in httpx.options(served.base_url + path).headers["allow"]
    head = api.head("/api/3/roles")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == api.get("/api/3/roles").headers["content-length"]
    assert httpx.head(f"{served.base_url}/api/3/roles").status_code == 401


def test_no_cache_keeps_an_answer(api: httpx.Client) -> None:
    assert api.get("/api/3/roles").headers["cache-control"] == "no-store"
    assert api.get("/api/3/nothing").headers["cache-control"] == "no-store"


def raw(served: Served, *parts: bytes) -> bytes:
    address = urlsplit(served.base_url)
    answer = b""
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as connection:
        with suppress(OSError):
            for part in parts:
                connection.sendall(part)
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


def test_what_is_no_http_is_answered_in_json(served: Served) -> None:
    for nonsense in (b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"nonsense\r\n\r\n"):
        head, _, body = raw(served, nonsense).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body)["error"] == "bad_request"


def test_a_head_without_end_is_refused_before_it_fills_the_memory(served: Served) -> None:
    line = b"X-Filler: " + b"x" * 60_000 + b"\r\n"
    for parts in ([b"GET / HTTP/1.1\r\n", *[line] * 50], [b"GET / HTTP/1.1\r\nX-Endless: ", *[b"x" * 60_000] * 50]):
        head, _, body = raw(served, *parts).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 ")
        assert json.loads(body)["error"] == "request_header_fields_too_large"


def test_a_trailing_json_on_a_path_is_accepted(api: httpx.Client) -> None:
    assert api.get("/api/3/roles.json").status_code == 200
    assert api.delete("/api/3/reservations/1.json").status_code == 404


def test_the_request_id_comes_back_or_is_made(api: httpx.Client) -> None:
    assert api.get("/api/3/roles", headers={"X-Request-Id": "abc-123"}).headers["x-request-id"] == "abc-123"
    for bad in ("", "x" * 200, "a b\tc", "<script>"):
        made = api.get("/api/3/roles", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert made != bad
        assert len(made) == 24


def test_use_is_counted_per_application_user_operation_and_day(api: httpx.Client, served: Served, world: World) -> None:
    for _ in range(3):
        api.get("/api/3/roles")
    counts = served.context.usage.take()
    assert [(key[2], usage.uses, usage.last_address) for key, usage in counts.items()] == [
        ("listRoles", 3, "127.0.0.1")
    ]
    for _ in range(2):
        world.database.write_now(lambda tx: write_usage(tx, counts))
    from sqlalchemy import text

    from doorward.db.query import Query

    rows = Query(text("SELECT endpoint, day, uses FROM usage_counts"), lambda *row: row)
    assert world.database.read_now(lambda tx: tx.all(rows)) == [("listRoles", "2026-03-02", 6)]


def test_an_answer_to_head_has_no_content_and_leaves_the_connection_in_order(served: Served, world: World) -> None:
    host, port = served.base_url.removeprefix("http://").split(":")
    head = f"Host: {host}\r\nAuthorization: Bearer {world.token}\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for path in ("/api/3/roles", "/docs", "/healthz", "/api/3/nothing"):
            connection.sendall(f"HEAD {path} HTTP/1.1\r\n{head}\r\n".encode())
        connection.sendall(f"GET /healthz HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    *heads, body = received.split(b"\r\n\r\n")
    assert len(heads) == 5
    assert all(each.startswith(b"HTTP/1.1 ") for each in heads)
    assert body == b'{"status":"ok"}'
