"""Routes of admissions: release a door once, and see what became of it."""

from typing import Any, Final, Literal

from litestar import Request, Router, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Struct, UnsetType

from doorward.admissions.service import (
    Admission,
    NotInNormalMode,
    decide_admission,
    get_admission,
    request_admission,
    request_admission_of,
)
from doorward.channels.wire import ChannelBody, channel_body
from doorward.db.unit_of_work import Transaction
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import format_instant, format_optional
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response


class AcceptedBody(Struct, frozen=True):
    """A request has been accepted; what becomes of it is asked for by its id."""

    admission_request_id: int
    status: Literal["pending", "admitted", "denied", "offline"]


class AdmitPersonInput(Struct, frozen=True):
    """Whom to admit."""

    person_id: Id


class AccessDenied(Struct, frozen=True):
    """The person may not pass, and why (contract, admitPerson); or the token may not ask."""

    error: str
    reason: str | UnsetType = UNSET
    error_description: str | UnsetType = UNSET


class NamedThing(Struct, frozen=True):
    """A door or a person."""

    id: int
    name: str


class AdmissionBody(Struct, frozen=True):
    """A request for an admission."""

    id: int
    status: Literal["pending", "admitted", "denied", "offline", "timeout"]
    channel_id: int
    person_id: int | None
    requested_at: str
    completed_at: str | None
    door_controller: NamedThing
    person: NamedThing | None


_ADMIT: Final = Docs("Release a door once, for nobody in particular", {202: AcceptedBody, 400: ChannelBody})
_ADMIT_PERSON: Final = Docs(
    "Release a door once for a person, if they may pass", {202: AcceptedBody, 403: AccessDenied}, body=AdmitPersonInput
)
_GET: Final = Docs("See what became of a request for an admission", {200: AdmissionBody})


def _accepted(made: Admission) -> Answer:
    return answer(AcceptedBody(made.id, "offline" if made.status == "offline" else "pending"), 202)


def _body(found: Admission) -> AdmissionBody:
    person = None if found.person_id is None else NamedThing(found.person_id, found.person_name or "")
    return AdmissionBody(
        found.id,
        found.status,
        found.channel_id,
        found.person_id,
        format_instant(found.requested_at),
        format_optional(found.completed_at),
        NamedThing(found.channel_id, found.channel_name),
        person,
    )


@post("/channels/{channel_id:str}/admit", name="admitChannel", scopes=("account.channel.admit",), docs=_ADMIT)
async def admit(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Release a door once. Contract operation admitChannel."""
    number = path_id(channel_id)

    def ask(transaction: Transaction, principal: Principal, now: int) -> Answer:
        try:
            return _accepted(request_admission(transaction, principal, number, now))
        except NotInNormalMode as refusal:
            return answer(channel_body(refusal.seen, now), 400)

    return await change(request, ask)


@post(
    "/channels/{channel_id:str}/admit_person",
    name="admitPerson",
    scopes=("account.channel.admit.person",),
    docs=_ADMIT_PERSON,
)
async def admit_person(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Release a door once for a person. Contract operation admitPerson."""
    context, principal, number = context_of(request), principal_of(request), path_id(channel_id)
    fields = StructuredFields(await read_json(request))
    person_id = fields.identity("person_id", required=True)
    fields.check()
    now = context.clock.now()

    # Deciding reads much: it is done before, so that no other write waits for it. The door decides again.
    def decide(transaction: Transaction) -> Verdict:
        return decide_admission(transaction, principal, number, person_id or 0, now)

    verdict = await context.database.read(decide)

    def ask(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = request_admission_of(transaction, principal, number, verdict, now)
        return _denied(verdict) if made is None else _accepted(made)

    return await change(request, ask)


def _denied(verdict: Verdict) -> Answer:
    reason = " ".join(sentence for _, sentence in reasons_of(verdict))
    return answer(AccessDenied("Access denied", reason), 403)


@get(
    "/admission_requests/{admission_id:str}",
    name="getAdmissionRequest",
    scopes=("account.channel.admit", "account.channel.admit.person"),
    docs=_GET,
)
async def get_one(request: Request[Any, Any, Any], admission_id: FromPath[str]) -> ASGIResponse:
    """See what became of a request. Contract operation getAdmissionRequest."""
    context, principal, number = context_of(request), principal_of(request), path_id(admission_id)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(get_admission(transaction, principal, number, now)))

    return encoded_response(await context.database.read(read))


router = Router("/api/3", route_handlers=[admit, admit_person, get_one])
