"""Credentials: what a person presents at a door (behaviour.md, "Credentials").

A person has at most one of each type. PINs are encrypted in the database; no repr here, and so no log, shows a value.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, insert, select, update

from doorward.changes import service as changes
from doorward.credentials.choosing import VALUE_IN_USE, Chosen, choose, forget_dead, lock, shown_value
from doorward.credentials.tables import credential_types, credentials
from doorward.credentials.types import CredentialType, get_type
from doorward.credentials.values import normal_value
from doorward.db.ownership import Owned
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.people.changed import touch
from doorward.people.tables import people

__all__ = [
    "AlreadyEnrolled",
    "Credential",
    "create_credential",
    "delete_credential",
    "get_credential",
    "list_credentials",
    "normal_value",
    "update_credential",
]


class Credential(NamedTuple):
    """One live credential; `label`, `slug` and `kind` are its type's. `value` is readable, also a PIN's."""

    id: int
    account_id: int
    person_id: int
    credential_type_id: int
    label: str
    slug: str
    kind: str
    value: str
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"Credential(id={self.id}, person_id={self.person_id}, kind={self.kind!r})"


class AlreadyEnrolled(Conflict):
    """409: the person has a credential of this type; `existing` is the answer's body (contract, createCredential)."""

    text = "The person already has a credential of this type"

    def __init__(self, existing: Credential) -> None:
        super().__init__()
        self.existing = existing


def _live(*limits: ColumnElement[bool]) -> Select[tuple[int, int, int, int, str, str, str, str, int, int]]:
    return (
        select(
            credentials.c.id,
            credentials.c.account_id,
            credentials.c.person_id,
            credentials.c.credential_type_id,
            credential_types.c.label,
            credential_types.c.slug,
            credential_types.c.kind,
            credentials.c.value,
            credentials.c.created_at,
            credentials.c.updated_at,
        )
        .join(credential_types, credential_types.c.id == credentials.c.credential_type_id)
        .where(credentials.c.account_id == bindparam("account_id"), credentials.c.is_live == 1, *limits)
        .order_by(credentials.c.id)
    )


_ONE: Final = Query(
    _live(credentials.c.id == bindparam("the_id"), credentials.c.person_id == bindparam("the_person")), Credential
)
_OF_TYPE: Final = Query(
    _live(
        credentials.c.person_id == bindparam("the_person"),
        credentials.c.credential_type_id == bindparam("the_type"),
    ),
    Credential,
)
_OF_PEOPLE: Final = Query(_live(one_of(credentials.c.person_id, "person_ids")), Credential)
_ADD: Final = Query(
    insert(credentials)
    .values(
        {
            **{
                name: bindparam(name)
                for name in (
                    "account_id",
                    "person_id",
                    "credential_type_id",
                    "value",
                    "lookup",
                    "created_at",
                    "updated_at",
                )
            },
            "is_live": 1,
        }
    )
    .returning(credentials.c.id),
    number,
)
_CHANGE: Final = Query[None](
    update(credentials)
    .where(credentials.c.id == bindparam("the_id"))
    .values(value=bindparam("value"), lookup=bindparam("lookup"), updated_at=bindparam("now"))
)
_REMOVE: Final = Query[None](delete(credentials).where(credentials.c.id == bindparam("the_id")))
_RETIRE: Final = Query[None](
    update(credentials)
    .where(credentials.c.person_id == bindparam("the_person"), credentials.c.is_live == 1)
    .values(is_live=0, updated_at=bindparam("now"))
)

_PEOPLE: Final = Owned(people, people.c.deleted_at.is_(None))


def create_credential(
    transaction: Transaction, vault: Vault, account_id: int, person_id: int, body: object, now: int
) -> Credential:
    """Give a person a credential: `credential_type_id` and `value`, which "******" makes a random PIN.

    Raises NotFound for the person, AlreadyEnrolled, or Invalid.
    """
    fields = StructuredFields(body)
    _require_person(transaction, account_id, person_id)
    type_id = fields.identity("credential_type_id", required=True)
    value = _read_value(fields)
    found = None if type_id is None else _find_type(transaction, fields, account_id, type_id)
    fields.check()
    wanted = require(found)
    lock(transaction, account_id)
    existing = held(transaction, vault, account_id, person_id, wanted.id)
    if existing is not None:
        raise AlreadyEnrolled(existing)
    chosen = _choose(transaction, vault, wanted, value, person_id=person_id)
    created = add(transaction, wanted, person_id, chosen, now)
    touch(transaction, [person_id], now)
    changes.note(transaction, account_id, now, person_id=person_id)
    return created


