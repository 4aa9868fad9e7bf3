"""The table of accounts."""

from sqlalchemy import Table

from doorward.db.metadata import NEVER_REUSED, instant, key, metadata, text

accounts = Table(
    "accounts",
    metadata,
    key(),
    text("name"),
    text("time_zone"),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)
