"""The tables of endpoints, of what is to be told to them, and of each attempt to do so."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table

from doorward.db.metadata import ID, NEVER_REUSED, flag, instant, key, metadata, number, reference, text

APPLICATION: Final = "application"
RULE: Final = "rule"
OWNERS: Final = "owners"

endpoints = Table(
    "endpoints",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("kind"),
    reference("application_id", "applications", nullable=True, ondelete="CASCADE"),
    reference("rule_id", "notification_rules", nullable=True, ondelete="CASCADE", index=True),
    text("channel"),  # how it is told, by which its sender is found: webhook, email, slack, console …
    text("target"),  # a URL or an address
    text("secret", nullable=True),  # encrypted; what is sent is signed with it
    text("previous_secret", nullable=True),
    instant("previous_until", nullable=True),
    instant("failing_since", nullable=True),
    instant("paused_until", nullable=True),  # it asked to be left alone until then
    instant("rests_until", nullable=True),  # what is due before goes together then: one mail, not many
    instant("disabled_at", nullable=True),
    text("disabled_reason", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    CheckConstraint("kind IN ('application', 'rule', 'owners')", name="kind"),
    **NEVER_REUSED,
)
# An application has one.
Index(
    "uq_endpoints_application_id",
    endpoints.c.application_id,
    unique=True,
    sqlite_where=endpoints.c.application_id.is_not(None),
    postgresql_where=endpoints.c.application_id.is_not(None),
)

deliveries = Table(
    "deliveries",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("endpoint_id", "endpoints", ondelete="CASCADE"),
    # What it is about. Without foreign keys: that a credential is gone has to be told, too.
    text("resource_type"),
    text("action"),
    Column("resource_id", ID, nullable=False),
    Column("parent_id", ID, nullable=True),  # the person of a credential
    text("content", nullable=True),  # what a rule wants said, as JSON
    text("state", server_default="pending"),
    number("attempts", server_default="0"),  # since it was told to be sent
    # When it is to be sent (again), or when the lease of who sends it just now ends; none: there is nothing more to do.
    instant("due_at", nullable=True),
    text("lease", nullable=True),  # who sends it just now
    flag("is_alone"),  # requests with others in it were answered with errors: it may be this one
    instant("sent_at", nullable=True),  # when the last attempt began
    instant("received_at", nullable=True),  # when it was first answered with 2xx
    instant("acknowledged_at", nullable=True),
    number("status", nullable=True),  # of the last attempt
    text("error", nullable=True),  # of the last attempt, or why there will be no other; none: it went well
    instant("created_at"),
    CheckConstraint("state IN ('pending', 'delivered', 'acknowledged', 'given_up')", name="state"),
    Index(None, "account_id", "id"),
    Index(None, "endpoint_id", "id"),
    **NEVER_REUSED,
)
# What is due at an endpoint is found without looking at what is due at another.
Index(
    "ix_deliveries_due",
    deliveries.c.endpoint_id,
    deliveries.c.due_at,
    deliveries.c.id,
    sqlite_where=deliveries.c.due_at.is_not(None),
    postgresql_where=deliveries.c.due_at.is_not(None),
)
# What else is to be told of the same thing, in its order; and what a GET of it acknowledges.
Index(
    "ix_deliveries_of_resource",
    deliveries.c.endpoint_id,
    deliveries.c.resource_id,
    deliveries.c.resource_type,
    deliveries.c.id,
    sqlite_where=deliveries.c.due_at.is_not(None),
    postgresql_where=deliveries.c.due_at.is_not(None),
)
Index(
    "ix_deliveries_failed",
    deliveries.c.account_id,
    deliveries.c.id,
    sqlite_where=deliveries.c.error.is_not(None),
    postgresql_where=deliveries.c.error.is_not(None),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    key(),
    reference("delivery_id", "deliveries", ondelete="CASCADE", index=True),
    instant("at"),
    number("took_ms"),
    number("status", nullable=True),
    text("error", nullable=True),
    text("answer", nullable=True),  # its first bytes
    **NEVER_REUSED,
)
