"""Groups: people who hold the same roles (contract, Group).

A group may have a hundred thousand people. They are counted, and listed page by page, but never loaded to change
something else of the group.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, select, update

from doorward.audit import service as audit
from doorward.changes.people import note_people, people_in, touch
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, one_of
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Transaction, require
from doorward.groups.reserved import touch_reservations_of
from doorward.groups.tables import groups, person_groups
from doorward.kit.errors import Forbidden, Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.reach import require_reach, visible_roles
from doorward.roles.tables import group_roles, roles

GROUP: Final = "group"
MOST_NAMED: Final = 1000
"""Of more people than this who were taken out at once, the audit log tells the number only."""


class Group(NamedTuple):
    """A group with its roles, and how many people are in it."""

    id: int
    account_id: int
    name: str
    name_key: str
    notes: str | None
    global_across_sites: bool
    created_at: int
    updated_at: int
    role_ids: tuple[int, ...] = ()
    people_count: int = 0


class _Sets(NamedTuple):
    """What a body wants the group to link; None: as it is."""

    role_ids: Sequence[int] | None
    person_ids: Sequence[int] | None


class _Moved(NamedTuple):
    """Who came and who went."""

    added: Collection[int] = ()
    removed: Collection[int] = ()


_GROUPS: Final = Rows(groups, Group)
_OF_ACCOUNT: Final = groups.c.account_id == bindparam("account_id")
_THIS_ONE: Final = and_(_OF_ACCOUNT, groups.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_GROUPS.columns).where(_OF_ACCOUNT).order_by(groups.c.name_key, groups.c.id), _GROUPS.of)
_ONE: Final = Query(select(*_GROUPS.columns).where(_THIS_ONE), _GROUPS.of)
_TO_CHANGE: Final = Query(select(*_GROUPS.columns).where(_THIS_ONE).with_for_update(key_share=True), _GROUPS.of)
_REMOVE: Final = Query[None](delete(groups).where(groups.c.id == bindparam("the_id")))

_IN_GROUP: Final = select(person_groups.c.person_id).where(person_groups.c.group_id == bindparam("the_id"))
_TOUCH_MEMBERS: Final = Query[None](
    update(people).where(people.c.id.in_(_IN_GROUP)).values(updated_at=bindparam("now"))
)


def _pair(group_id: int, count: int) -> tuple[int, int]:
    return group_id, count


_COUNTS: Final = Query(
    select(person_groups.c.group_id, func.count())
    .where(one_of(person_groups.c.group_id, "ids"))
    .group_by(person_groups.c.group_id),
    _pair,
)

_LASTING_ROLES: Final = Owned(roles, roles.c.reservation_id.is_(None))
_PEOPLE: Final = Owned(people, people.c.deleted_at.is_(None))
_HOLDS: Final = Links(group_roles.c.group_id, group_roles.c.role_id)
_HAS: Final = Links(person_groups.c.group_id, person_groups.c.person_id)


def create_group(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Group:
    """A new group: `name`, and optionally `notes`, `global_across_sites`, `role_ids`, `person_ids`.

    Raises Invalid, also for roles that name doors beyond the sites that a user is limited to.
    """
    fields = StructuredFields(body)
    wanted = _read(fields, Group(0, account_id, "", "", None, False, now, now))
    sets = _read_sets(transaction, fields, account_id, by)
    fields.check()
    wanted = wanted._replace(id=require(transaction.one(_GROUPS.add, **_GROUPS.params(wanted))))
    return _write_sets(transaction, None, wanted, sets, now)


def update_group(
    transaction: Transaction, account_id: int, group_id: int, body: object, now: int, *, by: Principal | None = None
) -> Group:
    """Change what is given; lists of ids replace.

    Raises NotFound, Invalid as create_group() does, or Forbidden for a group whose roles name doors beyond the sites
    that a user is limited to.
    """
    fields = StructuredFields(body)
    found = hold_group(transaction, account_id, group_id, by=by)
    wanted = _read(fields, found)._replace(updated_at=now)
    sets = _read_sets(transaction, fields, account_id, by)
    fields.check()
    transaction.run(_GROUPS.change, the_id=group_id, **_GROUPS.params(wanted))
    return _write_sets(transaction, found, wanted, sets, now)


def delete_group(
    transaction: Transaction, account_id: int, group_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a group; its people lose the roles that they held through it alone.

    Raises NotFound, or Forbidden as update_group() does.
    """
    found = hold_group(transaction, account_id, group_id, by=by)
    transaction.run(_TOUCH_MEMBERS, the_id=group_id, now=now)
    touch_reservations_of(transaction, group_id, now)
    audit.deleted(transaction, account_id, GROUP, found, now)
    concerned = people_in(transaction, (group_id,), now)
    transaction.run(_REMOVE, the_id=group_id)
    note_people(transaction, account_id, concerned, now)


