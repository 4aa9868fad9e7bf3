"""The pages of /console/notifications."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.events.shown import shown
from doorward.console.forms import sent
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import go, show
from doorward.console.sites_and_doors import sites_and_doors
from doorward.db.unit_of_work import Transaction
from doorward.kit.fields import LARGEST_ID, Fields
from doorward.notifications.service import mark_all_read, mark_read, page_of_notifications
from doorward.oauth.principal import Principal
from doorward.signing_in.next_page import local_path
from doorward.wire.changes import perform
from doorward.wire.queries import boolean, path_id

_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "scopes": ("account.event.access.readonly",)}
_LIST: Final = "/console/notifications"


@get("/notifications", name="console.notifications", **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What the user has not read yet; or, asked for, all, newest first."""
    asked, every = asked_page(request), boolean(request.query_params, "all")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        places = sites_and_doors(transaction, principal)
        found, total = page_of_notifications(transaction, principal, asked, unread=not every)
        return {
            "found": [(each, shown(each.event, places)) for each in found],
            "newest": max((each.id for each in found), default=0),
            "paging": paging_of(request, asked, total),
            "zones": [zone.key for zone in places.zones()],
        }

    return await show(request, "notifications/list.html", read, every=every)


@post("/notifications/read", name="console.notifications.readAll", status_code=303, **_PAGE)
async def read_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The user has read all up to one that was shown; what came meanwhile stays to be read."""
    form = await sent(request)
    fields = Fields(form.body(numbers=("up_to",)))
    up_to = fields.integer("up_to", low=1, high=LARGEST_ID)
    fields.check()
    await perform(request, lambda tx, by, _: mark_all_read(tx, by, up_to))
    return go(request, _LIST, "All were marked as read.")


@post("/notifications/{notification_id:str}/read", name="console.notification.read", status_code=303, **_PAGE)
async def read_one(request: Request[Any, Any, Any], notification_id: FromPath[str]) -> ASGIResponse:
    """The user has read one."""
    form, number = await sent(request), path_id(notification_id)
    await perform(request, lambda tx, by, _: mark_read(tx, by, number))
    return go(request, local_path(form.text("next")) or _LIST)


HANDLERS = (list_page, read_all, read_one)
