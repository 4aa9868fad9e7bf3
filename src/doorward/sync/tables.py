"""The table of what doors have confirmed."""

from sqlalchemy import BigInteger, Column, Table

from doorward.db.metadata import instant, metadata, reference

channel_reports = Table(
    "channel_reports",
    metadata,
    reference("channel_id", "channels", primary_key=True, ondelete="CASCADE"),
    instant("last_seen_at"),
    Column("version", BigInteger(), nullable=False),  # the last change that the door decides by
    instant("synced_at", nullable=True),  # when it confirmed that version
)
