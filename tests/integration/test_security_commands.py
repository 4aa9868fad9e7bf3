"""The commands about who signs in and which integrations there are, on both databases."""

from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from doorward.audit.tables import audit_log
from doorward.db.connect import open_database
from doorward.db.query import Query
from doorward.installation.vault import open_vault
from doorward.kit.clock import SystemClock
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate
from doorward.oauth.usage import UsageCounter, write_usage
from doorward.signing_in import second_factor
from doorward.users.service import find_user
from tests.support.installation import Installation

AUDIT = Query(select(audit_log.c.user_name, audit_log.c.action, audit_log.c.resource_type), lambda *row: row)


@pytest.fixture
def doorward(database_url: str, tmp_path: Path) -> Installation:
    """An installation with an account, an owner and an application."""
    made = Installation(tmp_path / "data", database_url)
    made.json("account", "create", "Acme", "--time-zone", "Europe/London")
    made.json("user", "create", "olga@example.com", "--role", "owner")
    return made


def test_the_use_of_an_application_is_shown(doorward: Installation, database_url: str) -> None:
    application = doorward.json("app", "create", "Bookings", "--redirect-uri", "https://example.com/cb")
    client_id = application["client_id"]
    token = doorward.json(
        "token", "create", "--user", "olga@example.com", "--scope", "account.role.readonly", "--app", client_id
    )["token"]
    empty = doorward.json("app", "usage", client_id)
    assert (empty["uses"], empty["rows"], empty["last_used_at"]) == (0, [], None)
    assert doorward.run("app", "usage", client_id).stdout == "none\n"
    database, counter, now = open_database(database_url), UsageCounter(), SystemClock().now()
    try:
        principal: Principal = database.read_now(lambda tx: authenticate(tx, token, now))
        for ago in (0, 0, 40):
            counter.count(principal, "listRoles", "192.0.2.1", now - ago * 86_400_000)
        database.write_now(lambda tx: write_usage(tx, counter.take()))
    finally:
        database.close()
    used = doorward.json("app", "usage", client_id)
    assert (used["uses"], used["last_address"]) == (2, "192.0.2.1")
    assert [(row["email"], row["endpoint"], row["uses"]) for row in used["rows"]] == [
        ("olga@example.com", "listRoles", 2)
    ]
    assert doorward.json("app", "usage", client_id, "--days", 41)["uses"] == 3
    assert "listRoles" in doorward.run("app", "usage", client_id).stdout
    assert doorward.run("app", "usage", "nobody").returncode == 2

    assert doorward.json("app", "revoke", client_id) == {"client_id": client_id, "revoked": 1}
    assert doorward.json("app", "revoke", client_id) == {"client_id": client_id, "revoked": 0}
    rotated = doorward.json("app", "rotate-secret", client_id)
    assert rotated["client_secret"] not in (None, application["client_secret"])
    service = doorward.json("app", "create", "Nightly", "--service")
    assert service["service_user_id"] == used["rows"][0]["user_id"], "the first owner's"


def test_a_lost_second_factor_is_turned_off(doorward: Installation, database_url: str) -> None:
    database, now = open_database(database_url), SystemClock().now()
    try:
        vault = open_vault(None, doorward.data_dir / "secret.key", database)
        user = database.read_now(lambda tx: find_user(tx, "olga@example.com"))
        assert user is not None
        database.write_now(lambda tx: second_factor.begin_enrolment(tx, vault, user.id))
        state = database.read_now(lambda tx: second_factor.state_of(tx, user.id))
        secret = second_factor.secret_of(vault, user.id, state)
        assert secret is not None
        code = pyotp.TOTP(secret).generate_otp(now // 30_000)
        assert database.write_now(lambda tx: second_factor.confirm(tx, vault, user.id, code, now))
        assert doorward.json("user", "list")[0]["totp_enabled_at"] is not None
        assert doorward.json("user", "reset-totp", "olga@example.com")["turned_off"] is True
        assert doorward.json("user", "reset-totp", "olga@example.com")["turned_off"] is False
        assert database.read_now(lambda tx: second_factor.state_of(tx, user.id)) == (None, None, None, 0)
        logged = database.read_now(lambda tx: tx.all(AUDIT))
    finally:
        database.close()
    assert ("command line", "create", "user") in logged
    assert logged[-1] == ("command line", "update", "user")


def test_the_last_owner_is_not_disabled_by_a_command_either(doorward: Installation) -> None:
    refused = doorward.run("user", "disable", "olga@example.com")
    assert (refused.returncode, "no owner left" in refused.stderr) == (2, True)
    doorward.json("user", "create", "second@example.com", "--role", "owner")
    assert doorward.json("user", "disable", "olga@example.com")["disabled_at"] is not None
