"""The tables of credential types and credentials."""

from typing import Final

from sqlalchemy import CheckConstraint, Index, Table, UniqueConstraint, or_

from doorward.db.metadata import (
    NEVER_REUSED,
    flag,
    instant,
    key,
    metadata,
    number,
    reference,
    text,
)
from doorward.decision.codes import DURESS, PIN

credential_types = Table(
    "credential_types",
    metadata,
    key(),
    reference("account_id", "accounts"),
    text("label"),
    text("slug"),
    text("kind"),
    number("code", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    UniqueConstraint("account_id", "slug"),
    UniqueConstraint("account_id", "label"),
    CheckConstraint("kind IN ('card', 'pin', 'duress', 'aux', 'apple', 'google')", name="kind"),
    **NEVER_REUSED,
)

IS_MEMORISED: Final = or_(credential_types.c.kind == PIN, credential_types.c.kind == DURESS)
"""Whether credentials of the type are typed (pins.MEMORISED)."""

credentials = Table(
    "credentials",
    metadata,
    key(),
    reference("account_id", "accounts"),
    reference("person_id", "people", index=True),
    reference("credential_type_id", "credential_types"),
    text("value"),  # as given; a PIN, of duress too, is encrypted
    text("lookup"),  # a blind index of kind and value
    # A deleted person's credentials stay, so that the door can name who tried, until somebody else has them.
    flag("is_live", default=True),
    instant("created_at"),
    instant("updated_at"),
    **NEVER_REUSED,
)

Index(
    "uq_credentials_live_person_type",
    credentials.c.person_id,
    credentials.c.credential_type_id,
    unique=True,
    sqlite_where=credentials.c.is_live == 1,
    postgresql_where=credentials.c.is_live == 1,
)
# A reader tells the kind of a credential, not its type: a value is unique among all types of one kind.
Index(
    "uq_credentials_live_account_lookup",
    credentials.c.account_id,
    credentials.c.lookup,
    unique=True,
    sqlite_where=credentials.c.is_live == 1,
    postgresql_where=credentials.c.is_live == 1,
)
Index("ix_credentials_account_id_lookup", credentials.c.account_id, credentials.c.lookup)
# The list that integrations walk through page by page, and its length.
Index("ix_credentials_live", credentials.c.account_id, credentials.c.is_live, credentials.c.id)
# How many people have a PIN, whenever another one is given out; and whether anybody has a type.
Index("ix_credentials_live_type", credentials.c.credential_type_id, credentials.c.is_live, credentials.c.person_id)
