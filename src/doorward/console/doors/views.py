"""The pages of /console/doors that show doors: tiles, a list, and one by itself."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.access import holding
from doorward.admissions.service import get_admission
from doorward.console.doors.asking import LOCKDOWN, form_of_shift, shift_choices
from doorward.console.doors.history import Changed, latest_changes, latest_events
from doorward.console.doors.look import mode_of
from doorward.console.doors.parts import COMMAND, DOORS, LOOKS, PAGE, READ
from doorward.console.doors.reading import Wanted, get_door, page_of_doors
from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of, with_filters
from doorward.console.page import fragment, show
from doorward.console.preferences import chosen_site
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.wire.queries import id_of, path_id, text_of

_TILES: Final = 60
_EVENTS: Final = 8


@get("/doors", name="console.doors", scopes=READ, **PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The doors that the user sees, of the chosen site or of all."""
    asked = asked_page(request, _TILES)
    text = text_of(request.query_params, "q")
    as_list = request.query_params.get("view") == "list"
    wanted, site_asked = Wanted(chosen_site(request), text), request.query_params.get("site")

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found, total = page_of_doors(transaction, principal, wanted, asked, now)
        return {"doors": found, "paging": paging_of(request, asked, total)}

    return await show(
        request,
        "doors/list.html",
        read,
        text=text,
        as_list=as_list,
        site_asked=site_asked,
        tiles_address=with_filters(DOORS, {"q": text, "site": site_asked}),
        list_address=with_filters(DOORS, {"q": text, "site": site_asked, "view": "list"}),
        **LOOKS,
    )


@get("/doors/{channel_id:str}/standing", name="console.door.standing", scopes=READ, **PAGE)
async def standing(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """How a door stands now: for its tile."""
    number = path_id(channel_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        return {"door": get_door(transaction, principal, number, now)}

    return await fragment(request, "doors/standing.html", read, **LOOKS)


@get("/doors/{channel_id:str}", name="console.door", scopes=READ, **PAGE)
async def door_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """One door: how it stands and why, what it can be told, what happened, its hardware."""
    number, admission_id = path_id(channel_id), id_of(request.query_params, "admission")

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = read_door(transaction, principal, number, now)
        admission = None
        if admission_id is not None and principal.may("account.channel.admit", "account.channel.admit.person"):
            admission = get_admission(transaction, principal, admission_id, now)
        return {**found, "admission": admission}

    return await show(request, "doors/door.html", read, **LOOKS)


def read_door(transaction: Transaction, principal: Principal, number: int, now: int) -> Mapping[str, object]:
    """What the page of a door shows, in six statements at most. Raises NotFound."""
    door = get_door(transaction, principal, number, now)
    changed: list[Changed] = []
    if principal.may("account.audit.readonly"):
        changed = latest_changes(transaction, principal.account_id, number)
    return {
        "door": door,
        "mode": mode_of(door),
        "people": transaction.one(holding.COUNT_HOLDERS, account_id=principal.account_id, channel_id=number, at=now),
        "events": latest_events(transaction, principal.account_id, _EVENTS, channel_id=number),
        "changed": changed,
        "blank": Form(),
        "lockdown_form": Form(LOCKDOWN),
        "shift_form": form_of_shift(door),
        "shifts": shift_choices(transaction, principal) if principal.may(*COMMAND) else [],
    }


@get("/doors/{channel_id:str}/latest", name="console.door.latest", scopes=READ, **PAGE)
async def latest(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """The part of the page that follows what happens: the standing, the hardware, the last events."""
    number = path_id(channel_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        door = get_door(transaction, principal, number, now)
        return {
            "door": door,
            "mode": mode_of(door),
            "events": latest_events(transaction, principal.account_id, _EVENTS, channel_id=number),
        }

    return await fragment(request, "doors/latest.html", read, **LOOKS)


HANDLERS = (list_page, standing, door_page, latest)
