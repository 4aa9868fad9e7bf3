"""The database that each peer starts from: one account with people, channels and roles, and one token."""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

TIME_ZONE = "Europe/London"
SCOPES = "account.person.readonly account.role.readonly account.reservation"

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)

SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, time_zone TEXT NOT NULL);
CREATE TABLE users (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts,
    email TEXT NOT NULL, disabled_at TEXT
);
CREATE TABLE applications (id INTEGER PRIMARY KEY, name TEXT NOT NULL, removed_at TEXT);
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, account_id INTEGER NOT NULL REFERENCES accounts,
    user_id INTEGER NOT NULL REFERENCES users, application_id INTEGER NOT NULL REFERENCES applications,
    scopes TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT
);
CREATE TABLE people (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts,
    first_name TEXT NOT NULL, last_name TEXT NOT NULL, deleted_at TEXT
);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL
);
CREATE TABLE shifts (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL,
    starts_at TEXT, ends_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE reservations (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts,
    person_id INTEGER NOT NULL REFERENCES people, start_time TEXT NOT NULL, end_time TEXT NOT NULL,
    channel_ids TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE roles (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL,
    shift_id INTEGER REFERENCES shifts, reservation_id INTEGER REFERENCES reservations, notes TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX role_names ON roles (account_id, name COLLATE NOCASE);
CREATE INDEX roles_of_reservations ON roles (reservation_id) WHERE reservation_id IS NOT NULL;
CREATE TABLE role_channels (
    role_id INTEGER NOT NULL REFERENCES roles, channel_id INTEGER NOT NULL REFERENCES channels,
    PRIMARY KEY (role_id, channel_id)
) WITHOUT ROWID;
CREATE TABLE person_roles (
    person_id INTEGER NOT NULL REFERENCES people, role_id INTEGER NOT NULL REFERENCES roles,
    PRIMARY KEY (person_id, role_id)
) WITHOUT ROWID;
CREATE TABLE changes (
    id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts,
    resource TEXT NOT NULL, resource_id INTEGER NOT NULL, action TEXT NOT NULL, at TEXT NOT NULL
);
"""


class Sizes(msgspec.Struct, frozen=True):
    """How much the account holds."""

    people: int
    channels: int
    roles: int


class Seeded(msgspec.Struct, frozen=True):
    """What a client needs to know of the database; the token is stored as its SHA-256 only."""

    token: str
    person_id: int
    channel_id: int


def create(path: Path, sizes: Sizes, stored: Callable[[datetime], str], now: datetime) -> Seeded:
    """Makes a new database file; `stored` is how this peer writes an instant (in UTC) into a TEXT column."""
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).digest()
    at = stored(datetime(2024, 1, 15, 9, tzinfo=UTC))
    with closing(sqlite3.connect(path)) as db:
        for pragma in PRAGMAS:
            db.execute(pragma)
        db.executescript(SCHEMA)
        db.execute("INSERT INTO accounts VALUES (1, 'Example', ?)", (TIME_ZONE,))
        db.execute("INSERT INTO users VALUES (1, 1, 'owner@example.org', NULL)")
        db.execute("INSERT INTO applications VALUES (1, 'Benchmark', NULL)")
        expires_at = stored(now + timedelta(days=1))
        db.execute("INSERT INTO tokens VALUES (1, ?, 1, 1, 1, ?, ?, NULL)", (digest, SCOPES, expires_at))
        db.executemany(
            "INSERT INTO people VALUES (?, 1, ?, ?, NULL)",
            ((number, f"Person {number}", "Example") for number in range(1, sizes.people + 1)),
        )
        db.executemany(
            "INSERT INTO channels VALUES (?, 1, ?)",
            ((number, f"Door {number}") for number in range(1, sizes.channels + 1)),
        )
        db.execute("INSERT INTO shifts VALUES (1, 1, 'Office hours', NULL, NULL, ?, ?)", (at, at))
        db.executemany(
            "INSERT INTO roles VALUES (?, 1, ?, ?, NULL, ?, ?, ?)",
            (
                # Ids run against the names, so that the order asked for is not the order of the ids.
                (
                    number,
                    f"Role {sizes.roles - number:04}",
                    None if number % 2 else 1,
                    "Access in office hours",
                    at,
                    at,
                )
                for number in range(1, sizes.roles + 1)
            ),
        )
        db.executemany(
            "INSERT INTO role_channels VALUES (?, ?)",
            ((number, number % sizes.channels + 1) for number in range(1, sizes.roles + 1)),
        )
        db.executemany(
            "INSERT INTO person_roles VALUES (?, ?)",
            ((number, number % sizes.roles + 1) for number in range(1, sizes.people + 1)),
        )
        db.commit()
    return Seeded(token=token, person_id=1, channel_id=1)
