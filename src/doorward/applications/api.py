"""Routes and wire shapes of /api/3/applications [ours]: the integrations of an account, their use and their end."""

from typing import Any, Final, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.applications.client_secrets import make_client_secret
from doorward.applications.service import (
    PUBLIC,
    Application,
    create_application,
    get_application,
    list_applications,
    remove_application,
    revoke_application,
    rotate_secret,
    update_application,
)
from doorward.applications.usage import first_day, grants_of, usage_of
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Forbidden
from doorward.kit.timestamps import format_instant, format_optional
from doorward.oauth.principal import Principal
from doorward.webhooks.endpoints import set_webhook_url
from doorward.wire.bodies import read_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Parameter, paging
from doorward.wire.queries import day_of, page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

_USUAL_DAYS: Final = 30
Kind = Literal["registered", "public", "command_line", "personal"]


class ApplicationBody(Struct, frozen=True, gc=False):
    """An application on the wire."""

    id: int
    name: str
    client_id: str
    kind: Kind
    service: bool
    service_user_id: int | None
    service_scopes: list[str] | None
    """What a service may ask for, with all that it includes; null: everything, or no service."""
    redirect_uris: list[str]
    webhook_url: str | None
    created_at: str
    updated_at: str


class ApplicationWithSecret(ApplicationBody, frozen=True, gc=False):
    """An application with its new secret, which cannot be seen again; a public one has none."""

    client_secret: str | None


class NewApplication(ApplicationWithSecret, frozen=True, gc=False):
    """An application with what it signs in with, and its webhooks are signed with: not to be seen again."""

    webhook_secret: str | None
    """None without a `webhook_url`."""


class ChangedApplication(ApplicationBody, frozen=True, gc=False):
    """An application after a change."""

    webhook_secret: str | None
    """A new one, which cannot be seen again, if the application had no webhook until now."""


class ApplicationInput(Struct, frozen=True, omit_defaults=True):
    """What an application is made of."""

    name: str
    redirect_uris: list[str] | None = None
    public: bool = False
    service: bool = False
    webhook_url: str | None = None


class ApplicationChange(Struct, frozen=True, omit_defaults=True):
    """What of an application is to change."""

    name: str | UnsetType = UNSET
    redirect_uris: list[str] | UnsetType = UNSET
    service: bool | UnsetType = UNSET
    webhook_url: str | UnsetType | None = UNSET


class Revoked(Struct, frozen=True):
    """How many access tokens held until now."""

    result: Literal["ok"]
    revoked: int


class UserOf(Struct, frozen=True, gc=False):
    """In whose name something was done."""

    id: int
    email: str


class UseBody(Struct, frozen=True, gc=False):
    """How often a user had an operation done through the application on a day (UTC)."""

    user: UserOf
    endpoint: str
    day: str
    uses: int
    last_used_at: str
    last_address: str


class UsageBody(Struct, frozen=True, gc=False, rename={"first": "from", "last": "to"}):
    """What an application was used for. Everything but `rows` is about all of the days asked for."""

    first: str
    last: str
    uses: int
    last_used_at: str | None
    last_address: str | None
    rows: list[UseBody]


class GrantBody(Struct, frozen=True, gc=False):
    """That a user has connected the application."""

    id: int
    user: UserOf
    scopes: list[str]
    created_at: str


