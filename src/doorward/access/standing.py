"""Where is this change: which doors have confirmed what holds of a person now, and since when `[ours]`.

The truth is in the log of changes: a door has confirmed a person's rights if it has confirmed the last note that
concerns them there, be it about them, about one of their roles, or about everybody. What operators set at the door
itself (lockdown, unlock mode, how long it is released) is no right of a person's: notes of the door alone are left out.
Notes are kept for a week; what is older a door has confirmed if it has confirmed any note that is still there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from sqlalchemy import and_, bindparam, case, func, or_, select

from doorward.access import holding
from doorward.access.holding import Place
from doorward.access.lately import roles_by_channel
from doorward.access.limits import limits_before
from doorward.access.service import Access, Question, answer, question
from doorward.changes.reports import HEARD_WITHIN_MS, REPORTS, STANDING
from doorward.changes.service import KEPT_MS
from doorward.changes.tables import changes
from doorward.channels.tables import IS_LOCAL, channels
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction
from doorward.decision.snapshot import Person
from doorward.kit.errors import NotFound
from doorward.kit.pages import EVERYTHING
from doorward.oauth.principal import Principal
from doorward.people.tables import people
from doorward.sites.sight import VISIBLE, everywhere, visible_to
from doorward.sync.compiler import read_holders
from doorward.sync.tables import confirmations

Rights = Literal["admitted_now", "by_shift", "none"]
Status = Literal["confirmed", "pending", "may_still_open"]

_HOUR_MS: Final = 3_600_000
_LATER_MS: Final = 60_000
"""By so much a door may have been told of later than is on record: half of it is for what could not be written."""
_DRIFT: Final = 2_000
"""A clock that nobody sets goes wrong by one part in so many at the worst: so far clocks are slewed, too."""


class DoorStanding(NamedTuple):
    """How one door stands to what holds of the person there now. Instants are milliseconds UTC.

    `may_open_until` is set of a door that is cut off and has not confirmed: from then on it refuses everybody by
    itself. `without_limit`: that it never does.
    """

    place: Place
    rights: Rights
    status: Status
    confirmed_at: int | None
    changed_at: int | None
    may_open_until: int | None
    without_limit: bool


class PersonStanding(NamedTuple):
    """A person, and how each door stands at which they have rights or lately had some, by id."""

    person: Person
    at: int
    doors: list[DoorStanding]


class _Door(NamedTuple):
    id: int
    name: str
    site_id: int
    staleness_hours: int | None
    """The longest limit that the door may go by; None: it has none."""
    is_local: int
    last_seen_at: int | None
    version: int | None
    synced_at: int | None
    behind_since: int | None
    """When the first change was made that it has not confirmed, as far as that is still kept."""

    @property
    def limit(self) -> int | None:
        """By when the door has ceased to decide by what it knows, if it is not heard any more; None: never.

        Never too early: the door counts from the server's last word, by its own clock (docs/decisions/0034).
        """
        return None if self.staleness_hours is None else decides_until(self.last_seen_at or 0, self.staleness_hours)


def decides_until(last_seen_at: int, staleness_hours: int) -> int:
    """By when a door that is not heard any more has ceased to decide by what it knows; never too early."""
    limit = staleness_hours * _HOUR_MS
    return last_seen_at + limit + _LATER_MS + limit // _DRIFT


class _Note(NamedTuple):
    id: int
    at: int
    person_id: int | None
    role_id: int | None
    """Neither: the note is about everybody."""


class _Confirmed(NamedTuple):
    """A door's confirmation of the last note that concerns the person there; `note` None: it is no longer kept."""

    note: _Note | None
    is_confirmed: bool
    confirmed_at: int | None


class Asked(NamedTuple):
    """What has been read, to be judged without the database."""

    person: Person
    at: int
    rights: Question
    doors: list[_Door]
    confirmed: dict[int, _Confirmed]


_PERSON: Final = Query(
    select(people.c.id).where(people.c.account_id == bindparam("account_id"), people.c.id == bindparam("person_id")),
    number,
)
_DOORS: Final = Query(
    select(
        channels.c.id,
        channels.c.name,
        channels.c.site_id,
        channels.c.staleness_hours,
        case((IS_LOCAL, 1), else_=0),
        *STANDING,
    )
    .select_from(REPORTS)
    .where(VISIBLE)
    .order_by(channels.c.id),
    _Door,
)
_NOTES: Final = Query(
    select(changes.c.id, changes.c.at, changes.c.person_id, changes.c.role_id)
    .where(
        changes.c.account_id == bindparam("account_id"),
        or_(
            changes.c.person_id == bindparam("person_id"),
            one_of(changes.c.role_id, "role_ids"),
            and_(changes.c.person_id.is_(None), changes.c.role_id.is_(None), changes.c.channel_id.is_(None)),
        ),
    )
    .order_by(changes.c.id),
    _Note,
)
_OLDEST: Final = Query(
    select(func.coalesce(func.min(changes.c.id), 0)).where(changes.c.account_id == bindparam("account_id")), number
)


def _first(is_local: bool) -> Query[int]:
    whose = confirmations.c.channel_id.is_(None) if is_local else confirmations.c.channel_id == bindparam("channel_id")
    return Query(
        select(confirmations.c.at)
        .where(
            confirmations.c.account_id == bindparam("account_id"),
            whose,
            confirmations.c.version >= bindparam("version"),
        )
        .order_by(confirmations.c.version)
        .limit(1),
        number,
    )


_FIRST_TOGETHER: Final = _first(is_local=True)
_FIRST: Final = _first(is_local=False)


