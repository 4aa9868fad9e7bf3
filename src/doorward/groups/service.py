"""Groups: people who hold the same roles (contract, Group)."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, select

from doorward.changes.people import note_people, touch
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.groups.tables import groups, person_groups
from doorward.kit.errors import NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.people.tables import people
from doorward.roles.tables import group_roles, roles


class Group(NamedTuple):
    """A group with its roles and its people."""

    id: int
    account_id: int
    name: str
    name_key: str
    notes: str | None
    global_across_sites: bool
    created_at: int
    updated_at: int
    role_ids: tuple[int, ...] = ()
    person_ids: tuple[int, ...] = ()


class _Sets(NamedTuple):
    """What a body wants the group to link; None: as it is."""

    role_ids: Sequence[int] | None
    person_ids: Sequence[int] | None


_GROUPS: Final = Rows(groups, Group)
_OF_ACCOUNT: Final = groups.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, groups.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_GROUPS.columns).where(_OF_ACCOUNT).order_by(groups.c.name_key, groups.c.id), _GROUPS.of)
_ONE: Final = Query(select(*_GROUPS.columns).where(_THIS_ONE), _GROUPS.of)
_TO_CHANGE: Final = Query(select(*_GROUPS.columns).where(_THIS_ONE).with_for_update(key_share=True), _GROUPS.of)
_REMOVE: Final = Query[None](delete(groups).where(groups.c.id == bindparam("the_id")))

_LASTING_ROLES: Final = Owned(roles, roles.c.reservation_id.is_(None))
_PEOPLE: Final = Owned(people, people.c.deleted_at.is_(None))
_HOLDS: Final = Links(group_roles.c.group_id, group_roles.c.role_id)
_HAS: Final = Links(person_groups.c.group_id, person_groups.c.person_id)


def create_group(transaction: Transaction, account_id: int, body: object, now: int) -> Group:
    """A new group: `name`, and optionally `notes`, `global_across_sites`, `role_ids`, `person_ids`. Raises Invalid."""
    fields = StructuredFields(body)
    wanted = _read(fields, Group(0, account_id, "", "", None, False, now, now))
    sets = _read_sets(transaction, fields, account_id)
    fields.check()
    wanted = wanted._replace(id=require(transaction.one(_GROUPS.add, **_GROUPS.params(wanted))))
    return _write_sets(transaction, wanted, sets, now)


def update_group(transaction: Transaction, account_id: int, group_id: int, body: object, now: int) -> Group:
    """Change what is given; lists of ids replace. Raises NotFound or Invalid."""
    fields = StructuredFields(body)
    wanted = _read(fields, _to_change(transaction, account_id, group_id))._replace(updated_at=now)
    sets = _read_sets(transaction, fields, account_id)
    fields.check()
    transaction.run(_GROUPS.change, the_id=group_id, **_GROUPS.params(wanted))
    return _write_sets(transaction, wanted, sets, now)


def delete_group(transaction: Transaction, account_id: int, group_id: int, now: int) -> None:
    """Remove a group; its people lose the roles that they held through it alone. Raises NotFound."""
    _to_change(transaction, account_id, group_id)
    members = _HAS.of(transaction, group_id)
    touch(transaction, members, now)
    transaction.run(_REMOVE, the_id=group_id)
    note_people(transaction, account_id, members, now)


def get_group(transaction: Transaction, account_id: int, group_id: int) -> Group:
    """One group. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=group_id)
    if found is None:
        raise NotFound
    return _with_sets(transaction, [found])[0]


def list_groups(transaction: Transaction, account_id: int) -> list[Group]:
    """The account's groups, by name without regard to case and then by id."""
    return _with_sets(transaction, transaction.all(_ALL, account_id=account_id))


def _to_change(transaction: Transaction, account_id: int, group_id: int) -> Group:
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=group_id)
    if found is None:
        raise NotFound
    return found


def _read(fields: StructuredFields, before: Group) -> Group:
    wanted = before
    if not before.name or "name" in fields:
        name = fields.name("name", required=True) or ""
        wanted = wanted._replace(name=name, name_key=sort_key(name))
    if "notes" in fields:
        wanted = wanted._replace(notes=fields.notes())
    return wanted._replace(global_across_sites=fields.flag("global_across_sites", before=before.global_across_sites))


def _read_sets(transaction: Transaction, fields: StructuredFields, account_id: int) -> _Sets:
    role_ids = fields.identities("role_ids")
    _LASTING_ROLES.check(transaction, account_id, fields, "role_ids", role_ids)
    person_ids = fields.identities("person_ids")
    _PEOPLE.check(transaction, account_id, fields, "person_ids", person_ids)
    return _Sets(role_ids, person_ids)


def _write_sets(transaction: Transaction, group: Group, sets: _Sets, now: int) -> Group:
    """Write the links, then note what doors have to learn of: a group's own name means nothing to them."""
    moved: Collection[int] = ()  # whose roles are others now
    if sets.person_ids is not None:
        moved = _HAS.replace(transaction, group.id, sets.person_ids)
        touch(transaction, moved, now)
    if sets.role_ids is not None and _HOLDS.replace(transaction, group.id, sets.role_ids):
        moved = {*moved, *_HAS.of(transaction, group.id)}
    written = _with_sets(transaction, [group])[0]
    note_people(transaction, group.account_id, moved, now)
    return written


def _with_sets(transaction: Transaction, found: Sequence[Group]) -> list[Group]:
    if not found:
        return []
    ids = [group.id for group in found]
    holds, has = _HOLDS.of_many(transaction, ids), _HAS.of_many(transaction, ids)
    return [group._replace(role_ids=holds.get(group.id, ()), person_ids=has.get(group.id, ())) for group in found]
