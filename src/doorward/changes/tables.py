"""The log of changes: a row for each commit that doors have to learn of."""

from sqlalchemy import Column, Index, Table

from doorward.db.metadata import ID, NEVER_REUSED, instant, key, metadata, reference

changes = Table(
    "changes",
    metadata,
    key(),
    reference("account_id", "accounts"),
    instant("at", index=True),
    # What changed, by id and without foreign keys: the thing itself may be gone. All empty: anything may have.
    Column("person_id", ID, nullable=True),
    Column("role_id", ID, nullable=True),
    Column("channel_id", ID, nullable=True),
    Index(None, "account_id", "id"),
    **NEVER_REUSED,
)
# Notes of doors and of everything are few among those of people; a lockdown asks for them.
_OF_DOORS = changes.c.person_id.is_(None) & changes.c.role_id.is_(None)
Index(
    "ix_changes_of_doors",
    changes.c.account_id,
    changes.c.channel_id,
    changes.c.id,
    sqlite_where=_OF_DOORS,
    postgresql_where=_OF_DOORS,
)
