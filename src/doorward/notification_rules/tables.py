"""The table of notification rules."""

from sqlalchemy import Table

from doorward.db.metadata import NEVER_REUSED, flag, instant, key, metadata, reference, text

notification_rules = Table(
    "notification_rules",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("name"),
    flag("active", default=True),
    # JSON lists. A condition keeps naming a channel that is gone: it then matches nothing, instead of everything.
    text("conditions"),
    text("event_codes"),
    text("actions"),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)
