"""What is done about an alarm. Whoever comes second is told what the first did."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from doorward.alarms import service
from doorward.console.alarms.page_of_one import show_alarm
from doorward.console.forms import Form, Sent, sent
from doorward.console.page import go
from doorward.kit.errors import Invalid
from doorward.signing_in.next_page import local_path
from doorward.wire.changes import perform
from doorward.wire.queries import path_id

_COMMAND: Final[Mapping[str, Any]] = {
    "page": True,
    "hidden": True,
    "scopes": (service.ACT,),
    "also_scopes": ("account.event.access.readonly",),
    "status_code": 303,
}


@post("/alarms/{alarm_id:str}/acknowledge", name="console.alarm.acknowledge", **_COMMAND)
async def acknowledge(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Somebody sees to it."""
    form = await sent(request)
    body = form.body(texts=("note",))
    return await _act(request, path_id(alarm_id), form, service.acknowledge, body, "The alarm was acknowledged.")


@post("/alarms/{alarm_id:str}/close", name="console.alarm.close", **_COMMAND)
async def close(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """It has been seen to."""
    form = await sent(request)
    return await _act(
        request, path_id(alarm_id), form, service.close, form.body(texts=("note",)), "The alarm was closed."
    )


@post("/alarms/{alarm_id:str}/assign", name="console.alarm.assign", **_COMMAND)
async def assign(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Say who is to see to it."""
    form = await sent(request)
    body = form.body(numbers=("assignee_id",))
    said = "The alarm was assigned." if body["assignee_id"] else "The alarm is nobody's in particular now."
    return await _act(request, path_id(alarm_id), form, service.assign, body, said)


@post("/alarms/{alarm_id:str}/notes", name="console.alarm.note", **_COMMAND)
async def note(request: Request[Any, Any, Any], alarm_id: FromPath[str]) -> ASGIResponse:
    """Write something down about it."""
    form = await sent(request)
    body = {"text": form.text("note").strip() or None}
    return await _act(request, path_id(alarm_id), form, service.add_note, body, "The note was added.")


async def _act(
    request: Request[Any, Any, Any],
    alarm_id: int,
    form: Sent,
    action: Callable[..., object],
    body: Mapping[str, object],
    said: str,
) -> ASGIResponse:
    """Do it, and go on to where the form was."""
    try:
        await perform(request, lambda tx, by, now: action(tx, by.account_id, alarm_id, body, now, by=by))
    except service.AlreadyDone as error:
        said = f"{error.text} already."
    except Invalid as error:
        # The one field for what is written is the form's `note`, whatever it is for.
        errors = {"note" if name == "text" else name: found for name, found in error.errors.items()}
        return await show_alarm(request, alarm_id, Form({"note": form.text("note")}, errors))
    return go(request, local_path(form.text("next")) or f"/console/alarms/{alarm_id}", said)


COMMAND_HANDLERS: Final = (acknowledge, close, assign, note)
