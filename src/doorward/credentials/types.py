"""Credential types: what an account gives out, each of one of the kinds that readers report."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, or_, select

from doorward.audit import service as audit
from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.decision.codes import CARD, KINDS, PIN
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.people.tables import people

IN_USE: Final = "is already in use on your account"

DEFAULT_TYPES: Final[Mapping[str, str]] = {"Card number": CARD, "PIN": PIN}
"""Label and kind of what a new account begins with: the slugs `card_number` and `pin` of the vendor's examples."""

MOST_TYPES: Final = 100
"""Of an account: each is a field of every person."""

_RESERVED_SLUGS: Final = frozenset(column.name for column in people.c) | {
    *("groups", "roles", "group_ids", "role_ids", "deleted", "credentials", "person"),
    *("image_base64", "image_remote_url", "image_url", "image_thumbnail_url"),
}
"""A slug is a field of the person beside these (contract, Person)."""


class CredentialType(NamedTuple):
    """One credential type. `slug` is the field by which a person's body names the credential."""

    id: int
    account_id: int
    label: str
    slug: str
    kind: str
    code: int | None
    created_at: int
    updated_at: int


_TYPES: Final = Rows(credential_types, CredentialType)
_OF_ACCOUNT: Final = credential_types.c.account_id == bindparam("account_id")

_ALL: Final = Query(select(*_TYPES.columns).where(_OF_ACCOUNT).order_by(credential_types.c.id), _TYPES.of)
_ONE: Final = Query(select(*_TYPES.columns).where(_OF_ACCOUNT, credential_types.c.id == bindparam("the_id")), _TYPES.of)
_TO_CHANGE: Final = Query(
    select(*_TYPES.columns).where(_OF_ACCOUNT, credential_types.c.id == bindparam("the_id")).with_for_update(),
    _TYPES.of,
)
_ALIKE: Final = Query(
    select(*_TYPES.columns).where(
        _OF_ACCOUNT,
        credential_types.c.id != bindparam("the_id"),
        or_(credential_types.c.slug == bindparam("the_slug"), credential_types.c.label == bindparam("the_label")),
    ),
    _TYPES.of,
)
_HELD: Final = Query(
    select(credentials.c.id)
    .where(credentials.c.credential_type_id == bindparam("the_id"), credentials.c.is_live == 1)
    .limit(1),
    number,
)
_FORGET_DEAD: Final = Query[None](
    delete(credentials).where(credentials.c.credential_type_id == bindparam("the_id"), credentials.c.is_live == 0)
)
_REMOVE: Final = Query[None](delete(credential_types).where(credential_types.c.id == bindparam("the_id")))


def parameterize(label: str) -> str:
    """A label as a slug: "Employee Card" is "employee_card"."""
    return re.sub(r"[^a-z0-9]+", "_", sort_key(label)).strip("_")


def create_type(transaction: Transaction, account_id: int, body: object, now: int) -> CredentialType:
    """A new credential type: `label`, `kind`, and optionally `slug` (else made from the label) and `code`.

    Raises Invalid.
    """
    fields = StructuredFields(body)
    label = fields.name("label", required=True)
    kind = fields.choice("kind", KINDS, required=True)
    slug = _read_slug(fields, parameterize(label or ""))
    code = fields.integer("code", low=0, high=2**31 - 1)
    wanted = CredentialType(0, account_id, label or "", slug or "", kind or "", code, now, now)
    _check_unique(transaction, fields, wanted)
    fields.check()
    if len(list_types(transaction, account_id)) >= MOST_TYPES:
        raise Invalid({"label": [f"can't be added: an account has at most {MOST_TYPES} credential types"]})
    try:
        wanted = wanted._replace(id=require(transaction.one(_TYPES.add, **_TYPES.params(wanted))))
    except Rejected as error:
        raise _in_use(error) from error
    audit.created(transaction, account_id, "credential_type", wanted, now)
    return wanted


def update_type(transaction: Transaction, account_id: int, type_id: int, body: object, now: int) -> CredentialType:
    """Change what is given of label, slug and code. Raises NotFound, and Invalid also for another kind."""
    fields = StructuredFields(body)
    found = _to_change(transaction, account_id, type_id)
    wanted = found
    if "label" in fields:
        wanted = wanted._replace(label=fields.name("label", required=True) or "")
    if "slug" in fields:
        wanted = wanted._replace(slug=_read_slug(fields, parameterize(wanted.label)) or "")
    if "code" in fields:
        wanted = wanted._replace(code=fields.integer("code", low=0, high=2**31 - 1))
    if "kind" in fields and fields.choice("kind", KINDS, required=True) not in (None, found.kind):
        fields.complain("kind", "can't be changed")
    _check_unique(transaction, fields, wanted)
    fields.check()
    wanted = wanted._replace(updated_at=now)
    try:
        transaction.run(_TYPES.change, the_id=type_id, **_TYPES.params(wanted))
    except Rejected as error:
        raise _in_use(error) from error
    audit.changed(transaction, account_id, "credential_type", found, wanted, now)
    return wanted


def delete_type(transaction: Transaction, account_id: int, type_id: int, now: int) -> None:
    """Remove a credential type. Raises NotFound, or Conflict while somebody has a credential of it."""
    found = _to_change(transaction, account_id, type_id)
    if transaction.one(_HELD, the_id=type_id) is not None:
        raise Conflict("There are credentials of this type")
    transaction.run(_FORGET_DEAD, the_id=type_id)
    transaction.run(_REMOVE, the_id=type_id)
    audit.deleted(transaction, account_id, "credential_type", found, now)


def get_type(transaction: Transaction, account_id: int, type_id: int) -> CredentialType:
    """One credential type. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=type_id)
    if found is None:
        raise NotFound
    return found


def list_types(transaction: Transaction, account_id: int) -> list[CredentialType]:
    """The account's credential types, oldest first."""
    return transaction.all(_ALL, account_id=account_id)


def ensure_default_types(transaction: Transaction, account_id: int, now: int) -> list[CredentialType]:
    """The account's credential types; one that has none yet gets DEFAULT_TYPES."""
    transaction.serialize(f"credential types {account_id}")
    found = list_types(transaction, account_id)
    return found or [
        create_type(transaction, account_id, {"label": label, "kind": kind}, now)
        for label, kind in DEFAULT_TYPES.items()
    ]


def _to_change(transaction: Transaction, account_id: int, type_id: int) -> CredentialType:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=type_id)
    if found is None:
        raise NotFound
    return found


def _read_slug(fields: StructuredFields, from_label: str) -> str | None:
    given = fields.line("slug")
    slug = from_label if given is None else given
    if given is not None and parameterize(given) != given:
        fields.complain("slug", "must be of small letters, digits and underscores, such as card_number")
    elif slug in _RESERVED_SLUGS:
        fields.complain("slug", f"{slug} is a field that every person has")
    elif not slug and not fields.errors:
        fields.complain("slug", "can't be made from this label: give one")
    return slug


def _check_unique(transaction: Transaction, fields: StructuredFields, wanted: CredentialType) -> None:
    alike = transaction.all(
        _ALIKE,
        account_id=wanted.account_id,
        the_id=wanted.id,
        the_slug=wanted.slug,
        the_label=wanted.label,
    )
    for name in ("label", "slug"):
        if any(getattr(other, name) == getattr(wanted, name) for other in alike):
            fields.complain(name, IN_USE)


def _in_use(error: Rejected) -> Invalid:
    return Invalid({"slug" if error.names("slug") else "label": [IN_USE]})
