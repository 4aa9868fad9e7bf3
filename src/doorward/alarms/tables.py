"""The tables of alarms and of what operators note about them."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table, literal_column

from doorward.db.metadata import ID, NEVER_REUSED, flag, instant, key, metadata, number, reference, text

alarms = Table(
    "alarms",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("kind"),
    text("state", server_default="open"),
    # As its events name it: an alarm says the same when the door has long been renamed or removed.
    Column("channel_id", ID, nullable=False),
    text("channel_name", nullable=True),
    number("times", server_default="1"),
    # Events by id, without references: they may be removed from the record before the alarm is.
    Column("first_event_id", ID, nullable=False),
    Column("last_event_id", ID, nullable=False),
    Column("over_event_id", ID, nullable=True),
    instant("raised_at"),  # by the door's clock, as are the two that follow
    instant("last_at"),
    instant("over_at", nullable=True),  # none: it lasts, or nothing at the door will say that it is over
    flag("is_replayed"),
    reference("assignee_id", "users", nullable=True),
    instant("acknowledged_at", nullable=True),
    reference("acknowledged_by_id", "users", nullable=True),
    text("acknowledged_by_name", nullable=True),
    instant("closed_at", nullable=True),
    reference("closed_by_id", "users", nullable=True),
    text("closed_by_name", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="state"),
    Index(None, "account_id", "id"),
    Index(None, "account_id", "updated_at"),
    **NEVER_REUSED,
)
# Said in the statement itself: what is bound no planner can hold against the condition of an index.
IS_LIVE: Final = alarms.c.state != literal_column("'closed'", alarms.c.state.type)
"""Whether somebody still has to see to an alarm."""

# A door has one of each kind: what happens again counts up.
Index(
    "uq_alarms_live",
    alarms.c.channel_id,
    alarms.c.kind,
    unique=True,
    sqlite_where=IS_LIVE,
    postgresql_where=IS_LIVE,
)
# What a list of open alarms is of, however many have been closed.
Index("ix_alarms_live", alarms.c.account_id, alarms.c.id, sqlite_where=IS_LIVE, postgresql_where=IS_LIVE)

alarm_notes = Table(
    "alarm_notes",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("alarm_id", "alarms", ondelete="CASCADE", index=True),
    reference("user_id", "users", nullable=True),  # none: the command line
    text("user_name"),  # as it was
    text("text"),
    instant("created_at"),
    **NEVER_REUSED,
)
