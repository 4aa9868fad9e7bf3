"""The pages of /console/audit. The log tells of the whole account, so that a user who is limited to sites may not."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.audit.listing import Wanted, get_entry, list_entries
from doorward.console.audit.shown import line_of
from doorward.console.audit.things import ACTIONS, KINDS
from doorward.console.forms import Form
from doorward.console.lists import asked_page, paging_of
from doorward.console.page import show
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Forbidden
from doorward.oauth.principal import Principal
from doorward.users.service import User, list_users
from doorward.wire.context import principal_of
from doorward.wire.queries import id_of, instant_of, path_id, text_of

_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "scopes": ("account.audit.readonly",)}
_FILTERS: Final = ("resource_type", "resource_id", "user_id", "application_id", "action", "from", "until")


@get("/audit", name="console.audit", **_PAGE)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Who changed what, newest first."""
    principal, asked = _asking(request), asked_page(request)
    wanted, errors = _wanted(request, principal)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found, total = ([], 0) if errors else list_entries(transaction, principal.account_id, wanted, asked)
        users = list_users(transaction, principal.account_id) if principal.may("account.user.readonly") else []
        return {
            "lines": [line_of(entry, principal.zone) for entry in found],
            "paging": paging_of(request, asked, total),
            "users": sorted(((user.id, _called(user)) for user in users), key=lambda pair: pair[1].casefold()),
        }

    # What is no time cannot be shown in a field for times, either.
    values = {name: "" if name in errors else request.query_params.get(name, "") for name in _FILTERS}
    return await show(
        request,
        "audit/list.html",
        read,
        form=Form(values, errors),
        is_narrowed=any(values.values()),
        kinds=sorted(((key, kind.word) for key, kind in KINDS.items()), key=lambda pair: pair[1]),
        actions=list(ACTIONS.items()),
    )


@get("/audit/{entry_id:str}", name="console.auditEntry", **_PAGE)
async def entry_page(request: Request[Any, Any, Any], entry_id: FromPath[str]) -> ASGIResponse:
    """One change, before and after."""
    _asking(request)
    number = path_id(entry_id)

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"line": line_of(get_entry(transaction, principal.account_id, number), principal.zone)}

    return await show(request, "audit/entry.html", read)


def _asking(request: Request[Any, Any, Any]) -> Principal:
    """Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal


def _wanted(request: Request[Any, Any, Any], principal: Principal) -> tuple[Wanted, dict[str, list[str]]]:
    """What the address asks for, and what is wrong with its times. Raises BadRequest for what no form of ours sends."""
    query = request.query_params
    errors: dict[str, list[str]] = {}
    instants: dict[str, int | None] = {}
    for name in ("from", "until"):
        try:
            instants[name] = instant_of(query, name, principal.zone)
        except BadRequest as error:
            errors[name] = [error.text.removeprefix(f"The parameter {name} ")]
    wanted = Wanted(
        resource_type=text_of(query, "resource_type"),
        resource_id=id_of(query, "resource_id"),
        user_id=id_of(query, "user_id"),
        application_id=id_of(query, "application_id"),
        action=text_of(query, "action"),
        since=instants.get("from"),
        until=instants.get("until"),
    )
    return wanted, errors


def _called(user: User) -> str:
    return f"{user.first_name} {user.last_name}".strip() or user.email


HANDLERS = (list_page, entry_page)
