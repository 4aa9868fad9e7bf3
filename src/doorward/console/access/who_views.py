"""The page /console/access/who: "Who could open Y at T?"."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.access.holding import Place
from doorward.access.service import answer, ask_of_place
from doorward.console.access.question import asked_in, instant_asked
from doorward.console.access.views import PAGE, READ_PEOPLE, door_asked
from doorward.console.choosing.doors import by_site, doors_of
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.db.unit_of_work import Transaction
from doorward.decision.engine import is_unlocked
from doorward.decision.wording import reasons_of
from doorward.oauth.principal import Principal

_JUST_NOW_MS = 60_000


@get("/access/who", name="console.access.who", scopes=READ_PEOPLE, **PAGE)
async def who_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Everybody with a role that names the door, page by page, and whether they could pass at the instant."""
    asked, page = asked_in(request.query_params), asked_page(request)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        doors = doors_of(transaction, principal)
        door = door_asked(doors, asked)
        zone = principal.zone if door is None else ZoneInfo(door.zone)
        at, problem = instant_asked(asked, zone, now)
        found: dict[str, object] = {"people": None, "paging": None, "unlocked": False}
        if door is not None and not problem:
            place = Place(door.id, door.name, door.site_id)
            asking = ask_of_place(transaction, principal, place, page, at)
            compiled = asking.compiled[door.id]
            found = {
                "people": [(access, reasons_of(access.verdict)) for access in answer(asking)],
                "paging": paging_of(request, page, asking.total),
                "unlocked": is_unlocked(compiled.snapshot, compiled.controls.state({}), at),
            }
        return {
            "sites": by_site(doors),
            "door": door,
            "at": at,
            "door_zone": zone,
            "problem": problem,
            "then": "past" if at < now - _JUST_NOW_MS else "ahead" if at > now + _JUST_NOW_MS else "now",
            **found,
        }

    return await show(request, "access/who.html", read, asked=asked)


HANDLERS = (who_page,)