_OWN_ONLY: Final = "The token of an application is refused: what it made would be left when it is revoked."
_DAY: Final = {"type": "string", "format": "date"}
_LIST = Docs("List the applications", {200: list[ApplicationBody]}, ours=True)
_GET = Docs("Get an application", {200: ApplicationBody}, ours=True)
_CREATE = Docs(
    "Create an application",
    {201: NewApplication},
    body=ApplicationInput,
    ours=True,
    description=(
        "The secrets are shown in this answer only. Only an owner can make a service, which gets tokens in that "
        "owner's name with the client_credentials grant, of no more scopes than the token that made it one. "
        f"{_OWN_ONLY}"
    ),
)
_UPDATE = Docs(
    "Change an application",
    {200: ChangedApplication},
    body=ApplicationChange,
    ours=True,
    errors=(409,),
    description="A `webhook_url` where there was none gives a `webhook_secret`, shown in this answer only; another one "
    f"keeps it. Only an owner can change a service. Built-in applications can't be changed. {_OWN_ONLY}",
)
_DELETE = Docs("Remove an application with all that it holds, at once", {200: Revoked}, ours=True)
_ROTATE = Docs(
    "Give an application a new client secret",
    {200: ApplicationWithSecret},
    ours=True,
    errors=(409,),
    description=(
        "The old secret is good no longer; tokens stay as they are. Only an owner can do that for a service, with a "
        f"token that has all the scopes the service may have. {_OWN_ONLY}"
    ),
)
_REVOKE = Docs(
    "Revoke all that an application holds, at once",
    {200: Revoked},
    ours=True,
    description=(
        "All users' access tokens, refresh tokens and codes. The application stays and may be connected anew; a "
        "service loses its client secret, and gets no token until an owner gives it a new one."
    ),
)
_USAGE = Docs(
    "Get what an application is used for, per user, operation and day",
    {200: UsageBody},
    parameters=(
        Parameter("from", _DAY, f"The first day (UTC); {_USUAL_DAYS} days up to the last one if not given."),
        Parameter("to", _DAY, "The last day (UTC); today if not given."),
        *paging()[:2],
    ),
    paged=True,
    ours=True,
)
_GRANTS = Docs("List who has connected an application", {200: list[GrantBody]}, ours=True)


def _fields(found: Application) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "client_id": found.client_id,
        "kind": found.kind,
        "service": found.is_service,
        "service_user_id": found.service_user_id,
        "service_scopes": None if found.service_scopes is None else found.service_scopes.split(),
        "redirect_uris": list(found.redirect_uris),
        "webhook_url": found.webhook_url,
        "created_at": format_instant(found.created_at),
        "updated_at": format_instant(found.updated_at),
    }


