"""The table of idempotency keys."""

from sqlalchemy import Table

from doorward.db.metadata import instant, metadata, number, reference, text

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    reference("application_id", "applications", primary_key=True, ondelete="CASCADE"),
    reference("user_id", "users", primary_key=True, ondelete="CASCADE"),
    text("key", primary_key=True),
    text("fingerprint"),  # SHA-256 of method, path and body
    number("status", nullable=True),
    text("body", nullable=True),  # encrypted: an answer may hold a secret
    text("media_type", nullable=True),
    instant("created_at", index=True),
)
