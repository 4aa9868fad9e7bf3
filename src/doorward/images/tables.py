"""The table of people's photos."""

from sqlalchemy import Column, LargeBinary, Table

from doorward.db.metadata import NEVER_REUSED, instant, key, metadata, number, reference, text

images = Table(
    "images",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("person_id", "people", ondelete="CASCADE", index=True),
    text("size"),  # full or thumbnail
    text("name", unique=True),  # what its address ends with; nobody can guess it
    text("media_type"),
    number("width"),
    number("height"),
    Column("content", LargeBinary(), nullable=False),
    instant("created_at"),
    **NEVER_REUSED,
)
