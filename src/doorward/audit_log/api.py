"""The route of /api/3/audit_log."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Router, get
from litestar.response.base import ASGIResponse
from msgspec import Struct, json

from doorward.audit.listing import Wanted, list_entries
from doorward.audit.service import Entry
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.kit.timestamps import format_instant
from doorward.oauth.principal import Principal
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import INSTANT, Docs, Parameter, paging
from doorward.wire.queries import id_of, instant_of, page_of, text_of
from doorward.wire.responses import encoded, page_response


class AuditEntry(Struct, frozen=True, gc=False):
    """Who changed what, through which application; of a change, `before` and `after` have what is different."""

    id: int
    at: str
    user_id: int | None
    user_name: str | None
    application_id: int | None
    application_name: str | None
    request_id: str | None
    address: str | None
    action: str
    resource_type: str
    resource_id: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


_ID: Final = {"type": "integer", "minimum": 1}
_TEXT: Final = {"type": "string", "maxLength": 255}
_LIST = Docs(
    "List who changed what, newest first",
    {200: list[AuditEntry]},
    parameters=(
        Parameter("resource_type", _TEXT, "Only of this kind of thing, such as role."),
        Parameter("resource_id", _ID, "Only of things with this id."),
        Parameter("user_id", _ID, "Only what this user did."),
        Parameter("application_id", _ID, "Only what was done through this application."),
        Parameter("action", _TEXT, "Only this: create, update, delete or another."),
        Parameter("since", INSTANT, "Only at or after this instant; local time without an offset."),
        Parameter("until", INSTANT, "Only before this instant; local time without an offset."),
        *paging(),
    ),
    paged=True,
    ours=True,
)


def _body(entry: Entry) -> AuditEntry:
    return AuditEntry(
        entry.id,
        format_instant(entry.at),
        entry.user_id,
        entry.user_name,
        entry.application_id,
        entry.application_name,
        entry.request_id,
        entry.address,
        entry.action,
        entry.resource_type,
        entry.resource_id,
        None if entry.before is None else json.decode(entry.before),
        None if entry.after is None else json.decode(entry.after),
    )


@get("/audit_log", name="listAuditLog", scopes=("account.audit.readonly",), docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List who changed what. It tells of the whole account, so that a user who is limited to sites may not."""
    context, principal = context_of(request), principal_of(request)
    if principal.site_limited:
        raise Forbidden
    page, wanted = page_of(request.query_params), _wanted(request.query_params, principal)

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_entries(transaction, principal.account_id, wanted, page)
        return encoded([_body(entry) for entry in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


def _wanted(query: Mapping[str, str], principal: Principal) -> Wanted:
    """What the query asks for. Raises BadRequest."""
    return Wanted(
        resource_type=text_of(query, "resource_type"),
        resource_id=id_of(query, "resource_id"),
        user_id=id_of(query, "user_id"),
        application_id=id_of(query, "application_id"),
        action=text_of(query, "action"),
        since=instant_of(query, "since", principal.zone),
        until=instant_of(query, "until", principal.zone),
    )


router = Router("/api/3", route_handlers=[list_page])
