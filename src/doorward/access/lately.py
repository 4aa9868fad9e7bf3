"""Through which roles a person may pass or lately might, and where: as it is now, and as the audit log says it was.

What somebody has lost is nowhere in the configuration any more. The log knows what every change took: the roles and
groups of a person, the people, groups and channels of a role, the people and roles of a group. Of a group that was
removed it does not know the people, and of one that lost very many it names only some: that somebody was among them is
taken from a note of the same instant that concerns them (changes/), and where notes are not kept any more it is taken
for granted. So somebody may be said to have lost what they never had, never the other way round.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, bindparam, or_, select, union

from doorward.audit.tables import audit_log
from doorward.changes import service as changes_log
from doorward.changes.tables import changes
from doorward.db.query import Query, number, one_of, word
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.service import MOST_NAMED
from doorward.groups.tables import person_groups
from doorward.reservations.tables import reservations
from doorward.roles.tables import group_roles, person_roles, role_channels


class _Logged(NamedTuple):
    at: int
    action: str
    kind: str
    id: int
    before: Mapping[str, Any]

    def ids(self, name: str) -> frozenset[int]:
        """The ids in a field as it was; none where the change did not touch it."""
        listed = self.before.get(name)
        return frozenset(listed) if isinstance(listed, list) else frozenset()


class _Pair(NamedTuple):
    owner: int
    other: int


def _logged(at: int, action: str, kind: str, the_id: int, before: str) -> _Logged:
    return _Logged(at, action, kind, the_id, json.loads(before))


_LOST: Final[Select[Any]] = select(
    audit_log.c.at, audit_log.c.action, audit_log.c.resource_type, audit_log.c.resource_id, audit_log.c.before
).where(
    audit_log.c.account_id == bindparam("account_id"),
    audit_log.c.at >= bindparam("since"),
    audit_log.c.before.is_not(None),
    audit_log.c.resource_id.is_not(None),
)
_OF_PERSON: Final = Query(
    _LOST.where(audit_log.c.resource_type == "person", audit_log.c.resource_id == bindparam("person_id")), _logged
)
_OF_OTHERS: Final = Query(
    _LOST.where(
        or_(
            audit_log.c.resource_type == "role",
            audit_log.c.resource_type == "group",
            and_(audit_log.c.resource_type == "group_reservation", audit_log.c.action == "delete"),
        )
    ),
    _logged,
)
_NOTED_AT: Final = Query(
    select(changes.c.at).where(
        changes.c.account_id == bindparam("account_id"),
        or_(
            changes.c.person_id == bindparam("person_id"),
            and_(changes.c.person_id.is_(None), changes.c.role_id.is_(None), changes.c.channel_id.is_(None)),
        ),
    ),
    number,
)
_GROUPS: Final = Query(
    union(
        select(person_groups.c.group_id).where(person_groups.c.person_id == bindparam("person_id")),
        select(group_reservation_groups.c.group_id)
        .join(group_reservations, group_reservations.c.id == group_reservation_groups.c.group_reservation_id)
        .where(
            group_reservations.c.person_id == bindparam("person_id"), group_reservations.c.end_time > bindparam("since")
        ),
    ),
    number,
)
_ROLES: Final = Query(select(person_roles.c.role_id).where(person_roles.c.person_id == bindparam("person_id")), number)
_GROUP_ROLES: Final = Query(select(group_roles.c.role_id).where(one_of(group_roles.c.group_id, "ids")), number)
_ROLE_CHANNELS: Final = Query(
    select(role_channels.c.role_id, role_channels.c.channel_id).where(one_of(role_channels.c.role_id, "ids")), _Pair
)
# By the record: of a reservation that was withdrawn, role and shift are gone.
_RESERVED: Final = Query(
    select(reservations.c.channel_ids).where(
        reservations.c.person_id == bindparam("person_id"),
        or_(reservations.c.end_time > bindparam("since"), reservations.c.deleted_at >= bindparam("since")),
    ),
    word,
)


def roles_by_channel(
    transaction: Transaction, account_id: int, person_id: int, since: int, now: int
) -> dict[int, set[int]]:
    """Where the person may pass, or might at some time since an instant, and the roles that name each of the channels.

    A channel that was reserved for them has no role, if that is gone.
    """
    params = {"account_id": account_id, "person_id": person_id, "since": since}
    own = transaction.all(_OF_PERSON, **params)
    others = transaction.all(_OF_OTHERS, account_id=account_id, since=since)
    noted = _Noted(transaction.all(_NOTED_AT, account_id=account_id, person_id=person_id), now - changes_log.KEPT_MS)
    now_in = transaction.all(_GROUPS, person_id=person_id, since=since)
    groups = {*now_in, *_each(own, "group_ids"), *_left(others, person_id, noted)}
    roles = {
        *transaction.all(_ROLES, person_id=person_id),
        *transaction.all(_GROUP_ROLES, ids=str(sorted(groups))),
        *_each(own, "role_ids"),
        *_each((entry for entry in others if entry.kind == "group" and entry.id in groups), "role_ids"),
        *_given_up(others, person_id, groups),
    }
    found: defaultdict[int, set[int]] = defaultdict(set)
    for role_id, channel_id in transaction.all(_ROLE_CHANNELS, ids=str(sorted(roles))):
        found[channel_id].add(role_id)
    for entry in others:
        if entry.kind == "role" and entry.id in roles:
            for channel_id in entry.ids("channel_ids"):
                found[channel_id].add(entry.id)
    for listed in transaction.all(_RESERVED, person_id=person_id, since=since):
        for channel_id in json.loads(listed):
            found.setdefault(channel_id, set())
    return dict(found)


def _each(entries: Iterable[_Logged], name: str) -> set[int]:
    return set().union(*(entry.ids(name) for entry in entries))


class _Noted:
    """The instants of notes that concern the person, of which those before an instant are not known any more."""

    def __init__(self, at: Iterable[int], since: int) -> None:
        self._at = frozenset(at)
        self._since = since

    def __contains__(self, at: int) -> bool:
        """Whether something may have been noted then."""
        return at < self._since or at in self._at


def _left(entries: Iterable[_Logged], person_id: int, noted: _Noted) -> set[int]:
    """The groups that the person is not in any more, or that are gone."""
    found: set[int] = set()
    for entry in entries:
        match entry.kind, entry.action:
            case "group", "delete" if entry.at in noted:
                found.add(entry.id)
            case "group", _:
                removed = entry.ids("people_removed")
                if person_id in removed or (len(removed) >= MOST_NAMED and entry.at in noted):
                    found.add(entry.id)
            case "group_reservation", _ if entry.before.get("person_id") == person_id:
                found |= entry.ids("group_ids")
    return found


def _given_up(entries: Iterable[_Logged], person_id: int, groups: set[int]) -> set[int]:
    """The roles that have been taken from the person, or from a group of theirs."""
    return {
        entry.id
        for entry in entries
        if entry.kind == "role"
        and (person_id in entry.ids("person_ids") or not groups.isdisjoint(entry.ids("group_ids")))
    }
