"""Credentials as fields of their person: `"card_number": "1234"`, named by the credential type's slug.

In two steps, so that a person's body is refused with all that is wrong in it before anything is written.
"""

from typing import NamedTuple

from doorward.credentials import enrolled
from doorward.credentials.choosing import VALUE_IN_USE, Chosen, choose, lock
from doorward.credentials.enrolled import Credential, nobodys
from doorward.credentials.pins import MEMORISED
from doorward.credentials.types import CredentialType, list_types
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import Vault
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText
from doorward.oauth.principal import Principal


class Plan(NamedTuple):
    """What is to become of a person's credential of one type; `chosen` None takes it away."""

    type: CredentialType
    held: Credential | None
    chosen: Chosen | None


def gives_or_takes(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    fields: StructuredFields,
    person_id: int,
    by: Principal | None,
) -> bool:
    """Whether a user who is limited to sites asks for other credentials than the person has; of others: no matter.

    A PIN that is given counts, whichever it is: who may not read it is not told whether they have guessed it.
    """
    if by is None or not by.site_limited:
        return False
    asked = [found for found in list_types(transaction, account_id) if found.slug in fields]
    if not asked:
        return False
    held = {each.slug: each.value for each in enrolled.of_people(transaction, vault, account_id, [person_id], nobodys)}
    given = {found: fields.written(found.slug) or None for found in asked}
    return any(
        value != held.get(found.slug) or (value is not None and found.kind in MEMORISED)
        for found, value in given.items()
    )


def plan(
    transaction: Transaction, vault: Vault, account_id: int, fields: StructuredFields, person_id: int = 0
) -> list[Plan]:
    """Read the fields that name credentials, complaining about those that cannot be given.

    `person_id` 0 is somebody who does not exist yet.
    """
    asked = [found for found in list_types(transaction, account_id) if found.slug in fields]
    if asked:
        lock(transaction, account_id)
    plans: list[Plan] = []
    for wanted in asked:
        value = None if wanted.slug in fields.errors else fields.written(wanted.slug)
        if wanted.slug in fields.errors:
            continue
        held = enrolled.held(transaction, vault, account_id, person_id, wanted.id) if person_id else None
        if not value:
            plans.append(Plan(wanted, held, None))
        elif held is None or value != held.value:
            try:
                chosen = choose(
                    transaction, vault, wanted, value, person_id=person_id, credential_id=held.id if held else 0
                )
            except InvalidText as error:
                fields.complain(wanted.slug, str(error))
                continue
            if any(other.chosen is not None and other.chosen.lookup == chosen.lookup for other in plans):
                fields.complain(wanted.slug, VALUE_IN_USE)
            plans.append(Plan(wanted, held, chosen))
    return plans


def carry_out(transaction: Transaction, person_id: int, plans: list[Plan], now: int) -> None:
    """Write what was planned. Notes nothing."""
    for each in plans:
        if each.chosen is None:
            if each.held is not None:
                enrolled.remove(transaction, each.held.account_id, person_id, each.held.id, now)
        elif each.held is None:
            enrolled.add(transaction, each.type, person_id, each.chosen, now)
        else:
            enrolled.change(transaction, each.held, each.chosen, now)
