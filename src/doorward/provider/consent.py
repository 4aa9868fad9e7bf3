"""GET and POST /oauth/authorize: a person is asked whether an application may act for them (RFC 6749, 4.1.1)."""

import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error, UnsupportedResponseTypeError
from litestar import Request, Router, get, post
from litestar.response.base import ASGIResponse

from doorward.applications.service import Application, find_application
from doorward.audit.service import acting
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import BadRequest, Forbidden
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.pages.errors import PAGE_ERRORS
from doorward.pages.forms import read_form
from doorward.pages.render import render, see_other
from doorward.provider.grants import CodeGrant, register_grants
from doorward.provider.parameters import AUTHORIZATION, Parameters, parse
from doorward.provider.redirect_uris import form_action_of, host_of, is_registered
from doorward.provider.server import ProviderRequest, Reply, Server
from doorward.signing_in import csrf
from doorward.signing_in.current import BrowserSession, actor_of_session, current_session
from doorward.signing_in.next_page import local_path, with_next
from doorward.wire.context import base_url, context_of
from doorward.wire.docs import HTML, Docs, Parameter

_PATH: Final = "/oauth/authorize"
_CONSENT_PATH: Final = "/oauth/consent"
_UNREADABLE: Final = "The address that brought you here could not be read. Tell whoever runs the application."
_UNKNOWN: Final = (
    "The application that brought you here is not known. It may have been removed; tell whoever runs the application."
)
_WRONG_ADDRESS: Final = (
    "The application wants you to be sent to an address that is not registered for it. You were not sent there; "
    "tell whoever runs the application."
)
_TOO_LONG: Final = "The address that brought you here is too long. Tell whoever runs the application."
_OTHER_FORM: Final = "The page is out of date, or the request did not come from it. Start again from the application."

_TEXT: Final = {"type": "string"}
_PARAMETERS: Final = (
    Parameter("response_type", {"type": "string", "enum": ["code"]}, "What is asked for: a code.", required=True),
    Parameter("client_id", _TEXT, "Who asks.", required=True),
    Parameter(
        "redirect_uri", {"type": "string", "format": "uri"}, "Where to go then; one registered, exactly.", required=True
    ),
    Parameter("scope", _TEXT, "Scopes, separated by spaces.", required=True),
    Parameter("state", _TEXT, "Comes back as it was sent; at most 2048 characters."),
    Parameter("code_challenge", _TEXT, "PKCE; a client without a secret must send it."),
    Parameter("code_challenge_method", {"type": "string", "enum": ["S256"]}, "How it was made."),
)


class _Asked(NamedTuple):
    """A request whose client and address are known to be right; whatever else is wrong can be told there."""

    application: Application
    redirect_uri: str
    parameters: Parameters

    @property
    def here(self) -> str:
        """The request as an address of this server."""
        return f"{_PATH}?{urlencode(self.parameters.values)}"

    @property
    def query(self) -> Mapping[str, str]:
        return self.parameters.values


