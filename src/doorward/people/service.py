"""People: created, changed, deleted, found by id (behaviour.md, "People"; contract, Person and PersonInput).

Deleting is soft: access ends at once, but events keep the name, and clients that follow `since` learn of it.
"""

from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select

from doorward.accounts.tables import accounts
from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.credentials import of_person
from doorward.credentials.enrolled import retire
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.groups.reserved import end_for_person
from doorward.images.service import put_image, remove_image
from doorward.images.wanted import AS_IT_IS, WantedImage
from doorward.kit.crypto import Vault
from doorward.kit.errors import Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.people.holding import NOTHING, read_sets, with_sets, write_sets
from doorward.people.person import PEOPLE, Customs, Person, read_person
from doorward.people.search import address_changed
from doorward.people.tables import people
from doorward.people.tally import tally
from doorward.roles.grants import remove_roles_of_person
from doorward.roles.reach import require_reach_of_person

IN_USE: Final = "is already in use on your account"

ACCESS: Final = ("enabled", "valid_from", "valid_to")
"""The fields that decide whether somebody passes, wherever they have roles."""

_OF_ACCOUNT: Final = people.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, people.c.id == bindparam("the_id"), people.c.deleted_at.is_(None))

_ONE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE), PEOPLE.of)
_TO_CHANGE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE).with_for_update(key_share=True), PEOPLE.of)
# Whoever gives the person something meanwhile (a reservation, a group, a credential) holds a lock that this waits for.
_TO_DELETE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE).with_for_update(), PEOPLE.of)
_WITH_EMAIL: Final = Query(
    select(people.c.id).where(
        _OF_ACCOUNT,
        people.c.email_key == bindparam("the_key"),
        people.c.id != bindparam("the_id"),
        people.c.deleted_at.is_(None),
    ),
    number,
)

_CUSTOMS: Final = Query(
    select(accounts.c.time_zone, accounts.c.passport_enabled).where(accounts.c.id == bindparam("account_id")),
    lambda time_zone, passports: Customs(ZoneInfo(time_zone), bool(passports)),
)


def create_person(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    body: object,
    now: int,
    *,
    by: Principal | None = None,
    image: WantedImage = AS_IT_IS,
) -> Person:
    """A new person, with groups, roles and credentials as the body says, and a photo that has been read from it.

    `by` is who asks, None the installation's operator. Raises Invalid, and Forbidden as read_sets does.
    """
    fields = StructuredFields(body)
    nobody = Person(0, account_id, "", "", "", now, now)
    wanted = read_person(fields, nobody, require(transaction.one(_CUSTOMS, account_id=account_id)))
    _check_email(transaction, fields, wanted)
    _complain_of_image(fields, image)
    sets = read_sets(transaction, fields, nobody, now, by)
    plans = of_person.plan(transaction, vault, account_id, fields)
    fields.check()
    try:
        person_id = require(transaction.one(PEOPLE.add, **PEOPLE.params(wanted)))
    except Rejected as error:
        raise _email_in_use() from error
    address_changed(transaction, person_id, None, wanted.email_key)
    write_sets(transaction, person_id, sets)
    created = with_sets(transaction, [wanted._replace(id=person_id)])[0]
    audit.created(transaction, account_id, "person", created, now)
    of_person.carry_out(transaction, person_id, plans, now)
    _keep_image(transaction, created, image, now)
    tally(transaction, account_id, 1)
    changes.note(transaction, account_id, now, person_id=person_id)
    return created


