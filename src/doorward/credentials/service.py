"""Credentials: what a person presents at a door (behaviour.md, "Credentials").

A person has at most one of each type. PINs are encrypted in the database; no repr here, and so no log, shows a value.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, select

from doorward.changes import service as changes
from doorward.changes.people import touch
from doorward.credentials import enrolled
from doorward.credentials.choosing import Chosen, choose, lock
from doorward.credentials.enrolled import Credential, Sight, everybodys
from doorward.credentials.types import CredentialType, get_type
from doorward.credentials.values import normal_value
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.reach import require_reach_of_person

__all__ = [
    "AlreadyEnrolled",
    "Credential",
    "create_credential",
    "delete_credential",
    "get_credential",
    "list_credentials",
    "list_credentials_of",
    "normal_value",
    "update_credential",
]

_PEOPLE: Final = Owned(people, people.c.deleted_at.is_(None))
_PERSON: Final = Query(
    select(people.c.id).where(
        people.c.account_id == bindparam("account_id"),
        people.c.id == bindparam("the_id"),
        people.c.deleted_at.is_(None),
    ),
    number,
)


class AlreadyEnrolled(Conflict):
    """409: the person has a credential of this type; `existing` is the answer's body (contract, createCredential)."""

    text = "The person already has a credential of this type"

    def __init__(self, existing: Credential) -> None:
        super().__init__()
        self.existing = existing


def create_credential(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    body: object,
    now: int,
    *,
    by: Principal | None = None,
) -> Credential:
    """Give a person a credential: `credential_type_id` and `value`, which "******" makes a random PIN.

    `by` is who asks, None the installation's operator. Raises NotFound for the person, Forbidden for one beyond the
    user's reach, AlreadyEnrolled, or Invalid.
    """
    fields = StructuredFields(body)
    _require_person(transaction, account_id, person_id)
    require_reach_of_person(transaction, by, person_id, now)
    type_id = fields.identity("credential_type_id", required=True)
    value = _read_value(fields)
    found = None if type_id is None else _find_type(transaction, fields, account_id, type_id)
    if fields.identity("person_id") not in (None, person_id):
        fields.complain("person_id", "must be the person whose credential it is")
    fields.check()
    wanted = require(found)
    lock(transaction, account_id)
    existing = enrolled.held(transaction, vault, account_id, person_id, wanted.id)
    if existing is not None:
        raise AlreadyEnrolled(existing)
    created = enrolled.add(transaction, wanted, person_id, _choose(transaction, vault, wanted, value, person_id), now)
    _tell(transaction, account_id, person_id, now)
    return created


def update_credential(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    credential_id: int,
    body: object,
    now: int,
    *,
    by: Principal | None = None,
) -> Credential:
    """Change the `value` of a person's credential. Raises NotFound, Forbidden as create_credential does, or Invalid."""
    fields = StructuredFields(body)
    _require_person(transaction, account_id, person_id)
    require_reach_of_person(transaction, by, person_id, now)
    lock(transaction, account_id)
    found = get_credential(transaction, vault, account_id, person_id, credential_id)
    value = _read_value(fields)
    fields.check()
    if value == found.value:
        return found
    wanted = get_type(transaction, account_id, found.credential_type_id)
    chosen = _choose(transaction, vault, wanted, value, person_id, credential_id)
    changed = enrolled.change(transaction, found, chosen, now)
    _tell(transaction, account_id, person_id, now)
    return changed


def delete_credential(
    transaction: Transaction,
    account_id: int,
    person_id: int,
    credential_id: int,
    now: int,
    *,
    by: Principal | None = None,
) -> None:
    """Take a credential away from a person. Raises NotFound, and Forbidden as create_credential does."""
    _require_person(transaction, account_id, person_id)
    require_reach_of_person(transaction, by, person_id, now)
    if not enrolled.remove(transaction, account_id, person_id, credential_id, now):
        raise NotFound
    _tell(transaction, account_id, person_id, now)


def get_credential(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    credential_id: int,
    sight: Sight = everybodys,
) -> Credential:
    """One live credential of a person. Raises NotFound."""
    found = enrolled.find(transaction, vault, account_id, person_id, credential_id, sight)
    if found is None:
        raise NotFound
    return found


def list_credentials(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_ids: Collection[int],
    sight: Sight = everybodys,
) -> list[Credential]:
    """The live credentials of people, oldest first."""
    return enrolled.of_people(transaction, vault, account_id, person_ids, sight)


def list_credentials_of(
    transaction: Transaction, vault: Vault, account_id: int, person_id: int, sight: Sight
) -> list[Credential]:
    """The live credentials of one person, oldest first. Raises NotFound for the person."""
    if transaction.one(_PERSON, account_id=account_id, the_id=person_id) is None:
        raise NotFound
    return enrolled.of_people(transaction, vault, account_id, [person_id], sight)


def _require_person(transaction: Transaction, account_id: int, person_id: int) -> None:
    if _PEOPLE.missing(transaction, account_id, (person_id,)):
        raise NotFound


def _read_value(fields: StructuredFields) -> str:
    value = fields.written("value")
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
    person_id: int,
    credential_id: int = 0,
) -> Chosen:
    try:
        return choose(transaction, vault, wanted, value, person_id=person_id, credential_id=credential_id)
    except InvalidText as error:
        raise Invalid({"value": [str(error)]}) from error


def _tell(transaction: Transaction, account_id: int, person_id: int, now: int) -> None:
    touch(transaction, [person_id], now)
    changes.note(transaction, account_id, now, person_id=person_id)