def get_group(transaction: Transaction, account_id: int, group_id: int, *, by: Principal | None = None) -> Group:
    """One group; of its roles, a user who is limited to sites sees those that name a channel there. Raises NotFound."""
    found = transaction.one(_ONE, account_id=account_id, the_id=group_id)
    if found is None:
        raise NotFound
    group = _with_sets(transaction, [found])[0]
    if by is not None and by.site_limited:
        visible = visible_roles(transaction, group.role_ids, by)
        group = group._replace(role_ids=tuple(role_id for role_id in group.role_ids if role_id in visible))
    return group


def list_groups(transaction: Transaction, account_id: int) -> list[Group]:
    """The account's groups, by name without regard to case and then by id."""
    return _with_sets(transaction, transaction.all(_ALL, account_id=account_id))


def list_plain_groups(transaction: Transaction, account_id: int) -> list[Group]:
    """The same without their roles and people: `role_ids` and `people_count` say nothing."""
    return transaction.all(_ALL, account_id=account_id)


def hold_group(transaction: Transaction, account_id: int, group_id: int, *, by: Principal | None = None) -> Group:
    """A group to be changed, held against others who would change it.

    Raises NotFound or Forbidden as update_group() does.
    """
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=group_id)
    if found is None:
        raise NotFound
    if by is not None:
        try:
            require_reach(transaction, by, group_ids=(group_id,))
        except Invalid:
            raise Forbidden from None
    return _with_sets(transaction, [found])[0]


def _read(fields: StructuredFields, before: Group) -> Group:
    wanted = before
    if not before.name or "name" in fields:
        name = fields.name("name", required=True) or ""
        wanted = wanted._replace(name=name, name_key=sort_key(name))
    if "notes" in fields:
        wanted = wanted._replace(notes=fields.notes())
    return wanted._replace(global_across_sites=fields.flag("global_across_sites", before=before.global_across_sites))


def _read_sets(transaction: Transaction, fields: StructuredFields, account_id: int, by: Principal | None) -> _Sets:
    role_ids = fields.identities("role_ids")
    _LASTING_ROLES.check(transaction, account_id, fields, "role_ids", role_ids)
    if by is not None and role_ids and "role_ids" not in fields.errors:
        try:
            require_reach(transaction, by, role_ids=role_ids)
        except Invalid as beyond:
            fields.complain("role_ids", beyond.errors["role_ids"][0])
    person_ids = fields.identities("person_ids")
    _PEOPLE.check(transaction, account_id, fields, "person_ids", person_ids)
    return _Sets(role_ids, person_ids)


def _write_sets(transaction: Transaction, before: Group | None, group: Group, sets: _Sets, now: int) -> Group:
    """Write the links, then note what doors have to learn of: a group's own name means nothing to them.

    `before` None: the group is new.
    """
    moved = _Moved()
    if sets.person_ids is not None:
        changed = _HAS.replace(transaction, group.id, sets.person_ids)
        moved = _Moved(changed.intersection(sets.person_ids), changed.difference(sets.person_ids))
        touch(transaction, changed, now)
    regranted = sets.role_ids is not None and bool(_HOLDS.replace(transaction, group.id, sets.role_ids))
    written = _with_sets(transaction, [group])[0]
    _log(transaction, before, written, moved, now)
    concerned: Collection[int] = {*moved.added, *moved.removed}  # whose roles are others now
    if regranted:
        concerned = {*concerned, *people_in(transaction, (group.id,), now)}
    note_people(transaction, group.account_id, concerned, now)
    return written


def _log(transaction: Transaction, before: Group | None, after: Group, moved: _Moved, now: int) -> None:
    """Log what has changed; of people, who came and who went."""
    if before is None:
        shown = {**audit.shown(after), **({"people_added": sorted(moved.added)} if moved.added else {})}
        audit.record(transaction, after.account_id, audit.CREATED, GROUP, after.id, now, after=shown)
        return
    was, is_now = audit.shown(before), audit.shown(after)
    names = [name for name in is_now if was[name] != is_now[name]]
    lost = {name: was[name] for name in names}
    won = {name: is_now[name] for name in names}
    if moved.added:
        won["people_added"] = sorted(moved.added)
    if moved.removed:
        lost["people_removed"] = sorted(moved.removed)[:MOST_NAMED]
    if lost or won:
        audit.record(transaction, after.account_id, audit.CHANGED, GROUP, after.id, now, before=lost, after=won)


def _with_sets(transaction: Transaction, found: Sequence[Group]) -> list[Group]:
    if not found:
        return []
    ids = [group.id for group in found]
    holds = _HOLDS.of_many(transaction, ids)
    counts = dict(transaction.all(_COUNTS, ids=str(ids)))
    return [group._replace(role_ids=holds.get(group.id, ()), people_count=counts.get(group.id, 0)) for group in found]
