"""Who has access to a door, and why: from the person through the group or the reservation to the role and its shift."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.access import holding
from doorward.access.holding import Holder, Holding
from doorward.access.service import Shifts, Way
from doorward.console.doors.parts import LOOKS, PAGE, READ
from doorward.console.doors.reading import Door, get_door, pattern_of
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.sync import rows
from doorward.sync.compiler import Timetables
from doorward.wire.queries import path_id, text_of

_PEOPLE: Final = ("account.person.readonly",)
_FEW: Final = 2_000
_SIZE: Final = 40
_FOUND: Final = 100
"""So many are shown of those with a name that was looked for."""


class HasAccess(NamedTuple):
    """Somebody with a role for the door: each way to it, and whether they could open it now.

    `changes_at` is when that is next otherwise, as far as it is of their roles' shifts.
    """

    person: Holder
    ways: list[Way]
    standing: str
    """open, closed, disabled, early or over."""
    changes_at: int | None


@get("/doors/{channel_id:str}/access", name="console.door.access", scopes=_PEOPLE, also_scopes=READ, **PAGE)
async def access_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """The people with a role for a door, by name."""
    number, asked, text = path_id(channel_id), asked_page(request, _SIZE), text_of(request.query_params, "q")

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        door = get_door(transaction, principal, number, now, with_shift=False)
        of_door = {"account_id": principal.account_id, "channel_id": number, "at": now}
        total = transaction.one(holding.COUNT_HOLDERS, **of_door) or 0
        part = Page(1, _FOUND + 1) if text else asked
        people = transaction.all(
            holding.HOLDERS_BY_NAME["many" if total > _FEW else "few"],
            pattern=pattern_of(text),
            limit=part.limit,
            offset=part.offset,
            **of_door,
        )
        found = people[:_FOUND] if text else people
        return {
            "door": door,
            "people": _explained(transaction, principal.account_id, door, found, now),
            "total": total,
            "too_many": len(people) > len(found),
            "paging": None if text else paging_of(request, asked, total),
        }

    return await show(request, "doors/access.html", read, text=text, **LOOKS)


def _explained(
    transaction: Transaction, account_id: int, door: Door, people: list[Holder], now: int
) -> list[HasAccess]:
    ids = [person.id for person in people]
    held = transaction.all(holding.HOLDINGS, person_ids=str(ids), channel_ids=str([door.id]), at=now) if ids else []
    shift_ids = sorted({each.shift_id for each in held if each.shift_id is not None})
    timetables = Timetables((), ())
    if shift_ids:
        timetables = Timetables(
            transaction.all(rows.SOME_SHIFTS, account_id=account_id, ids=str(shift_ids)),
            transaction.all(rows.HOLIDAYS, account_id=account_id),
        )
    by_person: dict[int, list[Holding]] = defaultdict(list)
    for each in sorted(held, key=lambda each: (each.role_id, each.way, each.way_id or 0)):
        by_person[each.person_id].append(each)
    shifts = Shifts(now)
    found = []
    for person in people:
        ways = [_way(shifts, each, timetables, door) for each in by_person[person.id]]
        found.append(HasAccess(person, ways, _standing(person, ways, now), _next(person, ways, now)))
    return found


def _way(shifts: Shifts, held: Holding, timetables: Timetables, door: Door) -> Way:
    if held.shift_id is None:
        return shifts.way(held, None)
    return shifts.way(held, timetables.at_site(held.shift_id, door.channel.site_id, door.zone.key)[0])


def _standing(person: Holder, ways: list[Way], now: int) -> str:
    if not person.enabled:
        return "disabled"
    if person.valid_from is not None and now < person.valid_from:
        return "early"
    if person.valid_to is not None and now >= person.valid_to:
        return "over"
    return "open" if any(way.open for way in ways) else "closed"


def _next(person: Holder, ways: list[Way], now: int) -> int | None:
    standing = _standing(person, ways, now)
    if standing == "early":
        return person.valid_from
    if standing == "closed":
        return min((way.next_change for way in ways if way.next_change is not None), default=None)
    if standing == "open":
        ends = [way.next_change for way in ways if way.open]
        return None if None in ends else max(end for end in ends if end is not None)
    return None


HANDLERS = (access_page,)
