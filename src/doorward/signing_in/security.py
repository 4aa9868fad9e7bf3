"""The routes of /account/security: own password, second factor, signed-in browsers."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response import Response
from litestar.response.base import ASGIResponse

from doorward.audit.service import acting
from doorward.db.unit_of_work import Transaction, Work
from doorward.kit.errors import TooManyRequests
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.hashing import hashed, verify
from doorward.pages.errors import PAGE_ERRORS
from doorward.pages.forms import read_form
from doorward.pages.render import protection, see_other
from doorward.signing_in import csrf, second_factor, sessions, throttle
from doorward.signing_in.current import BrowserSession, actor_of_session, current_session
from doorward.signing_in.next_page import HOME, with_next
from doorward.signing_in.security_page import DONE, Complaint, show_security_page
from doorward.signing_in.service import candidate_of
from doorward.users.passwords import LONGEST_PASSWORD, read_password
from doorward.users.service import set_password
from doorward.wire.context import client_address, context_of
from doorward.wire.queries import path_id

T = TypeVar("T")

_NOT_YOURS: Final = "That is not your password."
_NEITHER: Final = "That is neither your password nor a code that is good."
_WRONG_CODE: Final = "That code is not right. If it should be, see whether the clocks here and there agree."


class _NotSignedInError(Exception):
    """To be sent to the sign-in page."""


def _to_sign_in(_: Request[Any, Any, Any], __: _NotSignedInError) -> Response[str]:
    headers = {"Location": with_next("/sign-in", HOME), **dict(protection())}
    return Response("", status_code=303, media_type="text/plain", headers=headers)


@get(HOME, name="securityPage", public=True, hidden=True)
async def security_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show the user's password form, second factor and signed-in browsers."""
    session = await _session(request)
    return await show_security_page(request, session, done=DONE.get(request.query_params.get("done", "")))


