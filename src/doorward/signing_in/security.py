"""The routes of /account/security: own password, second factor, signed-in browsers."""

from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.db.unit_of_work import Transaction
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.hashing import hashed
from doorward.pages.render import see_other
from doorward.signing_in import record, second_factor, sessions
from doorward.signing_in.confirmation import Refusal, confirm_by_password, do_with_code, write_as
from doorward.signing_in.current import BrowserSession
from doorward.signing_in.next_page import OWN
from doorward.signing_in.own_page import OWN_PAGE_ERRORS, own_session, sent
from doorward.signing_in.security_page import DONE, Complaint, show_security_page
from doorward.users.passwords import read_password
from doorward.users.service import set_password
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_WRONG_CODE: Final = "That code is not right. If it should be, see whether the clocks here and there agree."


@get(OWN, name="securityPage", public=True, hidden=True)
async def security_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show the user's second factor and password, and who and what has access in their name."""
    session = await own_session(request)
    return await show_security_page(request, session, done=DONE.get(request.query_params.get("done", "")))


@post(f"{OWN}/password", name="changeOwnPassword", public=True, hidden=True)
async def change_password(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Change the password of one who knows it, and sign out all other browsers."""
    session, form = await sent(request)
    fields = StructuredFields({"password": form.get("new_password", "")})
    password = read_password(fields)
    if password is None:
        text = " and ".join(fields.errors["password"])
        return await _refuse(request, session, "password", Refusal(f"The new password {text}."))
    refusal = await confirm_by_password(request, session, form.get("password", ""))
    if refusal is not None:
        return await _refuse(request, session, "password", refusal)
    password_hash, now = await hashed(password), context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        set_password(transaction, session.account_id, session.user_id, password_hash, now, but_session=session.id)

    await write_as(request, session.user_id, work)
    return see_other(f"{OWN}?done=password")


@post(f"{OWN}/second-factor", name="beginSecondFactor", public=True, hidden=True)
async def begin_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a secret, and show it until a code confirms it."""
    session, form = await sent(request)
    refusal = await confirm_by_password(request, session, form.get("password", ""))
    if refusal is not None:
        return await _refuse(request, session, "second-factor", refusal)
    vault = context_of(request).vault

    def work(transaction: Transaction) -> None:
        second_factor.begin_enrolment(transaction, vault, session.user_id)

    await write_as(request, session.user_id, work)
    return see_other(OWN)


@post(f"{OWN}/second-factor/confirm", name="confirmSecondFactor", public=True, hidden=True)
async def confirm_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Turn the second factor on, sign out all other browsers, and show the recovery codes."""
    session, form = await sent(request)
    context = context_of(request)
    now = context.clock.now()

    def work(transaction: Transaction) -> list[str] | None:
        made = second_factor.confirm(transaction, context.vault, session.user_id, form.get("code", ""), now)
        if made is not None:
            _end_others(transaction, session, now)
        return made

    codes = await write_as(request, session.user_id, work)
    if codes is None:
        return await _refuse(request, session, "second-factor", Refusal(_WRONG_CODE))
    return await show_security_page(request, session, codes=codes)


@post(f"{OWN}/second-factor/cancel", name="cancelSecondFactor", public=True, hidden=True)
async def cancel_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Forget a secret that no code has confirmed."""
    session, _ = await sent(request)
    now = context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        if second_factor.state_of(transaction, session.user_id).enabled_at is None:
            second_factor.turn_off(transaction, session.user_id, now)

    await write_as(request, session.user_id, work)
    return see_other(OWN)


@post(f"{OWN}/second-factor/off", name="turnOffSecondFactor", public=True, hidden=True)
async def turn_off_second_factor(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Turn the second factor off for one who still has it, or a recovery code: the password alone will not do."""
    session, form = await sent(request)
    now = context_of(request).clock.now()

    def work(transaction: Transaction) -> bool:
        return second_factor.turn_off(transaction, session.user_id, now)

    done = await do_with_code(request, session, form.get("code", ""), work)
    if isinstance(done, Refusal):
        return await _refuse(request, session, "second-factor", done)
    return see_other(f"{OWN}?done=off")


@post(f"{OWN}/recovery-codes", name="renewRecoveryCodes", public=True, hidden=True)
async def renew_recovery_codes(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show new recovery codes to one who has the second factor, or one of the old codes."""
    session, form = await sent(request)
    context = context_of(request)
    now = context.clock.now()

    def work(transaction: Transaction) -> list[str]:
        return second_factor.renew_recovery_codes(transaction, context.vault, session.user_id, now)

    codes = await do_with_code(request, session, form.get("code", ""), work)
    if isinstance(codes, Refusal):
        return await _refuse(request, session, "second-factor", codes)
    return await show_security_page(request, session, codes=codes)


@post(f"{OWN}/sessions/{{session_id:str}}/end", name="endSession", public=True, hidden=True)
async def end_session(request: Request[Any, Any, Any], session_id: FromPath[str]) -> ASGIResponse:
    """Sign out one of the user's browsers."""
    session, _ = await sent(request)
    number, now = path_id(session_id), context_of(request).clock.now()

    def work(transaction: Transaction) -> None:
        ended = sessions.end(transaction, session.user_id, number, now)
        record.sessions_ended(transaction, session.user_id, int(ended), now)

    await write_as(request, session.user_id, work)
    return see_other(f"{OWN}?done=ended")


@post(f"{OWN}/sessions/end-others", name="endOtherSessions", public=True, hidden=True)
async def end_other_sessions(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Sign out all of the user's browsers but this one."""
    session, _ = await sent(request)
    now = context_of(request).clock.now()
    await write_as(request, session.user_id, lambda transaction: _end_others(transaction, session, now))
    return see_other(f"{OWN}?done=others")


def _end_others(transaction: Transaction, session: BrowserSession, now: int) -> None:
    ended = sessions.end_others(transaction, session.user_id, session.id, now)
    record.sessions_ended(transaction, session.user_id, ended, now)


async def _refuse(
    request: Request[Any, Any, Any], session: BrowserSession, section: str, refusal: Refusal
) -> ASGIResponse:
    return await show_security_page(request, session, complaint=Complaint(section, *refusal))


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
    exception_handlers=OWN_PAGE_ERRORS,
)
