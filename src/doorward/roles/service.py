"""Roles: which channels, when, and who holds them (behaviour.md, "Roles").

A reservation's role is listed with the others, but is made, and ended, by its reservation only.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, or_, select

from doorward.audit import service as audit
from doorward.changes import service as changes
from doorward.changes.people import note_people, people_in, touch
from doorward.channels.tables import channels
from doorward.db.links import Links
from doorward.db.ownership import Owned
from doorward.db.query import Query, number
from doorward.db.rows import Rows
from doorward.db.unit_of_work import Rejected, Transaction, require
from doorward.groups.tables import groups
from doorward.kit.errors import Conflict, Forbidden, Invalid, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.roles.tables import group_roles, person_roles, role_channels, roles
from doorward.shifts.tables import shifts
from doorward.sites.sight import accessible_channels

ROLE: Final = "role"
IN_USE: Final = "is already in use on your account"
_RESERVED_NAME: Final = re.compile(r"reservation\s+\d+", re.IGNORECASE)


class Role(NamedTuple):
    """A role with what it links. Without a shift it grants at any time."""

    id: int
    account_id: int
    name: str
    name_key: str
    shift_id: int | None
    notes: str | None
    reservation_id: int | None
    expires_at: int | None
    created_at: int
    updated_at: int
    channel_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    person_ids: tuple[int, ...] = ()


class _Sets(NamedTuple):
    """What a body wants the role to link; None: as it is."""

    channel_ids: Sequence[int] | None
    group_ids: Sequence[int] | None
    person_ids: Sequence[int] | None


_ROLES: Final = Rows(roles, Role)
_OF_ACCOUNT: Final = and_(
    roles.c.account_id == bindparam("account_id"),
    # The role of a reservation that has ended is gone, also before it is swept.
    or_(roles.c.expires_at.is_(None), roles.c.expires_at > bindparam("now")),
)
_THIS_ONE: Final = and_(_OF_ACCOUNT, roles.c.id == bindparam("the_id"))

_ALL: Final = Query(select(*_ROLES.columns).where(_OF_ACCOUNT).order_by(roles.c.name_key, roles.c.id), _ROLES.of)
_ONE: Final = Query(select(*_ROLES.columns).where(_THIS_ONE), _ROLES.of)
_TO_CHANGE: Final = Query(select(*_ROLES.columns).where(_THIS_ONE).with_for_update(key_share=True), _ROLES.of)
_WITH_NAME: Final = Query(
    select(roles.c.id).where(
        roles.c.account_id == bindparam("account_id"),
        roles.c.name == bindparam("the_name"),
        roles.c.id != bindparam("the_id"),
    ),
    number,
)
_REMOVE: Final = Query[None](delete(roles).where(roles.c.id == bindparam("the_id")))

_CHANNELS: Final = Owned(channels)
_GROUPS: Final = Owned(groups)
_PEOPLE: Final = Owned(people, people.c.deleted_at.is_(None))
# A reservation's shift goes with its reservation: no other role may be in its way.
_LASTING_SHIFTS: Final = Owned(shifts, shifts.c.starts_at.is_(None))
_NAMES_CHANNELS: Final = Links(role_channels.c.role_id, role_channels.c.channel_id)
_HELD_BY_GROUPS: Final = Links(group_roles.c.role_id, group_roles.c.group_id)
_HELD_BY_PEOPLE: Final = Links(person_roles.c.role_id, person_roles.c.person_id)


def create_role(
    transaction: Transaction, account_id: int, body: object, now: int, *, by: Principal | None = None
) -> Role:
    """A new role: `name`, and optionally `notes`, `shift_id`, `channel_ids`, `group_ids`, `person_ids`.

    Raises Invalid, also where a user who is limited to sites names other channels than those of these, or none.
    """
    fields = StructuredFields(body)
    wanted = _read(transaction, fields, Role(0, account_id, "", "", None, None, None, None, now, now))
    sets = _read_sets(transaction, fields, account_id)
    _check_reach(transaction, fields, sets.channel_ids or (), by)
    fields.check()
    try:
        wanted = wanted._replace(id=require(transaction.one(_ROLES.add, **_ROLES.params(wanted))))
    except Rejected as error:
        raise Invalid({"name": [IN_USE]}) from error
    return _write_sets(transaction, None, wanted, sets, now)


def update_role(
    transaction: Transaction, account_id: int, role_id: int, body: object, now: int, *, by: Principal | None = None
) -> Role:
    """Change what is given; lists of ids replace.

    Raises NotFound, Invalid, Conflict for a reservation's role, or Forbidden for one that names doors beyond the sites
    that a user is limited to.
    """
    fields = StructuredFields(body)
    found = hold_role(transaction, account_id, role_id, now, by=by)
    wanted = _read(transaction, fields, found)._replace(updated_at=now)
    sets = _read_sets(transaction, fields, account_id)
    if sets.channel_ids is not None:
        _check_reach(transaction, fields, sets.channel_ids, by)
    fields.check()
    try:
        transaction.run(_ROLES.change, the_id=role_id, **_ROLES.params(wanted))
    except Rejected as error:
        raise Invalid({"name": [IN_USE]}) from error
    return _write_sets(transaction, found, wanted, sets, now)


def delete_role(
    transaction: Transaction, account_id: int, role_id: int, now: int, *, by: Principal | None = None
) -> None:
    """Remove a role from whoever holds it. Raises NotFound, Conflict or Forbidden as update_role() does."""
    found = hold_role(transaction, account_id, role_id, now, by=by)
    touch(transaction, found.person_ids, now)
    transaction.run(_REMOVE, the_id=role_id)
    audit.deleted(transaction, account_id, ROLE, found, now)
    changes.note(transaction, account_id, now, role_id=role_id)


def get_role(
    transaction: Transaction, account_id: int, role_id: int, now: int = 0, *, by: Principal | None = None
) -> Role:
    """One role; gone when its reservation has ended by `now`. Raises NotFound.

    A user who is limited to sites sees a role that names a channel there, and of its channels those that are there.
    """
    found = transaction.one(_ONE, account_id=account_id, the_id=role_id, now=now)
    if found is None:
        raise NotFound
    role = _with_sets(transaction, [found])[0]
    if by is not None and by.site_limited:
        role = role._replace(channel_ids=tuple(sorted(_reached(transaction, role.channel_ids, by))))
        if not role.channel_ids:
            raise NotFound
    return role


def list_roles(transaction: Transaction, account_id: int, now: int = 0) -> list[Role]:
    """The account's roles with all they link, by name and then by id; see listing.py for what a user may see of them.

    Those of reservations that have ended by `now` are left out.
    """
    return _with_sets(transaction, transaction.all(_ALL, account_id=account_id, now=now))


def hold_role(
    transaction: Transaction, account_id: int, role_id: int, now: int, *, by: Principal | None = None
) -> Role:
    """A role to be changed, with all that it links, held against others who would change it.

    Raises NotFound, Conflict or Forbidden as update_role() does.
    """
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=role_id, now=now)
    if found is None:
        raise NotFound
    role = _with_sets(transaction, [found])[0]
    if by is not None and by.site_limited:
        reached = _reached(transaction, role.channel_ids, by)
        if not reached:
            raise NotFound
        if len(reached) < len(role.channel_ids):
            raise Forbidden
    if found.reservation_id is not None:
        raise Conflict(f"The role belongs to reservation {found.reservation_id}")
    return role


def _reached(transaction: Transaction, channel_ids: Collection[int], by: Principal) -> set[int]:
    return accessible_channels(
        transaction,
        list(channel_ids),
        account_id=by.account_id,
        user_id=by.user_id,
        site_limited=by.site_limited,
    )


def _check_reach(
    transaction: Transaction, fields: StructuredFields, channel_ids: Collection[int], by: Principal | None
) -> None:
    """Who is limited to sites makes roles for doors there; one without any door would be out of their sight."""
    if by is None or not by.site_limited or "channel_ids" in fields.errors:
        return
    reached = _reached(transaction, channel_ids, by)
    beyond = [str(channel_id) for channel_id in channel_ids if channel_id not in reached]
    if beyond:
        fields.complain("channel_ids", f"Not found for this account: {', '.join(beyond)}")
    elif not channel_ids:
        fields.complain("channel_ids", "must name at least one channel of the sites that you are limited to")


def _read(transaction: Transaction, fields: StructuredFields, before: Role) -> Role:
    wanted = before
    if not before.name or "name" in fields:
        name = fields.name("name", required=True) or ""
        wanted = wanted._replace(name=name, name_key=sort_key(name))
        _check_name(transaction, fields, wanted)
    if "notes" in fields:
        wanted = wanted._replace(notes=fields.notes())
    if "shift_id" in fields:
        wanted = wanted._replace(shift_id=fields.identity("shift_id"))
        _LASTING_SHIFTS.check_one(transaction, before.account_id, fields, "shift_id", wanted.shift_id)
    return wanted


def _check_name(transaction: Transaction, fields: StructuredFields, wanted: Role) -> None:
    if _RESERVED_NAME.fullmatch(wanted.name):
        fields.complain("name", "is reserved for reservations")
    elif transaction.one(_WITH_NAME, account_id=wanted.account_id, the_name=wanted.name, the_id=wanted.id) is not None:
        fields.complain("name", IN_USE)


def _read_sets(transaction: Transaction, fields: StructuredFields, account_id: int) -> _Sets:
    channel_ids = fields.identities("channel_ids")
    _CHANNELS.check(transaction, account_id, fields, "channel_ids", channel_ids)
    group_ids = fields.identities("group_ids")
    _GROUPS.check(transaction, account_id, fields, "group_ids", group_ids)
    person_ids = fields.identities("person_ids")
    _PEOPLE.check(transaction, account_id, fields, "person_ids", person_ids)
    return _Sets(channel_ids, group_ids, person_ids)


def _write_sets(transaction: Transaction, before: Role | None, role: Role, sets: _Sets, now: int) -> Role:
    """Write the links, then note what doors have to learn of. `before` None: the role is new."""
    if sets.channel_ids is not None:
        _NAMES_CHANNELS.replace(transaction, role.id, sets.channel_ids)
    concerned: Collection[int] = ()
    if sets.person_ids is not None:
        concerned = _HELD_BY_PEOPLE.replace(transaction, role.id, sets.person_ids)
        touch(transaction, concerned, now)
    regrouped: Collection[int] = ()
    if sets.group_ids is not None:
        regrouped = _HELD_BY_GROUPS.replace(transaction, role.id, sets.group_ids)
    written = _with_sets(transaction, [role])[0]
    if before is None:
        audit.created(transaction, role.account_id, ROLE, written, now)
    else:
        audit.changed(transaction, role.account_id, ROLE, before, written, now)
    if regrouped:
        concerned = {*concerned, *people_in(transaction, regrouped, now)}
    changes.note(transaction, role.account_id, now, role_id=role.id)
    note_people(transaction, role.account_id, concerned, now)
    return written


def _with_sets(transaction: Transaction, found: Sequence[Role]) -> list[Role]:
    if not found:
        return []
    ids = [role.id for role in found]
    named = _NAMES_CHANNELS.of_many(transaction, ids)
    by_groups = _HELD_BY_GROUPS.of_many(transaction, ids)
    by_people = _HELD_BY_PEOPLE.of_many(transaction, ids)
    return [
        role._replace(
            channel_ids=named.get(role.id, ()),
            group_ids=by_groups.get(role.id, ()),
            person_ids=by_people.get(role.id, ()),
        )
        for role in found
    ]
