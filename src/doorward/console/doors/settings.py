"""The settings of a door as a form; a new door; a door that goes."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.channels.channel import DRIVERS, Channel
from doorward.channels.service import create_channel, delete_channel, update_channel
from doorward.console.doors.parts import CONFIGURE, DOORS, PAGE
from doorward.console.doors.parts import DRIVERS as DRIVER_WORDS
from doorward.console.doors.reading import get_door
from doorward.console.doors.seconds import in_seconds, milliseconds, seconds
from doorward.console.forms import Form, Sent, again, sent
from doorward.console.page import go, show
from doorward.console.preferences import chosen_site
from doorward.db.unit_of_work import Transaction
from doorward.kit.errors import Invalid
from doorward.kit.pages import Page
from doorward.oauth.principal import Principal
from doorward.sites.areas import list_areas
from doorward.sites.service import page_of_sites
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_DURATIONS: Final = (
    *("second_factor_ms", "pulse_ms", "held_open_ms", "held_open_warning_ms", "rex_held_ms", "two_person_ms"),
)
_TEXTS: Final = (
    *("name", "driver", "mac_address", "model", "serial_number", "card_format", "pin_format"),
    *("reader_device_class_name", "passback_mode"),
)
_NUMBERS: Final = ("site_id", "unit", "staleness_hours", "passback_minutes", "area_from_id", "area_to_id")
_FLAGS: Final = ("two_factor", "relock_on_open", "first_person_in", "two_person")
_HARDWARE: Final = frozenset(
    {"mac_address", "unit", "model", "serial_number", "card_format", "pin_format", "reader_device_class_name"}
)
_KINDS: Final = (
    ("card", "Cards"),
    ("pin", "PINs"),
    ("apple", "Apple passes"),
    ("google", "Google passes"),
    ("aux", "Auxiliary inputs"),
)
_PASSBACK: Final = (
    ("hard", "Refuse whoever has passed already"),
    ("soft", "Let them pass, and note it"),
    ("timed", "Refuse them for some minutes"),
)


@get("/doors/new", name="console.doors.new", scopes=CONFIGURE, **PAGE)
async def new_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """An empty form."""
    nothing = Channel(0, 0, chosen_site(request) or 0, "", "", "", 0, 0)
    return await _form(request, Form(_values(nothing)), None)


@post("/doors/new", name="console.doors.create", scopes=CONFIGURE, **PAGE)
async def create(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add a door."""
    form = await sent(request)
    try:
        body = _body(form)
        made = await perform(request, lambda tx, by, now: create_channel(tx, by.account_id, body, now, by))
    except Invalid as error:
        return await _form(request, again(form, in_seconds(error), lists=("accepts",)), None)
    return go(request, f"{DOORS}/{made.id}", f"{made.name} was added.")


@get("/doors/{channel_id:str}/settings", name="console.door.settings", scopes=CONFIGURE, **PAGE)
async def edit_page(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """A door's settings."""
    return await _form(request, None, path_id(channel_id))


@post("/doors/{channel_id:str}/settings", name="console.door.update", scopes=CONFIGURE, **PAGE)
async def update(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Change a door's settings."""
    form, number = await sent(request), path_id(channel_id)
    try:
        body = _body(form)
        saved = await perform(request, lambda tx, by, now: update_channel(tx, by.account_id, number, body, now, by))
    except Invalid as error:
        return await _form(request, again(form, in_seconds(error), lists=("accepts",)), number)
    return go(request, f"{DOORS}/{number}", f"{saved.name} was saved.")


@post("/doors/{channel_id:str}/delete", name="console.door.delete", scopes=CONFIGURE, **PAGE)
async def remove(request: Request[Any, Any, Any], channel_id: FromPath[str]) -> ASGIResponse:
    """Delete a door."""
    await sent(request)
    number = path_id(channel_id)

    def delete_it(transaction: Transaction, by: Principal, now: int) -> str:
        name = get_door(transaction, by, number, now, with_shift=False).name
        delete_channel(transaction, by.account_id, number, now, by)
        return name

    name = await perform(request, delete_it)
    return go(request, DOORS, f"{name} was deleted.")


def _body(form: Sent) -> dict[str, object]:
    body = form.body(texts=_TEXTS, numbers=_NUMBERS, flags=_FLAGS, words=("accepts",))
    body.update({name: milliseconds(form.text(name)) for name in _DURATIONS})
    if body["passback_minutes"] is None:
        body["passback_minutes"] = 0
    return body


def _values(channel: Channel) -> Mapping[str, Any]:
    values = {**channel._asdict(), "accepts": list(channel.accepts), "site_id": channel.site_id or None}
    return {**values, **{name: seconds(values[name]) for name in _DURATIONS}}


async def _form(request: Request[Any, Any, Any], form: Form | None, channel_id: int | None) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, now: int) -> Mapping[str, object]:
        account_id = principal.account_id
        door = None if channel_id is None else get_door(transaction, principal, channel_id, now, with_shift=False)
        places, _ = page_of_sites(transaction, account_id, Page(paged=False), by=principal)
        names = {site.id: site.name for site in places}
        parts = [(area.id, area) for area in list_areas(transaction, account_id) if area.site_id in names]
        return {
            "door": door,
            "form": form or Form({} if door is None else _values(door.channel)),
            "sites": list(names.items()),
            "areas": [(the_id, f"{names[area.site_id]}: {area.name}") for the_id, area in parts],
        }

    return await show(
        request,
        "doors/settings.html",
        read,
        status=422 if form is not None and form.errors else 200,
        drivers=[(name, DRIVER_WORDS[name]) for name in DRIVERS],
        kinds=_KINDS,
        passback=_PASSBACK,
        wrong_hardware=lambda form: bool(form.errors.keys() & _HARDWARE),
    )


HANDLERS = (new_page, create, edit_page, update, remove)
