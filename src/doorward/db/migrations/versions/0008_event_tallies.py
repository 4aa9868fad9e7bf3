"""Tallies of events, filled after the upgrade, while the server runs; people's events are found by channel, too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event_tallies",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("channel_id", _ID, autoincrement=False, nullable=False),
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_code", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_event_tallies_account_id")),
        sa.PrimaryKeyConstraint(
            "account_id", "channel_id", "span", "event_code", "bucket", name=op.f("pk_event_tallies")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_tally_heads",
        sa.Column("account_id", _ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_event_tally_heads_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_event_tally_heads")),
    )
    op.create_index(
        op.f("ix_events_person_id_occurred_at_id_event_code_channel_id"),
        "events",
        ["person_id", "occurred_at", "id", "event_code", "channel_id"],
    )
    op.drop_index(op.f("ix_events_person_id_occurred_at_id_event_code"), table_name="events")
