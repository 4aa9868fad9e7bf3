"""Routes of /api/3/channels: to see doors, to set them up, and to tell them what to do. Admissions are elsewhere."""

from collections.abc import Callable
from typing import Any, Final, Literal

from litestar import Request, Router, delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from doorward.channels import commands
from doorward.channels.listing import Seen, get_seen, list_seen
from doorward.channels.service import create_channel, delete_channel, update_channel
from doorward.channels.wire import (
    ChannelBody,
    ConfiguredChannelBody,
    Driver,
    Kind,
    LockdownInput,
    Mode,
    SettingsBody,
    channel_body,
    configured_body,
    settings_body,
)
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.wire.bodies import read_json, read_optional_json
from doorward.wire.changes import OK, Answer, answer, change
from doorward.wire.context import context_of, principal_of
from doorward.wire.docs import Docs, Id, Instant, Parameter, Result, paging
from doorward.wire.queries import id_of, page_of, path_id
from doorward.wire.responses import encoded, encoded_response, page_response

_READ: Final = ("account.channel.readonly",)
_COMMAND: Final = ("account.channel.admit",)
_CONFIGURE: Final = ("account.channel",)


class UnlockInput(Struct, frozen=True, omit_defaults=True):
    """When to lock again by itself; without it, not."""

    relock_at: Instant | None = None


class AutoUnlockInput(Struct, frozen=True, omit_defaults=True):
    """The shift; without one, auto-unlock ends."""

    shift_id: Id | None = None


class AutoUnlockRefused(Struct, frozen=True):
    """There is no such shift (contract, autoUnlockChannel)."""

    success: Literal[False]
    message: str


