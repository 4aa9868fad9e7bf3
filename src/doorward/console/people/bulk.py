"""What is done to several people at once, each as the API would do it to one; what was refused is said for each.

They are written some at a time, so that nobody else waits for long; each of these is done whole, and told as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from litestar import Request, post
from litestar.response.base import ASGIResponse

from doorward.console.forms import Sent, sent
from doorward.console.moments import counted
from doorward.console.page import go, show
from doorward.console.people.rows import rows_of
from doorward.db.unit_of_work import Transaction
from doorward.groups.service import get_group
from doorward.kit.crypto import Vault
from doorward.kit.errors import DoorwardError, Invalid, NotFound
from doorward.oauth.principal import Principal
from doorward.people.listing import people_with_ids
from doorward.people.person import Person
from doorward.people.service import delete_person, update_person
from doorward.wire.changes import perform
from doorward.wire.context import context_of, principal_of

_WRITE: Final = ("account.person",)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_AT_ONCE: Final = 50
_MOST: Final = 500

_DONE: Final = {
    "add": "added to {group}",
    "remove": "taken out of {group}",
    "enable": "enabled",
    "disable": "disabled",
    "delete": "deleted",
}


class Outcome(NamedTuple):
    """What became of one person; `reason` "" is that it was done."""

    id: int
    name: str
    reason: str


_One = Callable[[Transaction, Principal, Person, int], None]


@post("/people/bulk", name="console.people.bulk", scopes=_WRITE, **_PAGE)
async def bulk(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Do to those who are ticked what was chosen; to delete them asks first."""
    form = await sent(request)
    ids, action, back = _ids(form), form.text("action"), _back(form)
    if not ids or action not in _DONE:
        return go(request, back, "Nothing was done: tick people, and choose what to do with them.")
    group_id = form.body(numbers=("group_id",))["group_id"]
    if action in ("add", "remove") and not isinstance(group_id, int):
        return go(request, back, "Nothing was done: choose a group.")
    if action == "delete" and not form.text("sure"):
        return await _question(request, ids, form)
    group = await _group_name(request, group_id) if action in ("add", "remove") else ""
    one = _action(action, group_id if isinstance(group_id, int) else 0, context_of(request).vault)
    outcomes: list[Outcome] = []
    for start in range(0, len(ids), _AT_ONCE):
        outcomes += await _some(request, ids[start : start + _AT_ONCE], one)
    done = [each for each in outcomes if not each.reason]
    refused = [each for each in outcomes if each.reason]
    words = _DONE[action].format(group=group)
    said = f"{counted(len(done), 'person', 'people')} {'was' if len(done) == 1 else 'were'} {words}."
    if not refused:
        return go(request, back, said)
    return await show(request, "people/bulk.html", None, said=said, refused=refused, words=words, back=back)


def _ids(form: Sent) -> list[int]:
    found = form.body(ids=("ids",))["ids"]
    numbers = found if isinstance(found, list) else []
    return list(dict.fromkeys(each for each in numbers if isinstance(each, int) and each > 0))[:_MOST]


def _back(form: Sent) -> str:
    """The list as it was."""
    filters = parse_qsl(form.text("back"))
    return f"/console/people?{urlencode(filters)}" if filters else "/console/people"


async def _group_name(request: Request[Any, Any, Any], group_id: object) -> str:
    account_id, number = principal_of(request).account_id, group_id if isinstance(group_id, int) else 0
    return (await context_of(request).database.read(lambda tx: get_group(tx, account_id, number))).name


def _action(action: str, group_id: int, vault: Vault) -> _One:
    def change(transaction: Transaction, by: Principal, person: Person, now: int) -> None:
        body: dict[str, object] = {"enabled": action == "enable"}
        if action in ("add", "remove"):
            others = [each for each in person.group_ids if each != group_id]
            body = {"group_ids": [*others, group_id] if action == "add" else others}
        update_person(transaction, vault, by.account_id, person.id, body, now, by=by)

    def delete(transaction: Transaction, by: Principal, person: Person, now: int) -> None:
        delete_person(transaction, by.account_id, person.id, now, by=by)

    return delete if action == "delete" else change


async def _some(request: Request[Any, Any, Any], ids: Sequence[int], one: _One) -> list[Outcome]:
    """Do it to some, in one write. A refusal comes before anything of that person is written."""

    def work(transaction: Transaction, by: Principal, now: int) -> list[Outcome]:
        found = {
            person.id: person
            for person in people_with_ids(transaction, ids)
            if person.account_id == by.account_id and person.deleted_at is None
        }
        outcomes = []
        for each in ids:
            person = found.get(each)
            name = f"Person {each}" if person is None else f"{person.first_name} {person.last_name}".strip()
            outcomes.append(Outcome(each, name, _tried(transaction, by, person, now, one)))
        return outcomes

    return await perform(request, work)


def _tried(transaction: Transaction, by: Principal, person: Person | None, now: int, one: _One) -> str:
    try:
        if person is None:
            raise NotFound("There is no such person any more")
        one(transaction, by, person, now)
    except Invalid as error:
        return "; ".join(message for messages in error.errors.values() for message in messages)
    except DoorwardError as error:
        return error.text
    return ""


async def _question(request: Request[Any, Any, Any], ids: Sequence[int], form: Sent) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        mine = [each.id for each in people_with_ids(transaction, ids) if each.account_id == principal.account_id]
        return {"people": rows_of(transaction, mine)}

    return await show(request, "people/bulk_delete.html", read, back=form.text("back"), list_address=_back(form))


HANDLERS = (bulk,)
