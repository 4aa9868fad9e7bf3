"""An installation of the first schema, with an account in use, becomes one of the newest and loses nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from doorward.applications.webhooks import get_webhook
from doorward.db import migrate
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.events.service import Event, record
from doorward.events.verification import verify
from doorward.kit.crypto import token_digest
from doorward.kit.pages import Page
from doorward.oauth.tokens import authenticate
from doorward.people.listing import page_of_people
from doorward.people.service import delete_person
from doorward.schema import metadata
from doorward.webhooks.log import Wanted, list_deliveries
from tests.conftest import NOW
from tests.support.postgres import PostgresServer

_ROWS = """
INSERT INTO accounts (id, name, time_zone, created_at, updated_at) VALUES (1, 'Acme', 'Europe/London', 1, 1);
INSERT INTO users (id, account_id, email, email_key, first_name, last_name, role, site_limited, created_at, updated_at)
VALUES (1, 1, 'o@acme.example', 'o@acme.example', 'O', 'Owner', 'owner', 0, 1, 1);
INSERT INTO applications (id, account_id, name, client_id, kind, is_service, redirect_uris, created_at, updated_at)
VALUES (7, 1, 'Command line', 'abc', 'command_line', 0, '[]', 1, 1);
INSERT INTO tokens (id, digest, account_id, application_id, user_id, scopes, expires_at, created_at)
VALUES (9, 'DIGEST', 1, 7, 1, 'account.role', 2000000000000, 1);
INSERT INTO people (id, account_id, first_name, last_name, name_key, email, email_key, enabled, created_at, updated_at)
VALUES (3, 1, 'Ada', 'Lovelace', 'ada lovelace', 'Ada@Acme.example', 'ada@acme.example', 1, 5, 5);
INSERT INTO people (id, account_id, first_name, last_name, name_key, email, enabled, deleted_at, created_at, updated_at)
VALUES (4, 1, 'Gone', 'Away', 'gone away', 'Gone@Acme.example', 1, 6, 5, 6);
INSERT INTO events (account_id, event_code, person_id, person_name, credential, reasons, occurred_at, received_at)
VALUES (1, 10, 3, 'Ada Lövelace', '1234', '[{"code"\\: "role_grants", "text"\\: "A \u00f6 \\"role\\" admits."}]', 5, 6);
INSERT INTO events (account_id, event_code, occurred_at, received_at) VALUES (1, 30, 6, 6), (1, 31, 6, 6);
DELETE FROM events WHERE event_code = 31;
INSERT INTO applications (id, account_id, name, client_id, kind, is_service, redirect_uris, webhook_url, created_at,
updated_at) VALUES (8, 1, 'Listener', 'def', 'registered', 0, '[]', 'https://app.example/hook', 1, 2);
INSERT INTO events (id, account_id, event_code, occurred_at, received_at) VALUES (5, 1, 10, 1, 1);
INSERT INTO events (id, account_id, event_code, occurred_at, received_at) VALUES (6, 1, 31, 1, 1);
INSERT INTO outbox (account_id, application_id, event_id, created_at) VALUES (1, 8, 5, 1);
INSERT INTO outbox (account_id, application_id, event_id, created_at) VALUES (1, 8, 6, 1)
""".replace("DIGEST", token_digest("the token"))


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the first schema with rows in it."""
    from alembic import command

    url = f"sqlite:///{tmp_path}/old.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgresql")
        url = server.create_database("of_the_first_schema")
    with migrate._connection(url) as connection:
        command.upgrade(migrate._config(connection), "0001")
    database = open_database(url)
    database.write_now(lambda transaction: [transaction.run(Query[None](text(each))) for each in _ROWS.split(";")])
    database.close()
    yield url
    if request.param == "postgresql":
        server.drop_database("of_the_first_schema")


def test_what_was_there_is_there_and_works(old_url: str) -> None:
    assert migrate.current(old_url) == "0001"
    migrate.upgrade(old_url)
    assert migrate.differences(old_url, metadata) == []
    database = open_database(old_url)

    def look(transaction: Transaction) -> None:
        principal = authenticate(transaction, "the token", NOW)
        assert (principal.account_id, principal.user_id, principal.application_id) == (1, 1, 7)
        found, total = page_of_people(transaction, 1, Page(1, 10), email="ACME")
        assert ([person.id for person in found], total) == ([3], 1)
        assert page_of_people(transaction, 1, Page(1, 10))[1] == 1
        assert verify(transaction, 1) == verify(transaction, 1)._replace(first=1, last=4, events=4, found=0)
        deleted, _ = page_of_people(transaction, 1, Page(1, 10), since=2, email="gone@")
        assert [person.id for person in deleted] == [4]
        webhook = get_webhook(transaction, 1, 8)
        assert (webhook.target, webhook.secret, webhook.disabled_reason) == (
            "https://app.example/hook",
            None,
            "no_secret",
        )
        noted, _ = list_deliveries(transaction, 1, Wanted(), Page())
        assert [(each.resource_type, each.resource_id, each.state) for each in noted] == [
            ("PerimeterEvent", 6, "given_up"),
            ("Event", 5, "given_up"),
        ]

    database.read_now(look)
    # No number of an event is given again.
    assert database.write_now(lambda transaction: record(transaction, Event(1, 31, 7), 7)) > 3
    assert database.read_now(lambda transaction: verify(transaction, 1)).is_sound
    database.write_now(lambda transaction: delete_person(transaction, 1, 3, NOW))
    assert database.read_now(lambda transaction: page_of_people(transaction, 1, Page(1, 10))) == ([], 0)
    database.close()


def test_a_rule_that_was_only_kept_leads_where_it_says(tmp_path: Path) -> None:
    from alembic import command

    url = f"sqlite:///{tmp_path}/old.db"
    with migrate._connection(url) as connection:
        command.upgrade(migrate._config(connection), "0005")
    database = open_database(url)
    account, *_ = _ROWS.split(";")
    rule = """INSERT INTO notification_rules
    (id, account_id, name, conditions, event_codes, actions, created_at, updated_at)
    VALUES (4, 1, 'Kept', '[]', '[33]', '[{"type"\\: 0, "data"\\: "https\\://example.com/hook"}]', 5, 6)"""
    database.write_now(lambda transaction: [transaction.run(Query[None](text(each))) for each in (account, rule)])
    database.close()
    migrate.upgrade(url)
    database = open_database(url)
    query = Query(text("SELECT account_id, kind, rule_id, channel, target, secret FROM endpoints"), lambda *row: row)
    assert database.read_now(lambda transaction: transaction.all(query)) == [
        (1, "rule", 4, "post", "https://example.com/hook", None)
    ]
    database.close()
