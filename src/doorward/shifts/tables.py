"""The tables of shifts and holidays."""

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint

from doorward.db.metadata import (
    NEVER_REUSED,
    SORT_KEY,
    instant,
    key,
    metadata,
    reference,
    text,
)

shifts = Table(
    "shifts",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("name"),
    Column("name_key", SORT_KEY, nullable=False),
    # Either weekly windows, as JSON: [{"days": ["mon", "holiday"], "start": "07:00", "end": "22:00"}] ...
    text("windows", server_default="[]"),
    text("first_day", nullable=True),  # 2024-01-15, local
    text("last_day", nullable=True),
    text("holidays", server_default="ignore"),
    # ... or one stretch, half-open.
    instant("starts_at", nullable=True),
    instant("ends_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("holidays IN ('ignore', 'replace')", name="holidays"),
    CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name="stretch"),
    Index(None, "account_id", "name_key", "id"),
    **NEVER_REUSED,
)

holidays = Table(
    "holidays",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("site_id", "sites", nullable=True, ondelete="CASCADE", index=True),  # none: at every site
    text("day"),  # 2024-12-25, local
    text("name"),
    UniqueConstraint("account_id", "site_id", "day"),
    **NEVER_REUSED,
)
# NULL is never equal to NULL: the holidays of every site need a constraint of their own.
Index(
    "uq_holidays_everywhere_day",
    holidays.c.account_id,
    holidays.c.day,
    unique=True,
    sqlite_where=holidays.c.site_id.is_(None),
    postgresql_where=holidays.c.site_id.is_(None),
)
