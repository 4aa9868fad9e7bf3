"""Routes of /api/3/sync: ask for the doors to be brought up to date, and see how far they are."""

from typing import Any, Final, Literal

from litestar import Request, Router, get, post
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.changes.reports import AccountSync, ChannelSync, summary
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import TooManyRequests
from doorward.kit.timestamps import format_optional
from doorward.oauth.principal import Principal
from doorward.sync.service import DoorStanding, doors_of, last_asked, push
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Result
from doorward.wire.responses import encoded, encoded_response


class TooSoon(Struct, frozen=True):
    """Asked again within a minute (contract, RateLimitedError); or the token's own limit is used up."""

    error: Literal["rate_limited"]
    error_description: str
    description: str | UnsetType = UNSET
    retry_in: int | UnsetType = UNSET
    """Seconds."""


class DoorBody(Struct, frozen=True):
    """How a door stands to the database.

    `version` is the last change that it has confirmed, `behind_since` when the first was made that it has not.
    """

    channel_id: int
    name: str
    status: ChannelSync
    online: bool
    version: int | None
    confirmed_at: str | None
    behind_since: str | None
    last_seen_at: str | None


class SyncBody(Struct, frozen=True):
    """How the doors stand that the user sees; `last_sync` is when somebody last asked to bring all up to date."""

    status: AccountSync
    description: str | None
    last_sync: str | None
    channels: list[DoorBody]


_PUSH: Final = Docs("Bring the doors up to date now, at most once a minute", {200: Result, 429: TooSoon})
_GET: Final = Docs("See which doors have confirmed all changes", {200: SyncBody}, ours=True)


def _body(found: DoorStanding, now: int) -> DoorBody:
    standing = found.standing
    return DoorBody(
        found.channel_id,
        found.name,
        standing.sync(now),
        standing.is_online(now),
        standing.version,
        format_optional(standing.synced_at),
        format_optional(standing.behind_since),
        format_optional(standing.last_seen_at),
    )


@post("/sync", name="initiateSync", scopes=("account.sync",), docs=_PUSH)
async def initiate(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Bring the doors up to date now. Contract operation initiateSync."""

    def push_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        try:
            push(transaction, principal, now)
        except TooManyRequests as error:
            text = "Sync was asked for less than a minute ago. Please wait before asking again."
            refusal = answer(TooSoon("rate_limited", text, text, error.retry_in), 429)
            return Answer(429, refusal.body, headers=(("Retry-After", str(error.retry_in)),))
        return OK

    return await change(request, push_it)


@get("/sync", name="getSync", scopes=("account.channel.readonly",), docs=_GET)
async def get_state(request: Request[Any, Any, Any]) -> ASGIResponse:
    """See which doors have confirmed all changes."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        doors = [_body(found, now) for found in doors_of(transaction, principal)]
        standing = summary([door.status for door in doors])
        asked_at = format_optional(last_asked(transaction, principal.account_id))
        return encoded(SyncBody(standing.status, standing.description, asked_at, doors))

    return encoded_response(await context.database.read(read))


router = Router("/api/3", route_handlers=[initiate, get_state])
