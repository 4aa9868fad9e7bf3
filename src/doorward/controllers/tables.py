"""The tables of controllers and of the codes by which they enrol."""

from sqlalchemy import Column, Table

from doorward.db.metadata import ID, NEVER_REUSED, instant, key, metadata, number, reference, text

controllers = Table(
    "controllers",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    text("name"),
    text("public_key"),  # the controller's own, X25519, in hex: by it a controller is known in the log
    text("link_key"),  # what both ends prove to have when they connect; encrypted
    text("software", nullable=True),
    text("address", nullable=True),  # where it last connected from
    instant("enrolled_at"),
    instant("connected_at", nullable=True),
    instant("last_seen_at", nullable=True),
    number("clock_skew_ms", nullable=True),  # how far its clock was ahead when it last said
    number("spool_length", nullable=True),  # how many events it had still to send
    number("last_sequence", server_default="0"),  # its last event that is recorded
    text("last_start", nullable=True),  # which of its starts connected last: of a copy's it knows nothing
    number("refused_frames", server_default="0"),
    instant("removed_at", nullable=True),
    **NEVER_REUSED,
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("lookup", unique=True),  # the part of the code that is sent
    text("secret"),  # the part that is never sent; encrypted
    text("channel_ids"),  # a JSON list
    Column("user_id", ID, nullable=True),
    instant("created_at"),
    instant("expires_at", index=True),
    instant("used_at", nullable=True),
    number("wrong_proofs", server_default="0"),
    **NEVER_REUSED,
)
