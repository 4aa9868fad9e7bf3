"""The tables of browser sessions, recovery codes and failed attempts to sign in."""

from sqlalchemy import Column, Table

from doorward.db.metadata import ID, NEVER_REUSED, flag, instant, key, metadata, number, reference, text

sessions = Table(
    "sessions",
    metadata,
    key(),
    text("digest", unique=True),  # SHA-256 of the cookie in hex
    reference("user_id", "users", index=True, ondelete="CASCADE"),
    text("address"),
    text("user_agent"),
    flag("needs_second_factor"),  # the password was right; the code has not been given yet
    instant("created_at"),
    instant("last_used_at"),
    instant("expires_at", index=True),
    instant("revoked_at", nullable=True),
    **NEVER_REUSED,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    reference("user_id", "users", primary_key=True, ondelete="CASCADE"),
    text("digest", primary_key=True),
    instant("used_at", nullable=True),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    text("subject", primary_key=True),  # a blind index of whom or from where, never the address itself
    number("failures"),
    instant("blocked_until"),
    instant("last_at", index=True),
    Column("window_began_at", ID, nullable=False),
)
