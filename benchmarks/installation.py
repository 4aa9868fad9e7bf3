"""A Doorward database of any size, filled in bulk: people with cards, groups, roles, channels, shifts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.sqlite import connect
from doorward.db.unit_of_work import Transaction
from doorward.installation.vault import open_vault
from doorward.kit.crypto import Vault
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import create_token

NOW = 1_772_442_000_000  # 2026-03-02T09:00:00Z
_OFFICE_HOURS = '[{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:00", "end": "18:00"}]'
_CHANNELS_PER_ROLE = 8


def fill(data_dir: Path, *, people: int, channels: int, roles: int, now: int = NOW) -> str:
    """Make the installation in a directory; gives a token with all scopes.

    Every person has a card "1000000 + n" and is in one of `roles` groups, which holds the role of the same number;
    every role names some channels, every other one in office hours only.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / "doorward.db"
    upgrade(f"sqlite:///{file}")
    vault = vault_of(data_dir, f"sqlite:///{file}")
    with closing(connect(file)) as connection:
        connection.execute("BEGIN")
        _account(connection, now)
        _channels_and_roles(connection, channels, roles, now)
        add_people(connection, vault, people, roles, now)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    database = open_database(f"sqlite:///{file}")
    try:

        def token(transaction: Transaction) -> str:
            return create_token(
                transaction,
                account_id=1,
                application_id=1,
                user_id=1,
                scopes=" ".join(ALL_SCOPES),
                now=now,
                seconds=10 * 365 * 86_400,
            )

        return database.write_now(token)
    finally:
        database.close()


def vault_of(data_dir: Path, url: str) -> Vault:
    """The vault of an installation."""
    database = open_database(url)
    try:
        return open_vault(None, data_dir / "secret.key", database)
    finally:
        database.close()


def _account(connection: sqlite3.Connection, now: int) -> None:
    stamps = (now, now)
    connection.execute(
        "INSERT INTO accounts (id, name, time_zone, created_at, updated_at) VALUES (1, 'Bench', 'Europe/London', ?, ?)",
        stamps,
    )
    connection.execute(
        "INSERT INTO users (account_id, email, email_key, first_name, last_name, role, created_at, updated_at) "
        "VALUES (1, 'o@bench.example', 'o@bench.example', 'O', 'B', 'owner', ?, ?)",
        stamps,
    )
    connection.execute(
        "INSERT INTO applications (account_id, name, client_id, created_at, updated_at) VALUES (1, 'b', 'b', ?, ?)",
        stamps,
    )
    connection.execute("INSERT INTO sites (account_id, name, created_at, updated_at) VALUES (1, 'S', ?, ?)", stamps)
    connection.execute(
        "INSERT INTO credential_types (account_id, label, slug, kind, created_at, updated_at) "
        "VALUES (1, 'Card number', 'card_number', 'card', ?, ?)",
        stamps,
    )
    connection.execute(
        "INSERT INTO shifts (account_id, name, name_key, windows, created_at, updated_at) "
        "VALUES (1, 'Office hours', 'office hours', ?, ?, ?)",
        (_OFFICE_HOURS, *stamps),
    )


def _channels_and_roles(connection: sqlite3.Connection, channels: int, roles: int, now: int) -> None:
    connection.executemany(
        "INSERT INTO channels (account_id, site_id, name, name_key, mac_address, created_at, updated_at) "
        "VALUES (1, 1, ?, ?, ?, ?, ?)",
        (
            (f"Door {number:04}", f"door {number:04}", f"02:00:00:00:{number // 256:02x}:{number % 256:02x}", now, now)
            for number in range(channels)
        ),
    )
    connection.executemany(
        "INSERT INTO roles (account_id, name, name_key, shift_id, created_at, updated_at) VALUES (1, ?, ?, ?, ?, ?)",
        ((f"Role {number:04}", f"role {number:04}", 1 if number % 2 else None, now, now) for number in range(roles)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO role_channels (role_id, channel_id) VALUES (?, ?)",
        (
            (role + 1, (role * _CHANNELS_PER_ROLE + step) % channels + 1)
            for role in range(roles)
            for step in range(min(_CHANNELS_PER_ROLE, channels))
        ),
    )
    connection.executemany(
        "INSERT INTO groups (account_id, name, name_key, created_at, updated_at) VALUES (1, ?, ?, ?, ?)",
        ((f"Group {number:04}", f"group {number:04}", now, now) for number in range(roles)),
    )
    connection.executemany(
        "INSERT INTO group_roles (group_id, role_id) VALUES (?, ?)", ((n + 1, n + 1) for n in range(roles))
    )


def add_people(
    connection: sqlite3.Connection, vault: Vault, people: int, groups: int, now: int, *, first: int = 1
) -> None:
    """So many people with a card each, the first of whom gets the id `first`, spread over the account's groups."""
    connection.executemany(
        "INSERT INTO people (account_id, first_name, last_name, name_key, created_at, updated_at) "
        "VALUES (1, 'Person', ?, ?, ?, ?)",
        ((f"{number:06}", f"person {number:06}", now, now) for number in range(people)),
    )
    connection.executemany(
        "INSERT INTO person_groups (person_id, group_id) VALUES (?, ?)",
        ((number + first, number % groups + 1) for number in range(people)),
    )

    def cards() -> Iterator[tuple[int, str, str, int, int]]:
        for number in range(people):
            value = str(1_000_000 + number)
            yield number + first, value, vault.blind_index("1:card", value), now, now

    connection.executemany(
        "INSERT INTO credentials (account_id, person_id, credential_type_id, value, lookup, created_at, updated_at) "
        "VALUES (1, ?, 1, ?, ?, ?, ?)",
        cards(),
    )
