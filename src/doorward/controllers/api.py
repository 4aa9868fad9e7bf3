"""Routes of /api/3/controllers, all ours: codes to enrol with, enrolment, and controllers as operators see them."""

import asyncio
import base64
import re
from typing import Annotated, Any, Final

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from doorward.changes.reports import ChannelSync
from doorward.controllers import enrolment, service
from doorward.controllers.attempts import Attempts
from doorward.controllers.service import SeenController, ServedChannel
from doorward.db.unit_of_work import Transaction
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.timestamps import format_instant, format_optional
from doorward.link import keys
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import base_url, client_address, context_of, principal_of
from doorward.wire.docs import Docs, Id, Result
from doorward.wire.queries import path_id
from doorward.wire.responses import encoded, encoded_response, json_response

_READ: Final = ("account.channel.readonly",)
_CONFIGURE: Final = ("account.channel",)
_REFUSED_AFTER_S: Final = 0.2
"""Whoever is refused waits so long, whatever the reason: the time it takes says nothing of codes."""

Hex = Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$")]
Lookup = Annotated[str, Meta(pattern="^[0-9A-Z]{5}$")]


class CodeInput(Struct, frozen=True):
    """The channels that the controller is to serve."""

    channel_ids: list[Id]


class ToServeBody(Struct, frozen=True, gc=False):
    """A channel that a code is for, and which controller serves it until the code is used."""

    id: int
    name: str
    controller_id: int | None


class CodeBody(Struct, frozen=True):
    """A one-time code, shown this once, and what to type where the controller is."""

    code: str
    expires_at: str
    channels: list[ToServeBody]
    command: str


class EnrolInput(Struct, frozen=True):
    """`code` is the first five letters of the code, `proof` an HMAC under the rest: see docs/decisions/0018."""

    code: Lookup
    public_key: Hex
    nonce: Hex
    proof: Hex
    name: str
    software: str = ""


class EnrolledBody(Struct, frozen=True):
    """The server's part of the key agreement; `sealed` (base64) opens only for who has the code."""

    public_key: str
    nonce: str
    sealed: str


class ServedChannelBody(Struct, frozen=True, gc=False):
    """A channel of a controller. `version` is the last change that it has confirmed, null for none."""

    id: int
    name: str
    status: ChannelSync
    online: bool
    version: int | None
    confirmed_at: str | None
    behind_since: str | None


class ControllerBody(Struct, frozen=True):
    """A controller. `clock_skew_ms` is how far its clock was ahead, `spool_length` how much it had still to tell."""

    id: int
    name: str
    software: str | None
    address: str | None
    online: bool
    enrolled_at: str
    connected_at: str | None
    last_seen_at: str | None
    clock_skew_ms: int | None
    spool_length: int | None
    refused_frames: int
    channels: list[ServedChannelBody]


class NameInput(Struct, frozen=True):
    """What it is to be called."""

    name: str


_CODE: Final = Docs(
    "Make a one-time code by which a controller enrols for channels",
    {201: CodeBody},
    body=CodeInput,
    ours=True,
    description="Good for ten minutes. A channel that another controller serves is taken over when the code is used.",
)
_ENROL: Final = Docs(
    "Enrol a controller with a code",
    {201: EnrolledBody},
    body=EnrolInput,
    errors=(403, 429),
    ours=True,
    description="Needs no token. Five wrong proofs end a code. A code that is wrong, used, expired or not there at all "
    "is refused in the same words.",
)
_LIST: Final = Docs("List controllers", {200: list[ControllerBody]}, ours=True)
_GET: Final = Docs("Get a controller", {200: ControllerBody}, ours=True)
_UPDATE: Final = Docs("Give a controller another name", {200: ControllerBody}, body=NameInput, ours=True)
_DELETE: Final = Docs(
    "Remove a controller; the keys of its channels are replaced",
    {200: Result},
    ours=True,
)
_LOOKUP: Final = re.compile(r"[0-9A-Z]{5}")


