"""The table of the audit log."""

from sqlalchemy import Column, Index, Table

from doorward.db.metadata import ID, NEVER_REUSED, instant, key, metadata, reference, text

audit_log = Table(
    "audit_log",
    metadata,
    key(),
    reference("account_id", "accounts"),
    instant("at"),
    # Who, by id and as they were called then; without foreign keys: the log outlives everything it speaks of.
    Column("user_id", ID, nullable=True),
    text("user_name", nullable=True),
    Column("application_id", ID, nullable=True),
    text("application_name", nullable=True),
    text("request_id", nullable=True),
    text("address", nullable=True),
    text("action"),
    text("resource_type"),
    Column("resource_id", ID, nullable=True),
    text("before", nullable=True),  # a JSON object: what was changed or removed, as it was
    text("after", nullable=True),
    Index(None, "account_id", "id"),
    Index("ix_audit_log_resource", "account_id", "resource_type", "resource_id", "id"),
    **NEVER_REUSED,
)
