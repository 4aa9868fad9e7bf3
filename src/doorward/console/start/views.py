"""/console/start: the first steps, each a small form; one may leave and come back."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from doorward.accounts.service import update_account
from doorward.channels.channel import DRIVERS
from doorward.console.forms import Form, again, sent
from doorward.console.happenings import at_door, unknown_cards
from doorward.console.page import fragment, go, is_htmx, show
from doorward.console.start import making, trying
from doorward.console.start.first_run import NEEDED, PATH
from doorward.console.start.presenting import presenting_of
from doorward.console.start.progress import STEPS, Progress, first_door, progress_of
from doorward.controllers import enrolment
from doorward.db.unit_of_work import Transaction
from doorward.decision.verdict import Verdict
from doorward.decision.wording import reasons_of
from doorward.kit.errors import Conflict, Invalid, NotFound
from doorward.kit.timestamps import known_zones
from doorward.oauth.principal import Principal
from doorward.wire.changes import perform
from doorward.wire.context import base_url, context_of
from doorward.wire.queries import choice_of

_SCOPES: Final = (NEEDED,)
_PAGE: Final[Mapping[str, Any]] = {"page": True, "hidden": True}
_SHOWN: Final = 4
_READ_WITHIN_MS: Final = 15 * 60_000
_TRIED_WITHIN_MS: Final = 60 * 60_000
_DRIVER_WORDS: Final = {
    "simulated": "Simulated: to try it out, without hardware",
    "osdp": "OSDP reader",
    "uhppote": "UHPPOTE board",
    "esp_rfid": "esp-rfid board",
}


@get("/start", name="console.start", scopes=_SCOPES, **_PAGE)
async def page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The steps, and the form of the one that is next, or that the address names."""
    return await _steps(request, choice_of(request.query_params, "step", STEPS))


