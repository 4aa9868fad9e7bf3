"""What rules do when something happens: posts, mail, chats and notifications really arrive."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import text

from doorward.db.query import Query, number
from doorward.db.unit_of_work import Database, Transaction
from doorward.events.service import Event, record_all
from doorward.kit import mail_servers
from doorward.kit.clock import FixedClock
from doorward.kit.crypto import Vault
from doorward.notification_rules.owners import tell_owners_of_disabling
from doorward.notification_rules.rule import NotificationRule
from doorward.notification_rules.service import delete_rule, rotate_secret, update_rule
from doorward.notification_rules.testing import begin_tests, send_tests
from doorward.oauth.tokens import create_token
from doorward.outbound.fetching import tls_context
from doorward.webhooks.log import resend
from doorward.webhooks.queue import FAILING
from tests.support.certificates import certificate
from tests.support.mail_server import MailBox, mail_server
from tests.support.rules import forget_names, forget_secrets, new_rule, send_due, sender_of, shown
from tests.support.services import write, write_sealed
from tests.support.web import Web, somebody_elses_web
from tests.support.webhooks import EVENTS, Listener, endpoint_of, happened, listening, rows
from tests.support.world import World

MINUTE = 60_000
CONSOLE: dict[str, object] = {"kind": "console"}


@pytest.fixture
def world(database: Database, vault: Vault, clock: FixedClock) -> World:
    """A small account."""
    return World(database, vault, clock).build()


@pytest.fixture
def web() -> Iterator[Web]:
    """Where things are posted to."""
    with somebody_elses_web() as served:
        served.give("/hook", b"thanks")
        yield served


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server without TLS."""
    with mail_server() as served:
        yield served


def mail_to(*addresses: str) -> dict[str, object]:
    """An action."""
    return {"kind": "email", "addresses": list(addresses)}


def server_of(box: MailBox) -> mail_servers.MailServer:
    """The setting."""
    return mail_servers.mail_server(box.url(more="&starttls=never"))


def forced(world: World, number: int = 1, **more: Any) -> list[int]:
    """So many doors are forced, in one transaction."""
    now = world.clock.now()
    given = {"channel_id": world.channel_ids[0], "channel_name": "Front door", "occurred_at": now, **more}
    happened = [Event(world.account_id, 33, **given) for _ in range(number)]
    return world.database.write_now(lambda tx: record_all(tx, happened, now))


def token_of(world: World, listener: Listener, days: int) -> None:
    """A token for an application that holds for long."""
    world.database.write_now(
        lambda tx: create_token(
            tx,
            account_id=world.account_id,
            application_id=listener.application_id,
            user_id=world.owner_id,
            scopes=EVENTS,
            now=world.clock.now(),
            seconds=days * 86_400,
        )
    )


def states(world: World) -> list[tuple[str, str | None]]:
    """What has become of all deliveries."""
    return [(row.state, row.error) for row in rows(world)]


