"""The route that shows which doors have confirmed a person's rights: /api/3/people/{id}/standing."""

import asyncio
from typing import Any, Final

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.access.standing import Asked, ask_standing, judge
from doorward.access.standing_wire import StandingOfPerson, standing_body
from doorward.db.unit_of_work import Transaction
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response

_DOCS: Final = Docs(
    "See which channels have confirmed a person's present rights, and since when",
    {200: StandingOfPerson},
    ours=True,
    description="For every channel that a role of the person names, or named within the last week; also of somebody "
    "who is disabled or deleted. What they have lost is known from the audit log. `confirmed`: the channel has "
    "reported the last change that concerns the person there: their own, one of their roles', the channel's, or one "
    "that concerns everybody. `pending`: it has not yet, and is in contact; or it is cut off beyond its limit of "
    "staleness, and so refuses everybody. `may_still_open`: it has not, and was last heard more than 45 seconds ago: "
    "it may decide by what it knew, until `may_open_until`. `rights` are what roles and shifts give now: lockdown, "
    "unlock mode and anti-passback are not in it.",
)


@get(
    "/people/{person_id:str}/standing",
    name="getStandingOfPerson",
    scopes=("account.person.readonly",),
    also_scopes=("account.channel.readonly",),
    docs=_DOCS,
)
async def of_person(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """How the channels stand to a person's rights."""
    context, principal, number = context_of(request), principal_of(request), path_id(person_id)
    now = context.clock.now()

    def ask(transaction: Transaction) -> Asked:
        return ask_standing(transaction, principal.account_id, number, now, principal)

    asked = await context.database.read(ask)
    # On a thread, as access/api.py does: there may be thousands of channels.
    return encoded_response(await asyncio.to_thread(lambda: encoded(standing_body(judge(asked)))))


router = Router("/api/3", route_handlers=[of_person])
