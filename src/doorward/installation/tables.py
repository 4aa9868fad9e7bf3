"""The table of what is known of the installation, by name."""

from sqlalchemy import Table

from doorward.db.metadata import metadata, text

installation = Table(
    "installation",
    metadata,
    text("name", primary_key=True),
    text("value"),
)
