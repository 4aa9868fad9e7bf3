"""Doors as the console shows them, in one statement: with site and controller, with what is wrong, with the shift."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, func, literal_column, null, or_, select

from doorward.alarms.kinds import Kind
from doorward.alarms.tables import IS_LIVE, alarms
from doorward.channels.channel import Channel
from doorward.channels.listing import SEEN_COLUMNS, SEEN_FROM, Seen, seen_of
from doorward.channels.tables import channels
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.kit.pages import Page
from doorward.kit.text import sort_key
from doorward.oauth.principal import Principal
from doorward.sites.sight import SITE_VISIBLE, VISIBLE, visible_to
from doorward.sites.tables import areas, sites
from doorward.sync import rows
from doorward.sync.compiler import Timetables

_KINDS: Final = (Kind.FORCED, Kind.TAMPER, Kind.DURESS, Kind.HELD_OPEN)
"""What is shown at a door itself; of lost contact its own standing tells."""
_LATELY_MS: Final = 8 * 86_400_000
"""How far back it is looked for whether somebody has opened a door whose shift waits for the first person."""


@dataclass(frozen=True, slots=True)
class Door:
    """A door, and what its page says of it beside its settings.

    `alarms`: the ids of those that last, by Kind. `zone` is the site's. `shift_open`: whether its auto-unlock shift
    has it unlocked, and `shift_changes_at` when that changes next.
    """

    seen: Seen
    site_name: str
    zone: ZoneInfo
    controller_name: str | None
    area_from: str | None
    area_to: str | None
    alarms: Mapping[str, int]
    shift_open: bool = False
    shift_changes_at: int | None = None

    @property
    def id(self) -> int:
        """The channel's."""
        return self.seen.channel.id

    @property
    def name(self) -> str:
        """The channel's."""
        return self.seen.channel.name

    @property
    def channel(self) -> Channel:
        """What is set at it, with what time has done to that."""
        return self.seen.channel


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doors: of one site (one that the user does not see is as none), with `text` in the name."""

    site_id: int | None = None
    text: str | None = None


def _alarm(kind: Kind) -> ColumnElement[Any]:
    # Said in the statement itself: so the index of live alarms has it.
    return (
        select(alarms.c.id)
        .where(
            alarms.c.channel_id == channels.c.id,
            alarms.c.kind == literal_column(f"'{kind.value}'", Text()),
            alarms.c.over_at.is_(None),
            IS_LIVE,
        )
        .scalar_subquery()
    )


# The last that was said of a door whose shift waits for the first person.
_BEGAN: Final = case(
    (
        channels.c.first_person_in == 1,
        select(events.c.event_code)
        .where(
            events.c.channel_id == channels.c.id,
            events.c.occurred_at >= bindparam("lately", type_=events.c.occurred_at.type),
            events.c.event_code.in_(
                [literal_column(str(int(code))) for code in (EventCode.AUTO_UNLOCK_BEGAN, EventCode.AUTO_UNLOCK_ENDED)]
            ),
        )
        .order_by(events.c.occurred_at.desc(), events.c.id.desc())
        .limit(1)
        .scalar_subquery(),
    ),
    else_=null(),
)
_leads_from, _leads_to = areas.alias("leads_from"), areas.alias("leads_to")
_FROM: Final = (
    SEEN_FROM.join(sites, sites.c.id == channels.c.site_id)
    .outerjoin(controllers, and_(controllers.c.id == channels.c.controller_id, controllers.c.removed_at.is_(None)))
    .outerjoin(_leads_from, _leads_from.c.id == channels.c.area_from_id)
    .outerjoin(_leads_to, _leads_to.c.id == channels.c.area_to_id)
)
_MORE: Final[tuple[ColumnElement[Any], ...]] = (
    sites.c.name,
    sites.c.time_zone,
    controllers.c.name,
    _leads_from.c.name,
    _leads_to.c.name,
    *(_alarm(kind) for kind in _KINDS),
    _BEGAN,
)
_SEEN: Final = len(SEEN_COLUMNS)


def _row(*values: Any) -> tuple[Door, str | None, int | None]:
    site_name, zone, controller_name, area_from, area_to, *last = values[_SEEN:]
    ids, began = last[:-1], last[-1]
    found = {kind.value: the_id for kind, the_id in zip(_KINDS, ids, strict=True) if the_id is not None}
    door = Door(seen_of(*values[:_SEEN]), site_name, _UTC, controller_name, area_from, area_to, found)
    return door, zone, began


_UTC: Final = ZoneInfo("UTC")
_SELECT: Final = select(*SEEN_COLUMNS, *_MORE).select_from(_FROM).where(VISIBLE)
_site: ColumnElement[int] = bindparam("the_site")
_SEES_SITE: Final = (
    select(sites.c.id)
    .where(
        sites.c.id == _site,
        SITE_VISIBLE,
    )
    .exists()
)
AT_SITE: Final = or_(_site == 0, channels.c.site_id == _site, ~_SEES_SITE)
"""Channels at the site `the_site`; at all if that is 0, or no site that the user sees."""
_NAMED: Final = or_(
    bindparam("pattern", type_=Text) == "", channels.c.name_key.like(bindparam("pattern", type_=Text), escape="\\")
)
_PAGE: Final = Query(
    _SELECT.where(AT_SITE, _NAMED)
    .order_by(sites.c.name, sites.c.id, channels.c.name_key, channels.c.id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset")),
    _row,
)
_COUNT: Final = Query(select(func.count()).select_from(channels).where(VISIBLE, AT_SITE, _NAMED), number)
_ONE: Final = Query(_SELECT.where(channels.c.id == bindparam("the_id")), _row)


def page_of_doors(
    transaction: Transaction, principal: Principal, wanted: Wanted, page: Page, now: int
) -> tuple[list[Door], int]:
    """A page of the doors that the user sees, by site and name, and how many there are: at most four statements."""
    params = {**visible_to(principal), "the_site": wanted.site_id or 0, "pattern": pattern_of(wanted.text)}
    found = transaction.all(_PAGE, limit=page.limit, offset=page.offset, lately=now - _LATELY_MS, **params)
    total = len(found)
    if page.offset or total >= page.limit:
        total = transaction.one(_COUNT, **params) or 0
    return _with_shifts(transaction, principal, found, now), total


def get_door(
    transaction: Transaction, principal: Principal, channel_id: int, now: int, *, with_shift: bool = True
) -> Door:
    """One door, in at most three statements; in one if its shift makes no difference. Raises NotFound."""
    found = transaction.one(_ONE, the_id=channel_id, lately=now - _LATELY_MS, **visible_to(principal))
    if found is None:
        raise NotFound
    return _with_shifts(transaction, principal, [found], now, read=with_shift)[0]


def pattern_of(text: str | None) -> str:
    """What LIKE finds a part of a name by; "" for any name."""
    if not text:
        return ""
    escaped = sort_key(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _with_shifts(
    transaction: Transaction,
    principal: Principal,
    found: list[tuple[Door, str | None, int | None]],
    now: int,
    *,
    read: bool = True,
) -> list[Door]:
    """The doors as of now, with whether their shifts have them unlocked."""
    account_id = principal.account_id
    ids = {door.channel.auto_unlock_shift_id for door, _, _ in found} - {None}
    timetables = Timetables((), ())
    if ids and read:
        timetables = Timetables(
            transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=str(sorted(filter(None, ids)))),
            transaction.all(rows.HOLIDAYS, account_id=account_id),
        )
    doors = []
    for door, zone_name, began in found:
        channel = door.channel.as_of(now)
        zone = principal.zone if zone_name is None else ZoneInfo(zone_name)
        is_open, changes_at = False, None
        shift_id = channel.auto_unlock_shift_id
        if shift_id is not None and shift_id in timetables:
            timetable, _ = timetables.at_site(shift_id, channel.site_id, zone.key)
            is_open, changes_at = timetable.open_at(now), timetable.next_change(now)
            # One that waits for the first person says when that one has come.
            is_open = is_open and (not channel.first_person_in or began == EventCode.AUTO_UNLOCK_BEGAN)
        seen = door.seen._replace(channel=channel)
        doors.append(replace(door, seen=seen, zone=zone, shift_open=is_open, shift_changes_at=changes_at))
    return doors
