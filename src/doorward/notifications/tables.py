"""The tables of notifications, and of who has read which."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from doorward.db.metadata import ID, NEVER_REUSED, instant, key, metadata, reference, text

# What a notification says is what its event says: with the event it is gone, and whom the event no longer names it
# does not name either.
notifications = Table(
    "notifications",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("rule_id", "notification_rules", nullable=True, ondelete="SET NULL", index=True),
    text("rule_name"),
    reference("event_id", "events", ondelete="CASCADE"),
    instant("created_at", index=True),
    # A rule that shows an event again, because nobody knows whether it has done so, shows it once.
    UniqueConstraint("event_id", "rule_id"),
    Index(None, "account_id", "id"),
    **NEVER_REUSED,
)

notification_reads = Table(
    "notification_reads",
    metadata,
    reference("user_id", "users", primary_key=True, ondelete="CASCADE"),
    reference("notification_id", "notifications", primary_key=True, ondelete="CASCADE", index=True),
)

notification_marks = Table(
    "notification_marks",
    metadata,
    reference("user_id", "users", primary_key=True, ondelete="CASCADE"),
    Column("read_up_to", ID, nullable=False),  # every notification up to this id is read
)