def update_person(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    person_id: int,
    body: object,
    now: int,
    *,
    by: Principal | None = None,
    image: WantedImage = AS_IT_IS,
) -> Person:
    """Change what is given. `group_ids` and `role_ids` replace; reservations stay.

    Raises NotFound or Invalid, and Forbidden as read_sets does, and where a user who is limited to sites would decide
    whether somebody passes at others (roles/reach.py).
    """
    fields = StructuredFields(body)
    before = hold_person(transaction, account_id, person_id)
    customs = require(transaction.one(_CUSTOMS, account_id=account_id))
    wanted = read_person(fields, before, customs)._replace(updated_at=now)
    if _decides_access(before, wanted) or of_person.gives_or_takes(
        transaction, vault, account_id, fields, person_id, by
    ):
        require_reach_of_person(transaction, by, person_id, now)
    _check_email(transaction, fields, wanted)
    _complain_of_image(fields, image)
    sets = read_sets(transaction, fields, before, now, by)
    plans = of_person.plan(transaction, vault, account_id, fields, person_id)
    fields.check()
    try:
        transaction.run(PEOPLE.change, the_id=person_id, **PEOPLE.params(wanted))
    except Rejected as error:
        raise _email_in_use() from error
    address_changed(transaction, person_id, before.email_key, wanted.email_key)
    write_sets(transaction, person_id, sets)
    changed = with_sets(transaction, [wanted])[0]
    audit.changed(transaction, account_id, "person", before, changed, now)
    of_person.carry_out(transaction, person_id, plans, now)
    _keep_image(transaction, changed, image, now)
    changes.note(transaction, account_id, now, person_id=person_id)
    return changed


def _decides_access(before: Person, wanted: Person) -> bool:
    return any(getattr(before, name) != getattr(wanted, name) for name in ACCESS)


def delete_person(
    transaction: Transaction, account_id: int, person_id: int, now: int, *, by: Principal | None = None
) -> None:
    """End a person's access at once: their credentials, groups, roles and reservations; their photo goes, too.

    Raises NotFound, and Forbidden as update_person does.
    """
    found = transaction.one(_TO_DELETE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    require_reach_of_person(transaction, by, person_id, now)
    audit.deleted(transaction, account_id, "person", with_sets(transaction, [found])[0], now)
    deleted = found._replace(deleted_at=now, updated_at=now)
    transaction.run(PEOPLE.change, the_id=person_id, **PEOPLE.params(deleted))
    retire(transaction, person_id, now)
    remove_image(transaction, account_id, person_id, now)
    end_for_person(transaction, person_id, now)
    reserved = remove_roles_of_person(transaction, person_id)
    write_sets(transaction, person_id, NOTHING)
    tally(transaction, account_id, -1)
    changes.note(transaction, account_id, now, person_id=person_id)
    for role in reserved:
        changes.note(transaction, account_id, now, role_id=role.id)


def get_person(transaction: Transaction, account_id: int, person_id: int) -> Person:
    """One person. Raises NotFound, also for one who is deleted."""
    found = transaction.one(_ONE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    return with_sets(transaction, [found])[0]


def hold_person(transaction: Transaction, account_id: int, person_id: int) -> Person:
    """The same, held against others who would change it: for what is reckoned from what the person has.

    Raises NotFound.
    """
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    return with_sets(transaction, [found])[0]


def _check_email(transaction: Transaction, fields: StructuredFields, wanted: Person) -> None:
    if wanted.email_key is not None and "email" in fields:
        found = transaction.one(_WITH_EMAIL, account_id=wanted.account_id, the_key=wanted.email_key, the_id=wanted.id)
        if found is not None:
            fields.complain("email", IN_USE)


def _email_in_use() -> Invalid:
    """The only constraint that a person can break once the body has been read: somebody else was quicker."""
    return Invalid({"email": [IN_USE]})


def _complain_of_image(fields: StructuredFields, image: WantedImage) -> None:
    for name, reason in image.errors.items():
        fields.complain(name, reason)


def _keep_image(transaction: Transaction, person: Person, image: WantedImage, now: int) -> None:
    if image.picture is not None:
        put_image(transaction, person.account_id, person.id, image.picture, now)
    elif image.remove:
        remove_image(transaction, person.account_id, person.id, now)
