"""Controllers, what they confirm and tell, and what is set at doors."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_confirmations_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_confirmations_account_id_channel_id_version"),
        "confirmations",
        ["account_id", "channel_id", "version"],
        unique=False,
    )
    op.create_index(op.f("ix_confirmations_at"), "confirmations", ["at"], unique=False)
    op.create_table(
        "controllers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("link_key", sa.Text(), nullable=False),
        sa.Column("software", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("clock_skew_ms", sa.Integer(), nullable=True),
        sa.Column("spool_length", sa.Integer(), nullable=True),
        sa.Column("last_sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_start", sa.Text(), nullable=True),
        sa.Column("refused_frames", sa.Integer(), server_default="0", nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_controllers_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controllers")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_controllers_account_id"), "controllers", ["account_id"], unique=False)
    op.create_table(
        "enrolment_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lookup", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("channel_ids", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("wrong_proofs", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_enrolment_codes_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_codes")),
        sa.UniqueConstraint("lookup", name=op.f("uq_enrolment_codes_lookup")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_enrolment_codes_expires_at"), "enrolment_codes", ["expires_at"], unique=False)
    op.add_column("channels", sa.Column("held_open_warning_ms", sa.Integer(), server_default="0", nullable=False))
    op.add_column("channels", sa.Column("rex_held_ms", sa.Integer(), server_default="0", nullable=False))
    op.add_column("channels", sa.Column("relock_on_open", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("channels", sa.Column("first_person_in", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("channels", sa.Column("two_person", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("channels", sa.Column("two_person_ms", sa.Integer(), server_default="10000", nullable=False))
    op.add_column(
        "channels", sa.Column("controller_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.create_index(op.f("ix_channels_controller_id"), "channels", ["controller_id"], unique=False)
    _let_credentials_be_of_duress()
    op.add_column("presences", sa.Column("forgiven_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_presences_area_id"), "presences", ["area_id"], unique=False)
    op.add_column("channel_reports", sa.Column("pushed_version", sa.BigInteger(), nullable=True))
    op.add_column("channel_reports", sa.Column("pushed_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "events", sa.Column("controller_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.create_index(
        "uq_events_told",
        "events",
        ["controller_id", "sequence"],
        unique=True,
        sqlite_where=sa.text("controller_id IS NOT NULL"),
        postgresql_where=sa.text("controller_id IS NOT NULL"),
    )


_KINDS = "kind IN ('card', 'pin', 'duress', 'aux', 'apple', 'google')"


def _let_credentials_be_of_duress() -> None:
    """Another constraint; SQLite has no way to change one but to make the table anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_credential_types_kind"), "credential_types")
        op.create_check_constraint(op.f("ck_credential_types_kind"), "credential_types", _KINDS)
        return
    op.create_table(
        "new_credential_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_credential_types_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credential_types_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_types")),
        sa.UniqueConstraint("account_id", "label", name=op.f("uq_credential_types_account_id_label")),
        sa.UniqueConstraint("account_id", "slug", name=op.f("uq_credential_types_account_id_slug")),
        sqlite_autoincrement=True,
    )
    columns = "id, account_id, label, slug, kind, code, created_at, updated_at"
    op.execute(f"INSERT INTO new_credential_types ({columns}) SELECT {columns} FROM credential_types")  # noqa: S608 - constants
    # No id is given again: not one of a type that was removed, either.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'new_credential_types'")
    op.execute("UPDATE sqlite_sequence SET name = 'new_credential_types' WHERE name = 'credential_types'")
    op.execute("DROP TABLE credential_types")
    op.execute("ALTER TABLE new_credential_types RENAME TO credential_types")
