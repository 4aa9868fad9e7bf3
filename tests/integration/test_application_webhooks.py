"""Webhooks of applications as they go out, over a socket: signed, acknowledged, refused where they must not go."""

import hashlib
import hmac
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from doorward.applications.webhooks import rotate_webhook_secret
from doorward.db.connect import open_database
from doorward.kit import public_ids
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.people.service import delete_person
from doorward.webhooks.application_webhook import ApplicationWebhook, retry_after
from tests.integration.conftest import Served
from tests.support.services import write
from tests.support.web import Web, somebody_elses_web
from tests.support.webhooks import (
    BASE_URL,
    Listener,
    endpoint_of,
    happened,
    keep_tokens,
    listening,
    rows,
    send_all,
)
from tests.support.world import World

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.fixture
def world(migrated_file: Path, tmp_path: Path, vault: Vault, clock: FixedClock) -> Iterator[World]:
    """On one kind of database: what differs between them is in test_deliveries."""
    path = tmp_path / "doorward.db"
    shutil.copy(migrated_file, path)
    database = open_database(f"sqlite:///{path}")
    yield World(database, vault, clock).build()
    database.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with somebody_elses_web() as served:
        yield served


@pytest.fixture
def hook(web: Web) -> str:
    """A URL that answers well."""
    web.asked.clear()
    web.give("/hook", b"thanks")
    return web.url("/hook")


