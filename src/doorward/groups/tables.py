"""The tables of groups and who is in them."""

from sqlalchemy import Column, Index, Table

from doorward.db.metadata import (
    NEVER_REUSED,
    SORT_KEY,
    flag,
    instant,
    key,
    metadata,
    reference,
    text,
)

groups = Table(
    "groups",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("name"),
    Column("name_key", SORT_KEY, nullable=False),
    text("notes", nullable=True),
    flag("global_across_sites"),
    instant("created_at"),
    instant("updated_at"),
    Index(None, "account_id", "name_key", "id"),
    **NEVER_REUSED,
)

person_groups = Table(
    "person_groups",
    metadata,
    reference("person_id", "people", primary_key=True, ondelete="CASCADE"),
    reference("group_id", "groups", primary_key=True, ondelete="CASCADE"),
    Index(None, "group_id", "person_id"),  # a group's people, page by page
)
