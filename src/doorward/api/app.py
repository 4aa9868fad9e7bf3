"""The application: every slice's routes behind one guard."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import HttpMethod, Litestar
from litestar.datastructures import State
from litestar.routes import WebSocketRoute
from litestar.types import ASGIApp, ControllerRouterHandler

from doorward.access import api as access
from doorward.access import standing_api as standing
from doorward.accounts import api as accounts
from doorward.admissions import api as admissions
from doorward.alarms import api as alarms
from doorward.api.access_log import AccessLog
from doorward.api.edge import Edge, allowed_methods
from doorward.api.errors import EXCEPTION_HANDLERS
from doorward.api.guard import require_scope
from doorward.api.health import health, ready
from doorward.api.metrics import Metrics, metrics
from doorward.api.openapi import Route, documented_routes
from doorward.api.reference import DOCUMENT, describe, openapi, reference, reference_styles
from doorward.api.welcome import welcome
from doorward.applications import api as applications
from doorward.applications import personal_tokens_api as personal_tokens
from doorward.applications import webhooks_api as application_webhooks
from doorward.audit_log import api as audit_log
from doorward.channels import api as channels
from doorward.channels import lockdown_api as lockdown
from doorward.console import assets as console_assets
from doorward.console import routes as console
from doorward.console.start.presenting import Presenting
from doorward.controllers import api as controllers
from doorward.controllers.attempts import Attempts
from doorward.controllers.hub import Hub
from doorward.controllers.link_api import link
from doorward.credentials import api as credentials
from doorward.credentials import types_api as credential_types
from doorward.erasure import api as erasure
from doorward.events import api as events
from doorward.events import record_api as event_record
from doorward.events import stream_api as stream
from doorward.events.stream import Streams
from doorward.group_reservations import api as group_reservations
from doorward.groups import api as groups
from doorward.images import api as images
from doorward.imports import api as imports
from doorward.notification_rules import api as notification_rules
from doorward.notifications import api as notifications
from doorward.oauth.scopes import ALL_SCOPES
from doorward.pages import assets
from doorward.people import api as people
from doorward.people import presence_api as presence
from doorward.provider import api as provider
from doorward.provider import consent
from doorward.provider.metadata import server_metadata
from doorward.reports import api as reports
from doorward.reservations import api as reservations
from doorward.roles import api as roles
from doorward.shifts import api as shifts
from doorward.shifts import holidays_api as holidays
from doorward.signing_in import access_given_pages as access_given
from doorward.signing_in import pages as signing_in
from doorward.signing_in import security
from doorward.sites import api as sites
from doorward.sync import api as sync
from doorward.users import api as users
from doorward.webhooks import api as deliveries
from doorward.wire.context import ANY_TOKEN, Context
from doorward.wire.docs import Docs

LARGEST_BODY: Final = 1024 * 1024
ROUTERS: Final[Sequence[ControllerRouterHandler]] = (
    health,
    metrics,
    openapi,
    ready,
    reference,
    reference_styles,
    server_metadata,
    welcome,
    alarms.router,
    audit_log.router,
    erasure.router,
    events.router,
    stream.router,
    event_record.router,
    groups.router,
    holidays.router,
    notification_rules.router,
    notifications.router,
    shifts.router,
    sites.router,
    access.router,
    standing.router,
    accounts.router,
    admissions.router,
    channels.router,
    lockdown.router,
    controllers.router,
    link,
    credential_types.router,
    credentials.router,
    images.show,
    imports.router,
    people.router,
    presence.router,
    group_reservations.router,
    consent.router,
    provider.router,
    reports.router,
    reservations.router,
    roles.router,
    sync.router,
    assets.router,
    console_assets.router,
    access_given.router,
    console.router,
    security.router,
    signing_in.router,
    applications.router,
    application_webhooks.router,
    deliveries.router,
    personal_tokens.router,
    users.router,
)


class UnguardedRoute(RuntimeError):
    """A route says neither which scopes it needs nor that it is public."""


def create_app(
    context: Context,
    joined: Litestar | None = None,
    *,
    hub: Hub | None = None,
    streams: Streams | None = None,
    measured: Metrics | None = None,
    presenting: Presenting | None = None,
) -> ASGIApp:
    """The ASGI application; `hub`: whom controllers are connected to, if they are at all; `measured`: what is counted.

    `presenting`: the doors of this process, if it has any: a page may hold cards to those that are simulated.
    `joined`: the routes as join() has put them together, which takes a third of a second; none other serves them
    at the same time. Whoever gives `streams` shuts them down before the server waits for its answers to end.
    """
    measured = measured or Metrics()
    log = AccessLog() if context.edge.access_log else None
    app, streams = joined or join(), streams or Streams(context.database, context.clock)
    state = {"context": context, "metrics": measured, "attempts": Attempts(), "hub": hub, "streams": streams}
    app.state = State({**state, "presenting": presenting, DOCUMENT: app.state[DOCUMENT]})
    app.on_shutdown = [streams.shut_down] if log is None else [streams.shut_down, log.flush]
    return Edge(app, allowed_methods(app), measured, log)


def documentation() -> dict[str, Any]:
    """The OpenAPI document, for whoever wants it without a server."""
    found: dict[str, Any] = join().state[DOCUMENT]
    return found


def routes() -> list[Route]:
    """Every operation that is served and documented."""
    return documented_routes(join())


def join(routers: Sequence[ControllerRouterHandler] = ROUTERS) -> Litestar:
    """The routes behind one guard, with their document, for create_app().

    Raises UnguardedRoute rather than serve a route that anybody could call.
    """
    app = Litestar(
        route_handlers=list(routers),
        guards=[require_scope],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            _check_guarded(route.route_handler.opt, str(route.route_handler))
        for handler in getattr(route, "route_handlers", ()):
            if handler.http_methods != {HttpMethod.OPTIONS}:  # the framework's own; it tells the allowed methods
                _check_guarded(handler.opt, str(handler))
    describe(app)
    return app


def _check_guarded(opt: dict[str, Any], name: str) -> None:
    scopes = opt.get("scopes")
    needed = (*(scopes or ()), *opt.get("also_scopes", ())) if isinstance(scopes, tuple) else ()
    known = scopes == ANY_TOKEN or (bool(scopes) and bool(needed) and ALL_SCOPES.issuperset(needed))
    if not known and not opt.get("public"):
        raise UnguardedRoute(f"{name} needs scopes=(…) of known scopes, or public=True")
    if not isinstance(opt.get("docs"), Docs) and not opt.get("hidden"):
        raise UnguardedRoute(f"{name} needs docs=Docs(…), or hidden=True to stay out of the documentation")
