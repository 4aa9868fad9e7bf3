"""People: created, changed, deleted, found (behaviour.md, "People"; contract, Person and PersonInput).

Deleting is soft: access ends at once, but events keep the name, and clients that follow `since` learn of it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, or_, select

from doorward.accounts.service import get_account
from doorward.changes import service as changes
from doorward.credentials import of_person
from doorward.credentials.enrolled import retire
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.groups.tables import groups, person_groups
from doorward.kit.crypto import Vault
from doorward.kit.errors import Invalid, NotFound
from doorward.kit.pages import Page
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import EARLIEST
from doorward.people.person import PEOPLE, Person, read_person
from doorward.people.tables import people
from doorward.roles.grants import remove_roles_of_person
from doorward.roles.tables import person_roles, roles

IN_USE: Final = "is already in use on your account"

_OF_ACCOUNT: Final = people.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, people.c.id == bindparam("the_id"), people.c.deleted_at.is_(None))

_ONE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE), PEOPLE.of)
_TO_CHANGE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE).with_for_update(key_share=True), PEOPLE.of)
# Whoever gives the person something meanwhile (a reservation, a group, a credential) holds a lock that this waits for.
_TO_DELETE: Final = Query(select(*PEOPLE.columns).where(_THIS_ONE).with_for_update(), PEOPLE.of)
_WITH_EMAIL: Final = Query(
    select(people.c.id).where(
        _OF_ACCOUNT, people.c.email_key == bindparam("the_key"), people.c.id != bindparam("the_id")
    ),
    number,
)
_WANTED: Final[ColumnElement[bool]] = and_(
    _OF_ACCOUNT,
    people.c.updated_at >= bindparam("since"),
    or_(people.c.deleted_at.is_(None), bindparam("with_deleted") == 1),
    or_(
        bindparam("email", type_=Text) == "",
        func.lower(people.c.email).like(bindparam("email_pattern", type_=Text), escape="\\"),
    ),
    or_(bindparam("system_id", type_=Text) == "", people.c.system_id == bindparam("system_id", type_=Text)),
)
_PAGE: Final = Query(
    select(*PEOPLE.columns).where(_WANTED).order_by(people.c.id).limit(bindparam("limit")).offset(bindparam("offset")),
    PEOPLE.of,
)
_COUNT: Final = Query(select(func.count()).select_from(people).where(_WANTED), number)

_GROUPS: Final = Owned(groups)
_ROLES: Final = Owned(roles)
_LASTING_ROLES: Final = Owned(roles, roles.c.reservation_id.is_(None))
_IN_GROUPS: Final = Links(person_groups.c.person_id, person_groups.c.group_id)
_HOLDS: Final = Links(person_roles.c.person_id, person_roles.c.role_id)
_HOLDS_LASTING: Final = Links(
    person_roles.c.person_id,
    person_roles.c.role_id,
    person_roles.c.role_id.in_(select(roles.c.id).where(roles.c.reservation_id.is_(None))),
)


class _Sets(NamedTuple):
    """What a body wants the person's groups and roles to be; None: as they are."""

    group_ids: Sequence[int] | None
    role_ids: Sequence[int] | None


def create_person(transaction: Transaction, vault: Vault, account_id: int, body: object, now: int) -> Person:
    """A new person, with groups, roles and credentials as the body says. Raises Invalid."""
    fields = StructuredFields(body)
    zone = ZoneInfo(get_account(transaction, account_id).time_zone)
    wanted = read_person(fields, Person(0, account_id, "", "", "", now, now), zone)
    _check_email(transaction, fields, wanted)
    sets = _read_sets(transaction, fields, account_id, held=())
    plans = of_person.plan(transaction, vault, account_id, fields)
    fields.check()
    try:
        person_id = require(transaction.one(PEOPLE.add, **PEOPLE.params(wanted)))
    except Rejected as error:
        raise _email_in_use() from error
    _write_sets(transaction, person_id, sets)
    of_person.carry_out(transaction, person_id, plans, now)
    created = _with_sets(transaction, [wanted._replace(id=person_id)])[0]
    changes.note(transaction, account_id, now, person_id=person_id)
    return created