class ChannelInput(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A channel's settings. A new one needs `name` and `site_id`; durations in milliseconds."""

    name: str | None = None
    site_id: Id | None = None
    mac_address: str | None = None
    unit: int | None = None
    accepts: list[Kind] | None = None
    two_factor: bool | None = None
    second_factor_ms: int | None = None
    pulse_ms: int | None = None
    held_open_ms: int | None = None
    staleness_hours: int | None = None
    mode: Mode | None = None
    relock_at: Instant | None = None
    card_lockdown: bool | None = None
    rex_lockdown: bool | None = None
    aux_lockdown: bool | None = None
    auto_unlock_shift_id: Id | None = None
    passback_mode: Literal["hard", "soft", "timed"] | None = None
    passback_minutes: int | None = None
    area_from_id: Id | None = None
    area_to_id: Id | None = None
    held_open_warning_ms: int | None = None
    rex_held_ms: int | None = None
    relock_on_open: bool | None = None
    first_person_in: bool | None = None
    two_person: bool | None = None
    two_person_ms: int | None = None
    driver: Driver | None = None
    model: str | None = None
    serial_number: str | None = None
    card_format: str | None = None
    pin_format: str | None = None
    reader_device_class_name: str | None = None


_SITE: Final = Parameter("site_id", {"type": "integer", "minimum": 1}, "Only the channels at this site.")
_LIST: Final = Docs("List channels", {200: list[ChannelBody]}, parameters=(_SITE, *paging()), paged=True)
_GET: Final = Docs("Get a channel", {200: ChannelBody})
_SETTINGS: Final = Docs("Get a channel's own settings", {200: SettingsBody}, ours=True)
_CONTROLS: Final = frozenset(
    {"mode", "relock_at", "card_lockdown", "rex_lockdown", "aux_lockdown", "auto_unlock_shift_id"}
)
_CREATE: Final = Docs("Create a channel", {201: ConfiguredChannelBody}, body=ChannelInput, ours=True)
_UPDATE: Final = Docs("Change what is given of a channel", {200: ConfiguredChannelBody}, body=ChannelInput, ours=True)
_DELETE: Final = Docs("Delete a channel, also from the roles that name it", {200: Result}, ours=True)
_LOCKDOWN: Final = Docs(
    "Lock a channel down",
    {200: ChannelBody, 400: ChannelBody},
    body=LockdownInput,
    body_required=False,
    description="Without flags cards, PINs and auxiliary inputs are rejected; leaving stays possible unless "
    "`rex_lockdown` is true. With all flags false there is nothing to do: 400.",
)
_UNLOCKDOWN: Final = Docs("Lift the lockdown of a channel", {200: ChannelBody})
_UNLOCK: Final = Docs(
    "Hold a channel unlocked, until an instant or until told otherwise",
    {200: ChannelBody},
    body=UnlockInput,
    body_required=False,
)
_NORMAL: Final = Docs("Return a channel to normal mode", {200: ChannelBody})
_AUTO_UNLOCK: Final = Docs(
    "Set the shift in which a channel stands unlocked, or none",
    {200: ChannelBody, 400: AutoUnlockRefused},
    body=AutoUnlockInput,
    body_required=False,
)
_REGENERATE_KEY: Final = Docs("Make a new encryption key for a channel", {200: ChannelBody})
_REMOVE_KEY: Final = Docs("Remove the encryption key of a channel", {200: ChannelBody})


@get("/channels", name="listChannels", scopes=_READ, docs=_LIST)
async def list_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List channels. Contract operation listChannels."""
    context, principal = context_of(request), principal_of(request)
    page, site_id = page_of(request.query_params), id_of(request.query_params, "site_id")
    now = context.clock.now()

    def read(transaction: Transaction) -> tuple[bytes, int]:
        found, total = list_seen(transaction, principal, page, site_id)
        return encoded([channel_body(seen, now) for seen in found]), total

    rows, total = await context.database.read(read)
    return page_response(request, rows, total, page)


@get("/channels/{channel_id:str}", name="getChannel", scopes=_READ, docs=_GET)
async def get_one(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Get a channel. Contract operation getChannel."""
    return await _shown(request, channel_id, channel_body)


@get("/channels/{channel_id:str}/settings", name="getChannelSettings", scopes=_READ, docs=_SETTINGS)
async def get_settings(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Get what the contract's channel has no fields for."""
    return await _shown(request, channel_id, lambda seen, _: settings_body(seen))


def _require_for_controls(principal: Principal, body: object) -> None:
    """To set up a door is one thing, to open it or lock it down another. Raises InsufficientScope or Forbidden."""
    if isinstance(body, dict) and _CONTROLS.intersection(body):
        principal.require("account.channel.admit")


@post("/channels", name="createChannel", scopes=_CONFIGURE, docs=_CREATE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Create a channel."""
    body = await read_json(request)

    def create_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        _require_for_controls(principal, body)
        made = create_channel(transaction, principal.account_id, body, now, principal)
        return answer(configured_body(get_seen(transaction, principal, made.id), now), 201)

    return await change(request, create_it)


@put("/channels/{channel_id:str}", name="updateChannel", scopes=_CONFIGURE, docs=_UPDATE)
async def update(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Change what is given of a channel."""
    body, number = await read_json(request), path_id(channel_id)

    def update_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        _require_for_controls(principal, body)
        update_channel(transaction, principal.account_id, number, body, now, principal)
        return answer(configured_body(get_seen(transaction, principal, number), now))

    return await change(request, update_it)


@delete("/channels/{channel_id:str}", name="deleteChannel", scopes=_CONFIGURE, status_code=200, docs=_DELETE)
async def remove(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Delete a channel."""
    number = path_id(channel_id)

    def delete_it(transaction: Transaction, principal: Principal, now: int) -> Answer:
        delete_channel(transaction, principal.account_id, number, now, principal)
        return OK

    return await change(request, delete_it)


@post("/channels/{channel_id:str}/lockdown", name="lockdownChannel", scopes=_COMMAND, docs=_LOCKDOWN, urgent=True)
async def lockdown(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Lock a door down. Contract operation lockdownChannel."""
    body, number = await read_optional_json(request), path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.lockdown(tx, by, number, body, now))


@post("/channels/{channel_id:str}/unlockdown", name="unlockdownChannel", scopes=_COMMAND, docs=_UNLOCKDOWN)
async def unlockdown(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Lift a lockdown. Contract operation unlockdownChannel."""
    number = path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.unlockdown(tx, by, number, now))


@post("/channels/{channel_id:str}/unlock", name="unlockChannel", scopes=_COMMAND, docs=_UNLOCK)
async def unlock(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Hold a door unlocked. Contract operation unlockChannel."""
    body, number = await read_optional_json(request), path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.unlock(tx, by, number, body, now))


@post("/channels/{channel_id:str}/normal", name="normalChannel", scopes=_COMMAND, docs=_NORMAL)
async def normal(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Return a door to normal mode. Contract operation normalChannel."""
    number = path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.normal(tx, by, number, now))


@post("/channels/{channel_id:str}/auto_unlock", name="autoUnlockChannel", scopes=_COMMAND, docs=_AUTO_UNLOCK)
async def auto_unlock(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Set the shift in which a door stands unlocked. Contract operation autoUnlockChannel."""
    body, number = await read_optional_json(request), path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.auto_unlock(tx, by, number, body, now))


@post(
    "/channels/{channel_id:str}/regenerate_encryption_key",
    name="regenerateEncryptionKey",
    scopes=_COMMAND,
    docs=_REGENERATE_KEY,
)
async def regenerate_key(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Make a new key; it is never told. Contract operation regenerateEncryptionKey."""
    number, vault = path_id(channel_id), context_of(request).vault
    return await _command(request, lambda tx, by, now: commands.regenerate_key(tx, vault, by, number, now))


@post("/channels/{channel_id:str}/remove_encryption_key", name="removeEncryptionKey", scopes=_COMMAND, docs=_REMOVE_KEY)
async def remove_key(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Remove a door's key. Contract operation removeEncryptionKey."""
    number = path_id(channel_id)
    return await _command(request, lambda tx, by, now: commands.remove_key(tx, by, number, now))


async def _shown(request: Request[Any, Any, Any], channel_id: str, body: Callable[[Seen, int], object]) -> ASGIResponse:
    context, principal, number = context_of(request), principal_of(request), path_id(channel_id)
    now = context.clock.now()

    def read(transaction: Transaction) -> bytes:
        return encoded(body(get_seen(transaction, principal, number), now))

    return encoded_response(await context.database.read(read))


async def _command(
    request: Request[Any, Any, Any], command: Callable[[Transaction, Principal, int], Seen]
) -> ASGIResponse:
    """Do as a command says and answer with the channel; also where it is refused, as the contract has it."""

    def work(transaction: Transaction, principal: Principal, now: int) -> Answer:
        try:
            return answer(channel_body(command(transaction, principal, now), now))
        except commands.Refused as refused:
            return answer(channel_body(refused.seen, now), 400)
        except commands.NoSuchShift as error:
            return answer(AutoUnlockRefused(False, str(error)), 400)

    return await change(request, work)


router = Router(
    "/api/3",
    route_handlers=[
        list_page,
        get_one,
        get_settings,
        create,
        update,
        remove,
        lockdown,
        unlockdown,
        unlock,
        normal,
        auto_unlock,
        regenerate_key,
        remove_key,
    ],
)
