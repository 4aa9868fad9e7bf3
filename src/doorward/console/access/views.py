"""The page /console/access: "Can X open Y at T?", and why."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, get
from litestar.response.base import ASGIResponse

from doorward.access.holding import Place
from doorward.access.service import Access, answer, question
from doorward.console.access.advice import advice_for
from doorward.console.access.chain import chain_of
from doorward.console.access.judging import judged
from doorward.console.access.question import WITH, Asked, asked_in, instant_asked
from doorward.console.access.reading import changes_since, roles_naming
from doorward.console.choosing.doors import Door, by_site, doors_of
from doorward.console.choosing.people import find_people
from doorward.console.page import fragment, show
from doorward.db.unit_of_work import Transaction
from doorward.decision.wording import verdict_label
from doorward.kit.errors import NotFound
from doorward.oauth.principal import Principal
from doorward.people.service import get_person
from doorward.wire.queries import instant_of

READ_PEOPLE: Final = ("account.person.readonly",)
ALSO_CHANNELS: Final = ("account.channel.readonly",)
_AUDIT: Final = ("account.audit.readonly",)
PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True, "also_scopes": ALSO_CHANNELS}
_JUST_NOW_MS: Final = 60_000
_ROLES: Final = "roles"


@get("/access", name="console.access", scopes=READ_PEOPLE, **PAGE)
async def check_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The question, and its answer drawn as steps once it is whole."""
    asked = asked_in(request.query_params)
    who = request.query_params.get("who", "")

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        doors = doors_of(transaction, principal)
        door = door_asked(doors, asked)
        zone = principal.zone if door is None else ZoneInfo(door.zone)
        at, problem = instant_asked(asked, zone, now)
        found: dict[str, object] = {"answer": None, "person": None, "candidates": []}
        if asked.person_id is not None and door is not None and not problem:
            found = _answered(transaction, principal, asked, door, at)
        elif asked.person_id is not None:
            person = get_person(transaction, principal.account_id, asked.person_id)
            found["person"] = (person.id, f"{person.first_name} {person.last_name}".strip())
        elif who:
            found["candidates"] = find_people(transaction, principal.account_id, who)
        return {
            "sites": by_site(doors),
            "door": door,
            "at": at,
            "door_zone": zone,
            "problem": problem,
            "then": "past" if at < now - _JUST_NOW_MS else "ahead" if at > now + _JUST_NOW_MS else "now",
            **found,
        }

    return await show(request, "access/check.html", read, asked=asked, options=WITH, who=who)


@get("/access/people", name="console.access.people", scopes=READ_PEOPLE, **PAGE)
async def people_part(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The people of a part of a name, each a link to the same question about them."""
    asked = asked_in(request.query_params)
    who = request.query_params.get("who", "")

    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        return {"candidates": find_people(transaction, principal.account_id, who)}

    return await fragment(request, "access/people.html", read, asked=asked, who=who)


@get("/access/changes", name="console.access.changes", scopes=_AUDIT, page=True, hidden=True)
async def changes_part(request: Request[Any, Any, Any]) -> ASGIResponse:
    """How much of what decides has been changed since an instant, in words."""
    asked = instant_of(request.query_params, "since", ZoneInfo("UTC"))

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        since = now if asked is None else asked
        changes = None if principal.site_limited else changes_since(transaction, principal.account_id, since)
        return {"changes": changes, "since": since}

    return await fragment(request, "access/changes.html", read)


def door_asked(doors: list[Door], asked: Asked) -> Door | None:
    """The door of the question. Raises NotFound for one that the user does not see."""
    if asked.channel_id is None:
        return None
    door = next((each for each in doors if each.id == asked.channel_id), None)
    if door is None:
        raise NotFound
    return door


def _answered(transaction: Transaction, principal: Principal, asked: Asked, door: Door, at: int) -> dict[str, object]:
    """What the engine says. Raises NotFound for a person who is not there."""
    person_id = asked.person_id or 0
    place = Place(door.id, door.name, door.site_id)
    asking = question(transaction, principal.account_id, [place], [person_id], at)
    person = asking.compiled[door.id].snapshot.directory.people.get(person_id)
    if person is None or person.status == "deleted":
        raise NotFound
    access: Access = answer(asking)[0]
    verdict = judged(asking, access, asked.kinds)
    chain = chain_of(verdict, asked.kinds)
    advice = None if verdict.admitted else advice_for(chain.decided_by)
    naming = advice is not None and advice.place == _ROLES
    return {
        "answer": {
            "admitted": verdict.admitted,
            "label": verdict_label(verdict),
            "chain": chain,
            "ways": access.ways,
            "advice": advice,
            "roles": roles_naming(transaction, principal, door.id, at) if naming else [],
        },
        "person": (person.id, person.name),
        "candidates": [],
    }


HANDLERS = (check_page, people_part, changes_part)
