"""Events form a chain for each account; they can be erased, and are kept for as long as the account says."""

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE: Final = 5_000
_START: Final = "0" * 64
_OLD: Final = (
    "id, account_id, event_code, channel_id, channel_name, person_id, person_name, credential, reasons, "
    "occurred_at, received_at, controller_id, sequence, is_replayed"
)


def upgrade() -> None:
    op.create_table(
        "event_chains",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("removed_to", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed_digest", sa.Text(), server_default=_START, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_event_chains_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_event_chains")),
    )
    op.create_table(
        "event_erasures",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("positions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_event_erasures_account_id")),
        sa.PrimaryKeyConstraint("account_id", "position", name=op.f("pk_event_erasures")),
    )
    op.add_column("accounts", sa.Column("event_retention_days", sa.Integer(), nullable=True))
    op.add_column("people", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        _chain_in_place()
    else:
        _chain_anew()


def _chain_in_place() -> None:
    """On PostgreSQL: columns added and filled."""
    op.add_column("events", sa.Column("position", sa.BigInteger(), nullable=True))
    for name in ("chain", "salt", "commitment"):
        op.add_column("events", sa.Column(name, sa.Text(), nullable=True))
    op.drop_constraint(op.f("fk_events_channel_id"), "events")
    op.drop_constraint(op.f("fk_events_person_id"), "events")
    op.execute("CREATE TEMPORARY TABLE links (id bigint, position bigint, chain text, salt text) ON COMMIT DROP")
    _copy_chained("INSERT INTO links (id, position, chain, salt) VALUES (:id, :position, :chain, :salt)")
    op.execute(
        "UPDATE events SET position = links.position, chain = links.chain, salt = links.salt "
        "FROM links WHERE events.id = links.id"
    )
    op.alter_column("events", "position", nullable=False)
    op.alter_column("events", "chain", nullable=False)
    op.create_index(op.f("ix_events_account_id_position"), "events", ["account_id", "position"], unique=True)


def _chain_anew() -> None:
    """On SQLite, which has no way to drop a reference but to make the table anew."""
    # Whatever indexes there are by now.
    asked = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL ORDER BY name"
    )
    indexes = [str(row.sql) for row in op.get_bind().execute(sa.text(asked))]
    op.create_table(
        "new_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("event_code", sa.Integer(), nullable=False),
        sa.Column("channel_id", _ID, nullable=True),
        sa.Column("channel_name", sa.Text(), nullable=True),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("person_name", sa.Text(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), server_default="[]", nullable=False),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("commitment", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("controller_id", _ID, nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("is_replayed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_events_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    values = ", ".join(f":{name}" for name in f"{_OLD}, position, chain, salt".split(", "))
    _copy_chained(f"INSERT INTO new_events ({_OLD}, position, chain, salt) VALUES ({values})")  # noqa: S608 - constants
    # No id is given again: not one of an event that is gone, either.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'new_events'")
    op.execute("UPDATE sqlite_sequence SET name = 'new_events' WHERE name = 'events'")
    op.execute("DROP TABLE events")
    op.execute("ALTER TABLE new_events RENAME TO events")
    for index in indexes:
        op.get_bind().exec_driver_sql(index)
    op.create_index(op.f("ix_events_account_id_position"), "events", ["account_id", "position"], unique=True)


def _copy_chained(insert: str) -> None:
    """Add every event with its place in its account's chain; add the chains."""
    bind = op.get_bind()
    heads: dict[int, tuple[int, str]] = {}
    for page in _pages():
        rows = []
        for row in page:
            position, previous = heads.get(row["account_id"], (0, _START))
            salt = os.urandom(16).hex()
            chain = _link(previous, position + 1, row, salt)
            heads[row["account_id"]] = (position + 1, chain)
            rows.append({**row, "position": position + 1, "chain": chain, "salt": salt})
        bind.execute(sa.text(insert), rows)
    if heads:
        bind.execute(
            sa.text("INSERT INTO event_chains (account_id, position, digest) VALUES (:account_id, :position, :digest)"),
            [{"account_id": account, "position": at, "digest": digest} for account, (at, digest) in heads.items()],
        )


def _pages() -> Iterator[list[dict[str, Any]]]:
    """The events as they were, by id, some at a time."""
    query = sa.text(f"SELECT {_OLD} FROM events WHERE id > :last ORDER BY id LIMIT {_AT_ONCE}")  # noqa: S608 - constants
    last = 0
    while page := [dict(row) for row in op.get_bind().execute(query, {"last": last}).mappings()]:
        yield page
        last = page[-1]["id"]


def _link(previous: str, position: int, row: dict[str, Any], salt: str) -> str:
    """As doorward.events.chain has it; told apart here, because what a migration does never changes."""
    reasons = [[each["code"], each["text"]] for each in json.loads(row["reasons"])]
    personal = _encode([row["person_name"], row["credential"], reasons])
    content = _encode(
        [
            1,
            row["account_id"],
            position,
            row["id"],
            row["event_code"],
            row["occurred_at"],
            row["received_at"],
            row["channel_id"],
            row["channel_name"],
            row["person_id"],
            row["controller_id"],
            row["sequence"],
            row["is_replayed"],
            sha256(salt.encode() + b"\n" + personal).hexdigest(),
        ]
    )
    return sha256(previous.encode() + b"\n" + content).hexdigest()


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
