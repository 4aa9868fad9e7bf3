"""The tables of group reservations and the groups that they add to."""

from sqlalchemy import CheckConstraint, Index, Table

from doorward.db.metadata import NEVER_REUSED, instant, key, metadata, reference

group_reservations = Table(
    "group_reservations",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("person_id", "people", index=True),
    instant("start_time"),
    instant("end_time"),  # half-open
    instant("deactivated_at", nullable=True),  # ended before its time
    reference("created_by_id", "users", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("start_time < end_time", name="stretch"),
    Index(None, "account_id", "end_time"),
    **NEVER_REUSED,
)

group_reservation_groups = Table(
    "group_reservation_groups",
    metadata,
    reference("group_reservation_id", "group_reservations", primary_key=True, ondelete="CASCADE"),
    reference("group_id", "groups", primary_key=True, ondelete="CASCADE", index=True),
    sqlite_with_rowid=False,
)
