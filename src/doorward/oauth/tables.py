"""The tables of applications, tokens and their use."""

from sqlalchemy import CheckConstraint, Column, Index, Table

from doorward.db.metadata import (
    ID,
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
    reference("service_user_id", "users", nullable=True),  # in whose name a service acts
    text("service_scopes", nullable=True),  # what a service may ask for, separated by spaces; none: everything
    text("redirect_uris", server_default="[]"),  # a JSON list
    text("webhook_url", nullable=True),
    instant("removed_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("kind IN ('registered', 'public', 'command_line', 'personal')", name="kind"),
    **NEVER_REUSED,
)

# One of each kind that is built in.
Index(
    "uq_applications_built_in",
    applications.c.account_id,
    applications.c.kind,
    unique=True,
    sqlite_where=applications.c.kind.in_(("command_line", "personal")) & applications.c.removed_at.is_(None),
    postgresql_where=applications.c.kind.in_(("command_line", "personal")) & applications.c.removed_at.is_(None),
)

tokens = Table(
    "tokens",
    metadata,
    key(),
    text("digest", unique=True),  # SHA-256 in hex
    reference("account_id", "accounts"),
    reference("application_id", "applications", index=True),
    reference("user_id", "users", index=True),
    # The consent that it came from, and what it is called; both only of some kinds of token.
    reference("family_id", "token_families", nullable=True, index=True),
    text("name", nullable=True),  # a personal access token's
    text("scopes"),  # separated by spaces
    instant("expires_at"),
    instant("last_used_at", nullable=True),
    instant("revoked_at", nullable=True),
    instant("created_at"),
    **NEVER_REUSED,
)

token_families = Table(
    "token_families",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("application_id", "applications", index=True),
    reference("user_id", "users", index=True),
    text("scopes"),
    instant("revoked_at", nullable=True),
    instant("created_at"),
    **NEVER_REUSED,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    key(),
    text("digest", unique=True),
    reference("family_id", "token_families", index=True),
    # The one whose use gave it; without a foreign key, for that one is forgotten first.
    Column("parent_id", ID, nullable=True, index=True),
    text("scopes"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    instant("created_at"),
    **NEVER_REUSED,
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    key(),
    text("digest", unique=True),
    reference("account_id", "accounts"),
    reference("application_id", "applications", index=True),
    reference("user_id", "users", index=True),
    text("redirect_uri"),
    text("scopes"),
    text("code_challenge", nullable=True),
    instant("expires_at", index=True),
    instant("used_at", nullable=True),
    reference("family_id", "token_families", nullable=True),  # what it was exchanged for: dies if it is used again
    instant("created_at"),
    **NEVER_REUSED,
)

rate_counts = Table(
    "rate_counts",
    metadata,
    reference("token_id", "tokens", primary_key=True, ondelete="CASCADE"),
    instant("minute", primary_key=True),  # its first millisecond
    number("taken"),
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
