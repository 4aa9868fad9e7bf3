"""The tables of events and of the chain that they form."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

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
    # The account's events in the order of commits, without gaps, and the chain up to each (docs/decisions/0026).
    Column("position", BigInteger(), nullable=False),
    text("chain"),
    number("event_code"),
    # Numbers and names as they were: an event says the same when the person or the door has long been renamed or
    # removed. So these are no references; no number of a door or a person is given again.
    Column("channel_id", ID, nullable=True),
    text("channel_name", nullable=True),
    Column("person_id", ID, nullable=True),
    text("person_name", nullable=True),
    text("credential", nullable=True),  # the card's number; never a PIN
    text("reasons", server_default="[]"),  # a JSON list of {code, text}
    # What the chain holds of the name, the credential and the reasons can be made anew with the salt. Of an event that
    # has been erased these are gone, and what the chain holds is kept instead.
    text("salt", nullable=True),
    text("commitment", nullable=True),
    instant("occurred_at"),  # by the door's clock
    instant("received_at"),
    Column("controller_id", ID, nullable=True),  # which controller told of it; none: the server itself
    number("sequence", nullable=True),  # the controller's own count
    flag("is_replayed"),
    # One for each thing that events are asked for by; each gives them by time, newest or oldest first.
    Index(None, "account_id", "occurred_at", "id"),
    Index(None, "account_id", "event_code", "occurred_at", "id"),
    Index(None, "channel_id", "occurred_at", "id", "event_code", "person_id"),  # the person for reports alone
    Index(None, "person_id", "occurred_at", "id", "event_code", "channel_id"),
    Index(None, "account_id", "position", unique=True),
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

# Those told later are few among all, and asked for as such: what a site did while it was cut off.
Index(
    "ix_events_replayed",
    events.c.account_id,
    events.c.occurred_at,
    events.c.id,
    events.c.event_code,
    events.c.channel_id,
    sqlite_where=events.c.is_replayed == 1,
    postgresql_where=events.c.is_replayed == 1,
)

event_chains = Table(
    "event_chains",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    # The last event's; whoever records holds this row from then on until the commit.
    Column("position", BigInteger(), nullable=False),
    text("digest"),
    # Up to here events have been removed because they were too old, and the chain up to there.
    Column("removed_to", BigInteger(), nullable=False, server_default="0"),
    text("removed_digest", server_default="0" * 64),
)

event_erasures = Table(
    "event_erasures",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    # The event that says so: it holds the digest of the list.
    Column("position", BigInteger(), primary_key=True, autoincrement=False),
    text("positions"),  # which events have lost name and credential: a JSON list of [first, last]
)

event_tallies = Table(
    "event_tallies",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    # Where; 0: all events of the account, whether at a channel or not. Code 0: who was admitted and who was rejected.
    Column("channel_id", ID, primary_key=True, autoincrement=False),
    Column("span", Integer(), primary_key=True, autoincrement=False),
    Column("event_code", Integer(), primary_key=True, autoincrement=False),
    # Time is in stretches of `span` hours.
    Column("bucket", Integer(), primary_key=True, autoincrement=False),
    Column("events", BigInteger(), nullable=False),
    # The key alone is the table: a sum reads it from one end to the other.
    sqlite_with_rowid=False,
)

event_tally_heads = Table(
    "event_tally_heads",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    # Up to which position of the account's record the tallies know the events.
    Column("position", BigInteger(), nullable=False),
)
