"""The application: every slice's routes behind one guard."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import HttpMethod, Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp, ControllerRouterHandler

from doorward.api.edge import edge
from doorward.api.errors import EXCEPTION_HANDLERS
from doorward.api.guard import require_scope
from doorward.api.welcome import welcome
from doorward.oauth.scopes import ALL_SCOPES
from doorward.reservations import api as reservations
from doorward.roles import api as roles
from doorward.wire.context import ANY_TOKEN, Context
from doorward.wire.docs import Docs

LARGEST_BODY: Final = 1024 * 1024
ROUTERS: Final[Sequence[ControllerRouterHandler]] = (welcome, reservations.router, roles.router)


class UnguardedRoute(RuntimeError):
    """A route says neither which scopes it needs nor that it is public."""


def create_app(context: Context, routers: Sequence[ControllerRouterHandler] = ROUTERS) -> ASGIApp:
    """The ASGI application. Raises UnguardedRoute rather than serve a route that anybody could call."""
    app = Litestar(
        route_handlers=list(routers),
        guards=[require_scope],
        exception_handlers=EXCEPTION_HANDLERS,
        state=State({"context": context}),
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.http_methods != {HttpMethod.OPTIONS}:  # the framework's own; it tells the allowed methods
                _check_guarded(handler.opt, str(handler))
    return edge(app)


def _check_guarded(opt: dict[str, Any], name: str) -> None:
    scopes = opt.get("scopes")
    needed = (*(scopes or ()), *opt.get("also_scopes", ())) if isinstance(scopes, tuple) else ()
    known = scopes == ANY_TOKEN or (bool(scopes) and bool(needed) and ALL_SCOPES.issuperset(needed))
    if not known and not opt.get("public"):
        raise UnguardedRoute(f"{name} needs scopes=(…) of known scopes, or public=True")
    if not isinstance(opt.get("docs"), Docs) and not opt.get("hidden"):
        raise UnguardedRoute(f"{name} needs docs=Docs(…), or hidden=True to stay out of the documentation")
