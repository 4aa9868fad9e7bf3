"""The pages /sign-in, /sign-in/code and /sign-out."""

import unicodedata
from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.response.base import ASGIResponse

from doorward.audit.service import acting
from doorward.db.unit_of_work import Transaction
from doorward.kit.crypto import new_token
from doorward.kit.errors import Forbidden, TooManyRequests
from doorward.oauth.hashing import verify
from doorward.pages.errors import PAGE_ERRORS
from doorward.pages.forms import read_form
from doorward.pages.render import render, see_other
from doorward.signing_in import csrf, record, second_factor, sessions, throttle
from doorward.signing_in.confirmation import Block, note_block
from doorward.signing_in.cookies import (
    drop_session_cookie,
    form_cookie,
    session_cookie,
    set_form_cookie,
    set_session_cookie,
)
from doorward.signing_in.current import actor_of_session, current_session, live_session
from doorward.signing_in.next_page import HOME, local_path, with_next
from doorward.signing_in.service import (
    Client,
    begin_session,
    candidate_of,
    complete_session,
    find_candidate,
    known_as,
)
from doorward.wire.context import client_address, context_of

_WRONG: Final = "The e-mail address or the password is not right."
_WRONG_CODE: Final = "That code is not right, or it was used before."
_AGAIN: Final = "The page was out of date. Please try again."
_LONGEST_PASSWORD: Final = 255
_LONGEST_EMAIL: Final = 255


@get("/sign-in", name="signInPage", public=True, hidden=True)
async def sign_in_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Ask for e-mail address and password; send on who has given them already."""
    target = local_path(request.query_params.get("next"))
    if await current_session(request) is not None:
        return see_other(target or HOME)
    return _ask(request, target)


@post("/sign-in", name="signIn", public=True, hidden=True)
async def sign_in(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Begin a session, or say that something is not right, not what."""
    form = await read_form(request)
    target, email = local_path(form.get("next")), form.get("email", "").strip()[:_LONGEST_EMAIL]
    context = context_of(request)
    tied_to = form_cookie(request)
    try:
        csrf.check_token(csrf.token_of(context.vault, tied_to or ""), form.get("csrf_token", ""), request)
    except Forbidden:
        return _ask(request, target, status=403, email=email, error=_AGAIN)
    if tied_to is None:
        return _ask(request, target, status=403, email=email, error=_AGAIN)
    now, address = context.clock.now(), client_address(request)
    key = known_as(email)
    subjects = throttle.password_subjects(context.vault, key or email.casefold(), address)
    try:
        wait = await context.database.write(lambda transaction: throttle.begin_attempt(transaction, subjects, now))
    except TooManyRequests as refusal:
        return _ask(request, target, status=429, email=email, error=refusal.text, retry_in=refusal.retry_in)
    candidate = await context.database.read(lambda transaction: find_candidate(transaction, key))
    password = unicodedata.normalize("NFC", form.get("password", "")[: _LONGEST_PASSWORD + 1])
    verified = await verify(None if candidate is None else candidate.password_hash, password)
    cookie = None
    if candidate is not None and verified.matches:
        known, client, actor = candidate, _client(request), actor_of_session(request, candidate.user_id)

        def begin(transaction: Transaction) -> str | None:
            with acting(actor):
                begun = begin_session(transaction, known, client, now, fresh_hash=verified.fresh_hash)
            if begun is not None:
                throttle.succeeded(transaction, subjects, now)
            return begun

        cookie = await context.database.write(begin)
    elif wait:
        user_id = None if candidate is None else candidate.user_id
        await note_block(request, user_id, Block("password", subjects, wait), now)
    if candidate is None or cookie is None:
        return _ask(request, target, status=422, email=email, error=_WRONG)
    forward = with_next("/sign-in/code", target) if candidate.has_second_factor else target or HOME
    return see_other(forward, headers=[set_session_cookie(request, cookie)])


