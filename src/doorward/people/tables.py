"""The table of people.

Beside what is declared here, each database has an index of its own for parts of e-mail addresses, whose name begins
with "search_": a table of FTS5 on SQLite, a GIN index on PostgreSQL (search.py; docs/decisions/0012).
"""

from sqlalchemy import Column, Index, Table

from doorward.db.metadata import (
    ID,
    NEVER_REUSED,
    SORT_KEY,
    flag,
    instant,
    key,
    metadata,
    number,
    reference,
    text,
)

people = Table(
    "people",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("first_name"),
    text("last_name"),
    Column("name_key", SORT_KEY, nullable=False),
    text("salutation", nullable=True),
    text("job_title", nullable=True),
    text("department", nullable=True),
    text("email", nullable=True),
    text("email_key", nullable=True),  # case-folded: what is unique among the living, and what is searched
    text("telephone", nullable=True),
    text("mobile", nullable=True),
    text("notes", nullable=True),
    text("barcode", nullable=True),
    text("system_id", nullable=True),
    Column("organisation_id", ID, nullable=True),
    text("custom_1", nullable=True),
    text("custom_2", nullable=True),
    text("custom_3", nullable=True),
    text("custom_4", nullable=True),
    text("custom_5", nullable=True),
    flag("enabled", default=True),
    instant("valid_from", nullable=True),
    instant("valid_to", nullable=True),
    instant("deleted_at", nullable=True),
    instant("erased_at", nullable=True),  # since then nothing is left of them but a number
    instant("created_at"),
    instant("updated_at"),
    Index(None, "account_id", "name_key", "id"),
    Index(None, "account_id", "updated_at"),
    Index(None, "account_id", "system_id"),
    **NEVER_REUSED,
)
Index(
    "uq_people_live_email",
    people.c.account_id,
    people.c.email_key,
    unique=True,
    sqlite_where=people.c.deleted_at.is_(None),
    postgresql_where=people.c.deleted_at.is_(None),
)
# The list that integrations walk through page by page, without those who are deleted.
Index(
    "ix_people_live",
    people.c.account_id,
    people.c.id,
    sqlite_where=people.c.deleted_at.is_(None),
    postgresql_where=people.c.deleted_at.is_(None),
)

# How many people an account has who are not deleted, so that the list need not count them (docs/decisions/0012).
people_tallies = Table(
    "people_tallies",
    metadata,
    reference("account_id", "accounts", primary_key=True),
    number("people"),
)
