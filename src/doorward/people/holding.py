"""Which groups a person is in, and which roles they hold themselves: read from a body, checked, written."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import select

from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.unit_of_work import Transaction
from doorward.groups.reserved import reserved_groups
from doorward.groups.tables import groups, person_groups
from doorward.kit.errors import Forbidden, Invalid
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import PERMISSIONS
from doorward.people.person import Person
from doorward.roles.reach import require_reach
from doorward.roles.tables import person_roles, roles

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


class Sets(NamedTuple):
    """What a body wants the person's groups and roles to be; None: as they are."""

    group_ids: Sequence[int] | None
    role_ids: Sequence[int] | None


NOTHING: Final = Sets((), ())


def read_sets(
    transaction: Transaction, fields: StructuredFields, before: Person, now: int, by: Principal | None = None
) -> Sets:
    """Read `group_ids` and `role_ids`.

    What the person has by a reservation may be mentioned, for it is among what a client has read; it is kept anyway,
    for as long as the reservation lasts and no longer.

    Raises Forbidden for `role_ids` from a user who may not edit roles (contract, PersonInput: "requires permission").
    It is the user's permission that counts, not a scope of the application; `by` None is the installation's operator.
    """
    account_id = before.account_id
    group_ids = fields.identities("group_ids")
    role_ids = fields.identities("role_ids")
    if role_ids is not None and by is not None and "account.role" not in PERMISSIONS[by.user_role]:
        raise Forbidden
    _GROUPS.check(transaction, account_id, fields, "group_ids", group_ids)
    _ROLES.check(transaction, account_id, fields, "role_ids", role_ids)
    if role_ids is not None and "role_ids" not in fields.errors:
        reserved = _LASTING_ROLES.missing(transaction, account_id, role_ids)
        refused = [role_id for role_id in reserved if role_id not in before.role_ids]
        if refused:
            fields.complain("role_ids", f"Belongs to a reservation: {', '.join(map(str, refused))}")
        role_ids = [role_id for role_id in role_ids if role_id not in reserved]
    if group_ids:
        lent = {pair.group_id for pair in reserved_groups(transaction, [before.id], now)} - {*before.group_ids}
        group_ids = [group_id for group_id in group_ids if group_id not in lent]
    found = Sets(group_ids, role_ids)
    if by is not None and not fields.errors.keys() & {"group_ids", "role_ids"}:
        _check_reach(transaction, fields, before, found, by)
    return found


def write_sets(transaction: Transaction, person_id: int, sets: Sets) -> None:
    """Let the person be in these groups, and hold these roles beside those of their reservations."""
    if sets.group_ids is not None:
        _IN_GROUPS.replace(transaction, person_id, sets.group_ids)
    if sets.role_ids is not None:
        _HOLDS_LASTING.replace(transaction, person_id, sets.role_ids)


def with_sets(transaction: Transaction, found: Sequence[Person]) -> list[Person]:
    """The people with their groups and roles."""
    if not found:
        return []
    ids = [person.id for person in found]
    in_groups, holds = _IN_GROUPS.of_many(transaction, ids), _HOLDS.of_many(transaction, ids)
    return [
        person._replace(group_ids=in_groups.get(person.id, ()), role_ids=holds.get(person.id, ())) for person in found
    ]


def _check_reach(
    transaction: Transaction, fields: StructuredFields, before: Person, wanted: Sets, by: Principal
) -> None:
    """Complain about what a user who is limited to sites must neither give nor take."""
    lasting = _HOLDS_LASTING.of(transaction, before.id) if wanted.role_ids is not None else ()
    given_or_taken = {
        "group_ids": () if wanted.group_ids is None else {*before.group_ids} ^ {*wanted.group_ids},
        "role_ids": () if wanted.role_ids is None else {*lasting} ^ {*wanted.role_ids},
    }
    try:
        require_reach(transaction, by, **given_or_taken)
    except Invalid as error:
        for name, messages in error.errors.items():
            for message in messages:
                fields.complain(name, message)
