"""The route that erases a person."""

from typing import Any, Final

from litestar import Request, Router, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.audit.service import acting
from doorward.db.unit_of_work import Transaction
from doorward.erasure.service import Step, erase_more, erase_person, require_may_erase
from doorward.erasure.traces import find_traces
from doorward.oauth.principal import Principal
from doorward.wire.changes import Answer, actor_of, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id
from doorward.wire.queries import path_id


class ErasureBody(Struct, frozen=True):
    """Who has been erased. Of their events the first have no name any more; the others follow at once."""

    person_id: Id
    erased: bool


_ERASE: Final = Docs(
    "Erase a person: delete them, and leave nothing that says who it was",
    {200: ErasureBody},
    ours=True,
    description="Names, addresses, credentials and photo go for ever, also those that events and the audit log have. "
    "Events stay, and say what happened; of the person a number is left. For owners and admins who are not limited to "
    "sites. Whoever has been erased may be erased again, for what was told of them since.",
)


@post(
    "/people/{person_id:str}/erasure",
    name="erasePerson",
    scopes=("account.person.erasure",),
    status_code=200,
    docs=_ERASE,
)
async def erase(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Erase a person."""
    context, principal, number = context_of(request), principal_of(request), path_id(person_id)
    require_may_erase(principal)
    account_id, vault = principal.account_id, context.vault
    async with context.long_reads:  # the whole log and record: one at a time, so that others can read
        traces = await context.database.read(lambda tx: find_traces(tx, vault, account_id, number))
    steps: list[Step] = []

    def erase_it(transaction: Transaction, holder: Principal, now: int) -> Answer:
        require_may_erase(holder)
        steps.append(erase_person(transaction, account_id, number, traces, now))
        return answer(ErasureBody(number, erased=True))

    answered = await change(request, erase_it)
    actor = actor_of(request, principal)

    def erase_rest(transaction: Transaction) -> Step:
        with acting(actor):
            return erase_more(transaction, account_id, number, traces, context.clock.now())

    step = steps[-1] if steps else None  # none: the same request has done it before
    while step is not None and not step.is_last:
        step = await context.database.write(erase_rest)
    return answered


router = Router("/api/3", route_handlers=[erase])
