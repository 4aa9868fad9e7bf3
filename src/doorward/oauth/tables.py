"""The tables of applications, tokens and their use."""

from sqlalchemy import CheckConstraint, Index, Table

from doorward.db.metadata import (
    NEVER_REUSED,
    flag,
    instant,
    key,
    metadata,
    number,
    reference,
    text,
)

applications = Table(
    "applications",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("name"),
    text("client_id", unique=True),
    text("secret_hash", nullable=True),  # argon2id; none for a public client
    text("kind", server_default="registered"),
    flag("is_service"),
    text("redirect_uris", server_default="[]"),  # a JSON list
    text("webhook_url", nullable=True),
    instant("removed_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("kind IN ('registered', 'public', 'command_line')", name="kind"),
    **NEVER_REUSED,
)

Index(
    "uq_applications_command_line",
    applications.c.account_id,
    unique=True,
    sqlite_where=(applications.c.kind == "command_line") & applications.c.removed_at.is_(None),
    postgresql_where=(applications.c.kind == "command_line") & applications.c.removed_at.is_(None),
)

tokens = Table(
    "tokens",
    metadata,
    key(),
    text("digest", unique=True),  # SHA-256 in hex
    reference("account_id", "accounts"),
    reference("application_id", "applications", index=True),
    reference("user_id", "users", index=True),
    text("scopes"),  # separated by spaces
    instant("expires_at"),
    instant("revoked_at", nullable=True),
    instant("created_at"),
    **NEVER_REUSED,
)

usage_counts = Table(
    "usage_counts",
    metadata,
    reference("application_id", "applications", primary_key=True),
    reference("user_id", "users", primary_key=True),
    text("endpoint", primary_key=True),  # the name of the operation
    text("day", primary_key=True),  # UTC, 2024-01-15
    number("uses"),
    instant("last_used_at"),
    text("last_address"),
)
