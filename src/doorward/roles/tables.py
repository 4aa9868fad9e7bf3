"""The tables of roles: which channels, and who holds them."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from doorward.db.metadata import (
    NEVER_REUSED,
    SORT_KEY,
    instant,
    key,
    metadata,
    reference,
    text,
)

roles = Table(
    "roles",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("name"),
    Column("name_key", SORT_KEY, nullable=False),
    reference("shift_id", "shifts", nullable=True, index=True),
    text("notes", nullable=True),
    # A reservation's role and shift are gone from the instant at which it ends, and swept soon after.
    reference("reservation_id", "reservations", nullable=True, index=True),
    instant("expires_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    UniqueConstraint("account_id", "name"),
    Index(None, "account_id", "name_key", "id"),
    **NEVER_REUSED,
)
# The sweeper's question, over the few rows that can be an answer.
Index(
    "ix_roles_expires_at",
    roles.c.expires_at,
    sqlite_where=roles.c.expires_at.is_not(None),
    postgresql_where=roles.c.expires_at.is_not(None),
)

role_channels = Table(
    "role_channels",
    metadata,
    reference("role_id", "roles", primary_key=True, ondelete="CASCADE"),
    reference("channel_id", "channels", primary_key=True, ondelete="CASCADE", index=True),
    sqlite_with_rowid=False,
)

group_roles = Table(
    "group_roles",
    metadata,
    reference("group_id", "groups", primary_key=True, ondelete="CASCADE"),
    reference("role_id", "roles", primary_key=True, ondelete="CASCADE", index=True),
    sqlite_with_rowid=False,
)

person_roles = Table(
    "person_roles",
    metadata,
    reference("person_id", "people", primary_key=True, ondelete="CASCADE"),
    reference("role_id", "roles", primary_key=True, ondelete="CASCADE", index=True),
    sqlite_with_rowid=False,
)
