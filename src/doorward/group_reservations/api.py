"""Routes and wire shapes of /api/3/group_reservations."""

from typing import Annotated, Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.db.unit_of_work import Transaction
from doorward.group_reservations.service import (
    GroupReservation,
    State,
    create_group_reservation,
    delete_group_reservation,
    list_group_reservations,
)
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import SINCE, Docs, Id, Instant, Result, paging
from doorward.wire.queries import page_of, path_id, since_of
from doorward.wire.responses import encoded, page_response


class GroupReservationBody(Struct, frozen=True, gc=False):
    """A group reservation on the wire: these fields in this order (contract, GroupReservation)."""

    id: int
    person_id: int
    start_time: str
    end_time: str
    state: State
    group_ids: list[int]
    created_at: str
    updated_at: str


class GroupReservationFields(Struct, frozen=True):
    """What a group reservation is asked for with."""

    person_id: Id
    start_time: Instant
    end_time: Instant
    group_ids: Annotated[list[Id], Meta(min_length=1)]


class GroupReservationInput(Struct, frozen=True):
    """The same, wrapped; without the wrapper will do, too."""

    group_reservation: GroupReservationFields


_CREATE = Docs("Add a person to groups for a stretch of time", {201: GroupReservationBody}, body=GroupReservationInput)
_LIST = Docs(
    "List present and future group reservations",
    {200: list[GroupReservationBody]},
    parameters=(*paging(), *SINCE),
    paged=True,
    description="With `since` or `since_utc`, those that have ended since are listed, too. That one begins or ends "
    "counts as an update of it.",
)
_DELETE = Docs(
    "Delete a pending group reservation; end an active one at once",
    {200: Result},
    errors=(422,),
)


def _body(found: GroupReservation, now: int) -> GroupReservationBody:
    return GroupReservationBody(
        found.id,
        found.person_id,
        format_instant(found.start_time),
        format_instant(found.end_time),
        found.state(now),
        list(found.group_ids),
        format_instant(found.created_at),
        format_instant(found.updated_at),
    )


@post("/group_reservations", name="createGroupReservation", scopes=("account.group_reservation",), docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a group reservation. Contract operation createGroupReservation."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(_body(create_group_reservation(transaction, principal, body, now), now), 201)

    return await change(request, create_it)


@get("/group_reservations", name="listGroupReservations", scopes=("account.group_reservation.readonly",), docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List group reservations. Contract operation listGroupReservations."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params)
    since = since_of(request.query_params, principal.zone)
    now = context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_group_reservations(transaction, principal, page, since, now)
        return encoded([_body(reservation, now) for reservation in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@delete(
    "/group_reservations/{reservation_id:str}",
    name="deleteGroupReservation",
    scopes=("account.group_reservation",),
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], reservation_id: FromPath[str]) -> ASGIResponse:
    """Delete or deactivate a group reservation. Contract operation deleteGroupReservation."""
    number = path_id(reservation_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_group_reservation(transaction, principal, number, now)
        return OK

    return await change(request, delete_it)


router = Router("/api/3", route_handlers=[create, list_page, remove])
