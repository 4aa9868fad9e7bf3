"""The table of admission requests."""

from sqlalchemy import CheckConstraint, Column, Index, Table

from doorward.db.metadata import ID, instant, metadata, reference, text

admission_requests = Table(
    "admission_requests",
    metadata,
    # The event 61 that recorded the request: the contract gives both one id.
    Column("id", ID, primary_key=True, autoincrement=False),
    reference("account_id", "accounts"),
    Column("channel_id", ID, nullable=False),  # by id: the door may be gone, the request stays for the record
    text("channel_name"),
    reference("person_id", "people", nullable=True),
    text("person_name", nullable=True),
    reference("user_id", "users", nullable=True),
    text("status"),
    instant("requested_at"),
    instant("claimed_at", nullable=True),  # taken by a door's process, which alone may act on it, once
    instant("completed_at", nullable=True),
    CheckConstraint("status IN ('pending', 'admitted', 'denied', 'offline', 'timeout')", name="status"),
)
Index(
    "ix_admission_requests_pending",
    admission_requests.c.requested_at,
    sqlite_where=admission_requests.c.status == "pending",
    postgresql_where=admission_requests.c.status == "pending",
)