def _unlimited(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if they are not limited to sites: integrations are the whole account's. Raises Forbidden."""
    principal = principal_of(request)
    if principal.site_limited:
        raise Forbidden
    return principal


@get("/applications", name="listApplications", scopes=("account.application.readonly",), docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the applications, the built-in ones too, by id."""
    principal = _unlimited(request)

    def read(transaction: Transaction) -> bytes:
        found = list_applications(transaction, principal.account_id)
        return encoded([ApplicationBody(**_fields(application)) for application in found])

    return encoded_response(await context_of(request).database.read(read))


@get("/applications/{application_id:str}", name="getApplication", scopes=("account.application.readonly",), docs=_GET)
async def get_one(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Get an application."""
    principal, number = _unlimited(request), path_id(application_id)

    def read(transaction: Transaction) -> bytes:
        return encoded(ApplicationBody(**_fields(get_application(transaction, principal.account_id, number))))

    return encoded_response(await context_of(request).database.read(read))


@post("/applications", name="createApplication", scopes=("account.application",), docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create an application; its secret is hashed before the transaction begins."""
    _unlimited(request)
    vault, body = context_of(request).vault, await read_json(request)
    secret = await make_client_secret()

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = create_application(transaction, principal.account_id, body, secret.secret_hash, now, principal)
        shown = None if made.kind == PUBLIC else secret.secret
        signed_with = set_webhook_url(transaction, vault, principal.account_id, made.id, made.webhook_url, now)
        return answer(NewApplication(**_fields(made), client_secret=shown, webhook_secret=signed_with), 201)

    return await change(request, create_it)


@put("/applications/{application_id:str}", name="updateApplication", scopes=("account.application",), docs=_UPDATE)
async def update(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of an application."""
    _unlimited(request)
    vault, number, body = context_of(request).vault, path_id(application_id), await read_json(request)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        found = update_application(transaction, principal.account_id, number, body, now, principal)
        secret = set_webhook_url(transaction, vault, principal.account_id, found.id, found.webhook_url, now)
        return answer(ChangedApplication(**_fields(found), webhook_secret=secret))

    return await change(request, update_it)


@delete(
    "/applications/{application_id:str}",
    name="deleteApplication",
    scopes=("account.application",),
    status_code=200,
    docs=_DELETE,
)
async def remove(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Remove an application."""
    _unlimited(request)
    number = path_id(application_id)

    def remove_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(Revoked("ok", remove_application(transaction, principal.account_id, number, now, principal)))

    return await change(request, remove_it)


@post(
    "/applications/{application_id:str}/rotate_secret",
    name="rotateApplicationSecret",
    scopes=("account.application",),
    docs=_ROTATE,
)
async def rotate(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Give an application a new secret, hashed before the transaction begins."""
    _unlimited(request)
    number = path_id(application_id)
    secret = await make_client_secret()

    def rotate_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        found = rotate_secret(transaction, principal.account_id, number, secret.secret_hash, now, principal)
        return answer(ApplicationWithSecret(**_fields(found), client_secret=secret.secret))

    return await change(request, rotate_it)


@post(
    "/applications/{application_id:str}/revoke",
    name="revokeApplication",
    scopes=("account.application",),
    docs=_REVOKE,
)
async def revoke(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Revoke all that an application holds."""
    _unlimited(request)
    number = path_id(application_id)

    def revoke_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        return answer(Revoked("ok", revoke_application(transaction, principal.account_id, number, now, principal)))

    return await change(request, revoke_it)


@get(
    "/applications/{application_id:str}/usage",
    name="getApplicationUsage",
    scopes=("account.application.readonly",),
    docs=_USAGE,
)
async def usage(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """Get what an application is used for; a use shows up within a second."""
    principal, number, context = _unlimited(request), path_id(application_id), context_of(request)
    query = request.query_params
    page = page_of({name: value for name, value in query.items() if name != "skip_pagination"})
    today = format_instant(context.clock.now())[:10]
    last = day_of(query, "to") or today
    first = day_of(query, "from") or first_day(last, _USUAL_DAYS)
    if first > last:
        raise BadRequest("The parameter from must not be after the parameter to")

    def read(transaction: Transaction) -> tuple[bytes, int]:
        get_application(transaction, principal.account_id, number)
        uses, totals, address = usage_of(transaction, number, first, last, page)
        rows = [
            UseBody(
                UserOf(use.user_id, use.email),
                use.endpoint,
                use.day,
                use.uses,
                format_instant(use.last_used_at),
                use.last_address,
            )
            for use in uses
        ]
        last_used_at = format_optional(totals.last_used_at)
        return encoded(UsageBody(first, last, totals.uses, last_used_at, address, rows)), totals.rows

    body, total = await context.database.read(read)
    return page_response(request, body, total, page)


@get(
    "/applications/{application_id:str}/grants",
    name="listApplicationGrants",
    scopes=("account.application.readonly",),
    docs=_GRANTS,
)
async def grants(request: Request[Any, Any, Any], application_id: FromPath[str]) -> ASGIResponse:
    """List who has connected an application, since when, with which scopes."""
    principal, number, context = _unlimited(request), path_id(application_id), context_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        get_application(transaction, principal.account_id, number)
        return encoded(
            [
                GrantBody(
                    grant.id,
                    UserOf(grant.user_id, grant.email),
                    grant.scopes.split(),
                    format_instant(grant.created_at),
                )
                for grant in grants_of(transaction, number, now)
            ]
        )

    return encoded_response(await context.database.read(read))


router = Router(
    "/api/3",
    route_handlers=[list_all, get_one, create, update, remove, rotate, revoke, usage, grants],
)
