"""What is done to somebody with one button: disabled, enabled, deleted."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.console.forms import sent
from doorward.console.page import go
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.people.person import Person
from doorward.people.service import delete_person, get_person, update_person
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}


@post("/people/{person_id:str}/disable", name="console.person.disable", scopes=_WRITE, **_PAGE)
async def disable(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Let every door refuse somebody."""
    changed = await _enabled(request, path_id(person_id), enabled=False)
    done = f"{_name(changed)} is disabled: every door that is in contact refuses them within a second."
    return go(request, f"/console/people/{changed.id}", done)


@post("/people/{person_id:str}/enable", name="console.person.enable", scopes=_WRITE, **_PAGE)
async def enable(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Let somebody pass again as their roles say."""
    changed = await _enabled(request, path_id(person_id), enabled=True)
    return go(request, f"/console/people/{changed.id}", f"{_name(changed)} is enabled.")


@post("/people/{person_id:str}/delete", name="console.person.delete", scopes=_WRITE, **_PAGE)
async def remove(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """Delete somebody."""
    number = path_id(person_id)
    await sent(request)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = _name(get_person(transaction, by.account_id, number))
        delete_person(transaction, by.account_id, number, now, by=by)
        return name

    name = await perform(request, delete_it)
    return go(request, "/console/people", f"{name} was deleted. Their access has ended.")


async def _enabled(request: Request[Any, Any, Any], person_id: int, *, enabled: bool) -> Person:
    await sent(request)
    vault = context_of(request).vault

    def change_it(transaction: Transaction, by: Principal, now: int) -> Person:
        return update_person(transaction, vault, by.account_id, person_id, {"enabled": enabled}, now, by=by)

    return await perform(request, change_it)


def _name(person: Person) -> str:
    return f"{person.first_name} {person.last_name}".strip()


HANDLERS = (disable, enable, remove)