@post(f"{HOME}/password", name="changeOwnPassword", public=True, hidden=True)
async def change_password(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Change the password of one who knows it, and sign out all other browsers."""
    session, form = await _sent(request)
    fields = StructuredFields({"password": form.get("new_password", "")})
    password = read_password(fields)
    if password is None:
        text = " and ".join(fields.errors["password"])
        return await _complain(request, session, Complaint("password", f"The new password {text}."))
    refusal = await _confirm(request, session, "password", form.get("password", ""))
    if refusal is not None:
        return await _complain(request, session, refusal)
    password_hash, now = await hashed(password), context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        set_password(transaction, session.account_id, session.user_id, password_hash, now, but_session=session.id)

    await _write(request, session, work)
    return see_other(f"{HOME}?done=password")


@post(f"{HOME}/second-factor", name="beginSecondFactor", public=True, hidden=True)
async def begin_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a secret, and show it until a code confirms it."""
    session, form = await _sent(request)
    refusal = await _confirm(request, session, "second-factor", form.get("password", ""))
    if refusal is not None:
        return await _complain(request, session, refusal)
    vault = context_of(request).vault

    def work(transaction: Transaction) -> None:
        second_factor.begin_enrolment(transaction, vault, session.user_id)

    await _write(request, session, work)
    return see_other(HOME)


@post(f"{HOME}/second-factor/confirm", name="confirmSecondFactor", public=True, hidden=True)
async def confirm_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Turn the second factor on, sign out all other browsers, and show the recovery codes."""
    session, form = await _sent(request)
    context = context_of(request)
    now = context.clock.now()

    def work(transaction: Transaction) -> list[str] | None:
        made = second_factor.confirm(transaction, context.vault, session.user_id, form.get("code", ""), now)
        if made is not None:
            sessions.end_others(transaction, session.user_id, session.id, now)
        return made

    codes = await _write(request, session, work)
    if codes is None:
        return await _complain(request, session, Complaint("second-factor", _WRONG_CODE))
    return await show_security_page(request, session, codes=codes)


@post(f"{HOME}/second-factor/cancel", name="cancelSecondFactor", public=True, hidden=True)
async def cancel_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Forget a secret that no code has confirmed."""
    session, _ = await _sent(request)
    now = context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        if second_factor.state_of(transaction, session.user_id).enabled_at is None:
            second_factor.turn_off(transaction, session.user_id, now)

    await _write(request, session, work)
    return see_other(HOME)


@post(f"{HOME}/second-factor/off", name="turnOffSecondFactor", public=True, hidden=True)
async def turn_off_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Turn the second factor off for one who has the password or a code."""
    session, form = await _sent(request)
    refusal = await _confirm(request, session, "second-factor", form.get("password", ""), code_will_do=True)
    if refusal is not None:
        return await _complain(request, session, refusal)
    now = context_of(request).clock.now()
    await _write(request, session, lambda transaction: second_factor.turn_off(transaction, session.user_id, now))
    return see_other(f"{HOME}?done=off")


@post(f"{HOME}/recovery-codes", name="renewRecoveryCodes", public=True, hidden=True)
async def renew_recovery_codes(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show new recovery codes to one who has the password or a code."""
    session, form = await _sent(request)
    refusal = await _confirm(request, session, "second-factor", form.get("password", ""), code_will_do=True)
    if refusal is not None:
        return await _complain(request, session, refusal)
    context = context_of(request)
    now = context.clock.now()

    def work(transaction: Transaction) -> list[str]:
        return second_factor.renew_recovery_codes(transaction, context.vault, session.user_id, now)

    return await show_security_page(request, session, codes=await _write(request, session, work))


@post(f"{HOME}/sessions/{{session_id:str}}/end", name="endSession", public=True, hidden=True)
async def end_session(request: Request[Any, Any, Any], session_id: FromPath[str]) -> ASGIResponse:
    """Sign out one of the user's browsers."""
    session, _ = await _sent(request)
    number, now = path_id(session_id), context_of(request).clock.now()
    await _write(request, session, lambda transaction: sessions.end(transaction, session.user_id, number, now))
    return see_other(f"{HOME}?done=ended")


@post(f"{HOME}/sessions/end-others", name="endOtherSessions", public=True, hidden=True)
async def end_other_sessions(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Sign out all of the user's browsers but this one."""
    session, _ = await _sent(request)
    now = context_of(request).clock.now()
    await _write(
        request, session, lambda transaction: sessions.end_others(transaction, session.user_id, session.id, now)
    )
    return see_other(f"{HOME}?done=others")


async def _session(request: Request[Any, Any, Any]) -> BrowserSession:
    found = await current_session(request)
    if found is None:
        raise _NotSignedInError
    return found


async def _sent(request: Request[Any, Any, Any]) -> tuple[BrowserSession, Mapping[str, str]]:
    """Who sends a form, and the form. Raises Forbidden for one that is not from our page."""
    session, form = await _session(request), await read_form(request)
    csrf.check(session, form.get("csrf_token", ""), request)
    return session, form


async def _write(request: Request[Any, Any, Any], session: BrowserSession, work: Work[T]) -> T:
    actor = actor_of_session(request, session.user_id)

    def write(transaction: Transaction) -> T:
        with acting(actor):
            return work(transaction)

    return await context_of(request).database.write(write)


async def _confirm(
    request: Request[Any, Any, Any], session: BrowserSession, section: str, given: str, *, code_will_do: bool = False
) -> Complaint | None:
    """Let pass who shows once more who they are, by the password or, where it will do, a code."""
    context = context_of(request)
    now = context.clock.now()
    subjects = (
        throttle.user_subject(context.vault, "confirmation", str(session.user_id)),
        throttle.address_subject(context.vault, client_address(request)),
    )
    try:
        await context.database.write(lambda transaction: throttle.begin_attempt(transaction, subjects, now))
    except TooManyRequests as refusal:
        return Complaint(section, refusal.text, 429, refusal.retry_in)
    right = False
    if code_will_do:
        right = await context.database.write(
            lambda transaction: second_factor.redeem(transaction, context.vault, session.user_id, given, now)
        )
    if not right:
        known = await context.database.read(lambda transaction: candidate_of(transaction, session.user_id))
        password = unicodedata.normalize("NFC", given[: LONGEST_PASSWORD + 1])
        right = (await verify(None if known is None else known.password_hash, password)).matches
    if not right:
        return Complaint(section, _NEITHER if code_will_do else _NOT_YOURS)
    await context.database.write(lambda transaction: throttle.succeeded(transaction, subjects, now))
    return None


async def _complain(request: Request[Any, Any, Any], session: BrowserSession, complaint: Complaint) -> ASGIResponse:
    return await show_security_page(request, session, complaint=complaint)


router = Router(
    "/",
    route_handlers=[
        security_page,
        change_password,
        begin_second_factor,
        confirm_second_factor,
        cancel_second_factor,
        turn_off_second_factor,
        renew_recovery_codes,
        end_session,
        end_other_sessions,
    ],
    exception_handlers={**PAGE_ERRORS, _NotSignedInError: _to_sign_in},
)
