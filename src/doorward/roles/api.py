"""Routes of /api/3/roles."""

from typing import Any

from litestar import Request, Router, get
from litestar.response.base import ASGIResponse

from doorward.roles.listing import Role, list_roles
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.responses import encoded, encoded_response

_LIST = Docs("List roles, ordered by name", {200: list[Role]})


@get("/roles", name="listRoles", scopes=("account.role.readonly",), docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List roles, ordered by name. Contract operation listRoles."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()
    found = await context.database.read(
        lambda transaction: encoded(
            list_roles(
                transaction,
                account_id=principal.account_id,
                user_id=principal.user_id,
                site_limited=principal.site_limited,
                now=now,
            )
        )
    )
    return encoded_response(found)


router = Router("/api/3", route_handlers=[list_all])
