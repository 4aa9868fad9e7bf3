"""What has to be known of some people at some channels: in at most five statements, whatever the numbers.

The doors themselves go by all that people hold (sync/); here only what admits at the channels asked about is looked at,
which is what a decision there goes by.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, func, select

from doorward.access import holding
from doorward.access.holding import Holding
from doorward.channels.tables import presences
from doorward.credentials.tables import credential_types, credentials
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import KINDS
from doorward.decision.snapshot import Directory, Grant, Membership, Presence
from doorward.people.tables import people
from doorward.sync import rows
from doorward.sync.compiler import CompiledChannel, Timetables, compile_channel, grant_at, is_forgiven, person_of


class Known(NamedTuple):
    """Channels ready to decide about these people, where each was last seen to go, and how they hold their roles."""

    compiled: Mapping[int, CompiledChannel]
    presence: Mapping[int, Presence]
    holdings: list[Holding]
    kinds: Mapping[int, frozenset[str]]
    """By person, the kinds of credential that they have."""


class _PersonRow(NamedTuple):
    person: rows.PersonRow
    presence: rows.PresenceRow | None
    kinds: frozenset[str]


_OWN: Final = len(rows.PersonRow._fields)


def _person(*values: Any) -> _PersonRow:
    person = rows.PersonRow(*values[:_OWN])
    area_id, since, forgiven_at, kinds = values[_OWN:]
    presence = None if since is None else rows.PresenceRow(person.id, area_id, since, forgiven_at)
    return _PersonRow(
        person, presence, frozenset(kind for kind, weight in _WEIGHTS.items() if int(str(kinds or 0)) & weight)
    )


_WEIGHTS: Final = {kind: 1 << place for place, kind in enumerate(sorted(KINDS))}
_KINDS: Final = (
    select(func.sum(case(_WEIGHTS, value=credential_types.c.kind, else_=0).distinct()))
    .join(credentials, credentials.c.credential_type_id == credential_types.c.id)
    .where(credentials.c.person_id == people.c.id, credentials.c.is_live == 1)
    .correlate(people)
    .scalar_subquery()
)
_SELECT: Final[Select[tuple[object, ...]]] = select(
    *(people.c[name] for name in rows.PersonRow._fields),
    presences.c.area_id,
    presences.c.since,
    presences.c.forgiven_at,
    _KINDS,
).select_from(people.outerjoin(presences, presences.c.person_id == people.c.id))
# Left the choice, SQLite goes through everybody whom the account has.
PEOPLE: Final = Query(
    _SELECT.where(and_(people.c.account_id + 0 == bindparam("account_id"), one_of(people.c.id, "ids"))), _person
)


def know(
    transaction: Transaction, account_id: int, channel_ids: Collection[int], person_ids: Collection[int], at: int
) -> Known:
    """What there is to know for decisions at an instant; ids that name nothing of the account are left out."""
    channels = transaction.all(rows.SOME_CHANNELS, ids=str(sorted(channel_ids)))
    return know_at(transaction, account_id, [row for row in channels if row.account_id == account_id], person_ids, at)


def know_at(
    transaction: Transaction, account_id: int, channels: Sequence[rows.ChannelRow], person_ids: Collection[int], at: int
) -> Known:
    """The same at channels of the account that have been read already."""
    channel_list, person_list = str(sorted(row.id for row in channels)), str(sorted(person_ids))
    found = transaction.all(PEOPLE, account_id=account_id, ids=person_list)
    holdings = transaction.all(holding.HOLDINGS, person_ids=person_list, channel_ids=channel_list, at=at)
    at_channel = _by_channel(holdings)
    timetables = _timetables(transaction, account_id, channels, holdings)
    grants = _grants(channels, holdings, timetables)
    return Known(
        {
            row.id: compile_channel(row, grants[row.id], _directory(found, at_channel[row.id]), timetables, 0)
            for row in channels
        },
        {
            each.person.id: Presence(each.presence.area_id, each.presence.since)
            for each in found
            if each.presence is not None and not is_forgiven(each.presence)
        },
        holdings,
        {each.person.id: each.kinds for each in found},
    )


def _by_channel(holdings: Sequence[Holding]) -> Mapping[int, list[Holding]]:
    found: defaultdict[int, list[Holding]] = defaultdict(list)
    for each in holdings:
        found[each.channel_id].append(each)
    return found


def _directory(found: Sequence[_PersonRow], holdings: Sequence[Holding]) -> Directory:
    """The people with what they hold at a channel, without their credentials."""
    held: defaultdict[int, set[int]] = defaultdict(set)
    given: defaultdict[tuple[int, int, int, int], set[int]] = defaultdict(set)
    for each in holdings:
        if each.way == "group_reservation" and each.start is not None and each.end is not None:
            given[each.person_id, each.start, each.end, each.way_id or 0].add(each.role_id)
        else:
            held[each.person_id].add(each.role_id)
    memberships: defaultdict[int, list[Membership]] = defaultdict(list)
    for (person_id, start, end, _), role_ids in sorted(given.items()):
        memberships[person_id].append(Membership(role_ids, start, end))
    directory = Directory()
    for row in found:
        person = person_of(row.person, held[row.person.id], tuple(memberships[row.person.id]))
        directory.put(person, ())
    return directory


def _timetables(
    transaction: Transaction, account_id: int, channels: Sequence[rows.ChannelRow], holdings: Sequence[Holding]
) -> Timetables:
    """The shifts that matter here. Without any, nothing is asked; nor is it for holidays that no shift heeds."""
    wanted = {each.shift_id for each in holdings} | {row.auto_unlock_shift_id for row in channels}
    ids = sorted(shift_id for shift_id in wanted if shift_id is not None)
    shifts = transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=str(ids)) if ids else []
    heeded = any(shift.holidays == "replace" for shift in shifts)
    return Timetables(shifts, transaction.all(rows.HOLIDAYS, account_id=account_id) if heeded else ())


def _grants(
    channels: Sequence[rows.ChannelRow], holdings: Sequence[Holding], timetables: Timetables
) -> Mapping[int, dict[int, Grant]]:
    """By channel, then by role."""
    by_id = {row.id: row for row in channels}
    found: defaultdict[int, dict[int, Grant]] = defaultdict(dict)
    for each in holdings:
        if each.channel_id in by_id and each.role_id not in found[each.channel_id]:
            granted = rows.GrantRow(each.role_id, each.role_name, each.shift_id, each.channel_id)
            grant = grant_at(granted, by_id[each.channel_id], timetables)
            if grant is not None:
                found[each.channel_id][each.role_id] = grant
    return found
