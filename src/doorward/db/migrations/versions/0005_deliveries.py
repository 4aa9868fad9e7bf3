"""Endpoints, deliveries to them, and attempts at these; the first outbox goes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application_id", _ID, nullable=True),
        sa.Column("rule_id", _ID, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("rests_until", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('application', 'rule', 'owners')", name=op.f("ck_endpoints_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_endpoints_account_id")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_endpoints_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["notification_rules.id"], name=op.f("fk_endpoints_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_endpoints_account_id"), "endpoints", ["account_id"], unique=False)
    op.create_index(op.f("ix_endpoints_rule_id"), "endpoints", ["rule_id"], unique=False)
    op.create_index(
        "uq_endpoints_application_id",
        "endpoints",
        ["application_id"],
        unique=True,
        sqlite_where=sa.text("application_id IS NOT NULL"),
        postgresql_where=sa.text("application_id IS NOT NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("endpoint_id", _ID, nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_id", _ID, nullable=False),
        sa.Column("parent_id", _ID, nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("is_alone", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'acknowledged', 'given_up')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_deliveries_account_id")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name=op.f("fk_deliveries_endpoint_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deliveries_account_id_id"), "deliveries", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_deliveries_endpoint_id_id"), "deliveries", ["endpoint_id", "id"], unique=False)
    for name, columns, where in (
        ("ix_deliveries_due", ["endpoint_id", "due_at", "id"], "due_at IS NOT NULL"),
        ("ix_deliveries_of_resource", ["endpoint_id", "resource_id", "resource_type", "id"], "due_at IS NOT NULL"),
        ("ix_deliveries_failed", ["account_id", "id"], "error IS NOT NULL"),
    ):
        op.create_index(
            name, "deliveries", columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )
    op.create_table(
        "delivery_attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("delivery_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_attempts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_attempts_delivery_id"), "delivery_attempts", ["delivery_id"], unique=False)
    _carry_over()
    op.drop_index(op.f("ix_outbox_application_id"), "outbox")
    op.drop_index(op.f("ix_outbox_event_id"), "outbox")
    op.drop_table("outbox")


def _carry_over() -> None:
    """Webhooks that were wanted before any could be sent: without a secret that anybody knows, they have to wait.

    What was noted for them is in the log, and can be sent again.
    """
    op.execute(
        "INSERT INTO endpoints (account_id, kind, application_id, channel, target, disabled_at, disabled_reason, "
        "created_at, updated_at) SELECT account_id, 'application', id, 'webhook', webhook_url, updated_at, "
        "'no_secret', updated_at, updated_at FROM applications WHERE webhook_url IS NOT NULL AND removed_at IS NULL"
    )
    op.execute(
        "INSERT INTO deliveries (account_id, endpoint_id, resource_type, action, resource_id, state, error, "
        "created_at) SELECT outbox.account_id, endpoints.id, CASE WHEN events.event_code BETWEEN 30 AND 39 "
        "OR events.event_code BETWEEN 90 AND 93 THEN 'PerimeterEvent' ELSE 'Event' END, 'CREATE', events.id, "
        "'given_up', 'there was no secret to sign it with', outbox.created_at FROM outbox "
        "JOIN endpoints ON endpoints.application_id = outbox.application_id "
        "JOIN events ON events.id = outbox.event_id WHERE events.event_code < 100 ORDER BY outbox.id"
    )
