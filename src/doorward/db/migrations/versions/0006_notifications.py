"""Notifications, which rules show to operators; rules lead to endpoints."""

import json
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("rule_id", _ID, nullable=True),
        sa.Column("rule_name", sa.Text(), nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notifications_account_id")),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["notification_rules.id"], name=op.f("fk_notifications_rule_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_notifications_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("event_id", "rule_id", name=op.f("uq_notifications_event_id_rule_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notifications_account_id_id"), "notifications", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_notifications_created_at"), "notifications", ["created_at"], unique=False)
    op.create_index(op.f("ix_notifications_rule_id"), "notifications", ["rule_id"], unique=False)
    op.create_table(
        "notification_reads",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("notification_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name=op.f("fk_notification_reads_notification_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_reads_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "notification_id", name=op.f("pk_notification_reads")),
    )
    op.create_index(
        op.f("ix_notification_reads_notification_id"), "notification_reads", ["notification_id"], unique=False
    )
    op.create_table(
        "notification_marks",
        sa.Column("user_id", _ID, autoincrement=False, nullable=False),
        sa.Column("read_up_to", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_marks_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notification_marks")),
    )
    _lead_to_urls()


def _lead_to_urls() -> None:
    """Rules were kept before they did anything: from now on they do what they say."""
    connection = op.get_bind()
    rules = connection.execute(
        sa.text("SELECT id, account_id, actions, updated_at FROM notification_rules ORDER BY id")
    ).all()
    add = sa.text(
        "INSERT INTO endpoints (account_id, kind, rule_id, channel, target, created_at, updated_at) "
        "VALUES (:account_id, 'rule', :rule_id, 'post', :target, :at, :at)"
    )
    for rule_id, account_id, actions, at in rules:
        for action in json.loads(actions):
            row = {"account_id": account_id, "rule_id": rule_id, "target": action["data"], "at": at}
            connection.execute(add, row)
