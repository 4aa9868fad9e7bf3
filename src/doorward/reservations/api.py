"""Routes and wire shapes of /api/3/reservations."""

from typing import Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.db.unit_of_work import Transaction
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.reservations.service import (
    Reservation,
    create_reservation,
    delete_reservation,
    list_reservations,
)
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import SINCE, Docs, Id, Instant, Result, paging
from doorward.wire.queries import page_of, path_id, since_of
from doorward.wire.responses import encoded, page_response


class ReservationBody(Struct, frozen=True, gc=False):
    """A reservation on the wire: these fields in this order (contract, create reservation)."""

    id: int
    person_id: int
    start_time: str
    end_time: str
    channel_ids: list[int]
    created_at: str
    updated_at: str


class ReservationInput(Struct, frozen=True, omit_defaults=True):
    """What a reservation is asked for with."""

    person_id: Id
    start_time: Instant
    end_time: Instant
    channel_ids: list[Id] | None = None
    door_controller_ids: list[Id] | None = None


_CREATE = Docs("Reserve channels for a person", {201: ReservationBody}, body=ReservationInput)
_LIST = Docs(
    "List present and future reservations", {200: list[ReservationBody]}, parameters=(*paging(), *SINCE), paged=True
)
_DELETE = Docs("Delete a reservation; its access ends at once", {200: Result})


def _body(found: Reservation) -> ReservationBody:
    return ReservationBody(
        found.id,
        found.person_id,
        format_instant(found.start_time),
        format_instant(found.end_time),
        found.channel_ids,
        format_instant(found.created_at),
        format_instant(found.updated_at),
    )


@post("/reservations", name="createReservation", scopes=("account.reservation",), docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a reservation. Contract operation createReservation."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_reservation(transaction, principal, body, now)), 201)

    return await change(request, create_it)


@get("/reservations", name="listReservations", scopes=("account.reservation.readonly",), docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List present and future reservations. Contract operation listReservations."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params)
    since = since_of(request.query_params, principal.zone)
    now = context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_reservations(transaction, principal, page, since, now)
        return encoded([_body(reservation) for reservation in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@delete(
    "/reservations/{reservation_id:str}",
    name="deleteReservation",
    scopes=("account.reservation",),
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """Delete a reservation. Contract operation deleteReservation."""
    number = path_id(reservation_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_reservation(transaction, principal, number, now)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[create, list_page, remove])