@post("/controllers/codes", name="createEnrolmentCode", scopes=_CONFIGURE, docs=_CODE)
async def create_code(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Make a code."""
    body, context = await read_json(request), context_of(request)
    server = base_url(request)

    def create(transaction: Transaction, principal: Principal, now: int) -> Answer:
        made = enrolment.create_code(transaction, context.vault, principal.account_id, body, now, principal)
        channels = [ToServeBody(each.id, each.name, each.controller_id) for each in made.channels]
        shown = CodeBody(str(made.code), format_instant(made.expires_at), channels, enrolment.command(made, server))
        return answer(shown, 201)

    return await change(request, create)


@post("/controllers/enrol", name="enrolController", public=True, docs=_ENROL)
async def enrol(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Enrol with a code. Raises Refused, with the same words for every reason."""
    began = asyncio.get_running_loop().time()
    context, address = context_of(request), client_address(request)
    attempts: Attempts = request.app.state.attempts
    attempts.check(address, context.clock.now())
    asked = _read(await read_json(request))

    def write(transaction: Transaction) -> enrolment.Enrolled | None:
        return enrolment.enrol(transaction, context.vault, asked, address, context.clock.now())

    done = await context.database.write(write)
    if done is None:
        attempts.failed(address, context.clock.now())
        await asyncio.sleep(began + _REFUSED_AFTER_S - asyncio.get_running_loop().time())
        raise enrolment.Refused
    sealed = base64.b64encode(done.sealed).decode()
    return json_response(EnrolledBody(done.public_key.hex(), done.nonce.hex(), sealed), 201)


@get("/controllers", name="listControllers", scopes=_READ, docs=_LIST)
async def list_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List controllers."""
    context, principal = context_of(request), principal_of(request)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        found = service.list_controllers(transaction, principal.account_id, principal)
        return encoded([_body(seen, now) for seen in found])

    return encoded_response(await context.database.read(read))


@get("/controllers/{controller_id:str}", name="getController", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """Get a controller."""
    context, principal, number = context_of(request), principal_of(request), path_id(controller_id)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        return encoded(_body(service.get_controller(transaction, principal.account_id, number, principal), now))

    return encoded_response(await context.database.read(read))


@put("/controllers/{controller_id:str}", name="updateController", scopes=_CONFIGURE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """Give a controller another name."""
    body, number = await read_json(request), path_id(controller_id)

    def rename(transaction: Transaction, principal: Principal, now: int) -> Answer:
        seen = service.rename_controller(transaction, principal.account_id, number, body, now, principal)
        return answer(_body(seen, now))

    return await change(request, rename)


@delete("/controllers/{controller_id:str}", name="deleteController", scopes=_CONFIGURE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], controller_id: FromPath[str]) -> ASGIResponse:
    """Remove a controller."""
    number, vault = path_id(controller_id), context_of(request).vault

    def remove_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        service.remove_controller(transaction, vault, principal.account_id, number, now, principal)
        return OK

    return await change(request, remove_it)


def _read(body: object) -> enrolment.Request:
    """What a controller asks with. Raises Invalid."""
    fields = StructuredFields(body)
    code = fields.line("code")
    if code is None or not _LOOKUP.fullmatch(code):
        fields.complain("code", "must be the first five letters and digits of the code")
    read = {name: _bytes(fields, name) for name in ("public_key", "nonce", "proof")}
    name, software = fields.name("name", required=True), fields.line("software")
    fields.check()
    return enrolment.Request(code or "", read["public_key"], read["nonce"], read["proof"], name or "", software or "")


def _bytes(fields: StructuredFields, name: str) -> bytes:
    try:
        found = bytes.fromhex(fields.line(name) or "")
    except ValueError:
        found = b""
    if len(found) != keys.KEY_BYTES:
        fields.complain(name, f"must be {keys.KEY_BYTES} bytes in hex")
    return found


def _body(seen: SeenController, now: int) -> ControllerBody:
    controller = seen.controller
    return ControllerBody(
        controller.id,
        controller.name,
        controller.software,
        controller.address,
        controller.is_online(now),
        format_instant(controller.enrolled_at),
        format_optional(controller.connected_at),
        format_optional(controller.last_seen_at),
        controller.clock_skew_ms,
        controller.spool_length,
        controller.refused_frames,
        [_channel(each, now) for each in seen.channels],
    )


def _channel(served: ServedChannel, now: int) -> ServedChannelBody:
    standing = served.standing
    return ServedChannelBody(
        served.id,
        served.name,
        standing.sync(now),
        standing.is_online(now),
        service.confirmed_version(standing),
        format_optional(standing.synced_at),
        format_optional(standing.behind_since),
    )


router = Router("/api/3", route_handlers=[create_code, enrol, list_all, get_one, update, remove])
