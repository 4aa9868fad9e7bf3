"""The table of imports of people."""

from sqlalchemy import CheckConstraint, Index, Table

from doorward.db.metadata import NEVER_REUSED, flag, instant, key, metadata, number, reference, text

people_imports = Table(
    "people_imports",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    reference("user_id", "users", nullable=True),  # none: an operator at the command line
    flag("dry_run"),
    text("state"),
    number("rows_total"),
    number("rows_done"),
    number("created"),
    number("updated"),
    number("errors_total"),
    text("errors"),  # a JSON list of the first errors
    instant("created_at"),
    instant("updated_at"),
    instant("finished_at", nullable=True),
    CheckConstraint("state IN ('checking', 'writing', 'done', 'failed')", name="state"),
    **NEVER_REUSED,
)
Index(
    "uq_people_imports_under_way",
    people_imports.c.account_id,
    unique=True,
    sqlite_where=people_imports.c.finished_at.is_(None),
    postgresql_where=people_imports.c.finished_at.is_(None),
)
