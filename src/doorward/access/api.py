"""Routes that explain access: /api/3/access_checks, /api/3/people/{id}/access, /api/3/channels/{id}/access."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from litestar import Request, Router, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.access.holding import Way as WayName
from doorward.access.service import Access, Question, Way, answer, ask_of_channel, ask_of_person, ask_one
from doorward.db.unit_of_work import Transaction
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of, verdict_label
from doorward.kit.errors import BadRequest
from doorward.kit.pages import Page
from doorward.kit.timestamps import format_instant, format_optional
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import INSTANT, Docs, Parameter, paging
from doorward.wire.queries import id_of, instant_of, page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

_READ_PEOPLE: Final = ("account.person.readonly",)
_READ_CHANNELS: Final = ("account.channel.readonly",)


class AccessReason(Struct, frozen=True, gc=False):
    """Why: a code for machines, a sentence for people."""

    code: str
    text: str


class AccessChannel(Struct, frozen=True, gc=False):
    """Where."""

    id: int
    name: str
    site_id: int


class AccessPerson(Struct, frozen=True, gc=False):
    """Who."""

    id: int
    name: str


class AccessRole(Struct, frozen=True, gc=False):
    """The role that names the channel."""

    id: int
    name: str


class AccessShift(Struct, frozen=True, gc=False):
    """When the role admits; `hours` says it in words."""

    id: int
    name: str
    hours: str


class AccessThrough(Struct, frozen=True, gc=False):
    """How the person holds the role.

    Directly (without id and name), through the group of this id and name, or by a reservation. Of a group reservation
    the id is its own, the name that of the group it adds to.
    """

    type: WayName
    id: int | None
    name: str | None


class AccessGrant(Struct, frozen=True, gc=False):
    """A way in which the person might be admitted at the channel.

    Without a shift the role admits at any time. `valid_from` and `valid_until` are the stretch of a reservation.
    `open` says whether it admits at the instant asked about, `next_change` when that changes next; null: not within a
    year. The person's own validity, lockdown and the like are not in it: they are in the verdict's reasons.
    """

    role: AccessRole
    through: AccessThrough
    shift: AccessShift | None
    valid_from: str | None
    valid_until: str | None
    open: bool
    next_change: str | None


class AccessCheck(Struct, frozen=True, gc=False):
    """The verdict about one person at one channel."""

    admitted: bool
    event_code: int
    event_label: str
    reasons: list[AccessReason]
    person: AccessPerson
    channel: AccessChannel
    at: str
    grants: list[AccessGrant]


class AccessOfPerson(Struct, frozen=True, gc=False):
    """A channel that a person may open at some time."""

    channel: AccessChannel
    admitted_now: bool
    event_code: int
    reasons: list[AccessReason]
    grants: list[AccessGrant]


class AccessAtChannel(Struct, frozen=True, gc=False):
    """A person who may open a channel at some time."""

    person: AccessPerson
    admitted_now: bool
    event_code: int
    reasons: list[AccessReason]
    grants: list[AccessGrant]


_IDENTITY: Final[Mapping[str, object]] = {"type": "integer", "minimum": 1}
_CHECK = Docs(
    "Ask whether a person may open a channel, and why",
    {200: AccessCheck},
    parameters=(
        Parameter("person_id", _IDENTITY, "Who.", required=True),
        Parameter("channel_id", _IDENTITY, "Where.", required=True),
        Parameter("at", INSTANT, "When; now, if absent. Local time of the account without an offset."),
    ),
    errors=(404,),
    ours=True,
    description="The configuration is that of now, also for another instant. Whether the controller is tampered with "
    "is not known here.",
)
_PAGING: Final = tuple(parameter for parameter in paging() if parameter.name != "skip_pagination")
"""A hundred thousand verdicts in one answer would take many seconds."""
_OF_PERSON = Docs(
    "List the channels that a person may open, when, and through which roles",
    {200: list[AccessOfPerson]},
    parameters=_PAGING,
    paged=True,
    ours=True,
)
_AT_CHANNEL = Docs(
    "List the people who may open a channel, when, and through which roles",
    {200: list[AccessAtChannel]},
    parameters=_PAGING,
    paged=True,
    ours=True,
)


def _grant(way: Way) -> AccessGrant:
    held = way.holding
    shift = None
    if held.shift_id is not None:
        shift = AccessShift(held.shift_id, held.shift_name or "", way.hours)
    return AccessGrant(
        AccessRole(held.role_id, held.role_name),
        AccessThrough(held.way, held.way_id, held.way_name),
        shift,
        format_optional(held.start),
        format_optional(held.end),
        way.open,
        format_optional(way.next_change),
    )


def _reasons(verdict: Verdict) -> list[AccessReason]:
    return [AccessReason(code, text) for code, text in reasons_of(verdict)]


def _check_body(found: Access) -> AccessCheck:
    verdict = found.verdict
    return AccessCheck(
        verdict.admitted,
        int(verdict.event_code),
        verdict_label(verdict),
        _reasons(verdict),
        AccessPerson(found.person.id, found.person.name),
        AccessChannel(*found.place),
        format_instant(verdict.at),
        [_grant(way) for way in found.ways],
    )


def _of_person_body(found: Access) -> AccessOfPerson:
    verdict, ways = found.verdict, found.ways
    return AccessOfPerson(
        AccessChannel(*found.place),
        verdict.admitted,
        int(verdict.event_code),
        _reasons(verdict),
        [_grant(way) for way in ways],
    )


def _at_channel_body(found: Access) -> AccessAtChannel:
    verdict, ways = found.verdict, found.ways
    return AccessAtChannel(
        AccessPerson(found.person.id, found.person.name),
        verdict.admitted,
        int(verdict.event_code),
        _reasons(verdict),
        [_grant(way) for way in ways],
    )


@get("/access_checks", name="checkAccess", scopes=_READ_PEOPLE, also_scopes=_READ_CHANNELS, docs=_CHECK)
async def check(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Whether a person may open a channel, and why."""
    context, principal = context_of(request), principal_of(request)
    query = request.query_params
    person_id, channel_id = id_of(query, "person_id"), id_of(query, "channel_id")
    if person_id is None or channel_id is None:
        missing = [name for name, value in (("person_id", person_id), ("channel_id", channel_id)) if value is None]
        raise BadRequest(f"Missing from the query: {', '.join(missing)}")
    asked = instant_of(query, "at", principal.zone)
    at = context.clock.now() if asked is None else asked
    question = await context.database.read(
        lambda transaction: ask_one(transaction, principal, person_id, channel_id, at)
    )
    return encoded_response(encoded(_check_body(answer(question)[0])))


