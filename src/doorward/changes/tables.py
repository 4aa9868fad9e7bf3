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