@post("/start/account", name="console.start.account", scopes=_SCOPES, also_scopes=("account.settings",), **_PAGE)
async def change_account(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Set the account's name and time zone."""
    form = await sent(request)
    body = form.body(texts=("name", "time_zone"))
    try:
        changed = await perform(request, lambda tx, by, now: update_account(tx, by, body, now))
    except Invalid as error:
        return await _steps(request, "account", again(form, error))
    return go(request, PATH, f"{changed.name} was saved.")


@post("/start/door", name="console.start.door", scopes=_SCOPES, also_scopes=("account.site",), **_PAGE)
async def add_door(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add the first door, with its site."""
    form = await sent(request)
    try:
        name = await perform(request, lambda tx, by, now: making.make_door(tx, form, by, now))
    except Invalid as error:
        return await _steps(request, "door", again(form, error))
    real = form.text("driver") not in ("", DRIVERS[0])
    return go(request, f"{PATH}?step=door" if real else PATH, f"{name} was added.")


@post("/start/code", name="console.start.code", scopes=_SCOPES, **_PAGE)
async def make_code(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show a code by which a controller enrols for the door; it is not to be seen again."""
    await sent(request)
    vault, server = context_of(request).vault, base_url(request)

    def create(transaction: Transaction, by: Principal, now: int) -> enrolment.IssuedCode:
        door = first_door(transaction, by)
        if door is None:
            raise NotFound
        return enrolment.create_code(transaction, vault, by.account_id, {"channel_ids": [door.id]}, now, by)

    made = await perform(request, create)
    command = enrolment.command(made, server).replace(" DIR", " ./controller-data")
    return await _steps(request, "door", code=made, command=command)


@post(
    "/start/person",
    name="console.start.person",
    scopes=_SCOPES,
    also_scopes=("account.person", "account.role"),
    **_PAGE,
)
async def add_person(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Add the first person."""
    form, vault = await sent(request), context_of(request).vault
    try:
        name = await perform(request, lambda tx, by, now: making.make_person(tx, vault, form, by, now))
    except Invalid as error:
        return await _steps(request, "person", again(form, error))
    return go(request, PATH, f"{name} was added.")


@post("/start/card", name="console.start.card", scopes=_SCOPES, also_scopes=("account.person", "account.role"), **_PAGE)
async def give_card(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Give the person a card."""
    form, vault = await sent(request), context_of(request).vault
    try:
        name = await perform(request, lambda tx, by, now: making.give_card(tx, vault, form, by, now))
    except (Invalid, Conflict) as error:
        return await _steps(request, "card", again(form, error))
    return go(request, PATH, f"{name} is ready to be let in.")


@post(
    "/start/try",
    name="console.start.try",
    scopes=_SCOPES,
    also_scopes=("account.channel.admit", "account.person.readonly"),
    **_PAGE,
)
async def try_it(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Hold the person's card to the simulated door."""
    form, doors = await sent(request), presenting_of(request)
    number = form.body(numbers=("person_id",))["person_id"]
    person_id = number if isinstance(number, int) else 0
    try:
        if doors is None:
            raise Conflict("The doors are in another process than this page")
        door, presented = await perform(request, lambda tx, by, now: trying.to_present(tx, by, person_id, now))
        try:
            verdict = await doors.present(door.id, presented)
        except NotFound:
            raise Conflict(f"{door.name} is not ready yet: please try again in a moment") from None
    except Conflict as error:
        return await _steps(request, "try", again(form, error))
    return await _steps(request, "try", verdict=verdict)


@get(
    "/start/cards", name="console.start.cards", scopes=_SCOPES, also_scopes=("account.event.access.readonly",), **_PAGE
)
async def cards(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The cards that were just read at a door and that nobody has."""
    return await fragment(
        request, "start/cards.html", lambda tx, by, now: {"read": unknown_cards(tx, by, now - _READ_WITHIN_MS, _SHOWN)}
    )


@get(
    "/start/events",
    name="console.start.events",
    scopes=_SCOPES,
    also_scopes=("account.event.access.readonly",),
    **_PAGE,
)
async def happened(request: Request[Any, Any, Any]) -> ASGIResponse:
    """What has just happened at the door."""

    def read(transaction: Transaction, by: Principal, now: int) -> Mapping[str, object]:
        door = first_door(transaction, by)
        since = now - _TRIED_WITHIN_MS
        return {"happened": [] if door is None else at_door(transaction, by, door.id, since, _SHOWN)}

    return await fragment(request, "start/events.html", read)


async def _steps(
    request: Request[Any, Any, Any],
    step: str | None = None,
    form: Form | None = None,
    *,
    verdict: Verdict | None = None,
    code: enrolment.IssuedCode | None = None,
    command: str = "",
) -> ASGIResponse:
    def read(transaction: Transaction, principal: Principal, _: int) -> Mapping[str, object]:
        found = progress_of(transaction, principal)
        return {
            "progress": found,
            "open_step": step or found.next_step,
            "form": form or Form(_values(found, request.query_params.get("number", ""))),
        }

    values: dict[str, Any] = {
        "steps": STEPS,
        "zones": [(name, name) for name in sorted(known_zones())] if step == "account" else [],
        "drivers": [(driver, _DRIVER_WORDS[driver]) for driver in DRIVERS],
        "has_doors": presenting_of(request) is not None,
        "verdict": verdict,
        "reasons": [] if verdict is None else [text for _, text in reasons_of(verdict)],
        "code": code,
        "command": command,
    }
    status = 422 if form is not None and form.errors else 200
    if is_htmx(request):
        return await fragment(request, "start/steps.html", read, status=status, **values)
    return await show(request, "start/page.html", read, status=status, **values)


def _values(found: Progress, number: str) -> dict[str, Any]:
    """What the forms begin with. A simulated door takes any number: there is one that will do."""
    person_id = 0 if found.person is None else found.person.id
    simulated = found.door is not None and not found.door.is_real
    return {
        "name": found.account.name,
        "time_zone": found.account.time_zone,
        "value": number[:40] or (str(1_000_000 + person_id) if simulated else ""),
    }


HANDLERS = (page, change_account, add_door, make_code, add_person, give_card, try_it, cards, happened)