@get("/sign-in/code", name="signInCodePage", public=True, hidden=True)
async def code_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Ask for the second factor."""
    target = local_path(request.query_params.get("next"))
    cookie = session_cookie(request)
    pending = None if cookie is None else await live_session(request, cookie)
    if cookie is None or pending is None:
        return see_other(with_next("/sign-in", target))
    if not pending.needs_second_factor:
        return see_other(target or HOME)
    return _ask_code(request, cookie, target)


@post("/sign-in/code", name="signInWithCode", public=True, hidden=True)
async def sign_in_with_code(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Begin the session of one whose code is right."""
    form = await read_form(request)
    target = local_path(form.get("next"))
    context = context_of(request)
    cookie = session_cookie(request)
    pending = None if cookie is None else await live_session(request, cookie)
    if cookie is None or pending is None or not pending.needs_second_factor:
        return see_other(with_next("/sign-in", target))
    csrf.check_token(csrf.token_of(context.vault, cookie), form.get("csrf_token", ""), request)
    now, client, session, code = context.clock.now(), _client(request), pending, form.get("code", "")
    subjects = throttle.code_subjects(context.vault, session.user_id, client.address)
    try:
        wait = await context.database.write(lambda transaction: throttle.begin_attempt(transaction, subjects, now))
    except TooManyRequests as refusal:
        return _ask_code(request, cookie, target, status=429, error=refusal.text, retry_in=refusal.retry_in)
    actor = actor_of_session(request, session.user_id)

    def begin(transaction: Transaction) -> str | None:
        with acting(actor):
            if not _redeem(transaction, session.user_id, code):
                return None
            begun = complete_session(transaction, session, client, now)
            if begun is not None:
                throttle.succeeded(transaction, subjects, now)
            return begun

    def _redeem(transaction: Transaction, user_id: int, code: str) -> bool:
        known = candidate_of(transaction, user_id)
        if known is None:
            return False
        # Between the password and the code somebody may have turned it off.
        return not known.has_second_factor or second_factor.redeem(transaction, context.vault, user_id, code, now)

    made = await context.database.write(begin)
    if made is None:
        if wait:
            await note_block(request, session.user_id, Block("code", subjects, wait), now)
        return _ask_code(request, cookie, target, status=422, error=_WRONG_CODE)
    return see_other(target or HOME, headers=[set_session_cookie(request, made)])


@post("/sign-out", name="signOut", public=True, hidden=True)
async def sign_out(request: Request[Any, Any, Any]) -> ASGIResponse:
    """End the session, and ask for another sign-in."""
    form = await read_form(request)
    target = with_next("/sign-in", local_path(form.get("next")))
    context = context_of(request)
    cookie = session_cookie(request)
    found = None if cookie is None else await live_session(request, cookie)
    if cookie is None or found is None:
        return see_other(target, headers=[drop_session_cookie(request)])
    csrf.check_token(csrf.token_of(context.vault, cookie), form.get("csrf_token", ""), request)
    now, over, actor = context.clock.now(), found, actor_of_session(request, found.user_id)

    def end(transaction: Transaction) -> None:
        if sessions.end(transaction, over.user_id, over.id, now) and not over.needs_second_factor:
            with acting(actor):
                record.signed_out(transaction, over.user_id, now)

    await context.database.write(end)
    return see_other(target, headers=[drop_session_cookie(request)])


def _client(request: Request[Any, Any, Any]) -> Client:
    return Client(client_address(request), request.headers.get("user-agent", ""), session_cookie(request))


def _ask(
    request: Request[Any, Any, Any],
    target: str | None,
    *,
    status: int = 200,
    email: str = "",
    error: str | None = None,
    retry_in: int | None = None,
) -> ASGIResponse:
    tied_to = form_cookie(request)
    headers = [] if retry_in is None else [("Retry-After", str(retry_in))]
    if tied_to is None:
        tied_to = new_token()
        headers.append(set_form_cookie(request, tied_to))
    return render(
        "sign_in.html",
        status=status,
        headers=headers,
        csrf_token=csrf.token_of(context_of(request).vault, tied_to),
        target=target,
        for_application=target is not None and target.startswith("/oauth/authorize"),
        email=email,
        error=error,
    )


def _ask_code(
    request: Request[Any, Any, Any],
    cookie: str,
    target: str | None,
    *,
    status: int = 200,
    error: str | None = None,
    retry_in: int | None = None,
) -> ASGIResponse:
    return render(
        "sign_in_code.html",
        status=status,
        headers=[] if retry_in is None else [("Retry-After", str(retry_in))],
        csrf_token=csrf.token_of(context_of(request).vault, cookie),
        target=target,
        error=error,
    )


router = Router(
    "/",
    route_handlers=[sign_in_page, sign_in, code_page, sign_in_with_code, sign_out],
    exception_handlers=PAGE_ERRORS,
)
