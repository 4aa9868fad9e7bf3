"""Reading a card at a door: it is held to the reader, refused there, and its number is told here.

Nothing is kept between the questions: what is read counts from the position in the record at which it began, and for a
minute; both are in the address. What was told later, by a door that had no contact, does not count.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from sqlalchemy import bindparam, func, select

from doorward.channels.tables import channels
from doorward.console.forms import Form
from doorward.console.page import fragment, is_htmx, show
from doorward.console.people.person import portrait_of
from doorward.console.people.rows import Named
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import EventCode
from doorward.events.tables import events
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, visible_to
from doorward.wire.context import context_of
from doorward.wire.queries import id_of, path_id

WAITS_MS: Final = 60_000
_MOST_DOORS: Final = 200
_DOORS: Final = Query(
    select(channels.c.id, channels.c.name)
    .where(VISIBLE)
    .order_by(channels.c.name_key, channels.c.id)
    .limit(_MOST_DOORS),
    Named,
)
_DOOR: Final = Query(
    select(channels.c.id, channels.c.name).where(VISIBLE, channels.c.id == bindparam("channel_id")), Named
)
_LAST: Final = Query(
    select(func.coalesce(func.max(events.c.position), 0)).where(events.c.account_id == bindparam("account_id")), number
)


class Presented(NamedTuple):
    """A card that was held to the reader."""

    event_code: int
    value: str
    person_id: int | None
    person_name: str | None


_PRESENTED: Final = Query(
    select(events.c.event_code, events.c.credential, events.c.person_id, events.c.person_name)
    .where(
        events.c.account_id == bindparam("account_id"),
        events.c.position > bindparam("after"),
        events.c.channel_id + 0 == bindparam("channel_id"),
        events.c.is_replayed == 0,
        events.c.credential.is_not(None),
    )
    .order_by(events.c.position)
    .limit(20),
    Presented,
)


def doors_with_readers(transaction: Transaction, principal: Principal) -> list[Named]:
    """The doors that the user sees, by name."""
    return transaction.all(_DOORS, **visible_to(principal))


@get(
    "/people/{person_id:str}/credentials/read",
    name="console.credential.read",
    scopes=("account.person",),
    also_scopes=("account.event.access.readonly", "account.channel.readonly"),
    page=True,
    hidden=True,
)
async def read_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Begin to wait for a card at a door; or, with the position from which on it counts, whether one was read."""
    query, number_of_person = request.query_params, path_id(person_id)
    door_id, after, until = id_of(query, "door"), query.get("after", ""), id_of(query, "until")
    now = context_of(request).clock.now()
    begun = after.isascii() and after.isdigit() and len(after) < 19 and until is not None
    ends = min(until or 0, now + WAITS_MS) if begun else now + WAITS_MS

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        portrait = portrait_of(transaction, principal.account_id, number_of_person)
        doors = doors_with_readers(transaction, principal) if door_id is None else []
        door = None if door_id is None else transaction.one(_DOOR, channel_id=door_id, **visible_to(principal))
        if door_id is not None and door is None:
            raise NotFound
        since = int(after) if begun else transaction.one(_LAST, account_id=principal.account_id) or 0
        presented: Sequence[Presented] = ()
        if begun and door is not None:
            presented = transaction.all(_PRESENTED, account_id=principal.account_id, after=since, channel_id=door.id)
        unknown = next((each for each in presented if each.event_code == EventCode.REJECT_CARD), None)
        return {
            "portrait": portrait,
            "door": door,
            "doors": doors,
            "after": since,
            "found": unknown,
            "known": presented[-1] if presented and unknown is None else None,
            "form": Form({"value": unknown.value if unknown else ""}),
        }

    values: dict[str, Any] = {"until": ends, "left": max(ends - now, 0) // 1000}
    if is_htmx(request):
        return await fragment(request, "people/reading.html", read, **values)
    return await show(request, "people/reading_page.html", read, **values)


HANDLERS = (read_page,)
