"""/console/reservations/{id}: what is reserved, what the doors say of it now, and what has happened."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.happenings import of_person
from doorward.console.page import fragment, show
from doorward.console.reservations.reading import Door, Record, doors_of_reservation, reservation_with_id
from doorward.db.unit_of_work import Transaction
from doorward.decision.engine import decide_person
from doorward.decision.wording import reasons_of
from doorward.oauth.principal import Principal
from doorward.sync.compiler import compile_some, read_presence
from doorward.wire.context import principal_of
from doorward.wire.queries import path_id

_READ: Final = ("account.reservation.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_EVENTS: Final = 20


class Said(NamedTuple):
    """What a door says of the person at an instant."""

    door: Door
    admitted: bool
    reasons: list[str]


@get("/reservations/{reservation_id:str}", name="console.reservation", scopes=_READ, **_PAGE)
async def page(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """One reservation."""
    number, zone = path_id(reservation_id), principal_of(request).zone

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = reservation_with_id(transaction, principal, number, now)
        return {
            "record": found,
            "booking": found.booking,
            "elsewhere": _elsewhere(found, zone),
            "state": "over" if found.booking.end <= now else "now" if found.booking.start <= now else "ahead",
        }

    return await show(request, "reservations/detail.html", read)


@get(
    "/reservations/{reservation_id:str}/doors",
    name="console.reservation.doors",
    scopes=_READ,
    also_scopes=("account.person.readonly",),
    **_PAGE,
)
async def at_the_doors(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """What each door says of the person now; before the reservation begins, what it will say then."""
    number = path_id(reservation_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        person_id, start, doors = doors_of_reservation(transaction, principal, number, now)
        at = max(now, start)
        return {"at": at, "said": _said(transaction, principal, person_id, doors, at)}

    return await fragment(request, "reservations/doors.html", read)


@get(
    "/reservations/{reservation_id:str}/events",
    name="console.reservation.events",
    scopes=_READ,
    also_scopes=("account.event.access.readonly",),
    **_PAGE,
)
async def happened(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """What the person did at its doors while it lasted."""
    number = path_id(reservation_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        booking = reservation_with_id(transaction, principal, number, now).booking
        doors = [each.id for each in booking.things]
        stretch = (booking.start, booking.end)
        found = of_person(transaction, principal, booking.person_id, doors, stretch, _EVENTS)
        return {"happened": found, "more": len(found) == _EVENTS, "booking": booking}

    return await fragment(request, "reservations/events.html", read)


def _said(transaction: Transaction, principal: Principal, person_id: int, doors: list[Door], at: int) -> list[Said]:
    account_id = principal.account_id
    compiled = compile_some(transaction, account_id, [door.id for door in doors], [person_id], at=at)
    presence = read_presence(transaction, account_id, [person_id])
    said = []
    for door in doors:
        known = compiled[door.id]
        if person_id in known.snapshot.directory.people:
            verdict = decide_person(known.snapshot, known.controls.state(presence), person_id, at)
            said.append(Said(door, verdict.admitted, [text for _, text in reasons_of(verdict)]))
    return said


def _elsewhere(found: Record, zone: ZoneInfo) -> list[tuple[str, ZoneInfo]]:
    """The sites of its doors that are in another zone than the account, with it."""
    zones = {door.site: ZoneInfo(door.time_zone) for door in found.doors if door.time_zone not in (None, zone.key)}
    return sorted(zones.items())


HANDLERS = (page, at_the_doors, happened)
