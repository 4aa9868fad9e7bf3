"""All tables, for whoever needs the whole schema: migrations and their proof."""

from doorward.db.metadata import metadata

__all__ = ["metadata"]
