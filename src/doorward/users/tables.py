"""The tables of users and of the sites they are limited to."""

from sqlalchemy import CheckConstraint, Column, Table

from doorward.db.metadata import (
    ID,
    NEVER_REUSED,
    flag,
    instant,
    key,
    metadata,
    reference,
    text,
)

users = Table(
    "users",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("email"),
    text("email_key", unique=True),  # the e-mail as it signs in: case-folded, of one account only
    text("first_name"),
    text("last_name"),
    text("password_hash", nullable=True),
    text("role"),
    # Not "has rows in user_sites": a user whose last site is removed must not see everything.
    flag("site_limited"),
    text("totp_secret", nullable=True),  # encrypted
    instant("totp_enabled_at", nullable=True),  # none: the secret has not been confirmed yet
    Column("totp_last_step", ID, nullable=True),  # a code is good for one use (RFC 6238, 5.2)
    instant("disabled_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("role IN ('owner', 'admin', 'operator', 'viewer')", name="role"),
    **NEVER_REUSED,
)

user_sites = Table(
    "user_sites",
    metadata,
    reference("user_id", "users", primary_key=True, ondelete="CASCADE"),
    reference("site_id", "sites", primary_key=True, ondelete="CASCADE", index=True),
)