@get(
    _PATH,
    name="authorizeOAuth",
    public=True,
    docs=Docs(
        "Ask a user to let an application in",
        {200: HTML, 302: None, 303: None, 400: HTML, 403: HTML},
        parameters=_PARAMETERS,
        description=(
            "To be opened in a browser. Whoever has not signed in is asked to (303). Errors are told to the "
            "application (302), those in client_id and redirect_uri to the user (400)."
        ),
    ),
)
async def ask(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show who asks for what; or say why not, to the application or, where it must not be trusted, to the user."""
    asked = await _read(request, request.scope["query_string"])
    scopes = await _validated(request, asked)
    if isinstance(scopes, Reply):
        return _sent_back(scopes)
    session = await current_session(request)
    if session is None:
        return _to_sign_in(asked)
    return _page(request, asked, session, scopes)


@post(_CONSENT_PATH, name="answerConsent", public=True, hidden=True)
async def answer(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Send the browser back with a code, or with the news that the user has denied."""
    form = await read_form(request)
    asked = await _read(request, urlencode({name: form[name] for name in AUTHORIZATION if name in form}).encode())
    session = await current_session(request)
    if session is None:
        return _to_sign_in(asked)
    csrf.check(session, form.get("csrf_token", ""), request)
    shown = form.get("consent", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(_consent_token(request, asked, session).encode(), shown):
        raise Forbidden(_OTHER_FORM)
    decision = form.get("decision")
    if decision not in ("allow", "deny"):
        raise BadRequest(_OTHER_FORM)
    if session.account_id != asked.application.account_id:
        raise Forbidden(_OTHER_FORM)
    user_id = session.user_id if decision == "allow" else None
    actor = actor_of_session(request, session.user_id)
    context, issuer = context_of(request), base_url(request)

    def write(transaction: Transaction) -> Reply:
        server = register_grants(Server(transaction, context.clock, issuer))
        wanted = ProviderRequest(asked.parameters, method="GET")
        with acting(actor):
            try:
                grant = _grant(server, wanted, asked.parameters)
            except OAuth2Error as error:
                return _told(server, wanted, error, asked.redirect_uri)
            reply: Reply = server.create_authorization_response(wanted, user_id, grant)
            return reply

    return _sent_back(await context.database.write(write))


async def _read(request: Request[Any, Any, Any], raw: bytes) -> _Asked:
    """The request, once client and address are right. Raises BadRequest, to be shown to the user, where they are not.

    Nothing is ever sent to an address before it is known to be the client's: else anybody could send people anywhere in
    our name.
    """
    try:
        parameters = parse(raw, AUTHORIZATION)
    except ValueError:
        raise BadRequest(_UNREADABLE) from None
    client_id, redirect_uri = parameters.get("client_id"), parameters.get("redirect_uri")
    if client_id is None:
        raise BadRequest(_UNKNOWN)
    context = context_of(request)
    application = await context.database.read(lambda transaction: find_application(transaction, client_id))
    if application is None:
        raise BadRequest(_UNKNOWN)
    if redirect_uri is None or not is_registered(redirect_uri, application.redirect_uris):
        raise BadRequest(_WRONG_ADDRESS)
    return _Asked(application, redirect_uri, parameters)


async def _validated(request: Request[Any, Any, Any], asked: _Asked) -> tuple[str, ...] | Reply:
    """The scopes that are asked for, or what the application is told of its mistake."""
    context, issuer = context_of(request), base_url(request)

    def work(transaction: Transaction) -> tuple[str, ...] | Reply:
        server = register_grants(Server(transaction, context.clock, issuer))
        wanted = ProviderRequest(asked.parameters, method="GET")
        try:
            _grant(server, wanted, asked.parameters)
        except OAuth2Error as error:
            return _told(server, wanted, error, asked.redirect_uri)
        return tuple(str(wanted.scope).split())

    return await context.database.read(work)


def _grant(server: Server, wanted: ProviderRequest, parameters: Parameters) -> CodeGrant:
    """Authlib's grant for a request that is right in every way. Raises OAuth2Error."""
    if parameters.fault is not None:
        raise InvalidRequestError(parameters.fault)
    if parameters.get("response_type") is None:
        raise InvalidRequestError("The parameter response_type is missing")
    try:
        grant: CodeGrant = server.get_consent_grant(wanted)
    except UnsupportedResponseTypeError as error:
        error.description = "The parameter response_type must be code"
        raise
    return grant


def _told(server: Server, wanted: ProviderRequest, error: OAuth2Error, redirect_uri: str) -> Reply:
    error.redirect_uri = redirect_uri
    return server.handle_error_response(wanted, error)


def _sent_back(reply: Reply) -> ASGIResponse:
    """To the application, with 302 as the contract has it; 307 would send it the form as well (RFC 9700, 4.12)."""
    response = see_other(reply.location or "/")
    response.status_code = 302
    return response


def _to_sign_in(asked: _Asked) -> ASGIResponse:
    target = local_path(asked.here)
    if target is None:
        raise BadRequest(_TOO_LONG)
    return see_other(with_next("/sign-in", target))


def _consent_token(request: Request[Any, Any, Any], asked: _Asked, session: BrowserSession) -> str:
    """What the form brings back: good for this session and this request only."""
    what = urlencode([(name, asked.query[name]) for name in AUTHORIZATION if name in asked.query])
    return context_of(request).vault.blind_index("consent", f"{session.id} {session.user_id}\n{what}")


def _page(
    request: Request[Any, Any, Any], asked: _Asked, session: BrowserSession, scopes: tuple[str, ...]
) -> ASGIResponse:
    own = session.account_id == asked.application.account_id
    return render(
        "consent.html",
        status=200 if own else 403,
        csp_form_action=form_action_of(asked.redirect_uri),
        session=session,
        here=local_path(asked.here),
        own=own,
        application=asked.application.name if own else "",
        host=host_of(asked.redirect_uri),
        words=list(dict.fromkeys(SCOPE_WORDS.get(scope, scope) for scope in scopes)),
        fields=asked.query,
        consent=_consent_token(request, asked, session),
    )


router = Router("/", route_handlers=[ask, answer], exception_handlers=PAGE_ERRORS)
