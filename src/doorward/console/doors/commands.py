"""What a door is told from its page: opened once, unlocked, locked down, put back; and what became of opening it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.admissions.service import Admission, NotInNormalMode, get_admission, request_admission
from doorward.channels import commands
from doorward.channels.listing import Seen
from doorward.console.doors.asking import LOCKDOWN, ask_again, relock_at
from doorward.console.doors.parts import COMMAND, DOORS, PAGE
from doorward.console.doors.reading import get_door
from doorward.console.forms import Form, again, sent
from doorward.console.page import fragment, go, is_htmx
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import context_of
from doorward.wire.queries import path_id

_FLAGS: Final = ("card_lockdown", "rex_lockdown", "aux_lockdown")
_LEAST_ONE: Final = "Choose at least one thing to refuse"


@post("/doors/{channel_id:str}/admit", name="console.door.admit", scopes=COMMAND, **PAGE)
async def admit(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Open a door once. What became of it is asked for by the answer itself."""
    await sent(request)
    number = path_id(channel_id)

    def ask(transaction: Transaction, by: Principal, now: int) -> tuple[Admission, ZoneInfo]:
        door = get_door(transaction, by, number, now, with_shift=False)
        return request_admission(transaction, by, number, now), door.zone

    try:
        made, zone = await perform(request, ask)
    except NotInNormalMode:
        if is_htmx(request):
            return await fragment(request, "doors/refused.html")
        raise Conflict("The door stands unlocked already") from None
    if is_htmx(request):
        return await fragment(request, "doors/outcome.html", admission=made, zone=zone)
    return go(request, f"{DOORS}/{number}?admission={made.id}")


@get(
    "/doors/{channel_id:str}/admissions/{admission_id:str}",
    name="console.door.admission",
    scopes=("account.channel.admit", "account.channel.admit.person"),
    **PAGE,
)
async def admission(
    request: Request[Any, Any, Any], channel_id: FromPath[str], admission_id: FromPath[str]
) -> ASGIResponse:
    """What became of opening a door."""
    door_id, number = path_id(channel_id), path_id(admission_id)

    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        found = get_admission(transaction, principal, number, now)
        if found.channel_id != door_id:
            raise NotFound
        return {"admission": found, "zone": get_door(transaction, principal, door_id, now, with_shift=False).zone}

    return await fragment(request, "doors/outcome.html", read)


@get("/doors/{channel_id:str}/unlock", name="console.door.unlocking", scopes=COMMAND, **PAGE)
async def unlock_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """How long a door is to stand unlocked, asked on a page."""
    return await ask_again(request, path_id(channel_id), "unlock", Form())


@post("/doors/{channel_id:str}/unlock", name="console.door.unlock", scopes=COMMAND, **PAGE)
async def unlock(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Hold a door unlocked."""
    form, number = await sent(request), path_id(channel_id)

    def unlock_it(transaction: Transaction, by: Principal, now: int) -> Seen:
        zone = get_door(transaction, by, number, now, with_shift=False).zone
        return commands.unlock(transaction, by, number, {"relock_at": relock_at(form, zone, now)}, now)

    try:
        seen = await perform(request, unlock_it)
    except Invalid as error:
        return await ask_again(request, number, "unlock", again(form, error))
    return go(request, f"{DOORS}/{number}", f"{seen.channel.name} is being unlocked.")


@post("/doors/{channel_id:str}/normal", name="console.door.normal", scopes=COMMAND, **PAGE)
async def normal(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Let a door decide about everybody again."""
    return await _simple(request, channel_id, commands.normal, "{} is back to normal.")


@get("/doors/{channel_id:str}/lockdown", name="console.door.lockingDown", scopes=COMMAND, **PAGE)
async def lockdown_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """What a lockdown does, asked on a page."""
    return await ask_again(request, path_id(channel_id), "lockdown", Form(LOCKDOWN))


@post("/doors/{channel_id:str}/lockdown", name="console.door.lockdown", scopes=COMMAND, urgent=True, **PAGE)
async def lockdown(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Lock a door down."""
    form, number = await sent(request), path_id(channel_id)
    body = form.body(flags=_FLAGS)
    try:
        seen = await perform(request, lambda tx, by, now: commands.lockdown(tx, by, number, body, now))
    except commands.Refused:
        error = Invalid({"card_lockdown": [_LEAST_ONE]})
        return await ask_again(request, number, "lockdown", again(form, error))
    return go(request, f"{DOORS}/{number}", f"{seen.channel.name} is being locked down.")


@post("/doors/{channel_id:str}/unlockdown", name="console.door.unlockdown", scopes=COMMAND, urgent=True, **PAGE)
async def unlockdown(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Lift a lockdown."""
    return await _simple(request, channel_id, commands.unlockdown, "The lockdown of {} is lifted.")


@get("/doors/{channel_id:str}/auto_unlock", name="console.door.autoUnlocking", scopes=COMMAND, **PAGE)
async def auto_unlock_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """By which shift a door unlocks, asked on a page."""
    return await ask_again(request, path_id(channel_id), "auto_unlock", None)


@post("/doors/{channel_id:str}/auto_unlock", name="console.door.autoUnlock", scopes=COMMAND, **PAGE)
async def auto_unlock(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Set the shift by which a door unlocks, or none."""
    form, number = await sent(request), path_id(channel_id)
    body = form.body(numbers=("shift_id",))
    try:
        seen = await perform(request, lambda tx, by, now: commands.auto_unlock(tx, by, number, body, now))
    except commands.NoSuchShift:
        error = Invalid({"shift_id": ["is no longer there"]})
        return await ask_again(request, number, "auto_unlock", again(form, error))
    except Invalid as error:
        return await ask_again(request, number, "auto_unlock", again(form, error))
    told = f"by {seen.auto_unlock_name}" if seen.auto_unlock_name else "by no shift"
    return go(request, f"{DOORS}/{number}", f"{seen.channel.name} unlocks {told} from now on.")


@post("/doors/{channel_id:str}/regenerate_encryption_key", name="console.door.regenerateKey", scopes=COMMAND, **PAGE)
async def regenerate_key(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Make a new key for a door."""
    vault = context_of(request).vault
    return await _simple(
        request,
        channel_id,
        lambda tx, by, number, now: commands.regenerate_key(tx, vault, by, number, now),
        "{} gets a new encryption key at its next contact.",
    )


@post("/doors/{channel_id:str}/remove_encryption_key", name="console.door.removeKey", scopes=COMMAND, **PAGE)
async def remove_key(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Let a door go on without a key."""
    return await _simple(request, channel_id, commands.remove_key, "The encryption key of {} was removed.")


async def _simple(
    request: Request[Any, Any, Any],
    channel_id: str,
    command: Callable[[Transaction, Principal, int, int], Seen],
    done: str,
) -> ASGIResponse:
    """A command that asks for nothing; then back to the door's page."""
    await sent(request)
    number = path_id(channel_id)
    seen = await perform(request, lambda tx, by, now: command(tx, by, number, now))
    return go(request, f"{DOORS}/{number}", done.format(seen.channel.name))


HANDLERS = (
    admit,
    admission,
    unlock_page,
    unlock,
    normal,
    lockdown_page,
    lockdown,
    unlockdown,
    auto_unlock_page,
    auto_unlock,
    regenerate_key,
    remove_key,
)
