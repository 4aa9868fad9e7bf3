"""Routes and wire shapes of /api/3/notifications."""

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.db.unit_of_work import Transaction
from doorward.events.wire import EventBody, event_body
from doorward.kit.fields import LARGEST_ID, Fields
from doorward.kit.timestamps import format_instant
from doorward.notifications.service import Notification, mark_all_read, mark_read, page_of_notifications
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Parameter, Result, paging
from doorward.wire.queries import boolean, page_of, path_id
from doorward.wire.responses import encoded, page_response


class NotificationBody(Struct, frozen=True, gc=False):
    """What a notification rule shows to operators: an event, by which rule, and whether who asks has read it."""

    id: int
    read: bool
    created_at: str
    rule_id: int | None
    rule_name: str
    event: EventBody


class ReadUpTo(Struct, frozen=True, omit_defaults=True):
    """Up to which notification all are read; without it, all there are."""

    up_to: Annotated[int, Meta(ge=1)] | None = None


# They show events, and what one has read is one's own: who may read events may say so.
_SCOPES = ("account.event.access.readonly",)
_LIST = Docs(
    "List notifications, newest first",
    {200: list[NotificationBody]},
    parameters=(
        Parameter("unread", {"type": "boolean"}, "Only those that the token's user has not read."),
        *paging(50, 500),
    ),
    paged=True,
    ours=True,
    description="What notification rules with an action of the kind console have shown, for 90 days.",
)
_READ = Docs("Mark a notification as read by the token's user", {200: Result}, ours=True)
_READ_ALL = Docs("Mark all notifications as read by the token's user", {200: Result}, body=ReadUpTo, ours=True)


def _body(found: Notification) -> NotificationBody:
    return NotificationBody(
        found.id,
        found.is_read,
        format_instant(found.created_at),
        found.rule_id,
        found.rule_name,
        event_body(found.event),
    )


@get("/notifications", name="listNotifications", scopes=_SCOPES, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List notifications, newest first."""
    context, principal = context_of(request), principal_of(request)
    page = page_of(request.query_params, default=50, largest=500)
    unread = boolean(request.query_params, "unread")

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = page_of_notifications(transaction, principal, page, unread=unread)
        return encoded([_body(each) for each in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@post(
    "/notifications/{notification_id:str}/read",
    name="readNotification",
    scopes=_SCOPES,
    status_code=200,
    docs=_READ,
)
async def read_one(request: Request[Any, Any, Any], notification_id: FromPath[str]) -> ASGIResponse:
    """Mark one as read."""
    number = path_id(notification_id)

    def mark(transaction: Transaction, principal: Principal, _: int) -> Answer:
        mark_read(transaction, principal, number)
        return OK

    return await change(request, mark)


@post("/notifications/read", name="readAllNotifications", scopes=_SCOPES, status_code=200, docs=_READ_ALL)
async def read_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Mark all as read, or all up to one."""
    fields = Fields(await read_json(request))
    up_to = fields.integer("up_to", low=1, high=LARGEST_ID)
    fields.check()

    def mark(transaction: Transaction, principal: Principal, _: int) -> Answer:
        mark_all_read(transaction, principal, up_to)
        return OK

    return await change(request, mark)


router = Router("/api/3", route_handlers=[list_page, read_one, read_all])
