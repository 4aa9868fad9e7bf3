"""Who is signed in shows once more who they are, before what would let somebody else stay in their place."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from litestar import Request

from doorward.audit.service import acting
from doorward.db.unit_of_work import Transaction, Work
from doorward.kit.errors import TooManyRequests
from doorward.oauth.hashing import verify
from doorward.signing_in import record, second_factor, throttle
from doorward.signing_in.current import BrowserSession, actor_of_session
from doorward.signing_in.service import candidate_of
from doorward.users.passwords import LONGEST_PASSWORD
from doorward.wire.context import client_address, context_of

T = TypeVar("T")

_NOT_YOURS: Final = "That is not your password."
_NO_CODE: Final = "That code is not right, or it was used before. Your password is not enough for this."


class Block(NamedTuple):
    """A wait that wrong attempts have led to: at which secret, counted for whom, how long."""

    secret: str
    subjects: Sequence[throttle.Subject]
    wait_ms: int


class Refusal(NamedTuple):
    """Why somebody was not believed; with `retry_in` because they have to wait so many seconds."""

    text: str
    retry_in: int | None = None


async def confirm_by_password(request: Request[Any, Any, Any], session: BrowserSession, given: str) -> Refusal | None:
    """Let pass who gives their password."""
    context = context_of(request)
    now = context.clock.now()
    subjects = throttle.confirmation_subjects(context.vault, session.user_id, client_address(request))
    try:
        wait = await context.database.write(lambda transaction: throttle.begin_attempt(transaction, subjects, now))
    except TooManyRequests as refusal:
        return Refusal(refusal.text, refusal.retry_in)
    known = await context.database.read(lambda transaction: candidate_of(transaction, session.user_id))
    password = unicodedata.normalize("NFC", given[: LONGEST_PASSWORD + 1])
    if not (await verify(None if known is None else known.password_hash, password)).matches:
        if wait:
            await note_block(request, session.user_id, Block("password", subjects, wait), now)
        return Refusal(_NOT_YOURS)
    await context.database.write(lambda transaction: throttle.succeeded(transaction, subjects, now))
    return None


async def do_with_code(
    request: Request[Any, Any, Any], session: BrowserSession, given: str, work: Callable[[Transaction], T]
) -> T | Refusal:
    """Do it for one who gives a code of their second factor, or a recovery code: both or neither take effect."""
    context = context_of(request)
    now = context.clock.now()
    subjects = throttle.code_subjects(context.vault, session.user_id, client_address(request))
    try:
        wait = await context.database.write(lambda transaction: throttle.begin_attempt(transaction, subjects, now))
    except TooManyRequests as refusal:
        return Refusal(refusal.text, refusal.retry_in)

    def redeem_and_work(transaction: Transaction) -> T | Refusal:
        if not second_factor.redeem(transaction, context.vault, session.user_id, given, now):
            return Refusal(_NO_CODE)
        throttle.succeeded(transaction, subjects, now)
        return work(transaction)

    done = await write_as(request, session.user_id, redeem_and_work)
    if isinstance(done, Refusal) and wait:
        await note_block(request, session.user_id, Block("code", subjects, wait), now)
    return done


async def write_as(request: Request[Any, Any, Any], user_id: int | None, work: Work[T]) -> T:
    """Write in somebody's name; None: nobody knows whose."""
    actor = actor_of_session(request, user_id)

    def write(transaction: Transaction) -> T:
        with acting(actor):
            return work(transaction)

    return await context_of(request).database.write(write)


async def note_block(request: Request[Any, Any, Any], user_id: int | None, block: Block, now: int) -> None:
    """Log that somebody has failed so often at a user's secret that they have to wait; None: there is no such user.

    It takes as long for one who does not exist.
    """

    def work(transaction: Transaction) -> None:
        throttle.touch(transaction, block.subjects, now)
        if user_id is not None:
            record.blocked(transaction, user_id, block.secret, block.wait_ms, now)

    await write_as(request, None, work)
