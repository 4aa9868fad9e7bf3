"""The pages of /console/alarms."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.alarms.kinds import CODES, STATES, Kind
from doorward.alarms.listing import Wanted, list_alarms
from doorward.console.alarms import shown
from doorward.console.alarms.commands import COMMAND_HANDLERS
from doorward.console.alarms.page_of_one import show_alarm
from doorward.console.alarms.reading import waiting
from doorward.console.alarms.shown import card_of
from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.console.preferences import chosen_site
from doorward.console.sites_and_doors import sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.kit.pages import Page
from doorward.notifications.service import page_of_notifications
from doorward.oauth.principal import Principal
from doorward.wire.queries import boolean, choice_of, id_of, path_id

READ: Final = ("account.event.access.readonly",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "scopes": READ}
_FIRST: Final = Page(1, 1)
_KINDS: Final = tuple(kind.value for kind in Kind)


@get("/alarms", name="console.alarms", **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The alarms in one state, newest first."""
    query, asked = request.query_params, asked_page(request)
    state = choice_of(query, "state", STATES) or STATES[0]
    kind, door, mine = choice_of(query, "kind", _KINDS), id_of(query, "channel_id"), boolean(query, "mine")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        places = sites_and_doors(transaction, principal)
        site = places.site(chosen_site(request))
        wanted = Wanted(
            states=[state],
            kinds=[kind] if kind else None,
            channel_ids=[door] if door else None,
            site_ids=[site.id] if site else None,
            assignee_id=principal.user_id if mine else None,
        )
        found, total = list_alarms(transaction, principal.account_id, wanted, asked, by=principal)
        values = {"site": site.id if site else None, "kind": kind, "channel_id": door, "mine": mine}
        return {
            "cards": [card_of(each, places) for each in found],
            "paging": paging_of(request, asked, total),
            "form": Form(values),
            "places": places,
            "site": site,
            "waiting": waiting(transaction, principal),
            "unread": page_of_notifications(transaction, principal, _FIRST, unread=True)[1],
            "zones": [zone.key for zone in places.zones(site)],
            "is_narrowed": bool(kind or door or mine or site),
        }

    return await show(
        request,
        "alarms/list.html",
        read,
        state=state,
        kinds=shown.KINDS,
        states=shown.STATES,
        codes=sorted(map(int, CODES)),
    )


@get("/alarms/{alarm_id:str}", name="console.alarm", **_PAGE)
async def alarm_page(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """An alarm with its notes and events."""
    return await show_alarm(request, path_id(alarm_id))


HANDLERS = (list_page, alarm_page, *COMMAND_HANDLERS)
