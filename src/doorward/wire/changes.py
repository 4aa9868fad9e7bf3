"""Requests that change something: one transaction for the work, its audit entry and its idempotency key."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from litestar import Request
from litestar.response.base import ASGIResponse

from doorward.audit.service import Actor, acting
from doorward.db.unit_of_work import Transaction
from doorward.idempotency import service as idempotency
from doorward.kit.errors import BadRequest
from doorward.oauth.principal import Principal
from doorward.oauth.tokens import authenticate_again
from doorward.wire.context import REQUEST_ID, client_address, context_of, principal_of, require_scopes
from doorward.wire.responses import JSON_TYPE, encoded

_KEY: Final = re.compile(r"[!-~]{1,255}")
REPLAYED: Final = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a change is answered with, encoded inside its transaction."""

    status: int
    body: bytes
    media_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> ASGIResponse:
        """The answer as HTTP."""
        return ASGIResponse(
            body=self.body, status_code=self.status, media_type=self.media_type, headers=list(self.headers)
        )


def answer(value: object, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(status, encoded(value))


OK: Final = answer({"result": "ok"})
"""How the contract answers a deletion."""

T = TypeVar("T")
Change = Callable[[Transaction, Principal, int], Answer]
"""What a handler does: given the transaction, who asks and the instant, it gives the answer."""


async def change(request: Request[Any, Any, Any], work: Change) -> ASGIResponse:
    """Do the work in one write, in the name of who asks; a POST with an `Idempotency-Key` is done once.

    Who asks is looked up again in that write: a token that was revoked while its request was still arriving changes
    nothing. Raises what `work` raises, and then nothing is kept.
    """
    context, principal = context_of(request), principal_of(request)
    claim = await _claim_of(request, principal)

    def once(transaction: Transaction, holder: Principal, now: int) -> Answer:
        if claim is None:
            return work(transaction, holder, now)
        known = idempotency.claim(transaction, context.vault, claim, now)
        if known is not None:
            return Answer(known.status, known.body, known.media_type, ((REPLAYED, "true"),))
        made = work(transaction, holder, now)
        if made.status < 300:
            kept = idempotency.Answered(made.status, made.body, made.media_type)
            idempotency.keep(transaction, context.vault, claim, kept)
        else:
            idempotency.forget(transaction, claim)
        return made

    return (await perform(request, once)).response()


async def perform(request: Request[Any, Any, Any], work: Callable[[Transaction, Principal, int], T]) -> T:
    """Do the work in one write, in the name of who asks, who is looked up again in that write.

    Raises what `work` raises, and then nothing is kept.
    """
    context, principal = context_of(request), principal_of(request)
    opt = request.route_handler.opt
    actor = actor_of(request, principal)

    def write(transaction: Transaction) -> T:
        now = context.clock.now()
        holder = authenticate_again(transaction, principal, now)
        require_scopes(holder, opt)
        with acting(actor):
            return work(transaction, holder, now)

    return await context.database.write(write)


def actor_of(request: Request[Any, Any, Any], principal: Principal) -> Actor:
    """Who asks, as the audit log names them."""
    return Actor(
        "system",
        principal.user_id,
        principal.application_id,
        request.scope.get(REQUEST_ID),  # type: ignore[arg-type]
        client_address(request),
    )


def _digest(*parts: bytes) -> str:
    """Beside the event loop: a body may be 20 MiB."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


async def _claim_of(request: Request[Any, Any, Any], principal: Principal) -> idempotency.Claim | None:
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest("The header Idempotency-Key must be 1 to 255 visible ASCII characters")
    target = f"{request.method} {request.url.path}?{request.url.query}\n"
    digest = await asyncio.to_thread(_digest, target.encode(), await request.body())
    # What one consent or token was answered is not for another of the same user.
    holder = " ".join(map(str, principal.holder)) if principal.family_id is None else f"family {principal.family_id}"
    return idempotency.Claim(principal.application_id or 0, principal.user_id, f"{holder} {key}", digest)
