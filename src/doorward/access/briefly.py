"""The doors that a person who has been read already may open, asked for with the fewest statements: for a page.

What the engine is asked is the same as in service.py; the person's roles are those that name the doors.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from doorward.access import holding
from doorward.access.holding import Holding, Place
from doorward.access.service import Question
from doorward.db.unit_of_work import Transaction
from doorward.decision.snapshot import Directory, Grant, Membership, Person, Presence
from doorward.oauth.principal import Principal
from doorward.sites.sight import visible_to
from doorward.sync import rows
from doorward.sync.compiler import CompiledChannel, Timetables, compile_channel, grant_at, read_presence

_DOORS: Final = rows.channel_rows(holding.HELD_BY_PERSON, some=True)


class Known(NamedTuple):
    """What has been read of a person who is not deleted."""

    id: int
    name: str
    enabled: bool
    valid_from: int | None
    valid_to: int | None


def ask_briefly(transaction: Transaction, principal: Principal, person: Known, at: int, most: int) -> Question:
    """The person at the first doors, by id, that the user sees and some role of theirs names.

    `total` is `most` + 1 where there are more. Four statements, and a fifth where a door minds who has passed it.
    """
    params = {**visible_to(principal), "person_id": person.id, "at": at}
    found = transaction.all(_DOORS, most=most + 1, **params)
    doors = found[:most]
    places = [Place(row.id, row.name, row.site_id) for row in doors]
    if not doors:
        return Question(at, [], [person.id], {}, {}, [], 0)
    ids = str([row.id for row in doors])
    held = transaction.all(holding.HOLDINGS, person_ids=str([person.id]), channel_ids=ids, at=at)
    compiled = _compiled(transaction, principal.account_id, doors, _holder(person, held), held)
    presence: dict[int, Presence] = {}
    if any(row.passback_mode is not None for row in doors):
        presence = read_presence(transaction, principal.account_id, [person.id])
    return Question(at, places, [person.id], compiled, presence, held, len(found))


def _holder(person: Known, held: Iterable[Holding]) -> Person:
    """The person as the engine knows one."""
    lasting: set[int] = set()
    lent: dict[tuple[int, int], set[int]] = defaultdict(set)
    for each in held:
        if each.way == "group_reservation" and each.start is not None and each.end is not None:
            lent[each.start, each.end].add(each.role_id)
        else:
            lasting.add(each.role_id)
    memberships = tuple(Membership(sorted(roles), start, end) for (start, end), roles in sorted(lent.items()))
    status: Literal["active", "disabled"] = "active" if person.enabled else "disabled"
    roles = frozenset(lasting)
    return Person(person.id, person.name, status, person.valid_from, person.valid_to, roles, frozenset(), memberships)


def _compiled(
    transaction: Transaction,
    account_id: int,
    doors: Sequence[rows.ChannelRow],
    person: Person,
    held: Sequence[Holding],
) -> dict[int, CompiledChannel]:
    directory = Directory()
    directory.put(person, ())
    wanted = {each.shift_id for each in held} | {row.auto_unlock_shift_id for row in doors}
    shift_ids = str(sorted(each for each in wanted if each is not None))
    timetables = Timetables(
        transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=shift_ids),
        transaction.all(rows.HOLIDAYS, account_id=account_id),
    )
    by_id = {row.id: row for row in doors}
    grants: dict[int, dict[int, Grant]] = defaultdict(dict)
    for each in held:
        row = rows.GrantRow(each.role_id, each.role_name, each.shift_id, each.channel_id)
        grant = grant_at(row, by_id[each.channel_id], timetables)
        if grant is not None:
            grants[each.channel_id][each.role_id] = grant
    return {row.id: compile_channel(row, grants[row.id], directory, timetables, 0) for row in doors}
