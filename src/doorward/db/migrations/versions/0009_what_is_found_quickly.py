"""Events that were told later, and notes of doors, are found as such."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_events_replayed",
        "events",
        ["account_id", "occurred_at", "id", "event_code", "channel_id"],
        unique=False,
        sqlite_where=sa.text("is_replayed = 1"),
        postgresql_where=sa.text("is_replayed = 1"),
    )
    op.create_index(
        "ix_changes_of_doors",
        "changes",
        ["account_id", "channel_id", "id"],
        unique=False,
        sqlite_where=sa.text("person_id IS NULL AND role_id IS NULL"),
        postgresql_where=sa.text("person_id IS NULL AND role_id IS NULL"),
    )
