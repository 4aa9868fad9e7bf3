"""The table of channels, and where people were last seen to go."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint, and_, or_

from doorward.db.metadata import (
    ID,
    NEVER_REUSED,
    SORT_KEY,
    flag,
    instant,
    key,
    metadata,
    number,
    reference,
    text,
)

SIMULATED: Final = "simulated"

channels = Table(
    "channels",
    metadata,
    key(),
    reference("account_id", "accounts", index=True),
    reference("site_id", "sites", index=True),
    text("name"),
    Column("name_key", SORT_KEY, nullable=False),
    text("driver", server_default=SIMULATED),
    text("mac_address"),
    number("unit", server_default="1"),
    text("accepts", server_default='["card", "pin"]'),  # a JSON list of kinds of credential
    flag("two_factor"),
    number("second_factor_ms", server_default="10000"),
    number("pulse_ms", server_default="5000"),
    number("held_open_ms", server_default="30000"),
    number("staleness_hours", nullable=True, server_default="72"),  # none: for ever
    text("mode", server_default="normal"),
    instant("relock_at", nullable=True),
    instant("mode_changed_at", nullable=True),
    flag("card_lockdown"),
    flag("rex_lockdown"),
    flag("aux_lockdown"),
    reference("auto_unlock_shift_id", "shifts", nullable=True, index=True),
    text("passback_mode", nullable=True),
    number("passback_minutes", server_default="0"),
    reference("area_from_id", "areas", nullable=True),
    reference("area_to_id", "areas", nullable=True),
    number("held_open_warning_ms", server_default="0"),  # how long before the alarm the reader warns; 0: never
    number("rex_held_ms", server_default="0"),  # after which a button that is held is told of; 0: never
    flag("relock_on_open"),
    flag("first_person_in"),
    flag("two_person"),
    number("two_person_ms", server_default="10000"),
    # Which controller serves the door, by id: none, and a simulated door is the server's own. Its row is never removed.
    Column("controller_id", ID, nullable=True, index=True),
    text("model", nullable=True),
    text("serial_number", nullable=True),
    text("card_format", nullable=True),
    text("pin_format", nullable=True),
    text("reader_device_class_name", nullable=True),
    # Both encrypted; the pending one is what the door is to use from its next contact on.
    text("encryption_key", nullable=True),
    text("pending_encryption_key", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    UniqueConstraint("account_id", "mac_address", "unit"),
    CheckConstraint("mode IN ('normal', 'unlock')", name="mode"),
    CheckConstraint("passback_mode IN ('hard', 'soft', 'timed')", name="passback_mode"),
    **NEVER_REUSED,
)

IS_LOCAL: Final = and_(channels.c.driver == SIMULATED, channels.c.controller_id.is_(None))
"""Whether the server itself drives a door: it is simulated, and no controller has enrolled for it."""

presences = Table(
    "presences",
    metadata,
    reference("person_id", "people", primary_key=True, ondelete="CASCADE"),
    reference("account_id", "accounts", index=True),
    reference("area_id", "areas", nullable=True, ondelete="CASCADE", index=True),  # none: outside
    instant("since"),
    # What a door tells of before this, however late, does not count.
    instant("forgiven_at", nullable=True),
)

IS_KNOWN: Final = or_(presences.c.forgiven_at.is_(None), presences.c.since > presences.c.forgiven_at)
"""Whether a row of presences says where somebody is: not if they have been forgiven since."""