@get(
    "/people/{person_id:str}/access",
    name="listAccessOfPerson",
    scopes=_READ_PEOPLE,
    also_scopes=_READ_CHANNELS,
    docs=_OF_PERSON,
)
async def of_person(request: Request[Any, Any, Any], person_id: FromPath[str]) -> ASGIResponse:
    """The channels that a person may open."""
    number, page = path_id(person_id), _page(request)
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def ask(transaction: Transaction) -> Question:
        return ask_of_person(transaction, principal, number, page, now)

    question = await context.database.read(ask)
    return page_response(request, await _judged(question, _of_person_body), question.total, page)


@get(
    "/channels/{channel_id:str}/access",
    name="listAccessAtChannel",
    scopes=_READ_PEOPLE,
    also_scopes=_READ_CHANNELS,
    docs=_AT_CHANNEL,
)
async def at_channel(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """The people who may open a channel."""
    number, page = path_id(channel_id), _page(request)
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def ask(transaction: Transaction) -> Question:
        return ask_of_channel(transaction, principal, number, page, now)

    question = await context.database.read(ask)
    return page_response(request, await _judged(question, _at_channel_body), question.total, page)


def _page(request: Request[Any, Any, Any]) -> Page:
    return replace(page_of(request.query_params), paged=True)


async def _judged(question: Question, body: Callable[[Access], object]) -> bytes:
    """On a thread: a thousand verdicts with their reasons would hold the event loop for too long."""
    return await asyncio.to_thread(lambda: encoded([body(found) for found in answer(question)]))


router = Router("/api/3", route_handlers=[check, of_person, at_channel])
