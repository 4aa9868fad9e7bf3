"""What has to be known beside events to judge them, in one statement whatever their number."""

from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, literal, or_, select, union_all

from doorward.accounts.tables import accounts
from doorward.channels.tables import channels
from doorward.db.metadata import ID
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.tables import group_reservation_groups, group_reservations
from doorward.groups.tables import person_groups
from doorward.notification_rules.matching import Circumstances, Happened
from doorward.shifts.rules import day_number
from doorward.shifts.tables import holidays
from doorward.sites.tables import sites


class _Kind(IntEnum):
    ZONE_OF_ACCOUNT = 0
    ZONE_OF_CHANNEL = 1
    HOLIDAY = 2
    GROUP = 3


_EVERYWHERE: Final = 0
"""No site has this id."""


class _Row(NamedTuple):
    """One thing that is known: what kind of thing, of what, an id and a text that belong to it."""

    kind: int
    of: int
    other: int
    text: str


_NOTHING: Final = literal("")
_AT: Final = bindparam("at", type_=BigInteger())
_KNOWN: Final = Query(
    union_all(
        select(
            literal(int(_Kind.ZONE_OF_ACCOUNT)), accounts.c.id, literal(_EVERYWHERE, ID), accounts.c.time_zone
        ).where(accounts.c.id == bindparam("account_id")),
        select(
            literal(int(_Kind.ZONE_OF_CHANNEL)),
            channels.c.id,
            channels.c.site_id,
            func.coalesce(sites.c.time_zone, accounts.c.time_zone),
        )
        .join(sites, sites.c.id == channels.c.site_id)
        .join(accounts, accounts.c.id == channels.c.account_id)
        .where(channels.c.account_id == bindparam("account_id"), one_of(channels.c.id, "channel_ids")),
        select(
            literal(int(_Kind.HOLIDAY)),
            func.coalesce(holidays.c.site_id, literal(_EVERYWHERE, ID)),
            literal(0, ID),
            holidays.c.day,
        ).where(holidays.c.account_id == bindparam("account_id"), bindparam("holidays_too") == 1),
        select(literal(int(_Kind.GROUP)), person_groups.c.person_id, person_groups.c.group_id, _NOTHING).where(
            one_of(person_groups.c.person_id, "person_ids")
        ),
        # Who is in a group for a time only is in it as well (docs/decisions/0014).
        select(literal(int(_Kind.GROUP)), group_reservations.c.person_id, group_reservation_groups.c.group_id, _NOTHING)
        .join(
            group_reservation_groups,
            group_reservation_groups.c.group_reservation_id == group_reservations.c.id,
        )
        .where(
            one_of(group_reservations.c.person_id, "person_ids"),
            group_reservations.c.start_time <= _AT,
            group_reservations.c.end_time > _AT,
            or_(group_reservations.c.deactivated_at.is_(None), group_reservations.c.deactivated_at > _AT),
        ),
    ),
    _Row,
)


class Surroundings:
    """What is known around some events of an account; gives the circumstances of each."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._zone = "UTC"
        self._places: dict[int, tuple[int, str]] = {}
        days: dict[int, set[int]] = {}
        group_ids: dict[int, set[int]] = {}
        for row in rows:
            match row.kind:
                case _Kind.ZONE_OF_ACCOUNT:
                    self._zone = row.text
                case _Kind.ZONE_OF_CHANNEL:
                    self._places[row.of] = row.other, row.text
                case _Kind.HOLIDAY:
                    days.setdefault(row.of, set()).add(day_number(row.text) or 0)
                case _:
                    group_ids.setdefault(row.of, set()).add(row.other)
        everywhere = days.get(_EVERYWHERE, set())
        self._days = {site_id: frozenset(found | everywhere) for site_id, found in days.items()}
        self._everywhere = frozenset(everywhere)
        self._group_ids = {person_id: frozenset(found) for person_id, found in group_ids.items()}

    def of(self, event: Happened) -> Circumstances:
        """Those of an event; of one at no channel, or at one that is gone, the account's."""
        site_id, zone = self._places.get(event.channel_id or 0, (_EVERYWHERE, self._zone))
        return Circumstances(
            zone, self._days.get(site_id, self._everywhere), self._group_ids.get(event.person_id or 0, frozenset())
        )


def surroundings(
    transaction: Transaction, account_id: int, happened: Collection[Happened], now: int, *, holidays_too: bool
) -> Surroundings:
    """Look around the events; `holidays_too`: whether anybody asks for holidays."""
    channel_ids = {event.channel_id for event in happened if event.channel_id is not None}
    person_ids = {event.person_id for event in happened if event.person_id is not None}
    rows = transaction.all(
        _KNOWN,
        account_id=account_id,
        channel_ids=str(sorted(channel_ids)),
        person_ids=str(sorted(person_ids)),
        at=now,
        holidays_too=int(holidays_too),
    )
    return Surroundings(rows)
