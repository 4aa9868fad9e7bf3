"""Routes that lock down all doors of a site, or of the account, at once."""

from collections.abc import Collection
from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.channels.confirming import DoorConfirmation, Unconfirmed, confirmations, unconfirmed
from doorward.channels.lockdown import Outcome, lift, lock_down
from doorward.channels.wire import ChannelBody, LockdownInput, channel_body
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Forbidden
from doorward.oauth.principal import Principal
from doorward.sites.service import get_site
from doorward.wire.bodies import read_optional_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response

_READ: Final = ("account.channel.readonly",)
_COMMAND: Final = ("account.channel.admit",)


class UnconfirmedDoor(Struct, frozen=True, gc=False):
    """A door that has not confirmed what is set at it: it is waited for, or it is offline and cannot be reached."""

    id: int
    name: str
    status: Unconfirmed


class LockdownStanding(Struct, frozen=True):
    """How many channels there are, are locked down, and have confirmed what is set at them; and those that have not."""

    total: int
    locked_down: int
    confirmed: int
    unconfirmed: list[UnconfirmedDoor]


class LockdownOfMany(LockdownStanding, frozen=True):
    """The same right after a command, how many channels that has changed, and each as it is now."""

    changed: int
    channels: list[ChannelBody]


_WHAT: Final = (
    "All doors in one transaction, and each follows within a second. Lockdown wins over unlock mode and auto-unlock. "
    "Without flags cards, PINs and auxiliary inputs are rejected; leaving stays possible unless `rex_lockdown` is "
    "true. With all flags false there is nothing to do: 400. The rate limit does not count it. No door can have "
    "confirmed it at the moment of the answer: GET tells when they have."
)
_LIFTED: Final = "Also what had been locked down door by door."
_LOCK_SITE: Final = Docs(
    "Lock down all channels of a site",
    {200: LockdownOfMany},
    body=LockdownInput,
    body_required=False,
    ours=True,
    description=_WHAT,
)
_LIFT_SITE: Final = Docs(
    "Lift the lockdown of all channels of a site", {200: LockdownOfMany}, ours=True, description=_LIFTED
)
_LOCK_ACCOUNT: Final = Docs(
    "Lock down all channels of the account",
    {200: LockdownOfMany},
    body=LockdownInput,
    body_required=False,
    ours=True,
    description=f"{_WHAT} Not for users who are limited to sites.",
)
_LIFT_ACCOUNT: Final = Docs(
    "Lift the lockdown of all channels of the account",
    {200: LockdownOfMany},
    ours=True,
    description=f"{_LIFTED} Not for users who are limited to sites.",
)
_SITE_STANDING: Final = Docs(
    "How many channels of a site are locked down, and which have not confirmed what is set",
    {200: LockdownStanding},
    ours=True,
)
_ACCOUNT_STANDING: Final = Docs(
    "How many channels of the account are locked down, and which have not confirmed what is set",
    {200: LockdownStanding},
    ours=True,
    description="Not for users who are limited to sites.",
)


@get("/sites/{site_id:str}/lockdown", name="getSiteLockdown", scopes=_READ, docs=_SITE_STANDING)
async def site_standing(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Whether a site's doors have followed."""
    return await _standing(request, path_id(site_id))


@get("/account/lockdown", name="getAccountLockdown", scopes=_READ, docs=_ACCOUNT_STANDING)
async def account_standing(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Whether the account's doors have followed."""
    return await _standing(request, None)


@post("/sites/{site_id:str}/lockdown", name="lockdownSite", scopes=_COMMAND, docs=_LOCK_SITE, urgent=True)
async def lock_site(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Lock a site down."""
    return await _lock_down(request, path_id(site_id))


@post("/sites/{site_id:str}/unlockdown", name="unlockdownSite", scopes=_COMMAND, docs=_LIFT_SITE, urgent=True)
async def lift_site(request: Request[Any, Any, Any], site_id: FromPath[str]) -> ASGIResponse:
    """Lift a site's lockdown."""
    return await _lift(request, path_id(site_id))


@post("/account/lockdown", name="lockdownAccount", scopes=_COMMAND, docs=_LOCK_ACCOUNT, urgent=True)
async def lock_account(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Lock the whole account down."""
    return await _lock_down(request, None)


@post("/account/unlockdown", name="unlockdownAccount", scopes=_COMMAND, docs=_LIFT_ACCOUNT, urgent=True)
async def lift_account(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Lift the whole account's lockdown."""
    return await _lift(request, None)


async def _lock_down(request: Request[Any, Any, Any], site_id: int | None) -> ASGIResponse:
    body = await read_optional_json(request)

    def lock_it(transaction: Transaction, by: Principal, now: int) -> Answer:
        return _answer(lock_down(transaction, by.account_id, body, now, site_id=site_id, by=by), now)

    return await change(request, lock_it)


async def _lift(request: Request[Any, Any, Any], site_id: int | None) -> ASGIResponse:
    def lift_it(transaction: Transaction, by: Principal, now: int) -> Answer:
        return _answer(lift(transaction, by.account_id, now, site_id=site_id, by=by), now)

    return await change(request, lift_it)


async def _standing(request: Request[Any, Any, Any], site_id: int | None) -> ASGIResponse:
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        if site_id is not None:
            get_site(transaction, principal.account_id, site_id, by=principal)
        elif principal.site_limited:
            raise Forbidden
        doors = confirmations(transaction, principal.account_id, site_id)
        locked_down = sum(door.is_locked_down for door in doors)
        return encoded(LockdownStanding(len(doors), locked_down, *_confirmed(doors, now)))

    return encoded_response(await context.database.read(read))


def _answer(outcome: Outcome, now: int) -> Answer:
    bodies = [channel_body(seen, now) for seen in outcome.channels]
    locked_down = sum(seen.channel.locked_down for seen in outcome.channels)
    confirmed = _confirmed(outcome.doors, now)
    return answer(LockdownOfMany(len(bodies), locked_down, *confirmed, outcome.changed, bodies))


def _confirmed(doors: Collection[DoorConfirmation], now: int) -> tuple[int, list[UnconfirmedDoor]]:
    """How many doors have confirmed, and the others."""
    others = [UnconfirmedDoor(door.id, door.name, status) for door, status in unconfirmed(doors, now)]
    return len(doors) - len(others), others


router = Router(
    "/api/3", route_handlers=[site_standing, account_standing, lock_site, lift_site, lock_account, lift_account]
)
