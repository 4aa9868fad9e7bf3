"""The tables of the whole API v3 and of the OAuth 2.0 provider."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("window_began_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("application_name", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_audit_log_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_account_id_id"), "audit_log", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_audit_log_resource", "audit_log", ["account_id", "resource_type", "resource_id", "id"], unique=False
    )
    op.create_table(
        "notification_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("event_codes", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notification_rules_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_rules")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notification_rules_account_id"), "notification_rules", ["account_id"], unique=False)
    op.create_table(
        "people_tallies",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_people_tallies_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_people_tallies")),
    )
    op.create_table(
        "admission_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel_name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_name", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'admitted', 'denied', 'offline', 'timeout')",
            name=op.f("ck_admission_requests_status"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_admission_requests_account_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_admission_requests_person_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_admission_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission_requests")),
    )
    op.create_index(
        "ix_admission_requests_pending",
        "admission_requests",
        ["requested_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "group_reservations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("deactivated_at", sa.BigInteger(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_group_reservations_stretch")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_group_reservations_account_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_group_reservations_created_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_group_reservations_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_reservations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_group_reservations_account_id_end_time"),
        "group_reservations",
        ["account_id", "end_time"],
        unique=False,
    )
    op.create_index(op.f("ix_group_reservations_person_id"), "group_reservations", ["person_id"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_images_account_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_images_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("name", name=op.f("uq_images_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_images_person_id"), "images", ["person_id"], unique=False)
    op.create_table(
        "people_imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("dry_run", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("errors_total", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('checking', 'writing', 'done', 'failed')", name=op.f("ck_people_imports_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_people_imports_account_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_people_imports_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_imports")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_people_imports_account_id"), "people_imports", ["account_id"], unique=False)
    op.create_index(
        "uq_people_imports_under_way",
        "people_imports",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("needs_second_factor", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "group_reservation_groups",
        sa.Column("group_reservation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_group_reservation_groups_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_reservation_id"],
            ["group_reservations.id"],
            name=op.f("fk_group_reservation_groups_group_reservation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_reservation_id", "group_id", name=op.f("pk_group_reservation_groups")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_group_reservation_groups_group_id"), "group_reservation_groups", ["group_id"], unique=False
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_idempotency_keys_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("application_id", "user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "token_families",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_token_families_account_id")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_token_families_application_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_token_families_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_families")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_token_families_application_id"), "token_families", ["application_id"], unique=False)
    op.create_index(op.f("ix_token_families_user_id"), "token_families", ["user_id"], unique=False)
    op.create_table(
        "authorization_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("family_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_authorization_codes_account_id")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_authorization_codes_application_id")
        ),
        sa.ForeignKeyConstraint(["family_id"], ["token_families.id"], name=op.f("fk_authorization_codes_family_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_authorization_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_authorization_codes_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_authorization_codes_application_id"), "authorization_codes", ["application_id"], unique=False
    )
    op.create_index(op.f("ix_authorization_codes_expires_at"), "authorization_codes", ["expires_at"], unique=False)
    op.create_index(op.f("ix_authorization_codes_user_id"), "authorization_codes", ["user_id"], unique=False)
    op.create_table(
        "channel_reports",
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_channel_reports_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_reports")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("family_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["family_id"], ["token_families.id"], name=op.f("fk_refresh_tokens_family_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_refresh_tokens_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refresh_tokens_family_id"), "refresh_tokens", ["family_id"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_parent_id"), "refresh_tokens", ["parent_id"], unique=False)
    op.create_table(
        "rate_counts",
        sa.Column("token_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_rate_counts_token_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_id", "minute", name=op.f("pk_rate_counts")),
    )
    op.add_column("accounts", sa.Column("monitored", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("accounts", sa.Column("passport_enabled", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("accounts", sa.Column("last_sync_at", sa.BigInteger(), nullable=True))
    op.drop_index(
        op.f("uq_applications_command_line"),
        table_name="applications",
        sqlite_where=sa.text("kind = 'command_line' AND removed_at IS NULL"),
    )
    op.create_index(op.f("ix_changes_account_id_id"), "changes", ["account_id", "id"], unique=False)
    op.add_column("channels", sa.Column("model", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("serial_number", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("card_format", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("pin_format", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("reader_device_class_name", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("encryption_key", sa.Text(), nullable=True))
    op.add_column("channels", sa.Column("pending_encryption_key", sa.Text(), nullable=True))
    op.create_index("ix_credentials_live", "credentials", ["account_id", "is_live", "id"], unique=False)
    op.create_index(
        "ix_credentials_live_type", "credentials", ["credential_type_id", "is_live", "person_id"], unique=False
    )
    op.drop_index(op.f("ix_events_account_id_occurred_at"), table_name="events")
    op.drop_index(op.f("ix_events_channel_id"), table_name="events")
    op.drop_index(op.f("ix_events_person_id"), table_name="events")
    op.create_index(
        op.f("ix_events_account_id_event_code_occurred_at_id"),
        "events",
        ["account_id", "event_code", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_account_id_occurred_at_id"), "events", ["account_id", "occurred_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_events_channel_id_occurred_at_id_event_code"),
        "events",
        ["channel_id", "occurred_at", "id", "event_code"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_person_id_occurred_at_id_event_code"),
        "events",
        ["person_id", "occurred_at", "id", "event_code"],
        unique=False,
    )
    op.drop_index(op.f("ix_people_account_id_email_key"), table_name="people")
    op.create_index(
        "ix_people_live",
        "people",
        ["account_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_people_live_email",
        "people",
        ["account_id", "email_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_person_groups_group_id"), table_name="person_groups")
    op.create_index(
        op.f("ix_person_groups_group_id_person_id"), "person_groups", ["group_id", "person_id"], unique=False
    )
    op.add_column("users", sa.Column("totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_enabled_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "users", sa.Column("totp_last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    # What SQLite can only do by copying a table.
    with op.batch_alter_table("applications", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(
            sa.Column("service_user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch.add_column(sa.Column("service_scopes", sa.Text(), nullable=True))
        batch.create_foreign_key(op.f("fk_applications_service_user_id"), "users", ["service_user_id"], ["id"])
        batch.drop_constraint(op.f("ck_applications_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_applications_kind"), "kind IN ('registered', 'public', 'command_line', 'personal')"
        )
    op.create_index(
        "uq_applications_built_in",
        "applications",
        ["account_id", "kind"],
        unique=True,
        sqlite_where=sa.text("kind IN ('command_line', 'personal') AND removed_at IS NULL"),
        postgresql_where=sa.text("kind IN ('command_line', 'personal') AND removed_at IS NULL"),
    )
    with op.batch_alter_table("tokens", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("family_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch.add_column(sa.Column("name", sa.Text(), nullable=True))
        batch.add_column(sa.Column("last_used_at", sa.BigInteger(), nullable=True))
        batch.create_foreign_key(op.f("fk_tokens_family_id"), "token_families", ["family_id"], ["id"])
        batch.create_index(op.f("ix_tokens_family_id"), ["family_id"])
    # How many people each account has, and the indexes for parts of addresses (docs/decisions/0012).
    op.execute("UPDATE people SET email_key = lower(email) WHERE email_key IS NULL AND email IS NOT NULL")
    op.execute(
        "INSERT INTO people_tallies (account_id, people) "
        "SELECT account_id, count(*) FROM people WHERE deleted_at IS NULL GROUP BY account_id"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_people USING fts5("
            "email_key, content='people', content_rowid='id', tokenize='trigram case_sensitive 1')"
        )
        op.execute("INSERT INTO search_people (search_people) VALUES ('rebuild')")
    else:
        op.execute(
            "CREATE FUNCTION search_grams(account_id bigint, words text) RETURNS text[] "
            "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ "
            "DECLARE found text[] := CAST(ARRAY[] AS text[]); whose text := account_id || ':'; "
            "BEGIN "
            "FOR place IN 1 .. greatest(length(words) - 2, 1) LOOP "
            "found := found || (whose || substr(words, place, 3)); "
            "END LOOP; "
            "RETURN found; "
            "END $$"
        )
        op.execute(
            "CREATE INDEX search_people_email ON people USING gin (search_grams(account_id, email_key)) "
            "WITH (gin_pending_list_limit = 1024)"
        )
