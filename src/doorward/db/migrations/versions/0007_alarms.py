"""Alarms, and what is noted about them; events by door know the person."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("state != 'closed'")


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("channel_name", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_event_id", _ID, nullable=False),
        sa.Column("last_event_id", _ID, nullable=False),
        sa.Column("over_event_id", _ID, nullable=True),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.Column("is_replayed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("assignee_id", _ID, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by_id", _ID, nullable=True),
        sa.Column("acknowledged_by_name", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by_id", _ID, nullable=True),
        sa.Column("closed_by_name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name=op.f("ck_alarms_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alarms_account_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_alarms_assignee_id")),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["users.id"], name=op.f("fk_alarms_acknowledged_by_id")),
        sa.ForeignKeyConstraint(["closed_by_id"], ["users.id"], name=op.f("fk_alarms_closed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alarms_account_id_id"), "alarms", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_alarms_account_id_updated_at"), "alarms", ["account_id", "updated_at"], unique=False)
    op.create_index(
        "ix_alarms_live", "alarms", ["account_id", "id"], unique=False, sqlite_where=_LIVE, postgresql_where=_LIVE
    )
    op.create_index(
        "uq_alarms_live", "alarms", ["channel_id", "kind"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )
    op.create_table(
        "alarm_notes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("alarm_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alarm_notes_account_id")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_notes_alarm_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_alarm_notes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_notes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alarm_notes_alarm_id"), "alarm_notes", ["alarm_id"], unique=False)
    # Reports count people without looking at the events themselves.
    op.drop_index(op.f("ix_events_channel_id_occurred_at_id_event_code"), table_name="events")
    op.create_index(
        op.f("ix_events_channel_id_occurred_at_id_event_code_person_id"),
        "events",
        ["channel_id", "occurred_at", "id", "event_code", "person_id"],
        unique=False,
    )
