"""The table of reservations."""

from sqlalchemy import Index, Table

from doorward.db.metadata import NEVER_REUSED, instant, key, metadata, reference, text

reservations = Table(
    "reservations",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("person_id", "people", index=True),
    instant("start_time"),
    instant("end_time"),
    text("channel_ids"),  # a JSON list: the record of what was granted, kept when role and channels are gone
    reference("created_by_id", "users", nullable=True, index=True),
    instant("deleted_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    Index(None, "account_id", "end_time"),
    **NEVER_REUSED,
)
