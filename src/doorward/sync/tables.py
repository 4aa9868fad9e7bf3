"""The tables of what doors have confirmed: the last of each, and when which."""

from sqlalchemy import BigInteger, Column, Index, Table

from doorward.db.metadata import ID, NEVER_REUSED, instant, key, metadata, reference

channel_reports = Table(
    "channel_reports",
    metadata,
    reference("channel_id", "channels", primary_key=True, ondelete="CASCADE"),
    instant("last_seen_at"),
    Column("version", BigInteger(), nullable=False),  # the last change that the door decides by
    instant("synced_at", nullable=True),  # when it confirmed that version
    # What somebody has asked for, and when, until it is confirmed or given up: up to which change.
    Column("pushed_version", BigInteger(), nullable=True),
    instant("pushed_at", nullable=True),
)

confirmations = Table(
    "confirmations",
    metadata,
    key(),
    reference("account_id", "accounts"),
    Column("channel_id", ID, nullable=True),  # none: all doors of the account that the server itself serves
    Column("version", BigInteger(), nullable=False),
    instant("at", index=True),
    Index(None, "account_id", "channel_id", "version"),
    **NEVER_REUSED,
)
