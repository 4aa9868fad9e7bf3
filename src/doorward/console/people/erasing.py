"""Erasing somebody: what data protection law may ask for, and nothing brings back."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.audit.service import acting
from doorward.console.forms import Form, sent
from doorward.console.page import go, show
from doorward.console.people.person import portrait_of
from doorward.db.unit_of_work import Transaction
from doorward.erasure.service import Step, erase_more, erase_person, require_may_erase
from doorward.erasure.traces import find_traces
from doorward.oauth.principal import Principal
from doorward.wire.changes import actor_of, perform
from doorward.wire.context import context_of, principal_of
from doorward.wire.queries import path_id

_ERASE: Final = ("account.person.erasure",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}


@get("/people/{person_id:str}/erase", name="console.person.eraseForm", scopes=_ERASE, **_PAGE)
async def question_page(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """What it means, and a field for the name."""
    require_may_erase(principal_of(request))
    return await _question(request, path_id(person_id), Form())


@post("/people/{person_id:str}/erase", name="console.person.erase", scopes=_ERASE, **_PAGE)
async def erase(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Erase whoever was named."""
    context, principal, number = context_of(request), principal_of(request), path_id(person_id)
    require_may_erase(principal)
    form, account_id, vault = await sent(request), principal.account_id, context.vault
    portrait = await context.database.read(lambda tx: portrait_of(tx, account_id, number))
    if " ".join(form.text("name").split()).casefold() != " ".join(portrait.name.split()).casefold():
        return await _question(
            request, number, Form({"name": form.text("name")}, {"name": [f"must be {portrait.name}"]})
        )
    async with context.long_reads:  # the whole log and record: one at a time, so that others can read
        traces = await context.database.read(lambda tx: find_traces(tx, vault, account_id, number))

    def erase_it(transaction: Transaction, holder: Principal, now: int) -> Step:
        require_may_erase(holder)
        return erase_person(transaction, account_id, number, traces, now)

    step, actor = await perform(request, erase_it), actor_of(request, principal)

    def erase_rest(transaction: Transaction) -> Step:
        with acting(actor):
            return erase_more(transaction, account_id, number, traces, context.clock.now())

    while not step.is_last:
        step = await context.database.write(erase_rest)
    return go(request, "/console/people", f"Person {number} was erased. Nothing says any more who it was.")


async def _question(request: Request[Any, Any, Any], person_id: int, form: Form) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"portrait": portrait_of(transaction, principal.account_id, person_id)}

    return await show(request, "people/erase.html", read, status=422 if form.errors else 200, form=form)


HANDLERS = (question_page, erase)