def ask_standing(
    transaction: Transaction, account_id: int, person_id: int, now: int, by: Principal | None = None
) -> Asked:
    """Read what there is to know. A user who is limited to sites sees the doors there.

    Raises NotFound; somebody who is deleted is found.
    """
    if transaction.one(_PERSON, account_id=account_id, person_id=person_id) is None:
        raise NotFound
    seen = everywhere(account_id) if by is None else visible_to(by)
    oldest = transaction.one(_OLDEST, account_id=account_id) or 0
    doors = _by_what_they_know(transaction, account_id, transaction.all(_DOORS, **seen), oldest, now)
    held = transaction.all(holding.PLACES_OF_PERSON, person_id=person_id, at=now, limit=EVERYTHING, offset=0, **seen)
    lately = roles_by_channel(transaction, account_id, person_id, _since(doors, now), now)
    concerned = {place.id for place in held} | lately.keys()
    doors = [door for door in doors if door.id in concerned]
    rights = question(transaction, account_id, held, [person_id], now)
    [person] = read_holders(transaction, account_id, [person_id], ends_after=now)
    return Asked(person, now, rights, doors, _confirmed(transaction, account_id, person_id, doors, lately, oldest))


def judge(asked: Asked) -> PersonStanding:
    """How each door stands."""
    accesses = {access.place.id: access for access in answer(asked.rights)}
    doors = []
    for door in asked.doors:
        confirmed = asked.confirmed[door.id]
        doors.append(
            DoorStanding(
                Place(door.id, door.name, door.site_id),
                _rights(accesses.get(door.id), asked.person, asked.at),
                *_status(door, confirmed, asked.at),
            )
        )
    return PersonStanding(asked.person, asked.at, doors)


def _by_what_they_know(
    transaction: Transaction, account_id: int, doors: Sequence[_Door], oldest: int, now: int
) -> list[_Door]:
    """Doors that are cut off by the longest limit that they may go by: of one that was set since they know nothing."""
    since: dict[int, int] = {}
    for door in doors:
        if door.last_seen_at is not None and not _is_heard(door, now):
            # Before the oldest note that is kept there may have been others that it has not confirmed.
            is_known = door.version is not None and door.version >= oldest
            begins = door.behind_since if is_known else door.synced_at or 0
            if begins is not None:
                since[door.id] = begins
    before = limits_before(transaction, account_id, since)
    return [door._replace(staleness_hours=_longest([door.staleness_hours, *before.get(door.id, ())])) for door in doors]


def _longest(limits: Sequence[int | None]) -> int | None:
    return None if None in limits else max(limit for limit in limits if limit is not None)


def _since(doors: Iterable[_Door], now: int) -> int:
    """How far to look back: a week, and farther if a door that may still decide has been cut off for longer."""
    cut_off = [
        door.synced_at
        for door in doors
        if door.synced_at is not None and not _is_heard(door, now) and (door.limit is None or now < door.limit)
    ]
    return min([now - KEPT_MS, *cut_off])


def _is_heard(door: _Door, now: int) -> bool:
    return door.last_seen_at is not None and now - door.last_seen_at <= HEARD_WITHIN_MS


def _rights(access: Access | None, person: Person, at: int) -> Rights:
    """What a person's roles give them at a door; lockdown, unlock mode and anti-passback are the door's matter."""
    over = person.valid_to is not None and at >= person.valid_to
    if access is None or not access.ways or person.status != "active" or over:
        return "none"
    begun = person.valid_from is None or at >= person.valid_from
    return "admitted_now" if begun and any(way.open for way in access.ways) else "by_shift"


def _status(door: _Door, confirmed: _Confirmed, at: int) -> tuple[Status, int | None, int | None, int | None, bool]:
    changed_at = None if confirmed.note is None else confirmed.note.at
    if confirmed.is_confirmed:
        return "confirmed", confirmed.confirmed_at, changed_at, None, False
    if door.last_seen_at is None or _is_heard(door, at):
        return "pending", None, changed_at, None, False
    if door.limit is None:
        return "may_still_open", None, changed_at, None, True
    # Beyond its limit it refuses everybody: nothing is open, though nothing is confirmed.
    return "may_still_open" if at < door.limit else "pending", None, changed_at, door.limit, False


def _confirmed(
    transaction: Transaction,
    account_id: int,
    person_id: int,
    doors: Sequence[_Door],
    roles: Mapping[int, set[int]],
    oldest: int,
) -> dict[int, _Confirmed]:
    """Of each door, the last note that concerns the person there, and since when it has confirmed that."""
    everyone: _Note | None = None
    by_role: dict[int | None, _Note] = {}
    notes = transaction.all(
        _NOTES,
        account_id=account_id,
        person_id=person_id,
        role_ids=str(sorted(set().union(*roles.values()))),
    )
    for note in notes:  # the last one of each stays
        if note.person_id == person_id or note[2:] == (None, None):
            everyone = note
        by_role[note.role_id] = note
    found = {}
    for door in doors:
        here = [everyone, *map(by_role.get, roles.get(door.id, ()))]
        last = max((note for note in here if note is not None), default=None)
        version = oldest if last is None else last.id
        if door.version is None or door.version < version:
            found[door.id] = _Confirmed(last, is_confirmed=False, confirmed_at=None)
            continue
        if door.is_local:
            first = transaction.one(_FIRST_TOGETHER, account_id=account_id, version=version)
        else:
            first = transaction.one(_FIRST, account_id=account_id, version=version, channel_id=door.id)
        found[door.id] = _Confirmed(last, is_confirmed=True, confirmed_at=door.synced_at if first is None else first)
    return found
