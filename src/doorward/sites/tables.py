"""The tables of sites, their addresses and their areas."""

from sqlalchemy import Table

from doorward.db.metadata import NEVER_REUSED, instant, key, metadata, reference, text

sites = Table(
    "sites",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("name"),
    text("time_zone", nullable=True),  # none: the account's
    text("notes", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)

site_ips = Table(
    "site_ips",
    metadata,
    reference("site_id", "sites", primary_key=True, ondelete="CASCADE"),
    text("ip_address", primary_key=True),  # an address or a range in CIDR
)

areas = Table(
    "areas",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    reference("site_id", "sites", ondelete="CASCADE", index=True),
    text("name"),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)