def test_an_event_is_posted_as_the_api_has_it_and_signed(world: World, web: Web) -> None:
    rule = new_rule(world, {"kind": "post", "url": web.url("/hook")})
    secret = write_sealed(world, rotate_secret, rule.id)
    [event] = forced(world)
    assert send_due(world, sender_of(world)) == 1
    [(method, _, headers, body)] = web.asked
    told = json.loads(body)
    assert (method, told["id"], told["event_code"], told["event_label"]) == (
        "POST",
        event,
        33,
        "Front door forced open",
    )
    assert (told["notification_rule_id"], told["notification_rule_name"]) == (rule.id, "Doors")
    assert told["created_at"] == "2026-03-02T09:00:00.000Z"
    signed = headers["timestamp"].encode() + b"." + body
    assert headers["signature"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["timestamp"] == str(world.clock.now() // 1000)
    assert states(world) == [("delivered", None)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_nobody_has_a_secret_for_is_not_signed(world: World, web: Web) -> None:
    new_rule(world, {"kind": "post", "url": web.url("/hook")})
    forget_secrets(world)  # as of a rule from before there were any
    forced(world)
    send_due(world, sender_of(world))
    [(_, _, headers, _)] = web.asked
    assert "signature" not in headers


def test_what_the_rule_is_not_about_is_told_to_nobody(world: World, web: Web) -> None:
    rule = new_rule(world, {"kind": "post", "url": web.url("/hook")}, match_controller_ids=world.channel_ids[:1])
    new_rule(world, CONSOLE, active=False)
    elsewhere = World(world.database, world.vault, world.clock).build()
    happened(world, 34)
    happened(world, 33, channel_id=world.channel_ids[1])
    happened(elsewhere, 33)
    happened(world, 33, occurred_at=world.clock.now() - 5 * MINUTE - 1, is_replayed=True)
    assert rows(world) == []
    write(world, delete_rule, rule.id)
    forced(world)
    assert rows(world) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_fails_is_tried_again_and_what_is_gone_is_not(world: World, clock: FixedClock, web: Web) -> None:
    new_rule(world, {"kind": "post", "url": web.url("/broken")}, {"kind": "post", "url": web.url("/gone")})
    web.give("/broken", b"oops", 500)
    web.give("/gone", b"", 410)
    forced(world)
    sends = sender_of(world)
    send_due(world, sends)
    assert states(world) == [("pending", "was answered with 500"), ("given_up", "was answered with 410")]
    web.give("/broken", b"")
    clock.advance(5_000)
    assert send_due(world, sends) == 1
    forced(world)
    send_due(world, sends)
    assert states(world) == [("delivered", None), ("given_up", "was answered with 410"), ("delivered", None)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["post", "slack"])
def test_nothing_is_sent_to_an_address_that_is_not_public(world: World, web: Web, kind: str) -> None:
    new_rule(world, {"kind": kind, "url": web.url("/hook")})
    forced(world)
    send_due(world, sender_of(world, allow=()))
    assert web.asked == []
    assert states(world) == [("pending", "leads to an address that is not public")]


def test_a_chat_gets_many_events_in_one_message(world: World, clock: FixedClock, web: Web) -> None:
    new_rule(world, {"kind": "slack", "url": web.url("/chat")})
    web.give("/chat", b"ok")
    forced(world, 30)
    sends = sender_of(world)
    assert send_due(world, sends) == 1
    forced(world)
    assert send_due(world, sends) == 0, "a message a second"
    clock.advance(1_000)
    web.give("/chat", b"slow down", 429, Retry_After="30")
    send_due(world, sends)
    web.give("/chat", b"ok")
    clock.advance(29_000)
    assert send_due(world, sends) == 0
    clock.advance(1_000)
    assert send_due(world, sends) == 1
    first, *_ = [json.loads(body) for *_, body in web.asked]
    assert first["text"].startswith("Doors: Front door forced open (Mon 2026-03-02 09:00 Europe/London, North)")
    assert [block["type"] for block in first["blocks"]] == ["header", "section"]
    assert "And 10 more." in first["blocks"][1]["text"]["text"]
    assert states(world) == [("delivered", None)] * 31


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mail_arrives_over_starttls_with_a_password(
    world: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path_factory.mktemp("certificate"))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    tls_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    new_rule(world, mail_to("guard@acme.example", "boss@acme.example"))
    forced(world)
    try:
        with mail_server(starttls=context, login=True) as box:
            send_due(world, sender_of(world, mail_servers.mail_server(box.url(host="localhost", user=True))))
            [letter] = box.letters
    finally:
        tls_context.cache_clear()
    assert (letter.over_tls, letter.user) == (True, "doors@acme.example")
    assert letter.recipients == ["guard@acme.example", "boss@acme.example"]
    assert letter.message["Subject"] == "[Acme] Front door forced open"
    assert "Front door forced open\n    Mon 2026-03-02 09:00 Europe/London, North" in letter.text().replace("\r", "")
    assert states(world) == [("delivered", None)]


def test_a_storm_of_events_is_one_mail_a_minute(world: World, clock: FixedClock, box: MailBox) -> None:
    new_rule(world, mail_to("guard@acme.example"))
    new_rule(world, mail_to("other@acme.example"), name="Other")
    sends = sender_of(world, server_of(box))
    forced(world)
    send_due(world, sends)
    assert len(box.letters) == 2, "the first is told at once, by each rule"
    for _ in range(5):
        forced(world, 100)
        clock.advance(MINUTE // 6)
        assert send_due(world, sends) == 0
    clock.advance(MINUTE // 6)
    assert send_due(world, sends) == 2
    subjects = [letter.message["Subject"] for letter in box.letters[2:]]
    assert subjects == ["[Acme] 500 events: Doors", "[Acme] 500 events: Other"]
    assert "And 400 more" in box.letters[2].text()
    assert len({letter.message["Message-ID"] for letter in box.letters}) == 4
    assert set(states(world)) == {("delivered", None)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mail_that_cannot_be_sent_now_is_sent_later(world: World, clock: FixedClock, box: MailBox) -> None:
    new_rule(world, mail_to("guard@acme.example"))
    forced(world)
    send_due(world, sender_of(world, None))
    assert "DOORWARD_SMTP_URL is not set" in str(states(world)[0][1])
    sends = sender_of(world, server_of(box))
    for answer in ("451 come again", None, "554 never"):
        box.answers = [answer] if answer else []
        clock.advance(MINUTE)
        if answer == "554 never":
            forced(world)
        send_due(world, sends)
    assert len(box.letters) == 1
    assert states(world) == [("delivered", None), ("given_up", "the mail server answered 554 never")]


def test_operators_are_shown_each_event_once(world: World) -> None:
    new_rule(world, CONSOLE)
    events = forced(world, 3)
    send_due(world, sender_of(world))
    assert shown(world) == events[::-1]
    assert states(world) == [("delivered", None)] * 3


def test_a_test_does_each_action_once_and_shows_operators_nothing(world: World, web: Web, box: MailBox) -> None:
    posted = {"kind": "post", "url": web.url("/hook")}
    broken = {"kind": "slack", "url": web.url("/nowhere")}
    rule = new_rule(world, posted, broken, mail_to("guard@acme.example"), CONSOLE)
    sends = sender_of(world, server_of(box))
    begun = write(world, begin_tests, rule.id, sends.next_test_lease)
    tested = asyncio.run(send_tests(sends, begun))
    assert [(each.kind, each.delivered, each.status, each.error) for each in tested] == [
        ("post", True, 200, None),
        ("slack", False, None, "was answered with 404"),
        ("email", True, None, None),
        ("console", True, None, None),
    ]
    [told] = [json.loads(body) for _, path, _, body in web.asked if path == "/hook"]
    said = "This is a test: nothing has happened"
    assert (told["id"], told["event_code"], told["event_label"]) == (0, 0, said)
    assert (told["notification_rule_id"], told["created_at"]) == (rule.id, "2026-03-02T09:00:00.000Z")
    assert [letter.message["Subject"] for letter in box.letters] == [f"[Acme] {said}"]
    assert shown(world) == []
    assert [(row.id, row.state, row.resource_type) for row in rows(world)] == [
        (each.delivery_id, "delivered" if each.delivered else "given_up", "Test") for each in tested
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_test_that_takes_long_is_not_sent_again_by_a_worker(world: World, clock: FixedClock, web: Web) -> None:
    rule = new_rule(world, {"kind": "post", "url": web.url("/slow")})
    sent_meanwhile: list[int] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        clock.advance(25_000)
        sent_meanwhile.append(send_due(world, sender_of(world)))
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.answers["/slow"] = answer
    sends = sender_of(world)
    begun = write(world, begin_tests, rule.id, sends.next_test_lease)
    [tested] = asyncio.run(send_tests(sends, begun))
    assert (tested.delivered, sent_meanwhile) == (True, [0])


def test_a_rule_that_changes_keeps_what_leads_where_it_did(world: World, web: Web) -> None:
    kept = {"kind": "post", "url": web.url("/hook")}
    rule = new_rule(world, kept, {"kind": "post", "url": web.url("/old")}, mail_to("a@acme.example"))
    secret = write_sealed(world, rotate_secret, rule.id)
    forced(world)
    body = {
        "name": "Doors",
        "match_event_codes": [33],
        "actions": [kept, {"kind": "post", "url": web.url("/new")}, mail_to("b@acme.example")],
    }
    changed: NotificationRule = write_sealed(world, update_rule, rule.id, body)
    assert changed.id == rule.id
    before = rows(world)
    assert len(before) == 2, "what is no longer done is not done with what had happened either"
    web.give("/new", b"")
    forced(world)
    with mail_server() as box:
        send_due(world, sender_of(world, server_of(box)))
        assert [letter.recipients for letter in box.letters] == [["b@acme.example"]]
    assert [path for _, path, *_ in web.asked] == ["/hook", "/hook", "/new"]
    for _, _, headers, sent in web.asked:
        signed = headers["timestamp"].encode() + b"." + sent
        assert headers["signature"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rule_that_is_saved_is_told_again_what_it_was_not_any_more(world: World, web: Web) -> None:
    web.give("/gone", b"", 410)
    action = {"kind": "post", "url": web.url("/gone")}
    rule = new_rule(world, action)
    forced(world)
    send_due(world, sender_of(world))
    forced(world)
    assert len(rows(world)) == 1, "it said that it wants nothing more"
    web.give("/gone", b"")
    write_sealed(world, update_rule, rule.id, {"name": "Doors", "match_event_codes": [33], "actions": [action]})
    forced(world)
    send_due(world, sender_of(world))
    assert states(world)[1:] == [("delivered", None)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_erased_meanwhile_is_not_told(world: World, box: MailBox) -> None:
    new_rule(world, mail_to("guard@acme.example"), codes=(10,))
    happened(world, 10, person_id=world.person_id, person_name="Ada Lovelace")
    forget_names(world)
    send_due(world, sender_of(world, server_of(box)))
    [letter] = box.letters
    assert "Ada" not in letter.text() + str(letter.message["Subject"])


def test_owners_are_told_by_mail_that_an_endpoint_is_disabled(
    world: World, clock: FixedClock, web: Web, box: MailBox
) -> None:
    world.user("admin")
    web.give("/gone", b"", 410)
    new_rule(world, {"kind": "post", "url": web.url("/gone?key=s3cret")}, name="Night <b>watch</b>")
    web.answers["/gone?key=s3cret"] = web.answers["/gone"]
    listener = listening(world, web.url("/broken"))
    token_of(world, listener, days=10)
    forced(world)
    sends = sender_of(world, server_of(box), when_disabled=tell_owners_of_disabling, webhooks_too=True)
    send_due(world, sends)
    send_due(world, sends)
    [letter] = box.letters
    assert letter.recipients == [f"owner1.{world.account_id}@acme.example"]
    assert letter.message["Subject"] == '[Acme] Switched off: the notification rule "Night <b>watch</b>"'
    assert "post at 127.0.0.1" in letter.text()
    assert "it answered that it is gone" in letter.text()
    assert "s3cret" not in letter.text() + letter.text("html")
    assert "<b>" not in letter.text("html")
    for _ in range(6):
        clock.advance(24 * 60 * MINUTE)
        forced(world)
        send_due(world, sends)
    send_due(world, sends)
    [_, failing] = box.letters
    assert failing.message["Subject"] == '[Acme] Switched off: the application "Listener"'
    assert "failing for five days" in failing.text()
    assert endpoint_of(world, listener).disabled_reason == FAILING


def test_a_rule_that_goes_while_it_is_acting_leaves_nothing_behind(world: World, web: Web) -> None:
    rule = new_rule(world, {"kind": "post", "url": web.url("/slow")})

    def answer(handler: BaseHTTPRequestHandler) -> None:
        write(world, delete_rule, rule.id)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.answers["/slow"] = answer
    forced(world)
    assert send_due(world, sender_of(world)) == 1
    assert rows(world) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_happens_while_a_rule_is_removed_is_recorded(world: World) -> None:
    rule = new_rule(world, CONSOLE)
    waits = Query(text("SELECT count(*) FROM pg_locks WHERE NOT granted"), number)

    def remove(transaction: Transaction) -> "Future[list[int]]":
        delete_rule(transaction, world.account_id, rule.id, world.clock.now())
        recording = pool.submit(forced, world)
        given_up = time.monotonic() + 30
        while not (transaction.one(waits) or recording.done() or time.monotonic() > given_up):
            time.sleep(0.01)
        return recording

    with ThreadPoolExecutor(1) as pool:
        [event] = world.database.write_now(remove).result(30)
    assert event
    assert rows(world) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_rule_told_can_be_told_again(world: World, box: MailBox, clock: FixedClock) -> None:
    new_rule(world, mail_to("guard@acme.example"), CONSOLE)
    [event] = forced(world)
    sends = sender_of(world, server_of(box))
    send_due(world, sends)
    for row in rows(world):
        write(world, resend, row.id)
    clock.advance(MINUTE)
    assert send_due(world, sends) == 2
    assert len(box.letters) == 2
    assert shown(world) == [event], "operators are shown it once all the same"
    assert states(world) == [("delivered", None)] * 2