def update_credential(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    credential_id: int,
    body: object,
    now: int,
) -> Credential:
    """Change the `value` of a person's credential. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    _require_person(transaction, account_id, person_id)
    lock(transaction, account_id)
    found = get_credential(transaction, vault, account_id, person_id, credential_id)
    value = _read_value(fields)
    fields.check()
    if value == found.value:
        return found
    wanted = get_type(transaction, account_id, found.credential_type_id)
    chosen = _choose(transaction, vault, wanted, value, person_id=person_id, credential_id=credential_id)
    changed = change(transaction, found, chosen, now)
    touch(transaction, [person_id], now)
    changes.note(transaction, account_id, now, person_id=person_id)
    return changed


def delete_credential(transaction: Transaction, account_id: int, person_id: int, credential_id: int, now: int) -> None:
    """Take a credential away from a person. Raises NotFound."""
    _require_person(transaction, account_id, person_id)
    found = transaction.one(_ONE, account_id=account_id, the_person=person_id, the_id=credential_id)
    if found is None:
        raise NotFound
    remove(transaction, credential_id)
    touch(transaction, [person_id], now)
    changes.note(transaction, account_id, now, person_id=person_id)


def get_credential(
    transaction: Transaction, vault: Vault, account_id: int, person_id: int, credential_id: int
) -> Credential:
    """One live credential of a person. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_person=person_id, the_id=credential_id)
    if found is None:
        raise NotFound
    return _shown(vault, found)


def list_credentials(
    transaction: Transaction, vault: Vault, account_id: int, person_ids: Collection[int]
) -> list[Credential]:
    """The live credentials of people, oldest first."""
    found = transaction.all(_OF_PEOPLE, account_id=account_id, person_ids=str(list(person_ids)))
    return [_shown(vault, each) for each in found]


def held(transaction: Transaction, vault: Vault, account_id: int, person_id: int, type_id: int) -> Credential | None:
    """What a person has of a type."""
    found = transaction.one(_OF_TYPE, account_id=account_id, the_person=person_id, the_type=type_id)
    return None if found is None else _shown(vault, found)


def add(transaction: Transaction, wanted: CredentialType, person_id: int, chosen: Chosen, now: int) -> Credential:
    """Write a new credential, whose value `choose` has settled. Notes nothing."""
    forget_dead(transaction, wanted.account_id, chosen)
    try:
        credential_id = transaction.one(
            _ADD,
            account_id=wanted.account_id,
            person_id=person_id,
            credential_type_id=wanted.id,
            value=chosen.stored,
            lookup=chosen.lookup,
            created_at=now,
            updated_at=now,
        )
    except Rejected as error:
        raise _refused(error) from error
    return Credential(
        require(credential_id),
        wanted.account_id,
        person_id,
        wanted.id,
        wanted.label,
        wanted.slug,
        wanted.kind,
        chosen.value,
        now,
        now,
    )


def change(transaction: Transaction, found: Credential, chosen: Chosen, now: int) -> Credential:
    """Write another value, which `choose` has settled, into a credential. Notes nothing."""
    forget_dead(transaction, found.account_id, chosen)
    try:
        transaction.run(_CHANGE, the_id=found.id, value=chosen.stored, lookup=chosen.lookup, now=now)
    except Rejected as error:
        raise _refused(error) from error
    return found._replace(value=chosen.value, updated_at=now)


def remove(transaction: Transaction, credential_id: int) -> None:
    """Remove a credential. Notes nothing."""
    transaction.run(_REMOVE, the_id=credential_id)


def retire(transaction: Transaction, person_id: int, now: int) -> None:
    """Let a deleted person's credentials open nothing, and stay known until somebody else has them."""
    transaction.run(_RETIRE, the_person=person_id, now=now)


def _require_person(transaction: Transaction, account_id: int, person_id: int) -> None:
    if _PEOPLE.missing(transaction, account_id, (person_id,)):
        raise NotFound


def _read_value(fields: StructuredFields) -> str:
    value = fields.text("value")
    if not value and "value" not in fields.errors:
        fields.complain("value", REQUIRED)
    return value or ""


def _find_type(
    transaction: Transaction, fields: StructuredFields, account_id: int, type_id: int
) -> CredentialType | None:
    try:
        return get_type(transaction, account_id, type_id)
    except NotFound:
        fields.complain("credential_type_id", "Not found for this account")
        return None


def _choose(
    transaction: Transaction,
    vault: Vault,
    wanted: CredentialType,
    value: str,
    *,
    person_id: int,
    credential_id: int = 0,
) -> Chosen:
    try:
        return choose(transaction, vault, wanted, value, person_id=person_id, credential_id=credential_id)
    except InvalidText as error:
        raise Invalid({"value": [str(error)]}) from error


def _shown(vault: Vault, found: Credential) -> Credential:
    return found._replace(value=shown_value(vault, found.account_id, found.kind, found.value))


def _refused(error: Rejected) -> Exception:
    if error.names("lookup"):
        return Invalid({"value": [VALUE_IN_USE]})
    return Conflict(AlreadyEnrolled.text)