def update_person(
    transaction: Transaction, vault: Vault, account_id: int, person_id: int, body: object, now: int
) -> Person:
    """Change what is given. `group_ids` and `role_ids` replace; reservations stay. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    zone = ZoneInfo(get_account(transaction, account_id).time_zone)
    wanted = read_person(fields, found, zone)._replace(updated_at=now)
    _check_email(transaction, fields, wanted)
    sets = _read_sets(transaction, fields, account_id, held=_HOLDS.of(transaction, person_id))
    plans = of_person.plan(transaction, vault, account_id, fields, person_id)
    fields.check()
    try:
        transaction.run(PEOPLE.change, the_id=person_id, **PEOPLE.params(wanted))
    except Rejected as error:
        raise _email_in_use() from error
    _write_sets(transaction, person_id, sets)
    of_person.carry_out(transaction, person_id, plans, now)
    changed = _with_sets(transaction, [wanted])[0]
    changes.note(transaction, account_id, now, person_id=person_id)
    return changed


def delete_person(transaction: Transaction, account_id: int, person_id: int, now: int) -> None:
    """End a person's access at once: their credentials, groups, roles and reservations. Raises NotFound."""
    found = transaction.one(_TO_DELETE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    deleted = found._replace(email_key=None, deleted_at=now, updated_at=now)
    transaction.run(PEOPLE.change, the_id=person_id, **PEOPLE.params(deleted))
    retire(transaction, person_id, now)
    reserved = remove_roles_of_person(transaction, person_id)
    _write_sets(transaction, person_id, _Sets((), ()))
    changes.note(transaction, account_id, now, person_id=person_id)
    for role in reserved:
        changes.note(transaction, account_id, now, role_id=role.id)


def get_person(transaction: Transaction, account_id: int, person_id: int) -> Person:
    """One person. Raises NotFound, also for one who is deleted."""
    found = transaction.one(_ONE, account_id=account_id, the_id=person_id)
    if found is None:
        raise NotFound
    return _with_sets(transaction, [found])[0]


def list_people(
    transaction: Transaction,
    account_id: int,
    page: Page,
    *,
    since: int = EARLIEST,
    email: str = "",
    system_id: str = "",
) -> tuple[list[Person], int]:
    """A page of the account's people, by id, and how many there are in all.

    `email` is a part of the address, in any case. With `since`, people who were deleted since are listed, too.
    """
    params = {
        "account_id": account_id,
        "since": since,
        "with_deleted": int(since > EARLIEST),
        "email": email,
        "email_pattern": _containing(email.lower()),
        "system_id": system_id,
    }
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, **params)
    listed = _with_sets(transaction, found)
    if page.offset == 0 and len(found) < page.limit:
        return listed, len(found)
    return listed, transaction.one(_COUNT, **params) or 0


def _containing(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _check_email(transaction: Transaction, fields: StructuredFields, wanted: Person) -> None:
    if wanted.email_key is not None and "email" in fields:
        found = transaction.one(_WITH_EMAIL, account_id=wanted.account_id, the_key=wanted.email_key, the_id=wanted.id)
        if found is not None:
            fields.complain("email", IN_USE)


def _email_in_use() -> Invalid:
    """The only constraint that a person can break once the body has been read: somebody else was quicker."""
    return Invalid({"email": [IN_USE]})


def _read_sets(transaction: Transaction, fields: StructuredFields, account_id: int, held: Sequence[int]) -> _Sets:
    """Read `group_ids` and `role_ids`. The person's reservation roles may be mentioned; they are kept anyway."""
    group_ids = fields.identities("group_ids")
    _GROUPS.check(transaction, account_id, fields, "group_ids", group_ids)
    role_ids = fields.identities("role_ids")
    _ROLES.check(transaction, account_id, fields, "role_ids", role_ids)
    if role_ids is None or "role_ids" in fields.errors:
        return _Sets(group_ids, None)
    reserved = _LASTING_ROLES.missing(transaction, account_id, role_ids)
    refused = [role_id for role_id in reserved if role_id not in held]
    if refused:
        fields.complain("role_ids", f"Belongs to a reservation: {', '.join(map(str, refused))}")
    return _Sets(group_ids, [role_id for role_id in role_ids if role_id not in reserved])


def _write_sets(transaction: Transaction, person_id: int, sets: _Sets) -> None:
    if sets.group_ids is not None:
        _IN_GROUPS.replace(transaction, person_id, sets.group_ids)
    if sets.role_ids is not None:
        _HOLDS_LASTING.replace(transaction, person_id, sets.role_ids)


def _with_sets(transaction: Transaction, found: Sequence[Person]) -> list[Person]:
    if not found:
        return []
    ids = [person.id for person in found]
    in_groups, holds = _IN_GROUPS.of_many(transaction, ids), _HOLDS.of_many(transaction, ids)
    return [
        person._replace(group_ids=in_groups.get(person.id, ()), role_ids=holds.get(person.id, ())) for person in found
    ]
