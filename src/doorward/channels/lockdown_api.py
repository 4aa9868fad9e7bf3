"""Routes that lock down all doors of a site, or of the account, at once."""

from typing import Any, Final

from litestar import Request, Router, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.channels.lockdown import Outcome, lift, lock_down
from doorward.channels.wire import ChannelBody, LockdownInput, channel_body
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_optional_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.docs import Docs
from doorward.wire.queries import path_id

_COMMAND: Final = ("account.channel.admit",)


class LockdownOfMany(Struct, frozen=True):
    """How many channels there are and have changed, and each as it is now."""

    total: int
    changed: int
    channels: list[ChannelBody]


_WHAT: Final = (
    "All doors in one transaction, and each follows within a second. Lockdown wins over unlock mode and auto-unlock. "
    "Without flags cards, PINs and auxiliary inputs are rejected; leaving stays possible unless `rex_lockdown` is "
    "true. With all flags false there is nothing to do: 400. The rate limit does not count it."
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


def _answer(outcome: Outcome, now: int) -> Answer:
    bodies = [channel_body(seen, now) for seen in outcome.channels]
    return answer(LockdownOfMany(len(bodies), outcome.changed, bodies))


router = Router("/api/3", route_handlers=[lock_site, lift_site, lock_account, lift_account])
