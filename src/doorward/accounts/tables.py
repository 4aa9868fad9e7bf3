"""The table of accounts."""

from sqlalchemy import Column, Integer, Table

from doorward.db.metadata import NEVER_REUSED, flag, instant, key, metadata, text

accounts = Table(
    "accounts",
    metadata,
    key(),
    text("name"),
    text("time_zone"),
    flag("monitored"),
    flag("passport_enabled"),  # people open doors with their telephones
    instant("last_sync_at", nullable=True),
    # For how many days events are kept; none: for ever.
    Column("event_retention_days", Integer(), nullable=True),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)