def signed_with(secret: str, headers: dict[str, str], body: bytes) -> bool:
    wanted = hmac.new(secret.encode(), headers["timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return headers["signature"] == wanted


def test_the_body_says_what_has_changed_and_where_it_is_to_be_had(
    world: World, web: Web, hook: str, clock: FixedClock
) -> None:
    listener = listening(world, hook)
    event_id = happened(world)
    grace = world.person("Grace", "Hopper", card_number="77")
    perimeter = happened(world, 31)
    assert send_all(world) == 1, "one request takes several"
    (method, path, headers, body) = web.asked[0]
    assert (method, path, headers["content-type"]) == ("POST", "/hook", "application/json")
    assert headers["timestamp"] == str(clock.now() // 1000)
    assert signed_with(listener.secret, headers, body)
    told: list[dict[str, Any]] = json.loads(body)
    assert [list(each) for each in told] == [
        ["action", "resource", "resource_type", "resource_id", "account_id", "ack_token"]
    ] * 3
    account = public_ids.encode("account", world.account_id)
    card = public_ids.encode("credential", rows(world)[1].resource_id)
    expected = [
        ("CREATE", f"{BASE_URL}/api/3/events/{event_id}", "Event", str(event_id)),
        ("CREATE", f"{BASE_URL}/api/3/people/{grace}/credentials/{card}", "PersonCredential", card),
        ("CREATE", f"{BASE_URL}/api/3/events/{perimeter}", "PerimeterEvent", str(perimeter)),
    ]
    for each, (action, resource, resource_type, resource_id) in zip(told, expected, strict=True):
        assert each["resource"] == f"{resource}?ack_token={each['ack_token']}"
        assert (each["action"], each["resource_type"], each["resource_id"]) == (action, resource_type, resource_id)
        assert each["account_id"] == account
    assert body == json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode(), "as JSON.stringify has it"


def test_a_get_with_its_token_acknowledges_whoever_asks(world: World, web: Web, hook: str, api: httpx.Client) -> None:
    listening(world, hook)
    first, second = happened(world), happened(world)
    send_all(world)
    tokens = {each["resource_id"]: each["ack_token"] for each in json.loads(web.asked[0][3])}
    assert api.get(f"/api/3/events/{first}").status_code == 200
    assert [each.state for each in rows(world)] == ["delivered", "delivered"], "a personal token's GET says nothing"
    for wrong in (tokens[str(second)], tokens[str(first)][:-1], "1-", "-", "x" * 500, "9" * 30 + "-0", "\u0661-a"):
        assert api.get(f"/api/3/events/{first}", params={"ack_token": wrong}).status_code == 200
    assert {each.state for each in rows(world)} == {"delivered"}
    api.get(f"/api/3/events/{first}", params={"ack_token": tokens[str(first)]})
    assert [each.state for each in rows(world)] == ["acknowledged", "delivered"]


def test_reading_it_with_its_own_token_acknowledges(world: World, hook: str, served: Served) -> None:
    listener, other = listening(world, hook), listening(world, hook)
    event_id = happened(world)
    with served.client(listener.token) as own:
        own.get(f"/api/3/events/{event_id}")
        assert {each.state for each in rows(world)} == {"pending"}, "it had not been told yet"
        send_all(world)
        own.get(f"/api/3/events/{event_id}")
    assert [(each.endpoint_id, each.state) for each in rows(world)] == [
        (listener.endpoint_id, "acknowledged"),
        (other.endpoint_id, "delivered"),
    ]


def test_asking_for_a_credential_that_is_gone_acknowledges_that_it_is(
    world: World, web: Web, hook: str, served: Served
) -> None:
    listener = listening(world, hook)
    for number in ("77", "78"):
        write(world, delete_person, world.person("Grace", "Hopper", card_number=number))
    send_all(world)
    of_first, of_second = (path.removeprefix(BASE_URL) for path in _destroyed(web.asked[0][3]))
    with served.client(world.token) as anybody, served.client(listener.token) as own:
        assert anybody.get(of_first).status_code == 404
        assert [each.state for each in rows(world)] == ["acknowledged", "acknowledged", "delivered", "delivered"]
        assert own.get(of_second.partition("?")[0]).status_code == 404
    assert {each.state for each in rows(world)} == {"acknowledged"}, "and so is that it was there, told before"


def _destroyed(body: bytes) -> list[str]:
    return [each["resource"] for each in json.loads(body) if each["action"] == "DESTROY"]


def test_what_is_acknowledged_while_it_is_under_way_still_has_to_arrive(
    world: World, web: Web, served: Served, clock: FixedClock
) -> None:
    listener = listening(world, web.url("/fetches"))
    event_id = happened(world)
    fails = True

    def answer(handler: Any) -> None:
        with served.client(listener.token) as own:
            assert own.get(f"/api/3/events/{event_id}").status_code == 200
        handler.send_response(500 if fails else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.answers["/fetches"] = answer
    send_all(world)
    assert [(each.state, each.status) for each in rows(world)] == [("pending", 500)]
    fails = False
    clock.advance(5 * SECOND)
    send_all(world)
    assert [(each.state, each.due_at) for each in rows(world)] == [("acknowledged", None)]


def test_what_nobody_acknowledges_is_sent_again_and_then_given_up(world: World, hook: str, clock: FixedClock) -> None:
    listener = listening(world, hook)
    happened(world)
    with_token = 0
    while (due := rows(world)[0].due_at) is not None:
        clock.at = due
        keep_tokens(world)
        send_all(world)
        with_token += 1
    (row,) = rows(world)
    assert (row.state, row.error, with_token) == ("given_up", "was not acknowledged", 8)
    assert endpoint_of(world, listener).failing_since is None, "it has answered well each time"


def test_a_secret_that_was_replaced_is_good_for_another_day(world: World, web: Web, clock: FixedClock) -> None:
    listener = listening(world, web.url("/checks"))
    knows = {listener.secret}

    def answer(handler: Any) -> None:
        _, _, headers, body = web.asked[-1]
        handler.send_response(200 if any(signed_with(each, headers, body) for each in knows) else 401)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.answers["/checks"] = answer
    web.asked.clear()
    new = _rotate(world, listener)
    happened(world)
    send_all(world)
    assert (rows(world)[0].state, len(web.asked)) == ("delivered", 2), "the new one, then the old one"
    knows = {new}
    web.asked.clear()
    happened(world)
    send_all(world)
    assert (rows(world)[1].state, len(web.asked)) == ("delivered", 1)
    knows = {listener.secret}
    clock.advance(DAY)
    keep_tokens(world)
    web.asked.clear()
    send_all(world)
    assert rows(world)[0].status == 401
    assert not any(signed_with(listener.secret, headers, body) for _, _, headers, body in web.asked)
    knows = {new}
    at_once = _rotate(world, listener, at_once=True)
    web.asked.clear()
    happened(world)
    send_all(world)
    assert rows(world)[2].status == 401
    assert all(signed_with(at_once, headers, body) for _, _, headers, body in web.asked)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f000001", "127.1", "0", "[::1]"),
        *("[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "169.254.169.254", "192.168.1.1"),
    ],
)
def test_what_is_not_public_is_refused_and_recorded_and_gets_no_packet(world: World, host: str) -> None:
    with _silent() as (port, connections):
        listening(world, f"http://{host}:{port}/hook")
        happened(world)
        _send_strictly(world)
        assert connections() == 0
    (row,) = rows(world)
    assert (row.state, row.status, row.attempts) == ("pending", None, 1)
    assert row.error in {"leads to an address that is not public", "is not a URL"}


def test_a_name_that_leads_there_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with _silent() as (port, connections):
        _resolve(monkeypatch, ["127.0.0.1"])
        listening(world, f"http://inside.example:{port}/hook")
        happened(world)
        _send_strictly(world)
        assert connections() == 0
    assert rows(world)[0].error == "leads to an address that is not public"


def test_a_name_that_changes_after_it_was_judged_leads_only_where_it_was_judged_to(
    world: World, web: Web, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look-up gives an address that is allowed, every later one an address that is not (DNS rebinding)."""
    assert hook
    with _silent("127.0.0.2", web.port) as (port, connections):
        looked_up = _resolve(monkeypatch, ["127.0.0.1", "127.0.0.2"])
        listening(world, f"http://changing.example:{port}/hook")
        happened(world)
        _send_strictly(world, "127.0.0.1/32")
        assert (len(web.asked), rows(world)[0].status, looked_up) == (1, 200, ["changing.example"])
        happened(world)
        _send_strictly(world, "127.0.0.1/32")
        assert (len(web.asked), connections()) == (1, 0)
    assert rows(world)[1].error == "leads to an address that is not public"


def test_a_redirect_is_not_followed(world: World, web: Web, hook: str) -> None:
    web.give("/redirect", b"", 307, Location=hook)
    listening(world, web.url("/redirect"))
    happened(world)
    send_all(world)
    assert [path for _, path, _, _ in web.asked] == ["/redirect"]
    assert rows(world)[0].error == "was answered with 307: a redirect is not followed"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120 * SECOND),
        ("0", 0),
        (" 7 ", 7 * SECOND),
        (formatdate(1_772_442_000 + 90, usegmt=True), 90 * SECOND),
        (formatdate(1_772_442_000 - 90, usegmt=True), 0),
        ("9" * 400, 999_999_999 * SECOND),
        *((text, None) for text in (None, "", "soon", "-5", "1.5", "Mon, 99 Foo 2026", "\u0661")),
    ],
)
def test_how_long_an_endpoint_wants_to_be_left_alone(header: str | None, wait: int | None) -> None:
    assert retry_after(header, 1_772_442_000_000) == wait


@contextmanager
def _silent(host: str = "", port: int = 0) -> Iterator[tuple[int, Callable[[], int]]]:
    """A port at which nothing answers; gives it, and how many connections somebody has tried to make there."""
    family = socket.AF_INET if host else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # both kinds of address lead here
        listener.bind((host or "::", port))
        listener.listen()
        listener.setblocking(False)
        taken: list[socket.socket] = []

        def connections() -> int:
            with suppress(BlockingIOError):
                while True:
                    taken.append(listener.accept()[0])
            return len(taken)

        yield listener.getsockname()[1], connections
        for each in taken:
            each.close()


def _resolve(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> list[str]:
    """Names lead to the first address the first time, to the next the next time, and stay at the last."""
    asked: list[str] = []

    def lookup(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        address = addresses[min(len(asked), len(addresses) - 1)]
        asked.append(str(host))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def _send_strictly(world: World, *allow: str) -> None:
    """Send all that is due, to public addresses and those that are allowed."""
    send_all(world, ApplicationWebhook(world.vault, world.clock, lambda: BASE_URL, allow))


def _rotate(world: World, listener: Listener, *, at_once: bool = False) -> str:
    now = world.clock.now()
    return world.database.write_now(
        lambda tx: (
            rotate_webhook_secret(
                tx, world.vault, world.account_id, listener.application_id, now, at_once=at_once
            ).secret
        )
    )
