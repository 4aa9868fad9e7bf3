"""The table of events."""

from sqlalchemy import Column, Index, Table

from doorward.db.metadata import (
    ID,
    NEVER_REUSED,
    flag,
    instant,
    key,
    metadata,
    number,
    reference,
    text,
)

events = Table(
    "events",
    metadata,
    key(),
    reference("account_id", "accounts"),
    number("event_code"),
    # Names as they were: an event says the same when the person or the door has long been renamed or removed.
    reference("channel_id", "channels", nullable=True, ondelete="SET NULL"),
    text("channel_name", nullable=True),
    reference("person_id", "people", nullable=True, ondelete="SET NULL"),
    text("person_name", nullable=True),
    text("credential", nullable=True),  # the card's number; never a PIN
    text("reasons", server_default="[]"),  # a JSON list of {code, text}
    instant("occurred_at"),  # by the door's clock
    instant("received_at"),
    Column("controller_id", ID, nullable=True),  # which controller told of it; none: the server itself
    number("sequence", nullable=True),  # the controller's own count
    flag("is_replayed"),
    # One for each thing that events are asked for by; each gives them by time, newest or oldest first.
    Index(None, "account_id", "occurred_at", "id"),
    Index(None, "account_id", "event_code", "occurred_at", "id"),
    Index(None, "channel_id", "occurred_at", "id", "event_code"),
    Index(None, "person_id", "occurred_at", "id", "event_code"),
    **NEVER_REUSED,
)
# An event that a controller tells twice is one event.
Index(
    "uq_events_told",
    events.c.controller_id,
    events.c.sequence,
    unique=True,
    sqlite_where=events.c.controller_id.is_not(None),
    postgresql_where=events.c.controller_id.is_not(None),
)
